"""Kitchen runs: units side by side along a wall, the sink under the window, cabinets and a hood above."""

from dataclasses import dataclass

import numpy as np

from sim.furniture import Piece
from sim.houses.space import WALL_GAP_M, Placed, Space
from sim.houses.walls import Wall

_JOINT_M = 0.003
_CABINET_FOOT_M = 1.42
_HOOD_FOOT_M = 1.58
_LONGEST_M = 5.0
_LEAST_COUNTER_M = 0.3


@dataclass(frozen=True)
class _Stretch:
    wall: Wall
    left: float
    right: float

    @property
    def length_m(self) -> float:
        return self.right - self.left


@dataclass(frozen=True)
class KitchenRun:
    """Refrigerator, counters, stove, sink and dishwasher in a row, round the corner where there is space.

    Args:
        units: What the run holds besides counters, the most important first.
        cabinets: Probability of cabinets above.
    """

    units: tuple[str, ...] = ("kitchen_sink", "stove", "refrigerator", "dishwasher")
    cabinets: float = 0.85

    def furnish(self, space: Space) -> None:
        """Place the run along the wall that suits it best."""
        if space.density <= 0:
            return
        stretches = [(_worth(found) + 0.5 * float(space.rng.random()), found) for found in _stretches(space)]
        before = list(space.placed)
        best: list[Placed] = []
        for _, stretch in sorted(stretches, key=lambda entry: -entry[0])[:4]:
            space.placed = list(before)
            self._furnish_along(space, stretch)
            if len(_appliances(space.placed)) > len(_appliances(best)):
                best = space.placed
            if len(_appliances(best)) >= len(self.units) - 1:
                break
        space.placed = best or before

    def _furnish_along(self, space: Space, stretch: _Stretch) -> None:
        row = _row(space, self.units, min(stretch.length_m, _LONGEST_M))
        if row is None:
            return
        placed = self._place(space, stretch, row)
        for item, u in placed:
            self._hang(space, stretch.wall, item, u)
        self._turn_corner(space, stretch, placed)

    def _place(self, space: Space, stretch: _Stretch, row: list[Piece]) -> list[tuple[Placed, float]]:
        best = min((_arranged(space, stretch, row) for _ in range(24)), key=lambda option: option[0])
        placed = []
        for piece, u in best[1]:
            item = space.against(piece, stretch.wall, u)
            if space.try_place(item):
                placed.append((item, u))
        return placed

    def _hang(self, space: Space, wall: Wall, item: Placed, u: float) -> None:
        width = item.piece.size_m[0]
        if item.piece.category == "stove":
            hood = space.make("range_hood", width_m=width)
            space.try_place(space.hung(hood, wall, u, _HOOD_FOOT_M + hood.size_m[1] / 2))
        elif item.piece.size_m[1] < 1.2 and space.chance(self.cabinets * space.density):
            cabinet = space.make("wall_cabinet", width_m=width)
            space.try_place(space.hung(cabinet, wall, u, _CABINET_FOOT_M + cabinet.size_m[1] / 2))

    def _turn_corner(self, space: Space, stretch: _Stretch, placed: list[tuple[Placed, float]]) -> None:
        """Counters along the next wall, where the run ends in a corner with one."""
        counters = [item for item, _ in placed if item.piece.category in ("kitchen_counter", "kitchen_sink")]
        if not counters or not space.chance(0.7):
            return
        depth = counters[0].piece.size_m[2] + WALL_GAP_M
        side = space.room.walls.index(stretch.wall)
        for step, at_left in ((1, False), (-1, True)):
            wall = space.room.walls[(side - step) % 4]
            length = float(space.rng.uniform(0.8, 1.8))
            counter = space.make("kitchen_counter", width_m=length)
            u = depth + length / 2 + _JOINT_M if not at_left else wall.length_m - depth - length / 2 - _JOINT_M
            item = space.against(counter, wall, u)
            near = [other for other in counters if _touching(other, item)]
            if near and space.try_place(item):
                self._hang(space, wall, item, u)
                return


def _appliances(items: list[Placed]) -> set[str]:
    return {item.piece.category for item in items} & {"kitchen_sink", "stove", "refrigerator", "dishwasher"}


def _touching(first: Placed, second: Placed) -> bool:
    a, b = first.box.extent, second.box.extent
    return max(a[0], b[0]) <= min(a[2], b[2]) + 0.1 and max(a[1], b[1]) <= min(a[3], b[3]) + 0.1


def _stretches(space: Space) -> list[_Stretch]:
    """Stretches of wall without doors, away from doors in the corners."""
    found = []
    for wall in space.room.walls:
        start = 0.03
        for hole in [hole for hole in wall.openings if hole.kind != "window"]:
            found.append(_Stretch(wall, start, hole.left - 0.12))
            start = hole.right + 0.12
        found.append(_Stretch(wall, start, wall.length_m - 0.03))
    return [stretch for stretch in found if stretch.length_m > 1.5]


def _worth(stretch: _Stretch) -> float:
    inside = [hole for hole in stretch.wall.openings if stretch.left < hole.middle < stretch.right]
    return min(stretch.length_m, 4.0) + 0.8 * bool(inside)


def _row(space: Space, names: tuple[str, ...], width: float) -> list[Piece] | None:
    """The units that fit a width, counters between them filling it."""
    units: list[Piece] = []
    left = width
    for name in names:
        piece = space.make(name)
        if left - piece.size_m[0] - _JOINT_M > (0.35 if len(units) else 0.0):
            units.append(piece)
            left -= piece.size_m[0] + _JOINT_M
    if not units:
        return None
    tall = [piece for piece in units if piece.size_m[1] > 1.3]
    low = [piece for piece in units if piece.size_m[1] <= 1.3]
    slots = min(len(low) + 1, int(left / (_LEAST_COUNTER_M + _JOINT_M)))
    row: list[Piece] = []
    widths = _shares(space, left - slots * _JOINT_M, slots)
    for index, piece in enumerate(low):
        if widths:
            row.append(space.make("kitchen_counter", width_m=widths.pop()))
        row.append(piece)
        if index == len(low) - 1:
            row.extend(space.make("kitchen_counter", width_m=share) for share in widths)
    return [*tall, *row]


def _shares(space: Space, total: float, count: int) -> list[float]:
    """A length cut in parts that are each wide enough for a door."""
    if count < 1:
        return []
    spare = max(0.0, total - count * _LEAST_COUNTER_M)
    parts = space.rng.dirichlet(np.full(count, 3.0)) * spare + _LEAST_COUNTER_M
    return [float(part) for part in parts * min(1.0, total / parts.sum())]


def _arranged(space: Space, stretch: _Stretch, row: list[Piece]) -> tuple[float, list[tuple[Piece, float]]]:
    """One order of the row: how ill it suits the windows, and where each unit's middle is."""
    tall = [piece for piece in row if piece.size_m[1] > 1.3]
    low = [piece for piece in row if piece.size_m[1] <= 1.3]
    order = [*tall, *(low[i] for i in space.rng.permutation(len(low)))]
    order = order if space.chance(0.5) else order[::-1]
    total = sum(piece.size_m[0] + _JOINT_M for piece in order)
    start = stretch.left + max(0.0, stretch.length_m - total) * float(space.rng.integers(2))
    windows = [hole for hole in stretch.wall.openings if hole.kind == "window"]
    places, badness = [], float(space.rng.random()) * 0.2
    for index, piece in enumerate(order):
        u = start + piece.size_m[0] / 2
        start += piece.size_m[0] + _JOINT_M
        places.append((piece, u))
        before = any(hole.left - 0.6 < u < hole.right + 0.6 for hole in windows)
        if piece.category == "kitchen_sink":
            badness += min((abs(u - hole.middle) for hole in windows), default=0.0) + 0.4 * (
                index in (0, len(order) - 1)
            )
        elif piece.category in ("stove", "refrigerator"):
            badness += 3.0 * before + 0.3 * (index in (0, len(order) - 1)) * (piece.category == "stove")
    return badness, places
