"""One floor of a building from above, to draw on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.tasks.floor_grid import FloorGrid, floor_grid
from sim import Simulator

Picture = NDArray[np.uint8]
Points = NDArray[np.float32]
Kinds = NDArray[np.intp]

MAP_PX = (512, 384)
"""Width and height of a map; a multiple of usual cameras' sizes in height, so that their pixels stay squares."""

FINE = 2
"""Plans are drawn so many times larger than they are shown, which makes edges smooth."""

_CELL_M = 0.05
_MARGIN_M = 0.4
_WALL_M = 0.12
_OUTSIDE, _WALL, _ROOM, _WALKABLE = (255, 255, 255), (84, 88, 96), (205, 202, 194), (242, 246, 250)


@dataclass(frozen=True, eq=False)
class FloorPlan:
    """One floor of a building from above: +X right and +Z down, or turned: +Z right and +X up.

    Args:
        picture: uint8 [H, W, 3], `FINE` times larger than the size asked for.
        corner: Of the picture, upper left, metres to the right and down.
        px_per_m: Pixels a metre.
        is_turned: Whether it is turned, as that of a building that is deeper than wide.
    """

    picture: Picture
    corner: tuple[float, float]
    px_per_m: float
    is_turned: bool = False

    def pixels(self, points: Points) -> NDArray[np.float64]:
        """Where points [N, 3] are in the picture: float64 [N, 2], column and row."""
        return (self.turned(np.asarray(points, np.float64).reshape(-1, 3)[:, [0, 2]]) - self.corner) * self.px_per_m

    def turned(self, plan: NDArray[np.float64]) -> NDArray[np.float64]:
        """Steps (x, z) [N, 2] as steps to the right and down in the picture, metres."""
        return plan @ np.array([[0.0, -1.0], [1.0, 0.0]]) if self.is_turned else plan


def floor_plan(simulator: Simulator, building: int, floor_m: float, size_px: tuple[int, int] = MAP_PX) -> FloorPlan:
    """Draw one floor: where agents can stand pale, the rest of rooms darker, walls dark, outside white.

    The longer side of the building lies along the longer side of the picture.

    Args:
        simulator: Any backend.
        building: Index of the building.
        floor_m: Height of the floor, metres.
        size_px: Width and height of the picture.

    Raises:
        UserError: If the size is not positive.
    """
    width, height = (FINE * side for side in size_px)
    if width < 1 or height < 1:
        raise UserError(f"a map of {size_px} pixels cannot be drawn; expected a positive width and height.")
    grid = floor_grid(simulator, building, floor_m, _CELL_M)
    x, z = (grid.origin[axis] + (np.arange(grid.free.shape[1 - axis]) + 0.5) * _CELL_M for axis in (0, 1))
    kinds: Kinds = np.zeros(grid.free.shape, np.intp)
    for grown_m, kind in ((_WALL_M, 1), (0.0, 2)):
        for room in simulator.buildings[building].rooms:
            if room.lower[1] - 1 < floor_m < room.upper[1]:
                across = (x >= room.lower[0] - grown_m) & (x <= room.upper[0] + grown_m)
                along = (z >= room.lower[2] - grown_m) & (z <= room.upper[2] + grown_m)
                kinds[np.ix_(along, across)] = kind
    kinds[grid.free] = 3
    found, low = _cropped(kinds, grid)
    is_turned = (found.shape[0] > found.shape[1]) is (width > height)
    if is_turned:
        found, low = np.rot90(found), np.array([low[1], -low[0] - found.shape[1] * _CELL_M])
    picture, corner, px_per_m = _fitted(found, low, (width, height))
    return FloorPlan(picture, corner, px_per_m, is_turned)


def _cropped(kinds: Kinds, grid: FloorGrid) -> tuple[Kinds, NDArray[np.float64]]:
    """The part of the cells that has something to show, and x and z of its outer corner."""
    rows, columns = (np.flatnonzero((kinds > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise UserError("this floor has no place to stand on; is the agent in the building?")
    low = np.array([columns[0], rows[0]]) * _CELL_M + np.array(grid.origin)
    return kinds[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], low


def _fitted(
    kinds: Kinds, low: NDArray[np.float64], size_px: tuple[int, int]
) -> tuple[Picture, tuple[float, float], float]:
    """Cells that begin at `low` in the middle of a picture, as large as they fit in; its corner; and pixels a metre."""
    size_m = np.array([kinds.shape[1], kinds.shape[0]]) * _CELL_M
    px_per_m = float(np.min(np.array(size_px) / (size_m + 2 * _MARGIN_M)))
    corner = low + size_m / 2 - np.array(size_px) / (2 * px_per_m)
    column, row = (
        np.floor((corner[axis] + (np.arange(size_px[axis]) + 0.5) / px_per_m - low[axis]) / _CELL_M).astype(int) + 1
        for axis in (0, 1)
    )
    framed = np.pad(kinds, 1)
    found = framed[np.ix_(row.clip(0, len(framed) - 1), column.clip(0, framed.shape[1] - 1))]
    colours = np.array([_OUTSIDE, _WALL, _ROOM, _WALKABLE], np.uint8)
    return colours[found], (float(corner[0]), float(corner[1])), px_per_m
