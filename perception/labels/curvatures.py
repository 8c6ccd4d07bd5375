"""Principal curvatures from how normals turn between neighbouring points of one surface."""

import math

import numpy as np
from numpy.typing import NDArray

from perception.labels.view import Label, View

LARGEST_TURN_RAD = math.radians(30.0)
"""Normals that turn more from pixel to pixel belong to a crease, not to a smooth surface."""

LEAST_FACING = 0.1
"""Surfaces seen under a smaller cosine are grazing: their points lie too far apart."""

OFF_CHORD = 0.15
"""Cosine between a step and the mean normal of its ends beyond which it leaves the surface."""

Array = NDArray[np.float32]


def curvature(view: View) -> Label:
    """Principal curvatures k1 >= k2, float32 [H, W, 2], 1/m; positive where convex towards the camera.

    A sphere of radius r has (1/r, 1/r) from outside and (-1/r, -1/r) from inside, a cylinder (1/r, 0), a plane (0, 0).
    They are the eigenvalues of the shape operator I^-1 II (do Carmo 1976, section 3.2; n points to the viewer, so that
    dn = +S dp) by finite differences of points and unit normals over the pixel's neighbours on the same surface: both
    sides where possible, else one. A step stays on a surface if both ends belong to one instance, the normals turn by
    less than 30 degrees, and it runs at right angles to their mean, as every chord of a sphere, cylinder or plane does.
    NaN and invalid where nothing was hit, at grazing pixels, and where a row or column of neighbours has no such step.
    """
    usable = view.hit & (view.facing > LEAST_FACING)
    (du, nu, valid_u), (dv, nv, valid_v) = (_differences(view, usable, axis) for axis in (1, 0))
    e, f, g = _dot(du, du), _dot(du, dv), _dot(dv, dv)
    ee, gg, ff = _dot(du, nu), _dot(dv, nv), (_dot(du, nv) + _dot(dv, nu)) / 2
    area = e * g - f * f
    valid = usable & valid_u & valid_v & (area > 1e-4 * e * g)
    area = np.where(valid, area, 1)
    mean = (ee * g - 2 * ff * f + gg * e) / (2 * area)
    gauss = (ee * gg - ff * ff) / area
    spread = np.sqrt(np.maximum(mean * mean - gauss, 0))
    values = np.stack([mean + spread, mean - spread], axis=-1)
    return Label(np.where(valid[..., None], values, np.float32(np.nan)), valid)


def _differences(view: View, usable: NDArray[np.bool_], axis: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Steps of point and normal along an axis, summed over the usable sides, [H, W, 3] each, and where there is one."""
    before = (slice(None),) * axis + (slice(None, -1),)
    after = (slice(None),) * axis + (slice(1, None),)
    step = view.points[after] - view.points[before]
    turn = view.surface_normal[after] - view.surface_normal[before]
    both = view.surface_normal[after] + view.surface_normal[before]
    off = _dot(step, both)
    same = usable[after] & usable[before] & (view.instance[after] == view.instance[before])
    same &= _dot(turn, turn) < (2 * math.sin(LARGEST_TURN_RAD / 2)) ** 2
    same &= off * off < OFF_CHORD**2 * _dot(step, step) * _dot(both, both)
    step, turn = step * same[..., None], turn * same[..., None]
    points, normals = np.zeros_like(view.points), np.zeros_like(view.points)
    found = np.zeros(usable.shape, np.bool_)
    for side in (before, after):
        points[side] += step
        normals[side] += turn
        found[side] |= same
    return points, normals, found


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("hwc,hwc->hw", a, b))
