"""The oracle: the simulator's exact labels in place of predicted features, the upper bound of what features can be."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from rl.vision.vision import SightSpec
from sim import AgentSpec, Building, Sensor

SIDE = 16
"""Rows and columns, as features have."""

_GEOMETRY_CHANNELS = 5


class LabelVision:
    """Exact labels float16 [5 + categories, 16, 16]; satisfies `Vision`.

    In each of 16 x 16 fields of the image: the mean and the greatest (nearest) value of 1 / (1 + depth in metres), 0
    where nothing was hit; the mean normal in the camera's frame (x, y, z); and of each category, the share of the field
    that it fills.

    Args:
        camera: The sides of its images are multiples of 16.
        categories: Of things in buildings, such as ("floor", "wall", "door"); none spares the semantic sensor.

    Raises:
        UserError: If the camera has other sides, or a category is named twice.
    """

    def __init__(self, camera: AgentSpec, categories: Sequence[str] = ()) -> None:
        if camera.height % SIDE or camera.width % SIDE:
            raise UserError(
                f"the camera has {camera.height} x {camera.width} px; an oracle needs multiples of {SIDE}, such as 64."
            )
        self.categories = tuple(categories)
        if len(set(self.categories)) < len(self.categories):
            raise UserError(f"categories are {', '.join(self.categories)}; name each once.")
        self.sight = SightSpec("features", _GEOMETRY_CHANNELS + len(self.categories), SIDE, SIDE, "float16")
        self._size = (camera.height, camera.width)

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """See `Vision.sensors`."""
        geometry = (Sensor.DEPTH, Sensor.NORMAL)
        return (*geometry, Sensor.SEMANTIC) if self.categories else geometry

    @property
    def identity(self) -> Mapping[str, Any]:
        """See `Vision.identity`."""
        return {"kind": "labels", "categories": list(self.categories)}

    def see(self, seen: Mapping[str, NDArray[Any]]) -> NDArray[np.float16]:
        """Labels float16 [N, 5 + categories, 16, 16].

        Args:
            seen: "depth" float32 [N, H, W] and "normal" float32 [N, H, W, 3] as `sim.Observations` has them; and where
                there are categories, "category" int [N, H, W]: what `CategoryTable` makes of "semantic".

        Raises:
            UserError: If depths have another shape.
        """
        depth = seen["depth"]
        if depth.shape[1:] != self._size:
            raise UserError(f"depths are {list(depth.shape)}; expected [N, {self._size[0]}, {self._size[1]}].")
        near = np.where(depth > 0, 1 / (1 + depth), 0)
        parts = [_pooled(near, np.mean), _pooled(near, np.max)]
        parts += [_pooled(seen["normal"][..., axis], np.mean) for axis in range(3)]
        if self.categories:
            parts += [_pooled(seen["category"] == index, np.mean) for index in range(len(self.categories))]
        return np.stack(parts, axis=1).astype(np.float16)


class CategoryTable:
    """What instance ids mean in each of several buildings.

    Args:
        buildings: As a simulator has them loaded.
        categories: What is looked for.
    """

    def __init__(self, buildings: Sequence[Building], categories: Sequence[str]) -> None:
        known = {category: index for index, category in enumerate(categories)}
        self._table = np.full((len(buildings), max(len(building.instances) for building in buildings)), -1, np.int16)
        for row, building in zip(self._table, buildings, strict=True):
            row[: len(building.instances)] = [known.get(instance.category, -1) for instance in building.instances]

    def __call__(self, semantic: NDArray[np.int32], buildings: NDArray[np.int32]) -> NDArray[np.int16]:
        """Index of each pixel's category, -1 for others.

        Args:
            semantic: int32 [N, H, W], instance ids.
            buildings: int32 [N], the building of each image.
        """
        return self._table[buildings[:, None, None], semantic]


def _pooled(values: NDArray[Any], reduce: Callable[..., NDArray[Any]]) -> NDArray[Any]:
    count, height, width = values.shape
    return reduce(values.reshape(count, SIDE, height // SIDE, SIDE, width // SIDE), axis=(2, 4))
