"""Labels of the room as a whole, in the camera's frame: its box, and the three Manhattan vanishing directions.

Rooms are aligned with the world's axes, y up. A box looks the same after a quarter turn, so its axes are named from the
camera: *forward* is the horizontal axis within 45 degrees of where the camera looks, *right* is to the right of it, and
*up* is against gravity. Only at 45 degrees exactly do the names change.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception.labels.view import Label, View, single

ALIGNED = math.cos(math.radians(5.0))
"""A normal within 5 degrees of an axis counts as evidence for it."""

LEAST_ALIGNED = 0.05
"""Share of the pixels that must show the horizontal axes for vanishing directions to be well defined."""


def manhattan_axes(rotation: NDArray[np.floating]) -> NDArray[np.float64]:
    """World axes as the camera names them, float64 [3, 3], rows right, up, backward (a right-handed frame).

    Args:
        rotation: [3, 3], camera to world.
    """
    turns = round(_yaw(rotation) / (math.pi / 2))
    cos, sin = (1, 0, -1, 0)[turns % 4], (0, 1, 0, -1)[turns % 4]
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], np.float64)


def _yaw(rotation: NDArray[np.floating]) -> float:
    """Radians that the camera has turned left from -Z; by its right side where it looks straight up or down."""
    backward, right = rotation[:, 2].astype(float), rotation[:, 0].astype(float)
    if math.hypot(backward[0], backward[2]) > 1e-6:
        return math.atan2(backward[0], backward[2])
    return math.atan2(-right[2], right[0])


def vanishing_point(view: View) -> Label:
    """The three vanishing directions, float32 [6]: right's (y, z), up's (x, z), forward's (x, y) in the camera frame.

    Each direction is a unit vector taken with that sign that makes its own component (right's x, up's y, forward's -z)
    positive; that component follows from the other two (`vanishing_directions`). All six are 0 for a camera that looks
    along a wall, and change smoothly as it turns, up to 45 degrees.
    Valid if 5 % of the pixels show surfaces across a horizontal axis (normals within 5 degrees): without walls or
    aligned furniture in sight nothing fixes these directions.
    """
    right, up, backward = manhattan_axes(view.rotation) @ view.rotation.astype(np.float64)
    right, up, forward = right * _sign(right[0]), up * _sign(up[1]), -backward * _sign(backward[2])
    values = np.array([right[1], right[2], up[0], up[2], forward[0], forward[1]], np.float32)
    horizontal = np.abs(view.surface_normal @ view.rotation[[0, 2]].T.astype(np.float32)) > ALIGNED
    share = float((horizontal.any(axis=-1) & view.hit).mean())
    return single(values, share >= LEAST_ALIGNED)


def _sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0


def vanishing_directions(values: ArrayLike) -> NDArray[np.float64]:
    """Unit directions, float64 [3, 3] (rows right, up, forward, camera frame), of a `vanishing_point` label."""
    v = np.asarray(values, np.float64)
    right, up, forward = ((v[i], v[i + 1], math.sqrt(max(0.0, 1 - v[i] ** 2 - v[i + 1] ** 2))) for i in (0, 2, 4))
    return np.array(
        [[right[2], right[0], right[1]], [up[0], up[2], up[1]], [forward[0], forward[1], -forward[2]]], np.float64
    )


def room_layout(view: View) -> Label:
    """The room's box in the camera's frame, float32 [9]: centre, size, orientation.

    Centre: x, y, z in metres, camera frame. Size: metres along the box's right, up and forward axes. Orientation: yaw,
    pitch, roll in radians of the camera against the box: its axes are Ry(yaw) Rx(pitch) Rz(roll) in the box's frame
    (right, up, backward); yaw in [-pi/4, pi/4] turns left, pitch looks up. Roll is 0 at a pitch of 90 degrees.
    Valid if the room is known.
    """
    if view.room is None:
        return single(np.zeros(9, np.float32), False)
    lower, upper = np.array(view.room.lower, np.float64), np.array(view.room.upper, np.float64)
    rotation = view.rotation.astype(np.float64)
    axes = manhattan_axes(rotation)
    centre = rotation.T @ ((lower + upper) / 2 - view.position)
    size = np.abs(axes) @ (upper - lower)
    return single(np.concatenate([centre, size, _yaw_pitch_roll(axes @ rotation)]).astype(np.float32), True)


def _yaw_pitch_roll(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    """Angles with Ry(yaw) Rx(pitch) Rz(roll) = rotation."""
    pitch = math.asin(min(1.0, max(-1.0, -rotation[1, 2])))
    if abs(rotation[1, 2]) > 1 - 1e-9:
        return _yaw(rotation), pitch, 0.0
    return math.atan2(rotation[0, 2], rotation[2, 2]), pitch, math.atan2(rotation[1, 0], rotation[1, 1])


def layout_corners(values: ArrayLike) -> NDArray[np.float64]:
    """The box's eight corners, float64 [8, 3], metres, camera frame, of a `room_layout` label."""
    from scipy.spatial.transform import Rotation

    v = np.asarray(values, np.float64)
    to_box = Rotation.from_euler("YXZ", v[6:]).as_matrix()
    signs = np.stack(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5], indexing="ij"), axis=-1).reshape(8, 3)
    return np.asarray(v[:3] + (signs * v[3:6]) @ to_box)
