"""Where people sit together: a sofa that faces a television or a fireplace, a table, armchairs."""

from dataclasses import dataclass
from math import pi

import numpy as np

from sim.furniture import Piece
from sim.houses.carrying import stand
from sim.houses.space import WALL_GAP_M, Placed, Space, facing
from sim.houses.spots import Spot, spots
from sim.houses.strategies import beside_its_like, place_along
from sim.houses.walls import Wall

_NEAREST_M = 1.8
_FARTHEST_M = 4.2
"""Between a sofa and what it faces."""


@dataclass(frozen=True)
class Lounge:
    """A sofa, what it faces, a coffee table on a rug between them, armchairs and lamps aside.

    Args:
        television: Probability that the sofa faces a television and not a fireplace or sideboard.
    """

    television: float = 0.85

    def furnish(self, space: Space) -> None:
        """Place the largest version that fits."""
        if space.density <= 0:
            return
        focus = self._focus(space)
        for sofa in (space.make("sofa"), space.make("sofa", width_m=1.5)):
            places = spots(space, max(focus.size_m[0], 0.8 * sofa.size_m[0]), "middle")
            for spot in places:
                seat = _opposite(space, sofa, focus, spot)
                if seat is not None:
                    _equip(space, space.placed[-2], spot)
                    _surround(space, seat)
                    return
        self._apart(space, focus)

    def _focus(self, space: Space) -> Piece:
        if space.chance(self.television):
            return space.make("tv_stand")
        return space.make(space.choice(("fireplace", "sideboard")))

    def _apart(self, space: Space, focus: Piece) -> None:
        """The sofa against one wall, and what it would face along another."""
        found = place_along(space, space.make("sofa"), "middle")
        if found is not None:
            _surround(space, found[0])
        other = place_along(space, focus, "any")
        if other is not None:
            _equip(space, *other)


def _opposite(space: Space, sofa: Piece, focus: Piece, spot: Spot) -> Placed | None:
    """Stand the focus at a spot and the sofa before it, in shallow rooms at the far wall; None where neither fits."""
    wall = spot.wall
    front = WALL_GAP_M + focus.size_m[2]
    most = _depth_before(space, wall) - front - sofa.size_m[2] - WALL_GAP_M
    gaps = [most] if most < 3.4 else [float(space.rng.uniform(2.3, 3.0)), min(most, _FARTHEST_M)]
    for gap in gaps:
        x, z = wall.at(spot.u, front + gap + sofa.size_m[2] / 2)
        seat = space.on_floor(sofa, x, z, (wall.yaw_rad + pi) % (2 * pi))
        if gap > _NEAREST_M and space.try_place(space.against(focus, wall, spot.u), seat):
            return seat
    return None


def _depth_before(space: Space, wall: Wall) -> float:
    """Free depth of the room before a wall, to the opposite one."""
    width, depth = space.room.size_m
    return depth if abs(np.cos(wall.yaw_rad)) > 0.5 else width


def _surround(space: Space, seat: Placed) -> None:
    """A coffee table on a rug before the sofa, armchairs at its sides, lamps and side tables beside the sofa."""
    width, _, depth = seat.piece.size_m
    table = space.make("coffee_table")
    out = depth / 2 + 0.4 + table.size_m[2] / 2
    x, _, z = seat.to_world(0.0, 0.0, out)
    rug = space.make("rug", width_m=width + 0.4, depth_m=float(space.rng.uniform(1.4, 2.0)))
    for reach in (out, out - 0.25, out - 0.5):
        rug_x, _, rug_z = seat.to_world(0.0, 0.0, reach)
        if space.try_place(space.on_floor(rug, rug_x, rug_z, seat.yaw_rad)):
            break
    space.try_place(space.on_floor(table, x, z, seat.yaw_rad))
    target_x, _, target_z = seat.to_world(0.0, 0.0, out)
    for side in (-1, 1):
        if not space.chance(0.7 * space.density):
            continue
        chair = space.make("armchair")
        for shift in (0.0, 0.3, -0.25):
            ahead = float(space.rng.uniform(0.0, 0.35))
            x, _, z = seat.to_world(side * (width / 2 + 0.3 + shift), 0.0, out + ahead)
            if space.try_place(space.on_floor(chair, x, z, facing(x, z, target_x, target_z))):
                break
    for side in (-1, 1):
        if space.chance(0.7 * space.density):
            _beside(space, seat, side)


def _beside(space: Space, seat: Placed, side: int) -> None:
    table = space.make(space.choice(("side_table", "floor_lamp", "plant")))
    x, _, z = seat.to_world(side * (seat.piece.size_m[0] / 2 + table.size_m[0] / 2 + 0.06), 0.0, -0.1)
    placed = space.on_floor(table, x, z, seat.yaw_rad)
    if not beside_its_like(space, placed) and space.try_place(placed) and table.category == "side_table":
        stand(space, space.make("table_lamp"), placed)


def _equip(space: Space, focus: Placed, spot: Spot) -> None:
    """The television on its stand, or a picture above, and something at each side."""
    if focus.piece.category == "tv_stand":
        width = min(float(space.rng.uniform(0.85, 1.35)), focus.piece.size_m[0] - 0.08)
        stand(space, space.make("television", width_m=width), focus, z=-0.02)
    else:
        picture = space.make("picture")
        y = max(1.5, focus.box.high + 0.2 + picture.size_m[1] / 2)
        space.try_place(space.hung(picture, spot.wall, spot.u, y))
    for side in (-1, 1):
        if space.chance(0.5 * space.density):
            thing = space.make(space.choice(("plant", "floor_lamp", "speaker")))
            u = spot.u + side * (focus.piece.size_m[0] / 2 + thing.size_m[0] / 2 + 0.15)
            placed = space.against(thing, spot.wall, u)
            if thing.size_m[1] > 0.5 and not beside_its_like(space, placed):
                space.try_place(placed)
