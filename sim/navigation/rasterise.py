"""Triangles to the cells of a floor plan that they touch, and how high they reach in each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_UPRIGHT = 0.02
"""Triangles whose plane is steeper than this cosine count as vertical."""


@dataclass(frozen=True, eq=False)
class Fragments:
    """The piece of each triangle over each cell that it touches.

    Args:
        triangle: int64 [F].
        row: int64 [F].
        column: int64 [F].
        low_m: float64 [F], not above the lowest point of the piece.
        high_m: float64 [F], not below the highest point of the piece.
    """

    triangle: Ints
    row: Ints
    column: Ints
    low_m: Floats
    high_m: Floats


def rasterise(corners: Floats) -> Fragments:
    """Every cell that triangles touch, however thin they are.

    A triangle is cut into strips one row of cells high; what remains is convex, so the cells between its least and
    greatest column are exactly those it touches. Heights are those of the triangle's plane over the cell, and for
    vertical triangles those of their edges in it.

    Args:
        corners: float64 [T, 3, 3]: column and row in cells, height in metres; none negative in the first two.
    """
    # Corners first and triangles last, so that what runs over three corners is three long operations.
    corners = np.ascontiguousarray(corners.transpose(1, 2, 0))
    triangle, row = _spread(np.floor(corners[:, 1].min(axis=0)), np.floor(corners[:, 1].max(axis=0)))
    start = corners[:, :2, triangle]
    end = np.roll(start, -1, axis=0)
    enter, leave = _clip(start[:, 1], end[:, 1], row)
    way = end[:, 0] - start[:, 0]
    reach = np.concatenate([start[:, 0] + enter * way, start[:, 0] + leave * way])
    inside = np.tile(enter <= leave, (2, 1))
    left = np.where(inside, reach, np.inf).min(axis=0)
    right = np.where(inside, reach, -np.inf).max(axis=0)
    strip, column = _spread(np.floor(left), np.floor(right))
    triangle, row = triangle[strip], row[strip]
    low, high = _heights(corners, triangle, row, column)
    return Fragments(triangle, row, column, low, high)


def _spread(first: Floats, last: Floats) -> tuple[Ints, Ints]:
    """For ranges first..last, both included: the index of the range and the number, for every number in it."""
    first_int = first.astype(np.int64)
    counts = last.astype(np.int64) - first_int + 1
    index = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    return index, first_int[index] + within


def _clip(start: Floats, end: Floats, cell: Ints) -> tuple[Floats, Floats]:
    """Fractions of the way from start to end between which it lies in [cell, cell + 1]; empty where enter > leave."""
    way = end - start
    still = way == 0
    safe = np.where(still, 1.0, way)
    one, two = (cell - start) / safe, (cell + 1 - start) / safe
    within = (start >= cell) & (start <= cell + 1)
    enter = np.where(still, np.where(within, 0.0, 2.0), np.maximum(np.minimum(one, two), 0.0))
    leave = np.where(still, np.where(within, 1.0, -1.0), np.minimum(np.maximum(one, two), 1.0))
    return enter, leave


def _heights(corners: Floats, triangle: Ints, row: Ints, column: Ints) -> tuple[Floats, Floats]:
    """Least and greatest height of triangles, given as [3 corners, 3 coordinates, T], over cells."""
    lowest, highest = corners[:, 2].min(axis=0), corners[:, 2].max(axis=0)
    low, high = lowest[triangle], highest[triangle]
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0], axis=0)
    tilted = highest - lowest > 1e-3
    upright = np.abs(normal[2]) <= _UPRIGHT * np.maximum(np.linalg.norm(normal, axis=0), 1e-30)

    pick = np.flatnonzero((tilted & ~upright)[triangle])
    of = triangle[pick]
    slope = -normal[:2, of] / normal[2, of]
    middle = np.stack([column[pick] + 0.5, row[pick] + 0.5])
    centre = corners[0, 2, of] + ((middle - corners[0, :2, of].T) * slope).sum(axis=0)
    half = np.abs(slope).sum(axis=0) / 2
    low[pick] = np.clip(centre - half, lowest[of], highest[of])
    high[pick] = np.clip(centre + half, lowest[of], highest[of])

    pick = np.flatnonzero((tilted & upright)[triangle])
    start = corners[:, :, triangle[pick]]
    end = np.roll(start, -1, axis=0)
    enter, leave = _clip(start[:, 1], end[:, 1], row[pick])
    enter_too, leave_too = _clip(start[:, 0], end[:, 0], column[pick])
    enter, leave = np.maximum(enter, enter_too), np.minimum(leave, leave_too)
    inside = np.tile(enter <= leave, (2, 1))
    rise = end[:, 2] - start[:, 2]
    at = np.concatenate([start[:, 2] + enter * rise, start[:, 2] + leave * rise])
    found = inside.any(axis=0)
    low[pick[found]] = np.where(inside, at, np.inf).min(axis=0)[found]
    high[pick[found]] = np.where(inside, at, -np.inf).max(axis=0)[found]
    return low, high
