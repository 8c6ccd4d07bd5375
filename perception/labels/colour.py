"""CIE L*a*b* colours of sRGB pictures, and the colour bins of the colorization task."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception.labels.view import Label, View, everywhere

BIN_SIZE = 10
"""Side of a bin in a and b."""

_BINS_OF_A = (
    (-9, 8, 8), (-8, 4, 8), (-7, 2, 9), (-6, 0, 9), (-5, -2, 9), (-4, -3, 9), (-3, -4, 9), (-2, -4, 9), (-1, -5, 9),
    (0, -6, 9), (1, -7, 8), (2, -7, 8), (3, -8, 8), (4, -9, 8), (5, -9, 7), (6, -10, 7), (7, -11, 7), (8, -11, 7),
    (9, -9, 0), (10, -7, -5),
)  # fmt: skip
"""For each a of a bin's centre, the least and greatest b, in units of `BIN_SIZE`: where 8-bit colours lie."""

_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]], np.float32
)
"""Linear sRGB to CIE XYZ (IEC 61966-2-1)."""

_WHITE = _TO_XYZ.sum(axis=1)


@lru_cache(maxsize=1)
def colour_bins() -> NDArray[np.float32]:
    """Centres (a, b) of the bins, float32 [261, 2], read-only.

    The grid of Zhang et al. (2016), centres at the multiples of 10, restricted to the cells that hold a colour of 8-bit
    sRGB: 261. (They count 313 by a wider notion of the gamut; no sRGB pixel falls into the others.)
    """
    bins = [(a, b) for a, lowest, highest in _BINS_OF_A for b in range(lowest, highest + 1)]
    centres = np.array(bins, np.float32) * BIN_SIZE
    centres.flags.writeable = False
    return centres


@lru_cache(maxsize=1)
def _bin_index() -> NDArray[np.int16]:
    """int16 [23, 23]: bin of each grid cell (a, b), -1 where no colour lies."""
    index = np.full((23, 23), -1, np.int16)
    cells = (colour_bins() / BIN_SIZE + 11).astype(int)
    index[cells[:, 0], cells[:, 1]] = np.arange(len(cells))
    return index


@lru_cache(maxsize=1)
def _linear() -> NDArray[np.float32]:
    """float32 [256]: linear light of each sRGB level."""
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


def lab_from_srgb(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE L*a*b* (D65) of 8-bit sRGB, float32 [..., 3]; L in [0, 100]."""
    ratio = _linear()[rgb] @ (_TO_XYZ.T / _WHITE)
    x, y, z = np.moveaxis(np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32, copy=False)


def colorization(view: View) -> Label:
    """Bin of each pixel's (a, b), int16 [H, W], index into `colour_bins()`: a and b within 5 of the bin's centre."""
    cell = np.rint(view.lab[..., 1:] / BIN_SIZE).astype(np.int8) + 11
    return everywhere(_bin_index()[cell[..., 0], cell[..., 1]])


def decode_colour(bins: ArrayLike) -> NDArray[np.float32]:
    """Centres (a, b) of bins by index, float32 [..., 2]."""
    return np.asarray(colour_bins()[np.asarray(bins)])
