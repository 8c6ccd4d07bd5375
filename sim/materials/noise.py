"""Random fields that repeat without a seam: what every texture is mixed from."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
"""Floats [H, W]; float32 unless a scalar widened them."""

_BANK = 4


def noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    slope: float = 1.0,
    stretch: tuple[int, int] = (1, 1),
    lowest: float = 0.0,
) -> Field:
    """A Gaussian field of mean 0 and standard deviation 1 that repeats at its borders.

    White noise shaped in the frequency domain (spectral synthesis: Ebert et al.,
    "Texturing and Modeling", 2003, ch. 2).
    A few fields of each kind are kept; a draw takes one of them, shifted and mirrored.

    Args:
        rng: What the field depends on.
        shape: H, W.
        slope: Amplitude falls with frequency^-slope: 0 is grains of sand, 1 is mottled, 3 is clouds.
        stretch: How many times longer features are along v and u than they would be.
        lowest: Frequencies below this many repeats are left out, so that no single blotch betrays the repeat.
    """
    field = _field(shape, slope, stretch, lowest, int(rng.integers(_BANK)))
    mirrored = field[:: 1 - 2 * int(rng.integers(2)), :: 1 - 2 * int(rng.integers(2))]
    return np.roll(mirrored, (int(rng.integers(shape[0])), int(rng.integers(shape[1]))), axis=(0, 1))


@lru_cache(maxsize=160)
def _field(shape: tuple[int, int], slope: float, stretch: tuple[int, int], lowest: float, index: int) -> Field:
    white = np.random.default_rng([index, *shape]).standard_normal(shape, dtype=np.float32)
    v = np.fft.fftfreq(shape[0], 1 / shape[0]).astype(np.float32)[:, None] * stretch[0]
    u = np.fft.rfftfreq(shape[1], 1 / shape[1]).astype(np.float32)[None, :] * stretch[1]
    frequency = np.hypot(v, u)
    frequency[0, 0] = 1.0
    gain = frequency**-slope * (frequency >= lowest)
    gain[0, 0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(white) * gain, s=shape)
    field /= field.std()
    field.setflags(write=False)
    return np.asarray(field, dtype=np.float32)


def texel_centers(shape: tuple[int, int]) -> tuple[Field, Field]:
    """The v [H, 1] and u [1, W] of the texels of one repeat, in (0, 1)."""
    v = (np.arange(shape[0], dtype=np.float32)[:, None] + 0.5) / shape[0]
    u = (np.arange(shape[1], dtype=np.float32)[None, :] + 0.5) / shape[1]
    return v, u


def wrapped(distance: Field) -> Field:
    """Distances on the unit torus: -0.5 .. 0.5 for any difference of two coordinates."""
    return np.subtract(distance, np.round(distance))
