"""Exact any-angle shortest paths over a grid of free cells.

A shortest path in a plane with polygonal obstacles bends only at their convex corners and only around them
(Lozano-Perez and Wesley 1979, "An algorithm for planning collision-free paths among polyhedral obstacles"), so the
corners of the blocked cells that see each other, and where a path between them can be taut, make a small graph whose
shortest paths are exact. A goal adds one node to it; its distances to all corners are the goal's field.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from sim.navigation.sight import TOUCH, Points, SightLines

MOST_FIELDS = 1024
"""Goals whose fields are kept; each takes 8 bytes per corner."""

_BLOCK = 4
"""Side, in cells, of the squares for which it is kept which corners may be seen from them."""

_NEARLY_M = 0.02
"""Ways this much longer than the shortest are looked at with it, which spares a round where that is hidden."""

_CHUNK = 1 << 12
"""Starts, and a two-hundredth of the pairs of corners, looked at together: bounds the memory in use."""


@dataclass(frozen=True, eq=False)
class Field:
    """Shortest ways from every corner of an island to one goal on it.

    Args:
        goal: float64 [2], in cells.
        height_m: Of the floor at the goal.
        distances_m: float32 [K]; inf for corners that no tight path uses.
        onward: int32 [K], the next corner on the way to the goal, K for the goal itself.
    """

    goal: Points
    height_m: float
    distances_m: NDArray[np.float32]
    onward: NDArray[np.int32]


class Geodesics:
    """Shortest paths between points of one island: a connected free space.

    Points are float64 [N, 2], (column, row) in cells, and must lie on the island. Lengths are in metres through space:
    between bends a path is straight from floor to floor.

    Args:
        sight: Over the whole grid.
        floor_m: float [R, C], floor height of the free cells.
        island: bool [R, C], the cells of the island.
        cell_m: Side of a cell.
    """

    def __init__(
        self, sight: SightLines, floor_m: NDArray[np.float32], island: NDArray[np.bool_], cell_m: float
    ) -> None:
        self._sight = sight
        self._floor_m = floor_m
        self._cell_m = cell_m
        self.corners, self._diagonal, self._heights_m = _convex_corners(island, floor_m)
        self._space = np.column_stack([self.corners * cell_m, self._heights_m]).astype(np.float32)
        self._fields: OrderedDict[tuple[float, float], Field] = OrderedDict()
        self._glimpsed: dict[tuple[int, int], NDArray[np.intp]] = {}

    def heights(self, points: Points) -> NDArray[np.float64]:
        """float64 [N]: floor heights of the cells that points [N, 2] lie in."""
        column, row = points.astype(np.int64).T
        return np.asarray(self._floor_m[row, column], dtype=np.float64)

    def field(self, goal: Points) -> Field:
        """The field of a goal [2]; the most recent `MOST_FIELDS` are kept."""
        key = (float(goal[0]), float(goal[1]))
        if key in self._fields:
            self._fields.move_to_end(key)
            return self._fields[key]
        if len(self._fields) >= MOST_FIELDS:
            self._fields.popitem(last=False)
        self._fields[key] = field = self._solve(np.array(key))
        return field

    def distances(self, starts: Points, goals: Points) -> NDArray[np.float64]:
        """float64 [N]: lengths from starts [N, 2] to goals [N, 2].

        The fewer of starts and goals that have no field yet get one; lengths are the same both ways.
        """
        ends, which = np.unique(goals, axis=0, return_inverse=True)
        if self._missing(ends) > 1:
            begins, which_begin = np.unique(starts, axis=0, return_inverse=True)
            if self._missing(begins) < self._missing(ends):
                starts, ends, which = goals, begins, which_begin
        length = np.empty(len(starts))
        order = np.argsort(which.ravel(), kind="stable")
        for begin in range(0, len(starts), _CHUNK):
            rows = order[begin : begin + _CHUNK]
            used, local = np.unique(which.ravel()[rows], return_inverse=True)
            length[rows] = self._towards(starts[rows], [self.field(ends[i]) for i in used], local)[0]
        return length

    def path(self, start: Points, goal: Points) -> tuple[Points, NDArray[np.float64]]:
        """The shortest way from start [2] to goal [2].

        Returns:
            float64 [P, 2], its corners, both ends included; float64 [P], their heights in metres.
        """
        field = self.field(goal)
        at = int(self._towards(start[None], [field], np.zeros(1, dtype=np.int64))[1][0])
        corners = []
        while at != len(self.corners):
            corners.append(at)
            at = int(field.onward[at])
        points = np.stack([start, *self.corners[corners], goal])
        return points, np.array([self.heights(start[None])[0], *self._heights_m[corners], field.height_m])

    def _missing(self, goals: Points) -> int:
        """How many goals [N, 2] have no field yet."""
        return sum((float(x), float(y)) not in self._fields for x, y in goals)

    def _towards(
        self, starts: Points, fields: list[Field], which: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Lengths from starts [N, 2] to the goals of fields[which], and the corner each heads for, K for the goal."""
        goals = np.stack([field.goal for field in fields])[which]
        rise = np.array([field.height_m for field in fields])[which] - self.heights(starts)
        length = self._straight(starts, goals, rise)
        via = np.full(len(starts), len(self.corners))
        hidden = np.flatnonzero(~self._sight.visible(starts, goals))
        if len(hidden):
            beyond = np.stack([field.distances_m for field in fields])
            via[hidden] = corner = self._best_corners(starts[hidden], beyond, which[hidden])
            rise = self._heights_m[corner] - self.heights(starts[hidden])
            length[hidden] = self._straight(starts[hidden], self.corners[corner], rise) + beyond[which[hidden], corner]
        return length, via

    def _best_corners(self, starts: Points, beyond: NDArray[np.float32], which: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64 [N]: of the corners that each start sees, that over which the way to its goal is shortest."""
        row, corner = self._tight(starts)
        space = np.column_stack([starts * self._cell_m, self.heights(starts)]).astype(np.float32)
        way = self._space[corner] - space[row]
        value = np.sqrt((way * way).sum(axis=1)) + beyond[which[row], corner]
        lanes = self._sight.likely(starts[row], self.corners[corner])
        row, corner, value = row[lanes], corner[lanes], value[lanes]
        best = np.full(len(starts), -1)
        while len(row):
            first = np.flatnonzero(np.diff(row, prepend=-1))
            least = np.repeat(np.minimum.reduceat(value, first), np.diff(first, append=len(row)))
            tried = np.flatnonzero(value <= least + _NEARLY_M)
            seen = tried[self._sight.certain(starts[row[tried]], self.corners[corner[tried]])]
            seen = seen[np.argsort(-value[seen])]  # so that the shortest is written last
            best[row[seen]] = corner[seen]
            left = best[row] < 0
            left[tried] = False
            row, corner, value = row[left], corner[left], value[left]
        return best

    def _tight(self, points: Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of points [N, 2] and corners that may see each other where a path between them can be tight.

        Returns:
            int64 [L], index of the point, ascending; int64 [L], the corner.
        """
        blocks = list(map(tuple, (points // _BLOCK).astype(np.int64).tolist()))
        for block in set(blocks) - self._glimpsed.keys():
            middle = (np.array(block) + 0.5) * _BLOCK
            self._glimpsed[block] = np.flatnonzero(self._sight.glimpsed(middle, _BLOCK, self.corners))
        found = [self._glimpsed[block] for block in blocks]
        row = np.repeat(np.arange(len(points)), [len(corners) for corners in found])
        corner = np.concatenate(found)
        tight = ~_slack(self.corners[corner] - points[row], self._diagonal[corner])
        return row[tight], corner[tight]

    def _solve(self, goal: Points) -> Field:
        """Dijkstra from a goal over the corners."""
        count = len(self.corners)
        height_m = float(self.heights(goal[None])[0])
        ends = self._tight(goal[None])[1]
        ends = ends[self._sight.visible(np.broadcast_to(goal, (len(ends), 2)), self.corners[ends])]
        graph = self._graph
        joined = csr_array(
            (
                np.concatenate(
                    [graph.data, self._straight(self.corners[ends], goal, self._heights_m[ends] - height_m)]
                ),
                np.concatenate([graph.indices, ends.astype(graph.indices.dtype)]),
                np.append(graph.indptr, graph.indptr[-1] + len(ends)).astype(graph.indptr.dtype),
            ),
            shape=(count + 1, count + 1),
        )
        distances, onward = dijkstra(joined, indices=np.array(count), return_predecessors=True)
        return Field(goal, height_m, distances[:-1].astype(np.float32), onward[:-1].astype(np.int32))

    @cached_property
    def _graph(self) -> csr_array:
        """Which corners see each other where a path between them can be taut at both, with lengths in metres."""
        count = len(self.corners)
        found = [np.zeros((0, 2), dtype=np.int64)]
        chunk = max(1, 200 * _CHUNK // max(count, 1))
        for begin in range(0, count, chunk):
            rows = np.arange(begin, min(begin + chunk, count))
            way = self.corners[None] - self.corners[rows, None]
            tight = ~_slack(way, self._diagonal) & ~_slack(way, self._diagonal[rows, None])
            pairs = np.argwhere(tight & (np.arange(count) > rows[:, None])) + np.array([begin, 0])
            found.append(pairs[self._sight.visible(self.corners[pairs[:, 0]], self.corners[pairs[:, 1]])])
        i, j = np.concatenate(found).T
        length = self._straight(self.corners[i], self.corners[j], self._heights_m[i] - self._heights_m[j])
        ends = np.concatenate([i, j]), np.concatenate([j, i])
        return csr_array((np.tile(length, 2), ends), shape=(count, count))

    def _straight(self, start: Points, end: Points, rise_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64 [N]: metres in a straight line."""
        flat = np.hypot(start[:, 0] - end[..., 0], start[:, 1] - end[..., 1]) * self._cell_m
        return np.hypot(flat, rise_m)


def _slack(way: Points, diagonal: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Whether a path along `way` [..., 2] to or from a corner would leave it when pulled tight."""
    return np.asarray(way[..., 0] * way[..., 1] * diagonal > TOUCH)


def _convex_corners(
    free: NDArray[np.bool_], floor_m: NDArray[np.float32]
) -> tuple[Points, NDArray[np.int8], NDArray[np.float64]]:
    """Where one blocked cell meets three free ones.

    Returns:
        float64 [K, 2], (column, row); int8 [K], +1 where the blocked cell lies towards (+, +) or (-, -), else -1;
        float64 [K], mean floor height of the three free cells, metres.
    """
    quads = np.stack([free[:-1, :-1], free[:-1, 1:], free[1:, :-1], free[1:, 1:]])
    row, column = np.nonzero(quads.sum(axis=0) == 3)
    quad = quads[:, row, column]
    diagonal = np.where(quad[0] & quad[3], -1, 1).astype(np.int8)
    floors = np.stack([floor_m[row + i, column + j] for i in (0, 1) for j in (0, 1)]).astype(np.float64)
    heights = np.where(quad, floors, 0.0).sum(axis=0) / 3
    return np.stack([column + 1.0, row + 1.0], axis=1), diagonal, heights
