"""Doors, wide openings and windows: where they go in the walls of a plan."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.houses.adjacency import Contact
from sim.houses.room_types import OPEN_PLAN, ROOM_TYPES
from sim.houses.walls import Opening, Wall

_LEAST_WINDOW_M = 0.6
_CORNER_M = 0.35
_WIDEST_WINDOW_M = {"bathroom": 0.9, "kitchen": 1.5, "laundry": 0.9, "storage": 0.9}
"""Rooms whose walls are needed otherwise have one small window in a wall."""
_FLOOR_PER_WINDOW_M2 = 11.0
_SILLS = {"bathroom": (1.3, 1.6), "kitchen": (1.05, 1.15), "storage": (1.3, 1.6), "laundry": (1.2, 1.5)}
_TALL_WINDOWS = frozenset({"living_room", "dining_room", "library", "gym", "corridor"})


def _sides_of(contact: Contact) -> tuple[int, int]:
    """Which wall of room a, and of room b, the contact is: walls face +z, +x, -z, -x in this order."""
    return (2, 0) if contact.along_x else (3, 1)


def _add(walls: list[Wall], side: int, opening: Opening) -> None:
    openings = sorted([*walls[side].openings, opening], key=lambda hole: hole.left)
    walls[side] = replace(walls[side], openings=tuple(openings))


def open_doors(
    doors: Sequence[Contact],
    kinds: Sequence[str],
    walls: list[list[Wall]],
    door_size_m: tuple[float, float],
    open_plan: float,
    rng: np.random.Generator,
) -> None:
    """Open every contact in the walls of both its rooms.

    Args:
        doors: The contacts.
        kinds: Of the rooms.
        walls: Of each room; changed in place.
        door_size_m: Width and height.
        open_plan: Probability of a wide opening where the rooms suit it.
        rng: Draws positions.
    """
    width_m, top_m = door_size_m
    for door in doors:
        room_kinds = {kinds[door.a], kinds[door.b]}
        free = door.high - door.low
        halls = room_kinds <= {"corridor", "hallway"}
        wide = halls or (room_kinds <= OPEN_PLAN and free > 1.5 and rng.random() < open_plan)
        width = min(free, rng.uniform(1.6, 3.2)) if wide else width_m
        slack = free - width
        near_end = 0.1 * slack if rng.random() < 0.5 else 0.9 * slack
        start = door.low + (near_end if rng.random() < 0.6 else rng.uniform(0, 1) * slack)
        kind, top = ("arch", top_m + 0.15) if wide else ("door", top_m)
        for room, other, side in zip((door.a, door.b), (door.b, door.a), _sides_of(door), strict=True):
            wall = walls[room][side]
            ends = [(at, door.plane) if door.along_x else (door.plane, at) for at in (start, start + width)]
            left, right = sorted(wall.along(*end) for end in ends)
            _add(walls[room], side, Opening(kind, left, right, 0.0, top, other))


def open_entrance(kinds: Sequence[str], walls: list[list[Wall]], top_m: float, rng: np.random.Generator) -> None:
    """A closed front door in an outer wall of the room that suits it best, where there is space."""
    order = {"hallway": 0, "corridor": 1, "living_room": 2, "dining_room": 3, "kitchen": 4}
    width = 0.95
    for room in sorted(range(len(kinds)), key=lambda index: (order.get(kinds[index], 9), index)):
        for side in rng.permutation(4):
            wall = walls[room][side]
            for left, right in _free_stretches(wall, 0.25):
                if right - left >= width and order.get(kinds[room], 9) < 9:
                    start = left + rng.uniform(0, 1) * (right - left - width)
                    _add(walls[room], int(side), Opening("entrance", start, start + width, 0.0, top_m))
                    return


def open_windows(kind: str, height_m: float, walls: list[Wall], window_ratio: float, rng: np.random.Generator) -> None:
    """Windows in a room's outer walls, of one height and style per room."""
    sill, top = _window_heights(kind, height_m, rng)
    pitch = rng.uniform(1.5, 2.8)
    sizes = walls[0].length_m, walls[1].length_m
    budget = 1 + int(max(sizes) * min(sizes) / _FLOOR_PER_WINDOW_M2 + rng.random())
    for side in (int(number) for number in rng.permutation(4)):
        for left, right in _free_stretches(walls[side], _CORNER_M):
            if right - left < _LEAST_WINDOW_M or rng.random() > window_ratio * ROOM_TYPES[kind].windows:
                continue
            count = min(max(1, int((right - left) / pitch)), budget)
            if count == 0:
                return
            budget -= count
            space = (right - left) / count
            width = min(space - 0.25 if count > 1 else space, rng.uniform(0.8, 2.4))
            if kind in _WIDEST_WINDOW_M:
                count, space, width = 1, right - left, min(width, rng.uniform(0.6, 1.0) * _WIDEST_WINDOW_M[kind])
            for index in range(count):
                middle = left + (index + 0.5) * space
                _add(walls, side, Opening("window", middle - width / 2, middle + width / 2, sill, top))


def _window_heights(kind: str, height_m: float, rng: np.random.Generator) -> tuple[float, float]:
    top = min(height_m - 0.2, rng.uniform(2.1, 2.4))
    sill = rng.uniform(*_SILLS.get(kind, (0.75, 1.0)))
    if kind in _TALL_WINDOWS and rng.random() < 0.35:
        sill = rng.uniform(0.12, 0.4)
    return round(float(sill), 2), round(float(top), 2)


def _free_stretches(wall: Wall, margin_m: float) -> list[tuple[float, float]]:
    """Outer stretches without openings, a margin away from corners and openings."""
    stretches = []
    for left, right in wall.outer:
        start = left + margin_m
        for hole in wall.openings:
            if hole.right + margin_m <= left or hole.left - margin_m >= right:
                continue
            stretches.append((start, min(hole.left - margin_m, right)))
            start = max(start, hole.right + margin_m)
        stretches.append((start, right - margin_m))
    return [(left, right) for left, right in stretches if right - left > 0.3]
