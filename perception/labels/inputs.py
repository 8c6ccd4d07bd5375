"""Inputs of tasks that do not look at the plain picture; made on the fly, never stored.

Each takes and returns a picture, uint8 [H, W, 3].
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception.errors import UserError
from perception.labels.view import LUMA

NOISE_SIGMA = 25.0
"""Standard deviation of the noise, grey levels of 255: the customary level of denoising benchmarks."""


def noisy(rgb: NDArray[np.uint8], rng: np.random.Generator, sigma: float = NOISE_SIGMA) -> NDArray[np.uint8]:
    """The picture with independent Gaussian noise of `sigma` grey levels in every channel, rounded and clipped."""
    noise = rng.standard_normal(rgb.shape, dtype=np.float32) * np.float32(sigma)
    return np.asarray(np.rint(np.clip(rgb + noise, 0, 255)).astype(np.uint8))


def mask_rows_columns(height: int, width: int) -> tuple[slice, slice]:
    """The masked part of `masked`: the middle half of the rows and of the columns."""
    return slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)


def masked(rgb: NDArray[np.uint8], fill: int = 128) -> NDArray[np.uint8]:
    """The picture with its middle half of rows and columns set to `fill`."""
    result = rgb.copy()
    result[mask_rows_columns(*rgb.shape[:2])] = fill
    return result


def grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture's luma (BT.601) in all three channels."""
    luma = np.rint(rgb @ LUMA).astype(np.uint8)
    return np.repeat(luma[..., None], 3, axis=2)


def shuffled(rgb: NDArray[np.uint8], permutation: ArrayLike) -> NDArray[np.uint8]:
    """The picture cut into 3 x 3 tiles, tile `permutation[k]` put in place k (row by row).

    Where a side is no multiple of 3, its one or two last pixels stay where they are.

    Raises:
        UserError: If a side has fewer than 3 pixels, or `permutation` is not one of 0 to 8.
    """
    order = np.asarray(permutation)
    if sorted(order.tolist()) != list(range(9)):
        raise UserError(f"permutation {order.tolist()}; expected the numbers 0 to 8, each once.")
    height, width = rgb.shape[0] // 3, rgb.shape[1] // 3
    if not (height and width):
        raise UserError(f"a picture of {rgb.shape[1]} x {rgb.shape[0]} pixels has no 3 x 3 tiles; expected 3 a side.")
    result = rgb.copy()
    tiles = rgb[: 3 * height, : 3 * width].reshape(3, height, 3, width, -1).swapaxes(1, 2).reshape(9, height, width, -1)
    moved = tiles[order].reshape(3, 3, height, width, -1).swapaxes(1, 2)
    result[: 3 * height, : 3 * width] = moved.reshape(3 * height, 3 * width, -1)
    return result
