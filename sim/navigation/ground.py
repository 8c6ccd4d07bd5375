"""Where an agent can stand in a building: its floor, and what rises from it or hangs too low over it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sim.building import Building
from sim.errors import SimulatorError
from sim.navigation.rasterise import Fragments, rasterise

MOST_CELLS = 8_000_000
"""Their tables take about 100 bytes each while a map is made; 140 m x 140 m in cells of 0.05 m fit."""

_WALKABLE = np.cos(np.deg2rad(45.0))
"""Steeper surfaces are obstacles, as in Habitat's default navigation mesh."""

_CLIMB_M = 1.5
"""How far a floor may rise or fall from its main level, by steps and ramps."""

_LEVEL_M = 0.05
"""Floors are looked for at multiples of this height."""

_TOUCH_M = 1e-3
"""Surfaces that reach this little into an agent's way are not in it: a box that stands exactly as high as a step."""


@dataclass(frozen=True, eq=False)
class Ground:
    """A floor plan in cells; rows along +Z, columns along +X.

    Args:
        free: bool [R, C], where the middle of an agent may be.
        floor_m: float32 [R, C], height of the floor, NaN where there is none.
        origin: x and z of the least corner of cell (0, 0), metres.
        cell_m: Side of a cell.
    """

    free: NDArray[np.bool_]
    floor_m: NDArray[np.float32]
    origin: tuple[float, float]
    cell_m: float


def find_ground(building: Building, *, radius_m: float, height_m: float, step_height_m: float, cell_m: float) -> Ground:
    """The lowest large floor of a building on which an agent has room, and where.

    Args:
        building: Its triangles face upwards where one can stand.
        radius_m: Of the agent's cylinder: its middle stays that far from every cell that holds an obstacle or no floor.
        height_m: Of its cylinder.
        step_height_m: What it steps over.
        cell_m: Side of a cell.

    Raises:
        SimulatorError: If the agent can stand nowhere, or there would be more than `MOST_CELLS` cells.
    """
    lower, upper = building.bounds[:, [0, 2]].astype(np.float64)
    margin = radius_m + 2 * cell_m
    origin = np.floor((lower - margin) / cell_m) * cell_m
    columns, rows = (np.ceil((upper + margin - origin) / cell_m)).astype(int)
    if int(columns) * int(rows) > MOST_CELLS:
        raise SimulatorError(
            f"building {building.name!r} spans {columns} x {rows} cells of {cell_m} m, more than {MOST_CELLS:,}: "
            f"use a larger cell_m or a part of the building."
        )
    corners = building.vertices[building.triangles].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    walkable = normals[:, 1] > _WALKABLE * np.linalg.norm(normals, axis=1)
    best: Ground | None = None
    for level_m, area_m2 in _levels(corners[walkable, :, 1].mean(axis=1), normals[walkable, 1] / 2):
        near = (corners[..., 1].min(axis=1) < level_m + _CLIMB_M + height_m) & (
            corners[..., 1].max(axis=1) > level_m - _CLIMB_M
        )
        plan = np.concatenate([(corners[near][..., [0, 2]] - origin) / cell_m, corners[near][..., [1]]], axis=2)
        fragments = rasterise(plan)
        floor_m = _floor(fragments, walkable[near][fragments.triangle], level_m, step_height_m, (rows, columns))
        free = _room(fragments, floor_m, radius_m / cell_m, height_m, step_height_m)
        ground = Ground(free, floor_m, (float(origin[0]), float(origin[1])), cell_m)
        if best is None or free.sum() > best.free.sum():
            best = ground
        if free.sum() * cell_m**2 > 0.1 * area_m2:
            break
    if best is None or not best.free.any():
        raise SimulatorError(
            f"building {building.name!r} has no navigable area for an agent of radius {radius_m} m and height "
            f"{height_m} m; use a smaller agent, or check that floors face up (+Y) and lengths are in metres."
        )
    return best


def _levels(heights_m: NDArray[np.float64], areas_m2: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Heights at which there is much floor, lowest first, with how much, from those of its triangles."""
    if len(heights_m) == 0:
        return []
    bins = np.floor(heights_m / _LEVEL_M).astype(np.int64)
    first = bins.min()
    keys, index = np.unique(bins - first, return_inverse=True)
    area = np.bincount(index, weights=areas_m2)
    weighted = np.bincount(index, weights=areas_m2 * heights_m)
    near = np.abs(keys[:, None] - keys[None]) <= 1 if len(keys) < 4096 else np.eye(len(keys), dtype=bool)
    window = near @ area
    level = (near @ weighted) / np.maximum(window, 1e-12)
    large = np.flatnonzero(window >= 0.2 * window.max())
    return [(float(level[i]), float(window[i])) for i in large]


def _floor(
    fragments: Fragments, walkable: NDArray[np.bool_], level_m: float, step_m: float, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """float32 [R, C]: the floor from a level on, and up and down from there as far as steps and ramps lead."""
    pick = np.flatnonzero(walkable)
    cell = fragments.row[pick] * shape[1] + fragments.column[pick]
    height = fragments.high_m[pick]
    floor = np.full(shape[0] * shape[1], -np.inf)
    base = np.abs(height - level_m) <= step_m + _TOUCH_M
    np.maximum.at(floor, cell[base], height[base])
    neighbours = np.array([-1, 1, -shape[1], shape[1]])
    while True:
        higher = height > floor[cell] + _TOUCH_M
        cell, height = cell[higher], height[higher]
        reach = np.flatnonzero(height <= floor.max() + step_m + _TOUCH_M)
        beside = floor[cell[reach, None] + neighbours]
        rise = reach[(np.abs(beside - height[reach, None]) <= step_m + _TOUCH_M).any(axis=1)]
        if len(rise) == 0:
            break
        np.maximum.at(floor, cell[rise], height[rise])
    floor[np.isinf(floor)] = np.nan
    return floor.reshape(shape).astype(np.float32)


def _room(
    fragments: Fragments, floor_m: NDArray[np.float32], radius_cells: float, height_m: float, step_m: float
) -> NDArray[np.bool_]:
    """Cells bool [R, C] from whose middle an agent touches nothing but the floor."""
    blocked = np.isnan(floor_m)
    floor = floor_m[fragments.row, fragments.column]
    hit = (fragments.high_m > floor + step_m + _TOUCH_M) & (fragments.low_m < floor + height_m - _TOUCH_M)
    blocked[fragments.row[hit], fragments.column[hit]] = True
    for axis in (0, 1):
        ledge = np.abs(np.diff(floor_m, axis=axis)) > step_m + _TOUCH_M
        before = ((0, 1), (0, 0)) if axis == 0 else ((0, 0), (0, 1))
        after = ((1, 0), (0, 0)) if axis == 0 else ((0, 0), (1, 0))
        blocked |= np.pad(ledge, before) | np.pad(ledge, after)
    return inflate(blocked, radius_cells)


def inflate(blocked: NDArray[np.bool_], radius_cells: float) -> NDArray[np.bool_]:
    """Cells bool [R, C] whose middle is at least a radius away from every blocked cell, edges included.

    The distance transform runs on a grid of half cells, which holds the nearest point of every blocked square.
    """
    rows, columns = blocked.shape
    half = np.ones((2 * rows + 1, 2 * columns + 1), dtype=bool)
    for i in range(3):
        for j in range(3):
            half[i : 2 * rows + i : 2, j : 2 * columns + j : 2] &= ~blocked
    distance = ndimage.distance_transform_edt(half)[1::2, 1::2] / 2
    return ~blocked & (distance >= radius_cells - 1e-9)


def without_pinches(free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The free cells less those that meet others by a corner alone, with blocked cells on both sides."""
    free = free.copy()
    while True:
        a, b, c, d = free[:-1, :-1], free[:-1, 1:], free[1:, :-1], free[1:, 1:]
        falling, rising = a & d & ~b & ~c, b & c & ~a & ~d
        if not (falling.any() or rising.any()):
            return free
        a[falling] = False
        b[rising] = False
