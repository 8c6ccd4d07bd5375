"""Which rooms share a wall, and which of those walls get a door."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.houses.room_types import OPEN_PLAN, door_cost

if TYPE_CHECKING:
    from sim.houses.layout import Cell

DOOR_MARGIN_M = 0.16
"""From an inner corner to a door's opening: the frame and a little wall."""
_EXTRA_DOORS = 0.25
_EXTRA_COST = 1.2


@dataclass(frozen=True)
class Contact:
    """A wall between two cells.

    Args:
        a: Index of the cell on its lower side.
        b: Index of the cell on its upper side.
        along_x: Whether the wall runs along x (and faces z).
        plane: Where its middle lies on the other axis, metres.
        low: Where the part free for an opening begins, along the wall, metres.
        high: Where it ends.
    """

    a: int
    b: int
    along_x: bool
    plane: float
    low: float
    high: float


def contacts(cells: "Sequence[Cell]", wall_m: float, door_m: float) -> tuple[Contact, ...]:
    """Every pair of cells that shares a wall wide enough for a door, in a fixed order."""
    found = []
    margin = wall_m / 2 + DOOR_MARGIN_M
    for i, a in enumerate(cells):
        for j, b in enumerate(cells):
            if abs(a.x1 - b.x0) < 1e-6:
                low, high = max(a.z0, b.z0) + margin, min(a.z1, b.z1) - margin
                if high - low >= door_m - 1e-9:
                    found.append(Contact(i, j, False, a.x1, low, high))
            if abs(a.z1 - b.z0) < 1e-6:
                low, high = max(a.x0, b.x0) + margin, min(a.x1, b.x1) - margin
                if high - low >= door_m - 1e-9:
                    found.append(Contact(i, j, True, a.z1, low, high))
    return tuple(found)


def passages(cells: "Sequence[Cell]", walls: Sequence[Contact], rng: np.random.Generator) -> tuple[Contact, ...] | None:
    """The walls that get a door: the cheapest tree that joins all cells, and some common ones more.

    Returns:
        None where the cells are not all connected.
    """
    costs = [door_cost(cells[wall.a].kind, cells[wall.b].kind) for wall in walls]
    parent = list(range(len(cells)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    chosen = set()
    for k in np.argsort(np.asarray(costs) + rng.uniform(0, 0.05, len(costs)), kind="stable"):
        a, b = root(walls[k].a), root(walls[k].b)
        if a != b:
            parent[a] = b
            chosen.add(int(k))
    if len(chosen) != len(cells) - 1:
        return None
    for k, wall in enumerate(walls):
        kinds = {cells[wall.a].kind, cells[wall.b].kind}
        extra = kinds <= OPEN_PLAN or (costs[k] <= _EXTRA_COST and kinds & OPEN_PLAN)
        if k not in chosen and extra and rng.random() < _EXTRA_DOORS:
            chosen.add(k)
    return tuple(wall for k, wall in enumerate(walls) if k in chosen)
