"""Places along the walls of a room, and how well they suit a piece."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.houses.plan import PlannedRoom
from sim.houses.space import Space
from sim.houses.walls import Wall

_TRIES = 48


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
