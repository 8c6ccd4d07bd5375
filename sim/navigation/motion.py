"""Steps of agents through free space, until they meet something or along it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sim.navigation.sight import Points, SightLines

_PIECE_SLIDING, _PIECE_STOPPING = 0.5, 0.1
"""Cells that an agent which is about to meet something advances at a time; less than 1."""

_TURNS_RAD = np.deg2rad([0.0, 15.0, 40.0, 65.0, 90.0])[:, None]
"""How far from a wall an agent may veer to follow it over the teeth of the grid; the least that will do is taken."""

_COS, _SIN = np.cos(_TURNS_RAD), np.sin(_TURNS_RAD)


class Motion:
    """Moves points of free space, given as float64 [N, 2], (column, row) in cells.

    Args:
        sight: Over the free space.
    """

    def __init__(self, sight: SightLines) -> None:
        self._sight = sight
        free = ndimage.gaussian_filter((~sight.blocked).astype(np.float32), 2.0)
        away = np.stack([ndimage.sobel(free, axis=1), ndimage.sobel(free, axis=0)], axis=-1).astype(np.float64)
        self._away = away / np.maximum(np.hypot(away[..., :1], away[..., 1:]), 1e-12)

    def move(self, points: Points, ways: Points, *, sliding: bool) -> tuple[Points, NDArray[np.bool_]]:
        """Move points [N, 2] by ways [N, 2].

        Those that meet something go on in small pieces, until they are stuck or have used up their way.

        Returns:
            float64 [N, 2], where they end; bool [N], which met something.
        """
        # What is longer than the map is wide leads out of it, however much longer.
        length = np.hypot(*ways.T)
        most = float(sum(self._sight.blocked.shape))
        ways = ways * np.minimum(1.0, most / np.maximum(length, 1e-12))[:, None]
        ends = points + ways
        met = ~self.passes(points, ends)
        ends[met] = points[met]
        lanes = np.flatnonzero(met)
        length = np.minimum(length[lanes], most)
        pieces = np.ceil(length / (_PIECE_SLIDING if sliding else _PIECE_STOPPING)).astype(np.int64)
        parts = ways[lanes] / np.maximum(pieces, 1)[:, None]
        piece = 0
        while len(lanes):
            before = ends[lanes]
            after = before + parts
            stuck = np.flatnonzero(~self._hops(before, after))
            if len(stuck):
                after[stuck] = self._slide(before[stuck], parts[stuck]) if sliding else before[stuck]
            ends[lanes] = after
            piece += 1
            going = (after != before).any(axis=1) & (pieces > piece)
            lanes, parts, pieces = lanes[going], parts[going], pieces[going]
        return ends, met

    def passes(self, points: Points, targets: Points) -> NDArray[np.bool_]:
        """Whether, bool [N], points [N, 2] can go straight to targets [N, 2] and those lie in free cells."""
        limit = np.array(self._sight.blocked.shape[::-1]) - 1
        held = np.clip(targets, 0, limit)
        column, row = held.astype(np.int64).T
        lanes = np.flatnonzero((held == targets).all(axis=1) & ~self._sight.blocked[row, column])
        passes = np.zeros(len(points), dtype=bool)
        passes[lanes] = self._sight.certain(points[lanes], targets[lanes])
        return passes

    def _hops(self, points: Points, targets: Points) -> NDArray[np.bool_]:
        """As `passes`, bool [...], for points [N, 2] in free cells and targets [..., N, 2] less than a cell away."""
        blocked = self._sight.blocked
        cells, to_cells = points.astype(np.int64), targets.astype(np.int64)
        to_column, to_row = to_cells[..., 0], to_cells[..., 1]
        passes = ~blocked[to_row, to_column]
        askew = (cells != to_cells).all(axis=-1)
        if askew.any():
            # A hop over both a column's and a row's edge cuts through the cell beyond the edge that it comes to first.
            to_edge, way = np.maximum(cells, to_cells) - points, targets - points
            column_first = np.abs(to_edge[..., 0] * way[..., 1]) < np.abs(to_edge[..., 1] * way[..., 0])
            column, row = cells.T
            between = blocked[np.where(column_first, row, to_row), np.where(column_first, to_column, column)]
            passes &= ~(askew & between)
        return np.asarray(passes)

    def _slide(self, points: Points, ways: Points) -> Points:
        """Where points [N, 2] come by the part of their ways [N, 2] that runs along what they meet."""
        column, row = points.astype(np.int64).T
        away_x, away_y = self._away[row, column].T
        x, y = ways.T
        into = np.minimum(x * away_x + y * away_y, 0.0)
        x, y = x - into * away_x, y - into * away_y
        sin = _SIN * np.sign(x * away_y - y * away_x)
        targets = np.empty((len(_TURNS_RAD), *points.shape))
        targets[..., 0] = points[:, 0] + (_COS * x - sin * y)
        targets[..., 1] = points[:, 1] + (sin * x + _COS * y)
        passes = self._hops(points, targets)
        chosen = targets[passes.argmax(axis=0), np.arange(len(points))]
        return np.where(np.any(passes, axis=0, keepdims=True).T, chosen, points)
