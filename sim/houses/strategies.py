"""How people place furniture: single pieces along walls, on walls, in the middle, and scattered.

A strategy is a frozen record with `furnish(space)`; recipes list them in order of importance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Protocol

import numpy as np

from sim.furniture import Piece
from sim.houses.plan import PlannedRoom
from sim.houses.space import Placed, Space
from sim.houses.walls import Wall

_TRIES = 48
_CHECKED = 5
_LONGEST_RUG_M = 5.0


class Strategy(Protocol):
    """A way to furnish a room."""

    def furnish(self, space: Space) -> None:
        """Place things, as far as they fit."""


@dataclass(frozen=True)
class Spot:
    """A place along a wall of a room: u is the middle of what stands there."""

    room: PlannedRoom
    wall: Wall
    u: float


def _corner(spot: Spot) -> float:
    return min(spot.u, spot.wall.length_m - spot.u)


def _middle(spot: Spot) -> float:
    return abs(spot.u - spot.wall.length_m / 2)


def _window(spot: Spot) -> float:
    windows = [abs(spot.u - hole.middle) for hole in spot.wall.openings if hole.kind == "window"]
    return min(windows, default=4.0)


def _blank(spot: Spot) -> float:
    return -min(_window(spot), 1.5) + 0.2 * _middle(spot)


def _far_from_doors(spot: Spot) -> float:
    x, z = spot.wall.at(spot.u)
    nearest = 9.0
    for wall in spot.room.walls:
        for hole in wall.openings:
            if hole.kind != "window":
                door_x, door_z = wall.at(hole.middle)
                nearest = min(nearest, float(np.hypot(x - door_x, z - door_z)))
    return -nearest + 0.4 * _middle(spot)


def _near_door(spot: Spot) -> float:
    return -_far_from_doors(spot)


def _anywhere(_: Spot) -> float:
    return 0.0


PREFERENCES: dict[str, Callable[[Spot], float]] = {
    "any": _anywhere,
    "corner": _corner,
    "middle": _middle,
    "window": _window,
    "blank": _blank,
    "far": _far_from_doors,
    "near_door": _near_door,
}
"""How good a spot is; less is better."""


def spots(space: Space, width_m: float, prefer: str, margin_m: float = 0.03) -> list[Spot]:
    """Places along the walls where something of a width has space from corner to corner, the best first."""
    rank = PREFERENCES[prefer]
    found: list[tuple[float, int, Spot]] = []
    for _ in range(_TRIES):
        wall = space.room.walls[int(space.rng.integers(4))]
        low, high = width_m / 2 + margin_m, wall.length_m - width_m / 2 - margin_m
        if high < low:
            continue
        corner = space.rng.random()
        u = low if corner < 0.2 else high if corner > 0.8 else float(space.rng.uniform(low, high))
        spot = Spot(space.room, wall, u)
        found.append((rank(spot) + 0.4 * float(space.rng.random()), len(found), spot))
    return [spot for _, _, spot in sorted(found, key=lambda entry: entry[:2])]


def place_along(space: Space, piece: Piece, prefer: str) -> tuple[Placed, Spot] | None:
    """Put a piece with its back to a wall at the best spot that is free; None where there is none."""
    candidates = spots(space, piece.size_m[0], prefer)
    placed = [space.against(piece, spot.wall, spot.u) for spot in candidates]
    free = np.flatnonzero(space.free([item.box for item in placed]))
    for index in free[:_CHECKED]:
        if space.try_place(placed[index]):
            return placed[index], candidates[index]
    return None


@dataclass(frozen=True)
class Along:
    """Pieces that stand with their backs to a wall.

    Args:
        categories: One is chosen for each piece.
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
        for _ in range(int(space.rng.integers(self.count[0], self.count[1] + 1))):
            placed = place_along(space, space.make(space.choice(self.categories)), self.prefer)
            if placed is not None and self.above:
                hang_above(space, placed[0], placed[1], space.choice(self.above))


def hang_above(space: Space, below: Placed, spot: Spot, category: str, gap_m: float = 0.12) -> bool:
    """Hang a piece on the wall over another, no lower than its own middle at 1.3 m."""
    piece = space.make(category)
    y = max(below.box.high + gap_m + piece.size_m[1] / 2, 1.45)
    return space.try_place(space.hung(piece, spot.wall, spot.u, y))


@dataclass(frozen=True)
class Hung:
    """Things on free stretches of wall.

    Args:
        categories: One is chosen for each.
        count: Least and most.
        chance: Of there being any.
        height_m: Where their middles are, least and most.
        prefer: A name in `PREFERENCES`.
    """

    categories: tuple[str, ...]
    count: tuple[int, int] = (1, 1)
    chance: float = 1.0
    height_m: tuple[float, float] = (1.45, 1.65)
    prefer: str = "any"

    def furnish(self, space: Space) -> None:
        """Hang them."""
        if not space.chance(self.chance * space.density):
            return
        for _ in range(int(space.rng.integers(self.count[0], self.count[1] + 1))):
            piece = space.make(space.choice(self.categories))
            y = float(space.rng.uniform(*self.height_m))
            for spot in spots(space, piece.size_m[0], self.prefer, 0.25)[:10]:
                if space.try_place(space.hung(piece, spot.wall, spot.u, y)):
                    break


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
