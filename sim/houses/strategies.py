"""How people place furniture: single pieces along walls, in the middle, and scattered.

A strategy is a frozen record with `furnish(space)`; recipes list them in order of importance.
"""

from dataclasses import dataclass
from math import pi
from typing import Protocol

import numpy as np

from sim.furniture import Piece
from sim.houses.hangings import hang_above
from sim.houses.space import Placed, Space
from sim.houses.spots import Spot, spots

_CHECKED = 5
_LONGEST_RUG_M = 5.0
_IN_ROWS = frozenset({"bookshelf", "storage_rack", "wardrobe", "filing_cabinet"})
_ALIKE_APART_M = 1.5


class Strategy(Protocol):
    """A way to furnish a room."""

    def furnish(self, space: Space) -> None:
        """Place things, as far as they fit."""


def place_along(space: Space, piece: Piece, prefer: str) -> tuple[Placed, Spot] | None:
    """Put a piece with its back to a wall at the best spot that is free; None where there is none."""
    candidates = spots(space, piece.size_m[0], prefer)
    placed = [space.against(piece, spot.wall, spot.u) for spot in candidates]
    free = np.flatnonzero(space.free([item.box for item in placed]))
    for index in [index for index in free if not beside_its_like(space, placed[index])][:_CHECKED]:
        if space.try_place(placed[index]):
            return placed[index], candidates[index]
    return None


def beside_its_like(space: Space, item: Placed) -> bool:
    """Whether a piece would stand next to another of its category, which only shelves and cupboards do."""
    if item.piece.category in _IN_ROWS:
        return False
    x, _, z = item.position
    alike = [other.position for other in space.placed if other.piece.category == item.piece.category]
    return any(np.hypot(x - other_x, z - other_z) < _ALIKE_APART_M for other_x, _, other_z in alike)


@dataclass(frozen=True)
class Along:
    """Pieces that stand with their backs to a wall.

    Args:
        categories: Chosen from in turn, so that two pieces are of one category only where there is but one.
        count: Least and most.
        chance: Of there being any.
        prefer: A name in `PREFERENCES`.
        above: What hangs above each piece, such as a mirror; one of these, or nothing where empty.
    """

    categories: tuple[str, ...]
    count: tuple[int, int] = (1, 1)
    chance: float = 1.0
    prefer: str = "any"
    above: tuple[str, ...] = ()

    def furnish(self, space: Space) -> None:
        """Place them."""
        if not space.chance(self.chance * space.density):
            return
        order = space.rng.permutation(len(self.categories))
        for index in range(int(space.rng.integers(self.count[0], self.count[1] + 1))):
            category = self.categories[order[index % len(order)]]
            placed = place_along(space, space.make(category), self.prefer)
            if placed is not None and self.above:
                hang_above(space, placed[0], placed[1], space.choice(self.above))


@dataclass(frozen=True)
class Fill:
    """More pieces along the walls of a room that is still bare.

    Args:
        share: Of the floor; no more is placed when furniture stands on this much.
        categories: Each is tried once, in any order.
        prefer: A name in `PREFERENCES`.
    """

    share: float
    categories: tuple[str, ...]
    prefer: str = "corner"

    def furnish(self, space: Space) -> None:
        """Place them until there is enough."""
        for index in space.rng.permutation(len(self.categories)):
            if space.covered >= self.share * space.density:
                return
            place_along(space, space.make(self.categories[index]), self.prefer)


@dataclass(frozen=True)
class Scatter:
    """Things on the floor at any angle, mostly near walls.

    Args:
        categories: One is chosen for each.
        count: Least and most, at full clutter.
        chance: Of there being any.
    """

    categories: tuple[str, ...]
    count: tuple[int, int] = (1, 1)
    chance: float = 1.0

    def furnish(self, space: Space) -> None:
        """Scatter them."""
        if not space.chance(self.chance * space.clutter):
            return
        for _ in range(int(space.rng.integers(self.count[0], self.count[1] + 1))):
            piece = space.make(space.choice(self.categories))
            reach = float(np.hypot(piece.size_m[0], piece.size_m[2])) / 2 + 0.03
            for _ in range(8):
                wall = space.room.walls[int(space.rng.integers(4))]
                if wall.length_m < 2 * reach + 0.05:
                    continue
                out = reach + float(space.rng.exponential(0.25))
                x, z = wall.at(float(space.rng.uniform(reach, wall.length_m - reach)), out)
                yaw = wall.yaw_rad + float(space.rng.normal(0, 0.5))
                if space.try_place(space.on_floor(piece, x, z, yaw)):
                    break


@dataclass(frozen=True)
class Middle:
    """A piece in the middle of the room, such as an island of shelves, an exercise bike or a rug.

    Args:
        categories: One is chosen.
        chance: Of there being one.
        cover: For rugs: share of the room's sides that it may cover.
    """

    categories: tuple[str, ...]
    chance: float = 1.0
    cover: float = 0.0

    def furnish(self, space: Space) -> None:
        """Place it."""
        if not space.chance(self.chance * space.density):
            return
        width, depth = space.room.size_m
        along_z = depth > width
        long, short = max(width, depth), min(width, depth)
        sizes = {"width_m": min(self.cover * long, _LONGEST_RUG_M), "depth_m": self.cover * short} if self.cover else {}
        piece = space.make(space.choice(self.categories), **sizes)
        for _ in range(6):
            x, z = np.add(space.room.lower, space.room.upper) / 2 + space.rng.uniform(-0.15, 0.15, 2) * (width, depth)
            if space.try_place(space.on_floor(piece, float(x), float(z), pi / 2 if along_z else 0.0)):
                return


@dataclass(frozen=True)
class Missing:
    """Pieces that a room needs, along a wall, where an earlier step had no space for them.

    Args:
        categories: Each is placed once, unless the room has one.
        prefer: A name in `PREFERENCES`.
    """

    categories: tuple[str, ...]
    prefer: str = "any"

    def furnish(self, space: Space) -> None:
        """Place what is missing."""
        present = {item.piece.category for item in space.placed}
        for category in self.categories:
            if category not in present:
                place_along(space, space.make(category), self.prefer)
