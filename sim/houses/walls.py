"""Walls of a room, each in its own frame, and the holes in them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Opening:
    """A hole in one wall, in the wall's frame.

    Args:
        kind: "door", "arch" (no frame, no leaf), "window" or "entrance" (a closed front door).
        left: Where it begins, metres along the wall.
        right: Where it ends.
        bottom: Its sill above the floor.
        top: Its head above the floor.
        other: Index of the room behind it, -1 for outside.
    """

    kind: str
    left: float
    right: float
    bottom: float
    top: float
    other: int = -1

    @property
    def middle(self) -> float:
        """Along the wall, metres."""
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class Wall:
    """One side of a room seen from inside: u runs to the right, y up, out into the room.

    Args:
        origin: x, z of its left end on the floor, metres.
        yaw_rad: Of a piece that stands with its back to it.
        length_m: From corner to corner.
        outer: Stretches of it, (left, right), behind which is no other room.
        openings: From left to right.
        thickness_m: To the next room's face.
    """

    origin: tuple[float, float]
    yaw_rad: float
    length_m: float
    outer: tuple[tuple[float, float], ...] = ()
    openings: tuple[Opening, ...] = ()
    thickness_m: float = 0.15

    def at(self, u: float, out: float = 0.0) -> tuple[float, float]:
        """x, z of the point u along the wall and `out` metres into the room."""
        cos, sin = round(float(np.cos(self.yaw_rad))), round(float(np.sin(self.yaw_rad)))
        return self.origin[0] + u * cos + out * sin, self.origin[1] - u * sin + out * cos

    def along(self, x: float, z: float) -> float:
        """Where a point lies along the wall, metres from its left end."""
        cos, sin = round(float(np.cos(self.yaw_rad))), round(float(np.sin(self.yaw_rad)))
        return (x - self.origin[0]) * cos - (z - self.origin[1]) * sin
