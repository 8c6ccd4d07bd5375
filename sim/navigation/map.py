"""Where agents of one size can be in one building, and how far it is from there to elsewhere."""

from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from sim.building import Building
from sim.checks import check_point_count, check_points
from sim.errors import SimulatorError
from sim.navigation.geodesics import Geodesics
from sim.navigation.ground import Ground, find_ground, without_pinches
from sim.navigation.motion import Motion
from sim.navigation.sight import Points, SightLines

CELL_M = 0.05
"""Side of a cell: a third of a narrow agent's radius, as in Habitat's default navigation mesh."""

_MARGIN = 1e-3
"""Cells that points drawn or snapped keep from the edges of their cell, so that rounding does not carry them over."""

_UNKNOWN, _OBSTACLE, _NAVIGABLE = (255, 255, 255), (120, 120, 120), (214, 230, 245)


class NavigationMap:
    """The navigable area of one building for one size of agent.

    Points are [N, 3] in metres, Y up; where they go in, their height serves only to tell whether they are on this
    floor. Cells are axis-aligned squares in x and z; an agent may be anywhere in a navigable cell.

    Args:
        ground: Navigable cells and floor heights.
        name: Of the building, for errors.
        height_slack_m: How far above or below the floor a point still counts as on it.

    Raises:
        SimulatorError: If no cell is navigable.
    """

    def __init__(self, ground: Ground, *, name: str = "grid", height_slack_m: float = 0.5) -> None:
        free = without_pinches(np.pad(ground.free, 1))
        if not free.any():
            raise SimulatorError(f"building {name!r} has no navigable area; mark at least one cell as free.")
        self.name = name
        self.cell_m = ground.cell_m
        self.free = free
        self.floor_m = np.pad(ground.floor_m, 1, constant_values=np.nan)
        self._origin = np.array(ground.origin, dtype=np.float64) - ground.cell_m
        self._height_slack_m = height_slack_m
        self._sight = SightLines(~free)
        labels, count = ndimage.label(free)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
        rank = np.empty(count + 1, dtype=np.int32)
        rank[0] = -1
        rank[1 + np.argsort(-sizes, kind="stable")] = np.arange(count)
        self._islands = rank[labels]
        self._island_geodesics: dict[int, Geodesics] = {}
        self.areas_m2 = np.sort(sizes)[::-1] * self.cell_m**2

    @classmethod
    def from_building(
        cls,
        building: Building,
        *,
        radius_m: float = 0.18,
        height_m: float = 1.5,
        step_height_m: float = 0.1,
        cell_m: float = CELL_M,
    ) -> Self:
        """The navigable area of a building for an agent that is an upright cylinder.

        Args:
            building: Any; its lowest large floor is used.
            radius_m: Of the agent.
            height_m: Of the agent; what hangs higher is passed under.
            step_height_m: What it steps over.
            cell_m: Side of a cell.

        Raises:
            SimulatorError: If the agent can stand nowhere, a size is not positive, or the building is too large.
        """
        sizes = {"radius_m": radius_m, "height_m": height_m, "cell_m": cell_m, "step_height_m": step_height_m}
        for label, value in sizes.items():
            if not (np.isfinite(value) and (value > 0 or (label == "step_height_m" and value == 0))):
                raise SimulatorError(f"navigation {label} is {value}; a positive number is expected.")
        ground = find_ground(building, radius_m=radius_m, height_m=height_m, step_height_m=step_height_m, cell_m=cell_m)
        return cls(ground, name=building.name)

    @classmethod
    def from_grid(
        cls,
        free: ArrayLike,
        *,
        cell_m: float = CELL_M,
        origin: tuple[float, float] = (0.0, 0.0),
        floor_m: float | NDArray[np.float32] = 0.0,
    ) -> Self:
        """A map from cells drawn by hand.

        Args:
            free: bool [R, C]; rows along +Z, columns along +X. Free cells that meet by a corner alone are parted by
                blocking one of them.
            cell_m: Side of a cell.
            origin: x and z of the least corner of cell (0, 0).
            floor_m: Height of the floor, one for all or [R, C].

        Raises:
            SimulatorError: If nothing is free, or `free` is not a plane of cells.
        """
        cells = np.asarray(free, dtype=bool)
        if cells.ndim != 2:
            raise SimulatorError(f"a grid of cells has shape {cells.shape}; [rows, columns] is expected.")
        floor = np.broadcast_to(np.asarray(floor_m, dtype=np.float32), cells.shape)
        return cls(Ground(cells, floor, origin, cell_m))

    def is_navigable(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Whether, bool [N], an agent can stand at points [N, 3]."""
        return self.island(points) >= 0

    def island(self, points: ArrayLike) -> NDArray[np.int32]:
        """int32 [N]: the connected area of points [N, 3], 0 the largest; -1 where an agent cannot stand."""
        array = check_points(points)
        row, column, inside = self._cells(array)
        found = np.where(inside, self._islands[row, column], -1)
        near = np.abs(array[:, 1] - self.floor_m[row, column]) <= self._height_slack_m
        return np.where(near, found, -1).astype(np.int32)

    def height_at(self, points: ArrayLike) -> NDArray[np.float32]:
        """float32 [N]: height of the floor under or over points [N, 3], metres; NaN where there is none."""
        row, column, inside = self._cells(check_points(points))
        return np.where(inside, self.floor_m[row, column], np.float32(np.nan))

    def random_points(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """float32 [count, 3]: points on the floor of the largest island, even over its area.

        Raises:
            SimulatorError: If the count is negative, or no whole number.
        """
        check_point_count(count)
        cells = np.argwhere(self._islands == 0)
        chosen = cells[rng.integers(len(cells), size=count)]
        within = rng.uniform(_MARGIN, 1 - _MARGIN, size=(count, 2))
        return self._to_points(chosen[:, ::-1] + within)

    def snap(self, points: ArrayLike) -> NDArray[np.float32]:
        """float32 [N, 3]: the navigable points nearest to points [N, 3] in x and z, on the floor."""
        plan = self._to_plan(check_points(points))
        cells, tree = self._nearest
        _, index = tree.query(plan, k=min(8, len(cells)))
        squares = cells[np.reshape(index, (len(plan), -1))].astype(np.float64)
        held = np.clip(plan[:, None], squares + _MARGIN, squares + 1 - _MARGIN)
        best = np.linalg.norm(held - plan[:, None], axis=2).argmin(axis=1)
        return self._to_points(held[np.arange(len(plan)), best])

    def geodesic_distance(self, starts: ArrayLike, goals: ArrayLike) -> NDArray[np.float32]:
        """Lengths of the shortest walks, exact on the free cells, bends in between at any angle.

        What leads to one goal is kept, so that asking for it again is quick, and all starts of it are one look-up.

        Args:
            starts: [N, 3].
            goals: [N, 3] or [3].

        Returns:
            float32 [N], metres; inf where there is no walk, or an end is not navigable.
        """
        start, goal = check_points(starts), check_points(goals)
        if len(start) != len(goal):
            if 1 not in (len(start), len(goal)):
                raise SimulatorError(
                    f"{len(start)} starts and {len(goal)} goals; as many of both, or one, is expected."
                )
            start, goal = np.broadcast_arrays(start, goal)
        island = self.island(start)
        result = np.full(len(start), np.inf, dtype=np.float32)
        joined = (island >= 0) & (island == self.island(goal))
        for index in np.unique(island[joined]):
            lanes = np.flatnonzero(joined & (island == index))
            ends = self._to_plan(start[lanes]), self._to_plan(goal[lanes])
            result[lanes] = self._geodesics(int(index)).distances(*ends)
        return result

    def shortest_path(self, start: ArrayLike, goal: ArrayLike) -> NDArray[np.float32]:
        """float32 [P, 3]: corners of the shortest walk from start [3] to goal [3]; [0, 3] where there is none."""
        ends = np.stack([check_points(start)[0], check_points(goal)[0]])
        first, last = self.island(ends)
        if first < 0 or first != last:
            return np.zeros((0, 3), dtype=np.float32)
        begin, end = self._to_plan(ends)
        path, heights = self._geodesics(int(first)).path(begin, end)
        points = self._to_points(path, heights)
        if len(points) > 2:  # a corner is an obstacle's own: stand just beside it
            points[1:-1, [0, 2]] = self.snap(points[1:-1])[:, [0, 2]]
        return points

    def try_step(
        self, positions: ArrayLike, displacements: ArrayLike, *, sliding: bool = True
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Move agents as far as they can go.

        Args:
            positions: [N, 3], navigable.
            displacements: [N, 2] (x, z) or [N, 3], whose y is not used; metres.
            sliding: Whether agents slide along what they meet, or stop there.

        Returns:
            float32 [N, 3], where they end, on the floor of the same island; bool [N], which met something.

        Raises:
            SimulatorError: If a position is not navigable, or shapes do not fit.
        """
        begin = check_points(positions)
        ways = np.asarray(displacements, dtype=np.float64)
        if ways.shape not in ((len(begin), 2), (len(begin), 3)) or not np.isfinite(ways).all():
            raise SimulatorError(
                f"displacements have shape {ways.shape} or are not finite; finite [{len(begin)}, 2] or "
                f"[{len(begin)}, 3] is expected."
            )
        lost = np.flatnonzero(~self.is_navigable(begin))
        if len(lost):
            raise SimulatorError(f"position {begin[lost[0]].round(3).tolist()} is not navigable; snap it first.")
        plan = self._to_plan(begin)
        ends, met = self._motion.move(plan, ways[:, [0, -1]] / self.cell_m, sliding=sliding)
        after = self._to_points(ends)
        # Rounding to float32 may carry an end over the edge of its cell into a blocked one; such an agent stays.
        astray = ~self.is_navigable(after)
        after[astray] = begin[astray].astype(np.float32)
        return after, met | astray

    def top_down(self, metres_per_pixel: float = CELL_M) -> NDArray[np.uint8]:
        """uint8 [H, W, 3]: the map from above, +X right and +Z down.

        Navigable cells are pale blue, other floor grey, the rest white.

        Raises:
            SimulatorError: If the scale is not positive, or the picture would have a side of more than 16384 pixels.
        """
        rows, columns = self.free.shape
        size = np.array([rows, columns]) * self.cell_m / metres_per_pixel if metres_per_pixel > 0 else np.inf
        if not np.all(np.asarray(size) <= 16384):
            raise SimulatorError(
                f"metres_per_pixel is {metres_per_pixel}; a number that gives <= 16384 pixels is expected."
            )
        height, width = np.maximum(np.ceil(size), 1).astype(int)
        row = np.minimum(((np.arange(height) + 0.5) * metres_per_pixel / self.cell_m).astype(int), rows - 1)
        column = np.minimum(((np.arange(width) + 0.5) * metres_per_pixel / self.cell_m).astype(int), columns - 1)
        kind = np.where(self.free, 2, np.where(np.isnan(self.floor_m), 0, 1))
        return np.array([_UNKNOWN, _OBSTACLE, _NAVIGABLE], dtype=np.uint8)[kind[np.ix_(row, column)]]

    def to_pixels(self, points: ArrayLike, metres_per_pixel: float = CELL_M) -> NDArray[np.float32]:
        """float32 [N, 2]: (column, row) of points [N, 3] in the picture of `top_down` at the same scale."""
        return (self._to_plan(check_points(points)) * (self.cell_m / metres_per_pixel)).astype(np.float32)

    def _geodesics(self, island: int) -> Geodesics:
        """Shortest paths on one island, made when first asked for."""
        if island not in self._island_geodesics:
            cells = self._islands == island
            self._island_geodesics[island] = Geodesics(self._sight, self.floor_m, cells, self.cell_m)
        return self._island_geodesics[island]

    @cached_property
    def _motion(self) -> Motion:
        return Motion(self._sight)

    @cached_property
    def _nearest(self) -> tuple[NDArray[np.int64], KDTree]:
        """(column, row) of every free cell, and a tree of their middles."""
        cells = np.argwhere(self.free)[:, ::-1]
        return cells, KDTree(cells + 0.5)

    def _to_plan(self, points: Points) -> Points:
        """Points [N, 3] as (column, row) [N, 2] in cells."""
        return (points[:, [0, 2]] - self._origin) / self.cell_m

    def _to_points(self, plan: Points, heights: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
        """(column, row) [N, 2] in cells as points [N, 3], on the floor unless heights are given."""
        x, z = (plan * self.cell_m + self._origin).T
        if heights is None:
            column, row = plan.astype(np.int64).T
            heights = self.floor_m[row, column].astype(np.float64)
        return np.stack([x, heights, z], axis=1).astype(np.float32)

    def _cells(self, points: Points) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Row and column of points [N, 3], kept within the grid, and whether they lie in it."""
        rows, columns = self.free.shape
        plan = np.floor(self._to_plan(points))
        held = np.clip(plan, 0, (columns - 1, rows - 1))
        column, row = held.astype(np.int64).T
        return row, column, (plan == held).all(axis=1)
