"""One room while it is being furnished: what stands where, what is free, and whether one can still walk."""

from dataclasses import dataclass, field
from math import pi

import numpy as np
from numpy.typing import NDArray

from sim.furniture import CATALOGUE, Piece, make
from sim.houses.footprints import Footprint, meeting, table_of
from sim.houses.plan import PlannedRoom
from sim.houses.room_types import CURTAINED
from sim.houses.walkway import can_walk
from sim.houses.walls import Opening, Wall
from sim.materials import Palette

WALL_GAP_M = 0.022
"""Between a wall and what stands against it: the baseboard."""
_DOOR_ZONE_M = 0.75
_WINDOW_ZONE_M = 1.3
"""What is lower may stand before a window."""
_FLAT_M = 0.06
"""What is lower (rugs, mats) may lie under other things."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A piece in its place.

    Args:
        piece: What it is.
        position: Of its origin, metres.
        yaw_rad: Turn about +Y.
        box: What it takes up.
        parent: What it stands on; None for floor, wall and ceiling.
    """

    piece: Piece
    position: tuple[float, float, float]
    yaw_rad: float
    box: Footprint
    parent: "Placed | None" = None

    def to_world(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """A point of the piece's frame in the building's."""
        cos, sin = float(np.cos(self.yaw_rad)), float(np.sin(self.yaw_rad))
        px, py, pz = self.position
        return px + cos * x + sin * z, py + y, pz - sin * x + cos * z

    def to_local(self, x: float, z: float) -> tuple[float, float]:
        """A point of the building on the piece's own x and z."""
        cos, sin = float(np.cos(self.yaw_rad)), float(np.sin(self.yaw_rad))
        dx, dz = x - self.position[0], z - self.position[2]
        return cos * dx - sin * dz, sin * dx + cos * dz


@dataclass(eq=False)
class Space:
    """A room being furnished.

    Args:
        room: Its plan.
        palette: Its materials.
        rng: Draws everything.
        density: Of furniture, 0 to 1.
        clutter: Of small things, 0 to 1.
    """

    room: PlannedRoom
    palette: Palette
    rng: np.random.Generator
    density: float = 1.0
    clutter: float = 0.7
    placed: list[Placed] = field(default_factory=list)
    _solid: list[Footprint] = field(default_factory=list)
    _doors: list[Footprint] = field(default_factory=list)
    _windows: list[Footprint] = field(default_factory=list)

    def __post_init__(self) -> None:
        for wall in self.room.walls:
            for hole in wall.openings:
                zones = self._windows if hole.kind == "window" else self._doors
                zones.append(_zone(wall, hole, 0.54 if self.room.kind in CURTAINED else 0.14))

    def chance(self, probability: float) -> bool:
        """True as often as the probability says."""
        return bool(self.rng.random() < probability)

    def choice(self, items: tuple[str, ...]) -> str:
        """One of several."""
        return items[int(self.rng.integers(len(items)))]

    def make(self, category: str, **sizes_m: float) -> Piece:
        """A new piece of furniture; sizes that its category cannot be asked for are left out."""
        known = CATALOGUE[category].sizes
        return make(
            category, self.rng, self.palette, **{name: value for name, value in sizes_m.items() if name in known}
        )

    def block(self, box: Footprint) -> None:
        """Something solid that is no piece, such as a door's leaf."""
        self._solid.append(box)

    def free(self, boxes: list[Footprint], *, doors: bool = True, windows: bool = True) -> NDArray[np.bool_]:
        """Which boxes lie in the room and meet nothing.

        Args:
            boxes: N of them.
            doors: Whether the space before doors has to stay free.
            windows: Whether the space before windows has to stay free.

        Returns:
            bool [N].
        """
        if not boxes:
            return np.zeros(0, dtype=bool)
        (x0, z0), (x1, z1) = self.room.lower, self.room.upper
        extents = np.array([box.extent for box in boxes])
        inside = (extents[:, 0] >= x0 + 1e-4) & (extents[:, 1] >= z0 + 1e-4)
        inside &= (extents[:, 2] <= x1 - 1e-4) & (extents[:, 3] <= z1 - 1e-4)
        inside &= np.array([box.high <= self.room.height_m + 1e-4 for box in boxes])
        taken = [*self._solid, *(item.box for item in self.placed if not is_flat(item.box))]
        taken += [*(self._doors if doors else []), *(self._windows if windows else [])]
        if not taken:
            return inside
        return inside & ~meeting(table_of(boxes), table_of(taken)).any(axis=1)

    def try_place(self, *items: Placed, windows: bool = True) -> bool:
        """Place several pieces at once, if all fit and one can still walk between the doors.

        Args:
            items: The pieces.
            windows: Whether the space before windows has to stay free.
        """
        solid = [item.box for item in items if not is_flat(item.box)]
        if not self.free(solid, windows=windows).all() or _meet_each_other(solid):
            return False
        (x0, z0), (x1, z1) = self.room.lower, self.room.upper
        for item in items:
            low_x, low_z, high_x, high_z = item.box.extent
            if low_x < x0 or low_z < z0 or high_x > x1 or high_z > z1:
                return False
        if any(box.low < 1.9 for box in solid) and not self.walkable(solid):
            return False
        self.placed.extend(items)
        return True

    def try_carry(self, item: Placed) -> bool:
        """Add a thing that stands on another, if it meets nothing but that."""
        others = [other.box for other in self.placed if other is not item.parent]
        if others and meeting(table_of([item.box]), table_of(others)).any():
            return False
        self.placed.append(item)
        return True

    def walkable(self, more: list[Footprint]) -> bool:
        """Whether one could still walk if these boxes were solid too."""
        taken = [*self._solid, *(item.box for item in self.placed if not is_flat(item.box)), *more]
        return can_walk(self.room, taken)

    @property
    def covered(self) -> float:
        """Share of the floor that furniture stands on."""
        width, depth = self.room.size_m
        standing = [box for box in (item.box for item in self.placed if item.parent is None) if box.low < 0.3]
        return sum(box.width * box.depth for box in standing if not is_flat(box)) / (width * depth)

    def on_floor(self, piece: Piece, x: float, z: float, yaw_rad: float, *, y: float = 0.0) -> Placed:
        """A piece standing at a point."""
        width, height, depth = piece.size_m
        return Placed(piece, (x, y, z), yaw_rad, Footprint(x, z, width, depth, yaw_rad, y, y + height))

    def against(self, piece: Piece, wall: Wall, u: float, *, gap_m: float = WALL_GAP_M) -> Placed:
        """A piece standing with its back to a wall, its middle u along it."""
        x, z = wall.at(u, gap_m + piece.size_m[2] / 2)
        return self.on_floor(piece, x, z, wall.yaw_rad)

    def hung(self, piece: Piece, wall: Wall, u: float, y: float) -> Placed:
        """A piece hung on a wall, its middle u along it and at height y."""
        width, height, depth = piece.size_m
        x, z = wall.at(u, 0.003)
        middle = wall.at(u, 0.003 + depth / 2)
        box = Footprint(middle[0], middle[1], width, depth, wall.yaw_rad, y - height / 2, y + height / 2)
        return Placed(piece, (x, y, z), wall.yaw_rad, box)

    def from_ceiling(self, piece: Piece, x: float, z: float, yaw_rad: float = 0.0) -> Placed:
        """A piece hung from the ceiling."""
        width, height, depth = piece.size_m
        top = self.room.height_m - 0.002
        return Placed(piece, (x, top, z), yaw_rad, Footprint(x, z, width, depth, yaw_rad, top - height, top))


def is_flat(box: Footprint) -> bool:
    """Whether other things may stand on it as if it were the floor."""
    return box.low < 0.01 and box.high <= _FLAT_M


def _meet_each_other(boxes: list[Footprint]) -> bool:
    table = table_of(boxes)
    return bool(np.triu(meeting(table, table), 1).any())


def _zone(wall: Wall, hole: Opening, window_margin_m: float) -> Footprint:
    """What has to stay free before an opening: the way through a door, the view and the curtains of a window."""
    if hole.kind == "window":
        depth, width, low = 0.3, hole.right - hole.left + window_margin_m, max(hole.bottom - 0.02, _WINDOW_ZONE_M)
    else:
        depth, width, low = _DOOR_ZONE_M, hole.right - hole.left + 0.12, 0.0
    x, z = wall.at(hole.middle, depth / 2)
    return Footprint(x, z, width, depth, wall.yaw_rad, low, hole.top + 0.1)


def facing(x: float, z: float, target_x: float, target_z: float) -> float:
    """Yaw of a piece at a point whose front is to face another."""
    return float(np.arctan2(target_x - x, target_z - z)) % (2 * pi)
