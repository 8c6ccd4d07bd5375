"""Furniture that belongs together: a bed and its nightstands, chairs around a table, a desk and what is on it."""

from dataclasses import dataclass
from math import pi

import numpy as np

from sim.furniture import Piece
from sim.houses.carrying import stand
from sim.houses.hangings import hang_above
from sim.houses.space import WALL_GAP_M, Placed, Space
from sim.houses.spots import spots

_ABOVE_BEDS = ("picture", "picture", "tapestry", "wall_shelf")


@dataclass(frozen=True)
class BedSet:
    """A bed with its head against a wall, nightstands and lamps beside it, a rug before it.

    Args:
        categories: Kinds of beds, one is chosen.
        nightstands: Most of them.
        chance: Of there being one.
    """

    categories: tuple[str, ...] = ("bed",)
    nightstands: int = 2
    chance: float = 1.0

    def furnish(self, space: Space) -> None:
        """Place it, with as many nightstands as fit."""
        if not space.chance(self.chance * min(1.0, 2 * space.density)):
            return
        bed = space.make(space.choice(self.categories))
        tables = [space.make("nightstand") for _ in range(self.nightstands)]
        if len(tables) == 2:
            tables[1] = tables[0]
        for count in range(len(tables), -1, -1):
            if self._place(space, bed, tables[:count]):
                return

    def _place(self, space: Space, bed: Piece, tables: list[Piece]) -> bool:
        width = bed.size_m[0]
        sides = [1.0, -1.0] if space.chance(0.5) else [-1.0, 1.0]
        prefer = "far" if len(tables) == 2 else "corner"
        total = width + 2 * sum(table.size_m[0] + 0.06 for table in tables[:1]) if len(tables) == 2 else width
        for spot in spots(space, total, prefer):
            main = space.against(bed, spot.wall, spot.u)
            items = [main]
            for table, side in zip(tables, sides, strict=False):
                u = spot.u + side * (width / 2 + table.size_m[0] / 2 + 0.05)
                items.append(space.against(table, spot.wall, u))
            if space.try_place(*items):
                for item in items[1:]:
                    if space.chance(0.85):
                        stand(space, space.make("table_lamp"), item, z=-0.1)
                if bed.category == "bed" and space.chance(0.6):
                    self._lay_rug(space, main)
                if space.chance(0.7 * space.density):
                    hang_above(space, main, spot, space.choice(_ABOVE_BEDS))
                return True
        return False

    def _lay_rug(self, space: Space, bed: Placed) -> None:
        width, _, depth = bed.piece.size_m
        rug = space.make("rug", width_m=width + 1.0, depth_m=1.4)
        x, _, z = bed.to_world(0.0, 0.0, depth / 2 - 0.3)
        space.try_place(space.on_floor(rug, x, z, bed.yaw_rad))


@dataclass(frozen=True)
class DiningSet:
    """A table with chairs around it that face it, a pendant lamp above and a rug below.

    Args:
        seats: Most chairs.
        chance: Of there being one.
    """

    seats: int = 8
    chance: float = 1.0

    def furnish(self, space: Space) -> None:
        """Place it near the middle, else near a wall."""
        if not space.chance(self.chance * min(1.0, 2 * space.density)):
            return
        width, depth = space.room.size_m
        along_z = depth > width
        for length in (1.9, 1.5, 1.2, 0.9):
            if self.seats < 6 and length > 1.5:
                continue
            table = space.make("dining_table", width_m=length * float(space.rng.uniform(0.95, 1.1)))
            chair = space.make("chair")
            options = []
            for attempt in range(14):
                spread = 0.04 + 0.03 * attempt
                offset = space.rng.uniform(-spread, spread, 2) * (width, depth)
                x, z = np.add(space.room.lower, space.room.upper) / 2 + offset
                yaw = pi / 2 if along_z != (attempt % 3 == 2) else 0.0
                placed = space.on_floor(table, float(x), float(z), yaw)
                seats = self._seats(space, placed, chair)
                fitting = space.free([placed.box, *(seat.box for seat in seats)])
                if fitting[0]:
                    options.append((-int(fitting.sum()), attempt, placed, seats))
            for _, _, placed, seats in sorted(options, key=lambda option: option[:2])[:4]:
                if space.try_place(placed):
                    self._seat(space, placed, seats)
                    return

    def _seat(self, space: Space, table: Placed, seats: list[Placed]) -> None:
        """Place the chairs that fit, and now and then lay the table for them."""
        laid = space.chance(0.5 * space.clutter)
        plate, cup = space.make("plate"), space.make("cup")
        for seat in seats:
            if space.chance(0.95 * space.density) and space.try_place(seat) and laid:
                x, z = table.to_local(seat.position[0], seat.position[2])
                stand(space, plate, table, x=0.62 * x, z=0.62 * z)
                stand(space, cup, table, x=0.62 * x + 0.17, z=0.45 * z)

    def _seats(self, space: Space, table: Placed, chair: Piece) -> list[Placed]:
        """Chairs at a table's sides, and at its ends where it is long."""
        width, _, depth = table.piece.size_m
        reach_x, reach_z = (side / 2 + chair.size_m[2] / 2 + 0.03 for side in (width, depth))
        count = max(1, min(int(width / 0.6), self.seats // 2))
        seats = [
            (width * ((i + 0.5) / count - 0.5), side * reach_z, pi * (side > 0))
            for i in range(count)
            for side in (-1, 1)
        ]
        if self.seats > 4 and width > 1.4:
            seats += [(-reach_x, 0.0, pi / 2), (reach_x, 0.0, -pi / 2)]
        found = []
        for x, z, turn in seats:
            pulled = abs(float(space.rng.normal(0, 0.05)))
            wx, _, wz = table.to_world(float(x - np.sin(turn) * pulled), 0.0, float(z - np.cos(turn) * pulled))
            found.append(space.on_floor(chair, wx, wz, table.yaw_rad + turn + float(space.rng.normal(0, 0.04))))
        return found


@dataclass(frozen=True)
class DeskSet:
    """A desk against a wall with what one works on, and a chair before it.

    Args:
        chance: Of there being one.
        screens: What may stand on it.
        seat: The chair's category.
    """

    chance: float = 1.0
    screens: tuple[str, ...] = ("monitor", "monitor", "laptop")
    seat: tuple[str, ...] = ("office_chair",)

    def furnish(self, space: Space) -> None:
        """Place it where light comes from, if it can."""
        if not space.chance(self.chance * min(1.0, 2 * space.density)):
            return
        desk, chair = space.make("desk"), space.make(space.choice(self.seat))
        for spot in spots(space, desk.size_m[0], "window" if space.chance(0.5) else "middle")[:14]:
            top = space.against(desk, spot.wall, spot.u)
            turn = float(space.rng.normal(0, 0.2))
            reach = (abs(np.cos(turn)) * chair.size_m[2] + abs(np.sin(turn)) * chair.size_m[0]) / 2
            x, z = spot.wall.at(spot.u, WALL_GAP_M + desk.size_m[2] + float(reach) + 0.02)
            before = space.on_floor(chair, x, z, spot.wall.yaw_rad + pi + turn)
            if space.try_place(top, before) or space.try_place(top):
                self._equip(space, top)
                return

    def _equip(self, space: Space, desk: Placed) -> None:
        width = desk.piece.size_m[0]
        screen = space.choice(self.screens)
        stand(space, space.make(screen), desk, z=-0.12 if screen == "monitor" else 0.05)
        side = float(space.rng.choice((-1.0, 1.0)))
        if screen == "monitor":
            stand(space, space.make("keyboard"), desk, z=0.18)
            computer = space.make("computer")
            x, _, z = desk.to_world(-side * (width / 2 + computer.size_m[0] / 2 + 0.05), 0.0, 0.0)
            space.try_place(space.on_floor(computer, x, z, desk.yaw_rad))
        if space.chance(0.7):
            stand(space, space.make("table_lamp"), desk, x=side * (width / 2 - 0.16), z=-0.15)
