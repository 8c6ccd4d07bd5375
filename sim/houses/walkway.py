"""Whether one can still walk through a furnished room."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sim.houses.footprints import Footprint, table_of
from sim.houses.plan import PlannedRoom

_PIXEL_M = 0.05
_BODY_M = 0.26
"""Half the width kept free to most places: an agent (0.18 m), baseboards, and what a navigation grid may take."""
_PASSAGE_M = 0.35
"""Half the width kept free from door to door."""
_HEADROOM_M = 1.6
_STEP_M = 0.06
_REACHED_SHARE = 0.8


def can_walk(room: PlannedRoom, solid: Sequence[Footprint]) -> bool:
    """Whether all doors of a room are joined by a path 0.7 m wide, and an agent gets from them to most free places.

    Args:
        room: With its doors.
        solid: Everything that stands in it.
    """
    clearance = clearance_map(room, solid)
    doors = _door_pixels(room)
    if len(doors) == 0:
        return True
    wide, _ = ndimage.label(clearance >= _passage_width(room))
    marks = wide[doors[:, 0], doors[:, 1]]
    if marks.min() == 0 or marks.min() != marks.max():
        return False
    body = clearance >= _BODY_M
    reached, _ = ndimage.label(body)
    return bool((reached == reached[doors[0, 0], doors[0, 1]]).sum() >= _REACHED_SHARE * body.sum())


def _passage_width(room: PlannedRoom) -> float:
    return min(_PASSAGE_M, 0.5 * min(room.size_m) - 0.1)


def clearance_map(room: PlannedRoom, solid: Sequence[Footprint]) -> NDArray[np.float64]:
    """Distance from every pixel's middle to the nearest wall or thing, metres, [along z, along x], 5 cm pixels."""
    width, depth = room.size_m
    columns, rows = max(1, int(width / _PIXEL_M)), max(1, int(depth / _PIXEL_M))
    taken = np.zeros((rows + 2, columns + 2), dtype=bool)
    taken[0] = taken[-1] = True
    taken[:, 0] = taken[:, -1] = True
    for x, z, half_x, half_z, cos, sin, low, high in table_of(solid):
        if low > _HEADROOM_M or high < _STEP_M:
            continue
        reach_x, reach_z = abs(cos) * half_x + abs(sin) * half_z, abs(sin) * half_x + abs(cos) * half_z
        i0, i1 = _pixels(x - reach_x - room.lower[0], x + reach_x - room.lower[0], columns)
        j0, j1 = _pixels(z - reach_z - room.lower[1], z + reach_z - room.lower[1], rows)
        px = room.lower[0] + (np.arange(i0, i1) + 0.5) * _PIXEL_M - x
        pz = (room.lower[1] + (np.arange(j0, j1) + 0.5) * _PIXEL_M - z)[:, None]
        half = _PIXEL_M / 2
        inside = (np.abs(cos * px - sin * pz) <= half_x + half) & (np.abs(sin * px + cos * pz) <= half_z + half)
        taken[j0 + 1 : j1 + 1, i0 + 1 : i1 + 1] |= inside
    distance = np.asarray(ndimage.distance_transform_edt(~taken), dtype=np.float64)
    return distance[1:-1, 1:-1] * _PIXEL_M - _PIXEL_M / 2


def _pixels(low: float, high: float, count: int) -> tuple[int, int]:
    return max(0, int(low / _PIXEL_M) - 1), min(count, int(high / _PIXEL_M) + 2)


def _door_pixels(room: PlannedRoom) -> NDArray[np.intp]:
    """Row and column of a point half a metre inside each door, or in the middle of a narrow room."""
    found = []
    for side, wall in enumerate(room.walls):
        inside = min(0.5, room.size_m[1 - side % 2] / 2)
        for hole in wall.openings:
            if hole.kind == "window" or hole.kind == "entrance":
                continue
            x, z = wall.at(hole.middle, inside)
            found.append((int((z - room.lower[1]) / _PIXEL_M), int((x - room.lower[0]) / _PIXEL_M)))
    return np.array(found, dtype=np.intp).reshape(-1, 2)
