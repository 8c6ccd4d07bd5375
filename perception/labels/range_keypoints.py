"""3D keypoints: the interest value of NARF (Steder et al. 2011) on the range image.

A point is interesting if the surface changes around it in more than one direction, while it lies itself on a surface
that is stable enough for its normal to be trusted: next to corners, not on edges.
"""

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray

from perception.labels.occlusion import FULL_GAP_M, gaps_between, neighbours
from perception.labels.view import Label, View

SUPPORT_M = 0.5
"""Size sigma of the support: what lies within three quarters of it counts."""

TURN_M = 0.1
"""A surface whose normals turn by one radian within this length changes as much as can be: a ball of this radius."""

_RINGS = (0.10, 0.21, 0.35, 0.52)
"""Radii of the rings where the support is sampled, in units of `SUPPORT_M`."""

_ANGLES = 8
"""Samples on each ring; every other ring is turned by half a step, so that the pattern has the image's symmetries."""

_BOXES = ((3, 0.0), (7, 20.0), (15, 45.0))
"""Sides of the boxes that a sample stands for the mean of, pixels, and from what `SUPPORT_M` in pixels they serve."""
Array = NDArray[np.float32]


def keypoints3d(view: View) -> Label:
    """Interest value, float32 [H, W] in [0, 1]; NaN and invalid where nothing was hit.

    I = I1 I2 as in section IV of Steder et al., with sigma = `SUPPORT_M` and distances d in metres in space:

    - Surface change w = 1 - (1 - s)^3, s the larger of the border's gap / 0.25 m (on the side in front, see
      `edge_occlusion`) and of how much normals turn per metre, times `TURN_M`; both at most 1. Its direction alpha is
      that of the change, in the image.
    - I1 = 1 - max w max(1 - 10 d / sigma, 0) over the pixel and its four neighbours.
    - I2 weighs each point's change by w max(0, 1 - |2 d / sigma - 1/2|), as theirs, and asks for two different
      directions. Theirs takes the best pair of neighbours with 1 - |cos(alpha_1 - alpha_2)|; here all take part:
      I2 = sum - |sum of exp(2 i alpha)|, relative to a support that changes everywhere and in all directions. It is
      sampled at `_RINGS` x 8 points of means of w, alpha over boxes (`_BOXES`) that fill the gaps between the points.
    """
    w, cos, sin = _surface_change(view)
    value = _stability(view, w) * _diversity(view, w, cos, sin)
    return Label(np.where(view.hit, value, np.float32(np.nan)), view.hit)


def _surface_change(view: View) -> tuple[Array, Array, Array]:
    """Surface change w [H, W], and cosine and sine of twice its direction (0 where it has none)."""
    from scipy import ndimage

    shape = view.surface_depth_m.shape
    strength = np.zeros(shape, np.float32)
    tensor = np.zeros((3, *shape), np.float32)  # xx, yy, xy
    turns = np.zeros((2, *shape, 3), np.float32)
    borders = np.zeros((2, *shape), np.float32)
    for axis in (0, 1):
        first, second = neighbours(axis)
        gap = np.minimum(gaps_between(view, axis) / np.float32(FULL_GAP_M), 1)
        behind = view.surface_depth_m[second] > view.surface_depth_m[first]
        for end, front in ((first, behind), (second, ~behind)):
            np.maximum(strength[end], gap * front, out=strength[end])
        jump = gap * np.where(behind, np.float32(1), np.float32(-1))
        same = view.hit[first] & view.hit[second] & (gap == 0)
        step = view.points[second] - view.points[first]
        length = np.sqrt(np.einsum("hwc,hwc->hw", step, step)) + np.float32(1e-6)
        turn = (view.surface_normal[second] - view.surface_normal[first]) * (np.float32(TURN_M) / length * same)[
            ..., None
        ]
        size = np.sqrt(np.einsum("hwc,hwc->hw", turn, turn))
        turn /= np.maximum(size, 1)[..., None]
        for end in (first, second):
            np.maximum(strength[end], size, out=strength[end])
            borders[axis][end] += jump / 2
            turns[axis][end] += turn / 2
    down, across = (ndimage.uniform_filter(borders[axis], 3, mode="nearest") for axis in (0, 1))
    tensor[0] = across * across + np.einsum("hwc,hwc->hw", turns[1], turns[1])
    tensor[1] = down * down + np.einsum("hwc,hwc->hw", turns[0], turns[0])
    tensor[2] = across * down + np.einsum("hwc,hwc->hw", turns[0], turns[1])
    xx, yy, xy = (ndimage.uniform_filter(part, 3, mode="nearest") for part in tensor)
    cos, sin = xx - yy, 2 * xy
    length = np.hypot(cos, sin) + np.float32(1e-9)
    return 1 - (1 - np.minimum(strength, 1)) ** 3, cos / length, sin / length


def _stability(view: View, w: Array) -> Array:
    """I1, [H, W]."""
    worst = w.copy()
    spacing = view.surface_depth_m * np.float32(10 / SUPPORT_M / view.focal_px)
    weight = np.maximum(1 - spacing, 0)
    for axis in (0, 1):
        first, second = neighbours(axis)
        near = np.abs(view.surface_depth_m[first] - view.surface_depth_m[second]) < SUPPORT_M / 10
        np.maximum(worst[first], w[second] * weight[first] * near, out=worst[first])
        np.maximum(worst[second], w[first] * weight[second] * near, out=worst[second])
    return 1 - worst


def _diversity(view: View, w: Array, cos: Array, sin: Array) -> Array:
    """I2, [H, W]."""
    height, width = w.shape
    depth = view.surface_depth_m.ravel()
    scale = view.hit.ravel() * (np.float32(view.focal_px * SUPPORT_M) / np.maximum(depth, np.float32(1e-3)))
    maps, start = _mean_changes(view, w, cos, sin, scale)
    row_px, column_px = (index.ravel() for index in np.indices(w.shape, np.float32) + np.float32(1.5))
    total, possible = np.zeros((len(depth), 3), np.float32), 0.0
    for (number, ring), turn in product(enumerate(_RINGS), range(_ANGLES)):
        angle = 2 * math.pi * (turn + number % 2 / 2) / _ANGLES
        row = np.clip(row_px + scale * np.float32(ring * math.sin(angle)), 0, height + 1).astype(np.int32)
        column = np.clip(column_px + scale * np.float32(ring * math.cos(angle)), 0, width + 1).astype(np.int32)
        there = maps.take(start + row * (width + 2) + column, axis=0)
        away = (there[:, 3] - depth) * np.float32(1 / SUPPORT_M)
        distance = np.sqrt(away * away + np.float32(ring * ring))
        weight = np.maximum(1 - np.abs(2 * distance - np.float32(0.5)), 0)
        total += there[:, :3] * weight[:, None]
        possible += 1 - abs(2 * ring - 0.5)
    value = (total[:, 0] - np.hypot(total[:, 1], total[:, 2])) / np.float32(possible)
    return np.asarray(np.clip(value, 0, 1).reshape(w.shape), np.float32)


def _mean_changes(
    view: View, w: Array, cos: Array, sin: Array, scale: NDArray[np.floating]
) -> tuple[Array, NDArray[np.int32]]:
    """Means of w, w cos, w sin over boxes, and the depth, [L * (H + 2) * (W + 2), 4]; where those of each scale start.

    A frame of pixels without change stands for everything outside the image.
    """
    from scipy import ndimage

    level = np.digitize(scale, [least for _, least in _BOXES]).astype(np.int32) - 1
    maps = np.zeros((len(_BOXES), w.shape[0] + 2, w.shape[1] + 2, 4), np.float32)
    for index in np.unique(level):
        inside = maps[index, 1:-1, 1:-1]
        for channel, part in enumerate((w, w * cos, w * sin)):
            mean = ndimage.uniform_filter(part, _BOXES[index][0], mode="constant")
            inside[..., channel] = mean * view.hit
        inside[..., 3] = view.surface_depth_m
    return maps.reshape(-1, 4), level * np.int32(maps[0, ..., 0].size)
