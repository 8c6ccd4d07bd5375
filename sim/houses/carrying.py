"""Small things on larger ones."""

import numpy as np

from sim.furniture import Piece
from sim.houses.space import Placed, Space

_LIFT_M = 0.001
_OVERHANG_M = 0.06


def carried(space: Space, thing: Piece, on: Placed, point: tuple[float, float, float], turn: float = 0.0) -> Placed:
    """A thing standing on another.

    Args:
        space: Their room.
        thing: What stands.
        on: What carries it.
        point: x, y, z in the carrier's frame.
        turn: About +Y, from the carrier's front.
    """
    x, y, z = on.to_world(point[0], point[1] + _LIFT_M, point[2])
    placed = space.on_floor(thing, x, z, on.yaw_rad + turn, y=y)
    return Placed(thing, placed.position, placed.yaw_rad, placed.box, on)


def stand(space: Space, thing: Piece, on: Placed, *, x: float = 0.0, z: float = 0.0) -> bool:
    """Put a thing on a piece's highest support.

    Args:
        space: Their room.
        thing: What stands.
        on: What carries it.
        x: Where, in the carrier's frame; moved as far as it has to be to stay on it.
        z: The same.

    Returns:
        Whether there was space.
    """
    if not on.piece.supports:
        return False
    support = max(on.piece.supports, key=lambda area: area.height_m)
    half = thing.size_m[0] / 2, thing.size_m[2] / 2
    low, high = np.add(support.lower, half), np.subtract(support.upper, half)
    if (high < low - _OVERHANG_M).any():
        return False
    middle = (low + high) / 2
    px, pz = np.clip((x, z), np.minimum(low, middle), np.maximum(high, middle))
    return space.try_carry(carried(space, thing, on, (float(px), support.height_m, float(pz))))
