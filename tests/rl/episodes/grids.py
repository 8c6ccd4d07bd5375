"""A simulator of hand-drawn floor plans: what episodes need of one, and nothing else."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim import AgentSpec, Building
from sim.navigation import NavigationMap
from tests.sim.hand_made import box_room

U_SHAPE = """
...........
.#########.
.........#.
########.#.
.........#.
"""

TWO_ISLANDS = """
.....#...
.....#...
.....#...
"""


class GridSimulator:
    """Floor plans with cells of 1 m; every building looks like an empty room.

    Args:
        plans: By the building's name; bool [R, C], free cells.
    """

    def __init__(self, plans: Mapping[str, NDArray[np.bool_]]) -> None:
        self.spec = AgentSpec()
        self.buildings: tuple[Building, ...] = tuple(
            box_room((4.0 + i, 3.0, 4.0), name, lit=False) for i, name in enumerate(plans)
        )
        self.maps = [NavigationMap.from_grid(plan, cell_m=1.0) for plan in plans.values()]

    def random_navigable_points(self, count: int, rng: np.random.Generator, building: int = 0) -> NDArray[np.float32]:
        return self.maps[building].random_points(count, rng)

    def is_navigable(self, points: ArrayLike, building: int = 0) -> NDArray[np.bool_]:
        return self.maps[building].is_navigable(points)

    def island(self, points: ArrayLike, building: int = 0) -> NDArray[np.int32]:
        return self.maps[building].island(points)

    def geodesic_distance(self, starts: ArrayLike, goals: ArrayLike, building: int = 0) -> NDArray[np.float32]:
        return self.maps[building].geodesic_distance(starts, goals)
