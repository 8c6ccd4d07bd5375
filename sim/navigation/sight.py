"""Lines of sight over a grid of blocked cells, exact and many at once.

Points are (column, row) in cells, so that cell (r, c) is the square [c, c + 1] x [r, r + 1]. The free space is closed:
a line may run along the edge of a blocked cell and touch its corners, and is cut by the inside of one.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

TOUCH = 1e-6
"""How deep, in cells, a line may lie within a blocked cell and still count as touching it."""

_SAMPLES = tuple((np.arange(1, parts, 2, dtype=np.float32) / parts)[:, None] for parts in (2, 4, 8, 16))
"""Where along a line it is looked at first; inflated obstacles are thick, so most cut lines are found so."""

Points = NDArray[np.float64]


class SightLines:
    """Answers which points of a grid see each other.

    Blocked cells are counted from the start of every row and column, so that a line costs one look-up for each row it
    crosses, or for each column if those are fewer.

    Args:
        blocked: bool [R, C]; the outermost cells are blocked, and no two blocked cells touch by a corner alone.
    """

    def __init__(self, blocked: NDArray[np.bool_]) -> None:
        self.blocked = blocked
        # Where four blocked cells meet, all that lies nearer to that point than to another such point is blocked.
        self._deep = _both_sides(_both_sides(blocked).T).T.copy()
        inside = [_counts(blocked), _counts(blocked.T)]
        between = [_counts(_both_sides(blocked)), _counts(_both_sides(blocked.T))]
        tables = [*inside, *between]
        self._table = np.concatenate([table.ravel() for table in tables])
        self._base = np.cumsum([0, *(table.size for table in tables[:-1])])
        self._stride = np.array([table.shape[1] for table in tables])

    def visible(self, start: Points, end: Points) -> NDArray[np.bool_]:
        """Whether, bool [N], the straight lines from start [N, 2] to end [N, 2] stay in free space."""
        lanes = self.likely(start, end)
        result = np.zeros(len(start), dtype=bool)
        result[lanes] = self.certain(start[lanes], end[lanes])
        return result

    def likely(self, start: Points, end: Points) -> NDArray[np.intp]:
        """Indices of the lines of which no sample lies in a blocked cell; those left out are surely cut."""
        lanes = np.arange(len(start))
        column, row = (start.astype(np.float32) + np.float32(0.5)).T
        right, down = (end - start).astype(np.float32).T
        for fractions in _SAMPLES:
            at = (row + fractions * down).astype(np.int32) * self._deep.shape[1]
            at += (column + fractions * right).astype(np.int32)
            kept = np.flatnonzero(~self._deep.ravel()[at].any(axis=0))
            lanes, column, row, right, down = (array[kept] for array in (lanes, column, row, right, down))
        return lanes

    def glimpsed(self, square: Points, side: float, points: Points) -> NDArray[np.bool_]:
        """False, in bool [N], for points [N, 2] that no point of a square sees, as far as is cheap to tell.

        A line from a point to somewhere in the square passes, at the fraction t of its length, within t times the
        square's half diagonal of the line to the middle; if all that is blocked there, no such line is clear.

        Args:
            square: [2], its middle.
            side: Its side, cells.
            points: [N, 2].
        """
        fractions = np.arange(1, 32, dtype=np.float32)[:, None] / 32
        column, row = (points.T[:, None] + fractions * (square - points).T[:, None]).astype(np.float32)
        depth = self._depth[np.rint(row).astype(np.int32), np.rint(column).astype(np.int32)]
        return np.asarray((depth <= fractions * np.float32(side * 0.7072) + np.float32(0.7072)).all(axis=0))

    @cached_property
    def _depth(self) -> NDArray[np.float32]:
        """float32 [R + 1, C + 1]: distance from where four cells meet to the nearest point of a free cell."""
        free_around = ~self._deep
        return np.asarray(ndimage.distance_transform_edt(~np.pad(free_around, 1)), dtype=np.float32)[1:-1, 1:-1]

    def certain(self, start: Points, end: Points) -> NDArray[np.bool_]:
        """Whether, bool [N], every cell that a line from start [N, 2] to end [N, 2] passes through is free."""
        if len(start) == 0:
            return np.zeros(0, dtype=bool)
        upright = np.abs(end[:, 1] - start[:, 1]) > np.abs(end[:, 0] - start[:, 0])
        # From here "u" runs along the line's longer side and "v" across it; a "strip" is one cell wide in v.
        start = np.where(upright[:, None], start[:, ::-1], start)
        end = np.where(upright[:, None], end[:, ::-1], end)
        falls = (end[:, 1] < start[:, 1])[:, None]
        low, high = np.where(falls, end, start), np.where(falls, start, end)
        first = np.floor(low[:, 1] + TOUCH).astype(np.int64)
        strips = np.ceil(high[:, 1] - TOUCH).astype(np.int64) - first
        on_edge = strips <= 0
        first[on_edge] = np.rint(low[on_edge, 1]).astype(np.int64)
        strips = np.maximum(strips, 1)
        table = upright + 2 * on_edge

        lane = np.repeat(np.arange(len(start)), strips)
        strip = first[lane] + np.arange(len(lane)) - np.repeat(np.cumsum(strips) - strips, strips)
        rise = high[:, 1] - low[:, 1]
        slope = (high[:, 0] - low[:, 0]) / np.where(strips > 1, rise, 1.0)
        low_u, low_v, slope_u = low[lane, 0], low[lane, 1], slope[lane]
        enter = low_u + slope_u * np.maximum(strip - low_v, 0.0)
        leave = np.where(strip + 1 < high[lane, 1], low_u + slope_u * (strip + 1 - low_v), high[lane, 0])
        begin = np.floor(np.minimum(enter, leave) + TOUCH).astype(np.int64)
        stop = np.maximum(np.ceil(np.maximum(enter, leave) - TOUCH).astype(np.int64), begin)
        offset = self._base[table][lane] + strip * self._stride[table][lane]
        cut = self._table[offset + stop] != self._table[offset + begin]
        clear = np.ones(len(start), dtype=bool)
        clear[lane[cut]] = False
        return clear


def _counts(blocked: NDArray[np.bool_]) -> NDArray[np.int32]:
    """int32 [R, C + 1]: how many cells of each row are blocked before each column."""
    return np.pad(np.cumsum(blocked, axis=1, dtype=np.int32), ((0, 0), (1, 0)))


def _both_sides(blocked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether, bool [R + 1, C], the cells above and below each horizontal cell edge are both blocked."""
    padded = np.pad(blocked, ((1, 1), (0, 0)), constant_values=True)
    return padded[1:] & padded[:-1]
