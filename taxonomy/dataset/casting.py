"""Questions put to a renderer: what free cameras see, and whether a point is seen from a place."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.cameras import Cameras
from sim.errors import SimulatorError
from sim.simulator import Observations, Sensor
from taxonomy.dataset.world import Renderer

_Scalar = TypeVar("_Scalar", bound=np.generic)

RAYS_AT_ONCE = 2048
"""Rays to points in one call; always as many, so that a renderer compiles for one size."""

_NARROW_DEG = 2.0


def observe(renderer: Renderer, cameras: Cameras, size: int, sensors: tuple[Sensor, ...], at_once: int) -> Observations:
    """What any number of cameras see, in calls of always `at_once` cameras; the last is filled up and cut.

    Args:
        renderer: Of one building.
        cameras: N of them.
        size: Pixels a side.
        sensors: What to measure.
        at_once: Cameras in one call.
    """
    parts = []
    for start in range(0, len(cameras), at_once):
        chosen = np.minimum(np.arange(start, start + at_once), len(cameras) - 1)
        parts.append(renderer.render(cameras[chosen], size, size, sensors))
    count = len(cameras)
    return Observations(
        **{sensor.value: np.concatenate([getattr(part, sensor.value) for part in parts])[:count] for sensor in sensors}
    )


def sees(renderer: Renderer, positions: NDArray[np.floating], points: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Bool [N]: whether a ray from each position [N, 3] reaches the surface at its point [N, 3]."""
    if not len(positions):
        return np.zeros(0, dtype=bool)
    cameras = Cameras.looking_at(positions, points, hfov_deg=_NARROW_DEG)
    depth = measured(observe(renderer, cameras, 1, (Sensor.DEPTH,), RAYS_AT_ONCE).depth)[:, 0, 0]
    distance = np.linalg.norm(np.asarray(points, np.float64) - positions, axis=-1)
    return np.asarray(np.abs(depth - distance) <= 0.01 + 0.002 * distance)


def measured(values: NDArray[_Scalar] | None) -> NDArray[_Scalar]:
    """What a sensor that was asked for measured.

    Raises:
        SimulatorError: If the renderer did not return it.
    """
    if values is None:
        raise SimulatorError("the renderer left out a sensor that it was asked for; it breaks the simulator protocol.")
    return values


def world_points(cameras: Cameras, depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 [N, H, W, 3]: the points that pixels show, from depth [N, H, W] to the camera plane."""
    height, width = depth.shape[1:]
    half = np.tan(np.radians(cameras.hfov_deg.astype(np.float64)) / 2)[:, None, None]
    x = half * (2 * (np.arange(width) + 0.5) / width - 1)[None, None, :]
    y = half * (height / width) * (1 - 2 * (np.arange(height) + 0.5) / height)[None, :, None]
    rays = np.stack(np.broadcast_arrays(x, y, -1.0), axis=-1)
    turned = np.einsum("nij,nhwj->nhwi", cameras.rotations, rays)
    return np.asarray(cameras.positions[:, None, None] + depth[..., None] * turned, np.float32)
