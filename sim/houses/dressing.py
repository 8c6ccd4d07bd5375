"""What belongs to a room's doors and windows: open leaves, radiators, curtains."""

from collections.abc import Sequence
from math import pi

import numpy as np

from sim.building import BuildingBuilder
from sim.houses.footprints import Footprint
from sim.houses.joinery import LEAF_M, add_open_leaf
from sim.houses.room_types import CURTAINED
from sim.houses.shell import FRAME_INSIDE_M
from sim.houses.space import Space
from sim.houses.walls import Opening, Wall
from sim.materials import Palette

_LEAF_CHANCE = 0.8


def hang_leaf(builder: BuildingBuilder, space: Space, index: int, wall: Wall, hole: Opening, palette: Palette) -> None:
    """Hang a door's leaf so that it stands open into the room, where there is space for it.

    Args:
        builder: Where it goes.
        space: The room, before it is furnished.
        index: Of the room.
        wall: Of the room.
        hole: The doorway.
        palette: The house's materials.
    """
    if not space.chance(_LEAF_CHANCE):
        return
    for at_left in (hole.left < wall.length_m - hole.right, hole.left >= wall.length_m - hole.right):
        angle = float(space.rng.uniform(pi / 2, 0.95 * pi))
        for swing in (angle, pi / 2 + 0.02):
            box = _leaf_box(wall, hole, at_left, swing)
            if (
                space.free([box], doors=False, windows=False)[0]
                and space.walkable([box])
                and not _hits_opening(wall, hole, at_left, swing)
            ):
                space.block(box)
                add_open_leaf(builder, index, wall, hole, (at_left, swing), palette, space.rng)
                return


def _leaf_box(wall: Wall, hole: Opening, at_left: bool, angle: float) -> Footprint:
    width = hole.right - hole.left - 2 * FRAME_INSIDE_M
    sign = 1.0 if at_left else -1.0
    hinge = hole.left + FRAME_INSIDE_M if at_left else hole.right - FRAME_INSIDE_M
    u = hinge - sign * LEAF_M / 2 + sign * np.cos(angle) * width / 2
    x, z = wall.at(float(u), 0.04 + float(np.sin(angle)) * width / 2)
    return Footprint(x, z, width, LEAF_M + 0.12, wall.yaw_rad + (-angle if at_left else pi + angle), 0.0, hole.top)


def _hits_opening(wall: Wall, hole: Opening, at_left: bool, angle: float) -> bool:
    """Whether the open leaf would cover another opening of the same wall."""
    width = hole.right - hole.left
    reach = abs(float(np.cos(angle))) * width
    low, high = (hole.left - reach, hole.left) if at_left else (hole.right, hole.right + reach)
    return any(other is not hole and other.left < high and other.right > low for other in wall.openings)


def dress_windows(space: Space, windows: Sequence[tuple[Wall, Opening]]) -> None:
    """Curtains at a room's windows and radiators below them, where what stands there leaves space."""
    curtained = space.chance(CURTAINED.get(space.room.kind, 0.0) * space.density)
    long = space.chance(0.5)
    for wall, hole in windows:
        if not (curtained and long and _hang_curtain(space, wall, hole, 0.03)):
            _add_radiator(space, wall, hole)
            if curtained:
                _hang_curtain(space, wall, hole, hole.bottom - 0.14)


def _add_radiator(space: Space, wall: Wall, hole: Opening) -> None:
    """A radiator below a window that is high enough."""
    if hole.bottom < 0.62 or not space.chance(0.7 * space.density):
        return
    radiator = space.make("radiator", width_m=min(hole.right - hole.left, 1.4))
    if radiator.size_m[1] + 0.14 < hole.bottom:
        x, z = wall.at(hole.middle, 0.03 + radiator.size_m[2] / 2)
        space.try_place(space.on_floor(radiator, x, z, wall.yaw_rad, y=0.1))


def _hang_curtain(space: Space, wall: Wall, hole: Opening, foot: float) -> bool:
    """A pair of curtains on their rod over a window."""
    top = min(hole.top + 0.17, space.room.height_m - 0.03)
    curtain = space.make("curtain", width_m=hole.right - hole.left + 0.5, height_m=top - foot)
    return space.try_place(space.hung(curtain, wall, hole.middle, (top + foot) / 2), windows=False)
