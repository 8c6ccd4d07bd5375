"""Labels brought to the side of a network's output."""

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError


def averaged(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Mean of each cell's valid pixels: [N, C, H, W] to [N, C, side, side]; NaN marks pixels, and cells, without one.

    Raises:
        UserError: If H or W is no multiple of `side`.
    """
    rows, columns = _cell(values.shape[2:], side)
    cells = values.reshape(*values.shape[:2], side, rows, side, columns)
    if not np.isnan(values).any():
        return np.asarray(cells.mean(axis=(3, 5), dtype=np.float32))
    known = ~np.isnan(cells)
    count = known.sum(axis=(3, 5))
    total = np.where(known, cells, 0).sum(axis=(3, 5), dtype=np.float32)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), np.float32)


def sampled(values: NDArray[np.generic], side: int) -> NDArray[np.generic]:
    """The pixel in the middle of each cell: [N, H, W] to [N, side, side].

    Raises:
        UserError: If H or W is no multiple of `side`.
    """
    rows, columns = _cell(values.shape[1:3], side)
    return values[:, rows // 2 :: rows, columns // 2 :: columns]


def _cell(size: tuple[int, ...], side: int) -> tuple[int, int]:
    height, width = size
    if height < side or height % side or width % side:
        raise UserError(
            f"labels of {width} x {height} pixels do not divide into {side} x {side} cells; use a multiple of {side}."
        )
    return height // side, width // side
