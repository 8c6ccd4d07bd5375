"""Where agents can stand and go in one building, by habitat-sim's pathfinder."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Building
from sim.checks import check_point_count, check_points
from sim.errors import SimulatorError
from sim.habitat.library import load_habitat
from sim.simulator import AgentSpec

CELL_M = 0.05
CELL_HEIGHT_M = 0.02
"""Heights are rounded up to it: habitat-sim's own 0.2 m would lift every agent by up to as much."""

HEIGHT_SLACK_M = 0.3
"""How far above or below the floor a point still counts as on it."""

_REGION_CELLS = 6
"""Islands smaller than the square of so many cells are dropped: 0.09 m^2, for closets to be found."""

_TOUCH_M = 1e-3
"""How much shorter than asked a step must be to have met something."""


class NavigationMesh:
    """The navigable area of one building; its islands are ranked by area, ceilings seen from above left out.

    Args:
        simulator: A habitat-sim simulator that has loaded the building.
        building: What it has loaded.
        spec: Size of the agent.
    """

    def __init__(self, simulator: Any, building: Building, spec: AgentSpec) -> None:
        self._habitat = load_habitat()
        self._name = building.name
        settings = self._habitat.NavMeshSettings()
        settings.set_defaults()
        settings.cell_size, settings.cell_height = CELL_M, CELL_HEIGHT_M
        settings.agent_radius, settings.agent_height = spec.radius_m, spec.height_m
        settings.agent_max_climb = spec.step_height_m
        settings.region_min_size = _REGION_CELLS
        self._finder = simulator.pathfinder
        made = simulator.recompute_navmesh(self._finder, settings) and self._finder.is_loaded
        areas = {
            island: self._finder.island_area(island)
            for island in range(self._finder.num_islands if made else 0)
            if self._is_floor(island, building, spec.height_m)
        }
        self._ranked = sorted(areas, key=lambda island: -areas[island])
        self.areas_m2 = tuple(areas[island] for island in self._ranked)

    def island(self, points: NDArray[np.float32]) -> NDArray[np.int32]:
        """int32 [N]: rank by area of the island that points [N, 3] are on; -1 where not navigable."""
        rank = {island: index for index, island in enumerate(self._ranked)}
        on_mesh = (self._finder.is_navigable(point, HEIGHT_SLACK_M) if rank else False for point in points)
        return np.array(
            [rank.get(self._finder.get_island(p), -1) if on else -1 for p, on in zip(points, on_mesh, strict=True)],
            dtype=np.int32,
        )

    def random_points(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """float32 [count, 3]: points on the largest island, even over its area.

        Drawn here from its triangles: habitat-sim's own draw depends on the C library's global generator.

        Raises:
            SimulatorError: If there is no navigable area, or the count is negative or no whole number.
        """
        check_point_count(count)
        if not self._ranked:
            raise SimulatorError(f"building {self._name!r} has no navigable area for an agent of this size.")
        corners = self._triangles(self._ranked[0])
        edges = corners[:, 1:] - corners[:, :1]
        areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
        chosen = rng.choice(len(areas), size=count, p=areas / areas.sum())
        weights = rng.uniform(size=(count, 2, 1))
        weights = np.where(weights.sum(axis=1, keepdims=True) > 1, 1 - weights, weights)  # fold the parallelogram
        points = corners[chosen, 0] + (edges[chosen] * weights).sum(axis=1)
        return np.asarray(points, dtype=np.float32)

    def geodesic_distance(self, starts: NDArray[np.float32], goals: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [N]: lengths of the shortest walks in metres, inf where there is none."""
        joined = self.island(starts)
        joined = (joined >= 0) & (joined == self.island(goals))
        pairs = zip(starts, goals, joined, strict=True)
        return np.array([self._walk(a, b)[0] if on else np.inf for a, b, on in pairs], dtype=np.float32)

    def shortest_path(self, start: NDArray[np.float32], goal: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [P, 3]: corners of the shortest walk; [0, 3] where there is none."""
        first, last = self.island(np.stack([start, goal]))
        points = self._walk(start, goal)[1] if first == last != -1 else []
        return np.array(points, dtype=np.float32).reshape(-1, 3)

    def try_step(
        self, positions: NDArray[np.float32], targets: NDArray[np.float32], sliding: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Move agents from positions [N, 3] towards targets [N, 3] as far as they can go.

        Returns:
            float32 [N, 3], where they end, as high above the mesh as before; bool [N], which met something.
        """
        move = self._finder.try_step if sliding else self._finder.try_step_no_sliding
        ends = np.empty_like(positions)
        for index, (position, target) in enumerate(zip(positions, targets, strict=True)):
            ends[index] = move(position, target)
            ends[index, 1] += position[1] - np.float32(self._finder.snap_point(position)[1])
        return ends, np.hypot(*(ends - targets)[:, [0, 2]].T) > _TOUCH_M

    def _walk(self, start: NDArray[np.float32], goal: NDArray[np.float32]) -> tuple[float, list[Any]]:
        path = self._habitat.ShortestPath()
        path.requested_start, path.requested_end = start, goal
        found = self._finder.find_path(path)
        return (path.geodesic_distance, path.points) if found else (np.inf, [])

    def _is_floor(self, island: int, building: Building, height_m: float) -> bool:
        """Not what is higher than every room's floor, nor where an agent would stick out of the building."""
        heights = self._triangles(island)[..., 1]
        if building.rooms:
            floors = np.array([room.lower[1] for room in building.rooms])
            return bool(np.abs(heights.mean() - floors).min() <= HEIGHT_SLACK_M)
        lower, upper = building.bounds[:, 1]
        return bool(heights.mean() + height_m <= upper or upper - lower < height_m)

    def _triangles(self, island: int) -> NDArray[np.float64]:
        """float64 [T, 3, 3]: corners of an island's triangles."""
        vertices = np.array(self._finder.build_navmesh_vertices(island), dtype=np.float64).reshape(-1, 3)
        return vertices[np.array(self._finder.build_navmesh_vertex_indices(island), dtype=np.int64)].reshape(-1, 3, 3)


def as_points(points: ArrayLike) -> NDArray[np.float32]:
    """Points float32 [N, 3] from [N, 3] or [3], as habitat-sim wants them.

    Raises:
        SimulatorError: If they have another shape, or are not finite.
    """
    return check_points(points).astype(np.float32)
