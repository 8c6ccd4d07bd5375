"""Which views of a dataset show best what its rooms are."""

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.classes import STRUCTURE_CATEGORIES
from perception.labels.intrinsics import pixel_rays
from perception.labels.manhattan import layout_corners
from taxonomy.dataset.dataset import Dataset, Sample

_TASKS = ("class_scene", "segment_semantic", "depth_zbuffer", "room_layout")
_LEAST_SHARE = 0.004
"""Of the image that a category takes before it counts as in view."""

_CLEAR_M = 1.3
"""What is nearer than this stands in the way."""

_MOST_OF_ONE = 0.35
"""Share of the image that a single category of things may take at no cost."""

_TOLERANCE_M = 0.1


def best_views(dataset: Dataset) -> dict[str, int]:
    """For each kind of room, the view with the most categories of its things in it, well away from the camera.

    Args:
        dataset: One whose class indices have names.

    Returns:
        Indices of images by kind of room, sorted by kind.

    Raises:
        UserError: If it lacks the labels, or the names of its classes.
    """
    for name in _TASKS:
        if name not in dataset.tasks or (name in _TASKS[:2] and name not in dataset.classes):
            raise UserError(f"{dataset.root} has no {name} with names; it cannot tell the best view of each room.")
    is_thing = np.array([name not in STRUCTURE_CATEGORIES for name in dataset.classes["segment_semantic"]])
    best: dict[str, tuple[float, int]] = {}
    for index in range(len(dataset)):
        sample = dataset.sample(index, _TASKS)
        kind = sample.labels["class_scene"]
        if not kind.valid or not sample.labels["room_layout"].valid:
            continue
        name = dataset.classes["class_scene"][int(kind.values)]
        score = _score(sample, float(dataset.index.views.hfov_deg[index]), is_thing)
        best[name] = max(best.get(name, (-1.0, 0)), (score, -index))
    return {name: -index for name, (_, index) in sorted(best.items())}


def _score(sample: Sample, hfov_deg: float, is_thing: NDArray[np.bool_]) -> float:
    """Categories of things of the room in view; less for other rooms, and for what is in the way or fills the view."""
    depth, segment = sample.labels["depth_zbuffer"], sample.labels["segment_semantic"]
    inside = _in_room(sample, hfov_deg) & depth.valid
    classes = segment.values[inside & segment.valid]
    share = np.bincount(classes, minlength=len(is_thing))[: len(is_thing)][is_thing] / inside.size
    near = np.count_nonzero(np.asarray(depth.values, np.float32)[depth.valid] < _CLEAR_M) / inside.size
    clear = np.clip(1 - 2 * near, 0, 1)
    modest = np.clip(1 - 2 * (share.max(initial=0) - _MOST_OF_ONE), 0.2, 1)
    return float((1 + (share > _LEAST_SHARE).sum()) * inside.mean() ** 2 * clear * modest)


def _in_room(sample: Sample, hfov_deg: float) -> NDArray[np.bool_]:
    """Bool [H, W]: which pixels show the room that the camera stands in."""
    depth = sample.labels["depth_zbuffer"].values
    points = pixel_rays(*depth.shape, hfov_deg) * np.nan_to_num(depth, nan=1e9)[..., None]
    corners = np.asarray(layout_corners(sample.labels["room_layout"].values), np.float64).reshape(2, 2, 2, 3)
    found = np.ones(depth.shape, dtype=bool)
    for edge in (corners[1, 0, 0], corners[0, 1, 0], corners[0, 0, 1]):
        axis = edge - corners[0, 0, 0]
        length = np.linalg.norm(axis)
        along = (points - corners[0, 0, 0]) @ (axis / length)
        found &= (along > -_TOLERANCE_M) & (along < length + _TOLERANCE_M)
    return found
