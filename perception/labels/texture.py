"""Labels of the picture alone: the picture itself, texture edges, 2D keypoints."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perception.labels.view import Label, View, everywhere

EDGE_SIGMA = 1.0
"""Standard deviation of Canny's smoothing, pixels."""

KEYPOINT_SIZES = (9, 15, 21, 27)
"""Sides of the box filters of SURF's first octave, pixels."""


def picture(view: View) -> Label:
    """The picture, uint8 [H, W, 3]: the label of autoencoding, denoising and inpainting."""
    return everywhere(view.rgb)


def edge_texture(view: View) -> Label:
    """Gradient magnitude of the grey image as Canny (1986) has it before non-maximum suppression, float32 [H, W].

    Gaussian smoothing (`EDGE_SIGMA`), Sobel derivatives, Euclidean norm; divided by its value at a step from black to
    white, the largest possible. The image goes on as its border pixels.
    """
    from scipy import ndimage

    smooth = np.pad(view.grey, 1, mode="edge")
    for axis in (0, 1):
        smooth = ndimage.gaussian_filter1d(smooth, EDGE_SIGMA, axis=axis, mode="nearest", truncate=3.0)
    across = smooth[:, 2:] - smooth[:, :-2]
    down = smooth[2:] - smooth[:-2]
    gx = across[:-2] + 2 * across[1:-1] + across[2:]
    gy = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return everywhere(np.minimum(np.hypot(gx, gy) / _largest_gradient(), 1))


@lru_cache(maxsize=1)
def _largest_gradient() -> np.float32:
    """Response of the edge filter to a step from 0 to 1, on its brighter side or its darker side alike."""
    from scipy import ndimage

    step = np.repeat([0.0, 1.0], 16)
    smooth = ndimage.gaussian_filter1d(step, EDGE_SIGMA, truncate=3.0)
    return np.float32(4 * (smooth[2:] - smooth[:-2]).max())


def keypoints2d(view: View) -> Label:
    """SURF's blob response before suppression (Bay et al. 2008), float32 [H, W] in [0, 1].

    Largest over the filter sizes of sqrt(max(0, Dxx Dyy - (0.9 Dxy)^2)), second derivatives by box filters; the root
    makes it proportional to contrast. Divided by the largest that any picture can give, a black or white blob of the
    filter's size. The image goes on as its border pixels.
    """
    margin = max(KEYPOINT_SIZES) // 2
    padded = np.pad(view.grey, margin, mode="edge")
    integral = np.zeros((padded.shape[0] + 1, padded.shape[1] + 1))
    integral[1:, 1:] = padded.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    shape = (view.height, view.width)
    best = np.zeros(shape, np.float32)
    for size in KEYPOINT_SIZES:
        np.maximum(best, _hessian_determinant(integral, margin, shape, size), out=best)
    return everywhere(np.sqrt(best))


def _hessian_determinant(
    integral: NDArray[np.float64], margin: int, shape: tuple[int, int], size: int
) -> NDArray[np.float32]:
    """Dxx Dyy - (0.9 Dxy)^2, float32 [H, W], as a share of the largest possible."""
    lobe = size // 3

    def box(top: int, left: int, height: int, width: int) -> NDArray[np.float32]:
        """Sum over a box whose upper left pixel lies (top, left) from each pixel."""
        rows, columns = ([slice(margin + o, margin + o + n) for o in (first, first + extent)]
                         for first, extent, n in ((top, height, shape[0]), (left, width, shape[1])))  # fmt: skip
        a, b = integral[rows[0]], integral[rows[1]]
        return (b[:, columns[1]] - b[:, columns[0]] - a[:, columns[1]] + a[:, columns[0]]).astype(np.float32)

    half, inner = size // 2, lobe // 2
    dxx = box(1 - lobe, -half, 2 * lobe - 1, size) - 3 * box(1 - lobe, -inner, 2 * lobe - 1, lobe)
    dyy = box(-half, 1 - lobe, size, 2 * lobe - 1) - 3 * box(-inner, 1 - lobe, lobe, 2 * lobe - 1)
    dxy = box(-lobe, 1, lobe, lobe) + box(1, -lobe, lobe, lobe) - box(-lobe, -lobe, lobe, lobe) - box(1, 1, lobe, lobe)
    scale = np.float32(1 / _largest_blob(size) ** 2)
    return np.asarray((dxx * dyy - np.float32(0.81) * dxy * dxy) * scale)


@lru_cache(maxsize=8)
def _largest_blob(size: int) -> float:
    """Largest sqrt(Dxx Dyy) of a picture in [0, 1]: half the largest Dxx + Dyy, where both are equal."""
    lobe, half = size // 3, size // 2
    offset = np.abs(np.arange(size) - half)
    second = np.where(offset <= lobe // 2, -2, 1)
    across = np.where(offset < lobe, 1, 0)
    weights = across[:, None] * second + second[:, None] * across
    return float(weights[weights > 0].sum() / 2)
