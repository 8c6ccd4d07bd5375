"""Occlusion edges: where one surface hides another behind it. They depend on geometry alone."""

import numpy as np
from numpy.typing import NDArray

from perception.labels.view import Label, View

FULL_GAP_M = 0.25
"""A surface this far behind the one that hides it gives the full response."""

LEAST_GAP = 0.004
"""Gaps below this share of the depth are none: contacts, and the rounding of depth."""

STEEPEST = 5.0
"""Metres of depth per metre across up to which one thing's surface is continued towards another thing's."""


def edge_occlusion(view: View) -> Label:
    """Soft occlusion edges, float32 [H, W] in [0, 1]: min(1, gap / 0.25 m), on both sides of the edge.

    The gap of two neighbouring pixels (four neighbours, the largest counts) is what remains between the planes of
    their surfaces, in depth, wherever between the two pixels one changes over to the other: none where the planes meet
    in between. So slanted surfaces, creases and contacts give no edge, whatever the resolution. Inverse depth is
    linear in the image along a plane, so this is exact for planes. A gap that the depths around do not show (a grazing
    sliver, see `gaps_between`) does not count. NaN and invalid where nothing was hit; a neighbour
    that hit nothing is unknown and gives no edge.
    """
    response = np.zeros_like(view.surface_depth_m)
    for axis in (0, 1):
        gap = gaps_between(view, axis)
        for end in neighbours(axis):
            np.maximum(response[end], gap, out=response[end])
    return Label(np.where(view.hit, np.minimum(response / FULL_GAP_M, 1), np.float32(np.nan)), view.hit)


def neighbours(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Index of every pixel but the last along an axis (0 down, 1 across), and of the pixel after each."""
    head = (slice(None),) * axis
    return (*head, slice(None, -1)), (*head, slice(1, None))


def gaps_between(view: View, axis: int) -> NDArray[np.float32]:
    """Least gap in metres between the planes of neighbouring pixels on the way from one to the other.

    It is no more than depths differ among the two and the pixels before and after them, so that the plane of a grazing
    sliver (a rounded rim) is not followed to where nothing was seen.

    Args:
        view: What the camera measured.
        axis: 0 for neighbours one above the other, [H - 1, W]; 1 for those side by side, [H, W - 1].
    """
    first, second = neighbours(axis)
    inverse = np.where(view.hit, 1 / np.where(view.hit, view.surface_depth_m, 1), 0).astype(np.float32)
    change = _change_along(view, inverse, axis)
    a, b, change_a, change_b = inverse[first], inverse[second], change[first], change[second]
    other = view.instance[first] != view.instance[second]
    limit = np.float32(STEEPEST / view.focal_px)
    change_a = np.where(other, np.clip(change_a, -limit * a, limit * a), change_a)
    change_b = np.where(other, np.clip(change_b, -limit * b, limit * b), change_b)
    at_a, at_b = a - (b - change_b), (a + change_a) - b
    apart = np.where(at_a * at_b > 0, np.minimum(np.abs(at_a), np.abs(at_b)), 0)
    near = np.maximum(a, b)
    known = (a > 0) & (b > 0) & (apart > LEAST_GAP * near)
    far = np.maximum(near - apart, np.float32(1e-6))
    gap = np.where(known, apart / np.where(known, near * far, 1), 0)
    return np.minimum(gap, _spread_around(view, axis)).astype(np.float32)


def _spread_around(view: View, axis: int) -> NDArray[np.float32]:
    """How far depths differ among two neighbouring pixels and those before and after them along an axis."""
    first, second = neighbours(axis)
    depth = view.surface_depth_m
    nearest, farthest = np.where(view.hit, depth, np.float32(np.inf)), depth
    low, high = np.minimum(nearest[first], nearest[second]), np.maximum(farthest[first], farthest[second])
    wide_low, wide_high = low.copy(), high.copy()
    for here, beside in (neighbours(axis), neighbours(axis)[::-1]):
        np.minimum(wide_low[here], low[beside], out=wide_low[here])
        np.maximum(wide_high[here], high[beside], out=wide_high[here])
    return np.asarray(np.maximum(wide_high - wide_low, 0))


def _change_along(view: View, inverse: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """How inverse depth changes from pixel to pixel along an axis in the plane of each pixel's surface, [H, W]."""
    own = np.maximum(view.facing * view.ray_lengths, np.float32(1e-3))
    along = view.surface_normal[..., 1] if axis == 0 else -view.surface_normal[..., 0]
    return np.asarray(along * inverse / (own * np.float32(view.focal_px)))
