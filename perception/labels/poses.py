"""Labels of pairs and triplets of views: relative poses, and whether two centres show one point.

A pose is six numbers: camera b's position in camera a's frame (metres), then the rotation that takes b's frame to a's
as a rotation vector (axis times angle, radians, angle in [0, pi]).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception.labels.geometry import centre_points, overlap
from perception.labels.view import Label, View, single

SAME_POINT_TOLERANCE = 0.02
"""Two centres show one point if their points lie within this share of the distance to it."""

LEAST_OVERLAP = 0.01
"""Views share a point if this share of the first one's pixels is seen in the second."""


def relative_pose(first: View, second: View) -> NDArray[np.float32]:
    """Pose of the second camera in the first camera's frame, float32 [6]."""
    to_first = first.rotation.astype(np.float64).T
    translation = to_first @ (second.position.astype(np.float64) - first.position)
    return _pose(to_first @ second.rotation, translation)


def compose(first: ArrayLike, second: ArrayLike) -> NDArray[np.float32]:
    """Pose of c in a from the pose of b in a (`first`) and of c in b (`second`), float32 [6]."""
    (rotation_ab, translation_ab), (rotation_bc, translation_bc) = pose_matrix(first), pose_matrix(second)
    return _pose(rotation_ab @ rotation_bc, rotation_ab @ translation_bc + translation_ab)


def pose_matrix(pose: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotation [3, 3] and translation [3] of a pose, so that x_a = rotation @ x_b + translation."""
    from scipy.spatial.transform import Rotation

    values = np.asarray(pose, np.float64)
    return Rotation.from_rotvec(values[3:]).as_matrix(), values[:3]


def _pose(rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> NDArray[np.float32]:
    from scipy.spatial.transform import Rotation

    return np.concatenate([translation, Rotation.from_matrix(rotation).as_rotvec()]).astype(np.float32)


def centres_meet(first: View, second: View, tolerance: float = SAME_POINT_TOLERANCE) -> bool:
    """Whether the optical axes of two views meet the same point of the scene.

    Args:
        first: One view.
        second: The other.
        tolerance: Largest distance of the two points, as a share of the distance from the nearer camera.
    """
    ours, theirs = centre_points(first), centre_points(second)
    if not (len(ours) and len(theirs)):
        return False
    gaps = np.linalg.norm(ours[:, None] - theirs[None], axis=-1)
    reach = min(
        np.linalg.norm(ours - first.position, axis=-1).min(), np.linalg.norm(theirs - second.position, axis=-1).min()
    )
    return bool(gaps.min() <= tolerance * reach)


def fixated_pose(first: View, second: View) -> Label:
    """Relative pose, float32 [6]; valid if both optical axes meet one point that both cameras see."""
    return single(relative_pose(first, second), centres_meet(first, second))


def nonfixated_pose(first: View, second: View) -> Label:
    """Relative pose, float32 [6]; valid if the second view shows some of what the first shows."""
    return single(relative_pose(first, second), overlap(first, second) >= LEAST_OVERLAP)


def egomotion(first: View, second: View, third: View) -> Label:
    """Three poses, float32 [18]: b in a, c in b, a in c, so that composing them gives the identity.

    Valid if the optical axes of all three meet one point.
    """
    pairs = ((first, second), (second, third), (third, first))
    values = np.concatenate([relative_pose(a, b) for a, b in pairs])
    return single(values, all(centres_meet(a, b) for a, b in pairs))


def point_matching(first: View, second: View) -> Label:
    """1 if the centres of both views show the same point of the scene, else 0; invalid if a centre shows nothing."""
    valid = len(centre_points(first)) > 0 and len(centre_points(second)) > 0
    return single(np.int64(centres_meet(first, second)), valid)
