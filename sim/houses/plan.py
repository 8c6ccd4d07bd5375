"""The floor plan: rooms with their heights, and every opening in their walls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import pi

import numpy as np

from sim.houses.layout import Cell, draw_layout
from sim.houses.openings import open_doors, open_entrance, open_windows
from sim.houses.room_types import ESSENTIAL_KINDS, ROOM_TYPES
from sim.houses.spec import HouseSpec
from sim.houses.walls import Wall

_OUTSIDE_GAP_M = 0.8
"""A window looks at least this far before the next wall of the house."""


@dataclass(frozen=True)
class PlannedRoom:
    """A room's inner box and its four walls.

    Args:
        kind: What it is used for.
        lower: Least x, z, metres.
        upper: Greatest x, z.
        height_m: Floor to ceiling.
        walls: Facing +z, +x, -z, -x.
    """

    kind: str
    lower: tuple[float, float]
    upper: tuple[float, float]
    height_m: float
    walls: tuple[Wall, ...]

    @property
    def size_m(self) -> tuple[float, float]:
        """Sides along x and z."""
        return self.upper[0] - self.lower[0], self.upper[1] - self.lower[1]


@dataclass(frozen=True)
class FloorPlan:
    """All rooms of a house, with walls of one thickness."""

    rooms: tuple[PlannedRoom, ...]
    wall_m: float


def draw_kinds(spec: HouseSpec, rng: np.random.Generator) -> list[str]:
    """What rooms a house has, corridors first."""
    count = int(rng.integers(spec.rooms[0], spec.rooms[1] + 1))
    allowed = [kind for kind in spec.kinds if kind != "corridor"]
    kinds = [kind for kind in ESSENTIAL_KINDS if kind in allowed][:count]
    corridors = 0
    if "corridor" in spec.kinds and count >= 5:
        weights = {5: (0.6, 0.4, 0.0), 6: (0.35, 0.65, 0.0), 7: (0.15, 0.7, 0.15), 8: (0.05, 0.65, 0.3)}
        corridors = int(rng.choice(3, p=weights.get(count, (0.0, 0.5, 0.5))))
    while len(kinds) + corridors < count:
        open_kinds = [kind for kind in allowed if kinds.count(kind) < ROOM_TYPES[kind].most]
        open_kinds = [kind for kind in open_kinds if ROOM_TYPES[kind].weight > 0] or allowed
        weights_of = np.array([max(ROOM_TYPES[kind].weight, 0.01) * 0.6 ** kinds.count(kind) for kind in open_kinds])
        kinds.append(open_kinds[int(rng.choice(len(open_kinds), p=weights_of / weights_of.sum()))])
    return ["corridor"] * corridors + kinds


def draw_plan(spec: HouseSpec, rng: np.random.Generator) -> FloorPlan:
    """Draw a floor plan."""
    wall_m = round(float(rng.uniform(*spec.wall_thickness_m)), 2)
    door_m = round(float(rng.uniform(*spec.door_width_m)), 2)
    door_top = round(float(rng.uniform(2.0, 2.1)), 2)
    kinds = draw_kinds(spec, rng)
    cells, doors = draw_layout(kinds, rng, wall_m, door_m)
    heights = _draw_heights(cells, spec, rng)
    walls = [_bare_walls(cell, cells, wall_m) for cell in cells]
    kinds = [cell.kind for cell in cells]
    open_doors(doors, kinds, walls, (door_m, door_top), spec.open_plan, rng)
    open_entrance(kinds, walls, door_top, rng)
    for kind, height, room_walls in zip(kinds, heights, walls, strict=True):
        open_windows(kind, height, room_walls, spec.window_ratio, rng)
    rooms = [
        PlannedRoom(cell.kind, *_inner(cell, wall_m), height, tuple(room_walls))
        for cell, height, room_walls in zip(cells, heights, walls, strict=True)
    ]
    return FloorPlan(tuple(rooms), wall_m)


def _inner(cell: Cell, wall_m: float) -> tuple[tuple[float, float], tuple[float, float]]:
    half = wall_m / 2
    return (cell.x0 + half, cell.z0 + half), (cell.x1 - half, cell.z1 - half)


def _draw_heights(cells: Sequence[Cell], spec: HouseSpec, rng: np.random.Generator) -> list[float]:
    """One height for the house, lower in some rooms where something is hidden above."""
    least, most = spec.room_height_m
    house = float(rng.uniform(least, most))
    drops = {"corridor": 0.5, "bathroom": 0.4, "storage": 0.4, "hallway": 0.3}
    heights = []
    for cell in cells:
        drop = rng.uniform(0.08, 0.3) if rng.random() < drops.get(cell.kind, 0.1) else 0.0
        heights.append(round(max(least, house - drop), 2))
    return heights


def _bare_walls(cell: Cell, cells: Sequence[Cell], wall_m: float) -> list[Wall]:
    (x0, z0), (x1, z1) = _inner(cell, wall_m)
    walls = []
    for origin, yaw, length in (
        ((x0, z0), 0.0, x1 - x0),
        ((x0, z1), pi / 2, z1 - z0),
        ((x1, z1), pi, x1 - x0),
        ((x1, z0), -pi / 2, z1 - z0),
    ):
        wall = Wall(origin, yaw, length, thickness_m=wall_m)
        walls.append(replace(wall, outer=_outer_stretches(wall, cells, wall_m)))
    return walls


def _outer_stretches(wall: Wall, cells: Sequence[Cell], wall_m: float) -> tuple[tuple[float, float], ...]:
    """Where nothing of the house stands close behind a wall, (left, right)."""
    near, far = wall_m / 2 + 0.01, wall_m / 2 + _OUTSIDE_GAP_M
    corners = np.array([wall.at(0.0, -near), wall.at(wall.length_m, -far)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    covered = []
    for cell in cells:
        lower, upper = np.array([cell.x0, cell.z0]), np.array([cell.x1, cell.z1])
        if (np.minimum(upper, high) > np.maximum(lower, low)).all():
            left, right = sorted((wall.along(cell.x0, cell.z0), wall.along(cell.x1, cell.z1)))
            covered.append((left - wall_m, right + wall_m))
    stretches, start = [], 0.0
    for left, right in [*sorted(covered), (wall.length_m, wall.length_m)]:
        if left > start + 0.05:
            stretches.append((start, min(left, wall.length_m)))
        start = max(start, right)
    return tuple(stretches)
