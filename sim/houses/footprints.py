"""Upright boxes turned about the vertical: what furniture takes up, and whether two of them meet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Footprint:
    """A box.

    Args:
        x: Of its middle, metres.
        z: Of its middle.
        width: Along its own x axis.
        depth: Along its own z axis.
        yaw_rad: Turn about +Y.
        low: Its underside.
        high: Its top.
    """

    x: float
    z: float
    width: float
    depth: float
    yaw_rad: float
    low: float
    high: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Least x, least z, greatest x, greatest z."""
        cos, sin = abs(np.cos(self.yaw_rad)), abs(np.sin(self.yaw_rad))
        half_x = float(cos * self.width + sin * self.depth) / 2
        half_z = float(sin * self.width + cos * self.depth) / 2
        return self.x - half_x, self.z - half_z, self.x + half_x, self.z + half_z


def table_of(boxes: Sequence[Footprint]) -> NDArray[np.float64]:
    """Boxes as rows [N, 8]: x, z, half width, half depth, cos yaw, sin yaw, low, high."""
    rows = [
        (box.x, box.z, box.width / 2, box.depth / 2, np.cos(box.yaw_rad), np.sin(box.yaw_rad), box.low, box.high)
        for box in boxes
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 8)


def meeting(first: NDArray[np.float64], second: NDArray[np.float64], slack_m: float = 1e-3) -> NDArray[np.bool_]:
    """Which boxes of two tables overlap by more than a slack.

    Separating axes (Gottschalk et al., "OBBTree", SIGGRAPH 1996), of which upright boxes need five.

    Args:
        first: [N, 8] as `table_of` gives.
        second: [M, 8].
        slack_m: Overlap that still counts as touching.

    Returns:
        bool [N, M].
    """
    a, b = first[:, None], second[None]
    apart = (a[..., 6] >= b[..., 7] - slack_m) | (b[..., 6] >= a[..., 7] - slack_m)
    shift_x, shift_z = b[..., 0] - a[..., 0], b[..., 1] - a[..., 1]
    for box in (a, b):
        for axis_x, axis_z in ((box[..., 4], -box[..., 5]), (box[..., 5], box[..., 4])):
            reach = _reach(a, axis_x, axis_z) + _reach(b, axis_x, axis_z)
            apart = apart | (np.abs(shift_x * axis_x + shift_z * axis_z) >= reach - slack_m)
    return ~apart


def _reach(box: NDArray[np.float64], axis_x: NDArray[np.float64], axis_z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half of a box's shadow on an axis."""
    across = np.abs(box[..., 4] * axis_x - box[..., 5] * axis_z)
    deep = np.abs(box[..., 5] * axis_x + box[..., 4] * axis_z)
    return box[..., 2] * across + box[..., 3] * deep
