"""Steps of agents through free space, until they meet something or along it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sim.navigation.sight import Points, SightLines

_PIECE_SLIDING, _PIECE_STOPPING = 0.5, 0.1
"""Cells that an agent which is about to meet something advances at a time; less than 1."""

_TURNS_RAD = np.deg2rad([0.0, 15.0, 40.0, 65.0, 90.0])[:, None]
"""How far from a wall an agent may veer to follow it over the teeth of the grid; the least that will do is taken."""


class Motion:
    """Moves points of free space, given as float64 [N, 2], (column, row) in cells.

    Args:
        sight: Over the free space.
    """

    def __init__(self, sight: SightLines) -> None:
        self._sight = sight
        free = ndimage.gaussian_filter((~sight.blocked).astype(np.float32), 2.0)
        self._away = np.stack([ndimage.sobel(free, axis=1), ndimage.sobel(free, axis=0)], axis=-1)

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
        """As `passes`, for points in free cells and targets less than a cell away."""
        blocked = self._sight.blocked
        (x, z), (to_x, to_z) = points.T, targets.T
        column, row = points.astype(np.int64).T
        to_column, to_row = targets.astype(np.int64).T
        # A hop over both a column's and a row's edge cuts through the cell beyond the edge that it comes to first.
        edge_x, edge_z = np.maximum(column, to_column), np.maximum(row, to_row)
        column_first = np.abs((edge_x - x) * (to_z - z)) < np.abs((edge_z - z) * (to_x - x))
        between = blocked[np.where(column_first, row, to_row), np.where(column_first, to_column, column)]
        askew = (column != to_column) & (row != to_row)
        return np.asarray(~blocked[to_row, to_column] & ~(askew & between))

    def _slide(self, points: Points, ways: Points) -> Points:
        """Where points [N, 2] come by the part of their ways [N, 2] that runs along what they meet."""
        column, row = points.astype(np.int64).T
        away = self._away[row, column].astype(np.float64)
        away /= np.maximum(np.hypot(*away.T), 1e-12)[:, None]
        along = ways - np.minimum((ways * away).sum(axis=1), 0.0)[:, None] * away
        side = np.sign(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
        cos, sin = np.cos(_TURNS_RAD), np.sin(_TURNS_RAD) * side
        x, y = along.T
        targets = points + np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        passes = self._hops(np.broadcast_to(points, targets.shape).reshape(-1, 2), targets.reshape(-1, 2))
        first = passes.reshape(len(_TURNS_RAD), -1)
        chosen = targets[first.argmax(axis=0), np.arange(len(points))]
        return np.where(np.any(first, axis=0, keepdims=True).T, chosen, points)
