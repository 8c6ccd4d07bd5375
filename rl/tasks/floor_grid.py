"""The walkable floor of a building as cells, and which of them a scanner sees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim import Simulator

_SAME_FLOOR_M = 1.0


@dataclass(frozen=True, eq=False)
class FloorGrid:
    """Square cells, rows along +Z, columns along +X.

    Args:
        free: bool [R, C]: cells whose middle an agent can stand on.
        origin: x and z of the outer corner of cell (0, 0), metres.
        floor_m: Height of the floor.
        cell_m: Side of a cell.
    """

    free: NDArray[np.bool_]
    origin: tuple[float, float]
    floor_m: float
    cell_m: float

    @property
    def area_m2(self) -> float:
        """Of all free cells."""
        return float(self.free.sum()) * self.cell_m**2

    def is_on(self, floor_m: float) -> bool:
        """Whether a floor of that height is this one."""
        return abs(floor_m - self.floor_m) < _SAME_FLOOR_M

    def cells(self, x: NDArray[np.float32], z: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of points; those outside get the cell at the edge, which is never free."""
        rows, columns = self.free.shape
        row = np.floor((z - self.origin[1]) / self.cell_m).astype(np.intp).clip(0, rows - 1)
        column = np.floor((x - self.origin[0]) / self.cell_m).astype(np.intp).clip(0, columns - 1)
        return row, column

    def visible(
        self,
        positions: NDArray[np.float32],
        headings_rad: NDArray[np.float32],
        angles_rad: NDArray[np.float32],
        distances_m: NDArray[np.float32],
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Free cells that scanners see: along each ray, all up to the first that is not free.

        Args:
            positions: float32 [N, 3] of scanners.
            headings_rad: float32 [N].
            angles_rad: float32 [A] of rays from straight ahead, positive to the left.
            distances_m: float32 [D] along rays, ascending, from 0.

        Returns:
            Scanner, row and column of what is seen, with repetitions: int [M] each.
        """
        way = headings_rad[:, None, None] + angles_rad[None, :, None]
        x = positions[:, 0, None, None] - np.sin(way) * distances_m
        z = positions[:, 2, None, None] - np.cos(way) * distances_m
        row, column = self.cells(x, z)
        open_so_far = self.free[row, column]
        open_so_far[..., 0] = True  # where it stands, though the middle of that cell may be too near to a wall
        seen = np.logical_and.accumulate(open_so_far, axis=2)
        seen &= self.free[row, column]
        which = np.broadcast_to(np.arange(len(positions))[:, None, None], seen.shape)
        return which[seen], row[seen], column[seen]


def floor_grid(simulator: Simulator, building: int, floor_m: float, cell_m: float) -> FloorGrid:
    """The cells of one floor of a building, with a margin of cells that are not free.

    Args:
        simulator: Any backend.
        building: Index of the building.
        floor_m: Height of the floor, metres.
        cell_m: Side of a cell.
    """
    low, high = simulator.buildings[building].bounds[:, ::2].astype(float)
    low = low - cell_m
    columns, rows = np.ceil((high - low) / cell_m).astype(int) + 1
    z, x = np.meshgrid(
        low[1] + (np.arange(rows) + 0.5) * cell_m, low[0] + (np.arange(columns) + 0.5) * cell_m, indexing="ij"
    )
    points = np.stack([x, np.full_like(x, floor_m), z], axis=-1).reshape(-1, 3).astype(np.float32)
    free = simulator.is_navigable(points, building).reshape(rows, columns)
    free[[0, -1]] = False
    free[:, [0, -1]] = False
    return FloorGrid(free, (float(low[0]), float(low[1])), floor_m, cell_m)
