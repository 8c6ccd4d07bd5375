"""Things of one kind in a building, and how near an agent is to them."""

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from sim import Building


def target_ids(building: Building, category: str) -> NDArray[np.int32]:
    """int32 [K]: semantic ids of the things of a category.

    Raises:
        UserError: If there is none; it names the categories that there are.
    """
    ids = [index for index, instance in enumerate(building.instances) if instance.category == category and index > 0]
    if not ids:
        known = ", ".join(sorted({instance.category for instance in building.instances[1:]})) or "none"
        raise UserError(f"there is no {category!r} in the building {building.name!r}; it has {known}.")
    return np.array(ids, np.int32)


def target_boxes(building: Building, category: str) -> NDArray[np.float32]:
    """float32 [K, 2, 3]: least and greatest x, y, z of the things of a category that have a surface.

    Raises:
        UserError: If there is none.
    """
    boxes = []
    for index in target_ids(building, category):
        corners = building.vertices[building.triangles[building.triangle_instance == index].ravel()]
        if len(corners):
            boxes.append([corners.min(axis=0), corners.max(axis=0)])
    if not boxes:
        raise UserError(f"no {category!r} in the building {building.name!r} has a surface; choose another category.")
    return np.array(boxes, np.float32)


def plan_distance_m(points: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distances in plan (x and z) to the nearest box, 0 within it.

    Args:
        points: float32 [..., 3].
        boxes: float32 [K, 2, 3], as `target_boxes` has them.

    Returns:
        float32 [...], metres.
    """
    plan, low, high = points[..., None, ::2], boxes[:, 0, ::2], boxes[:, 1, ::2]
    beside = np.maximum(np.maximum(low - plan, plan - high), 0)
    nearest: NDArray[np.float32] = np.hypot(beside[..., 0], beside[..., 1]).min(axis=-1)
    return nearest
