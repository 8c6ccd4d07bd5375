"""What agents may see and do, as Gymnasium spaces."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from gymnasium import spaces

from rl.environments.batch import Batch
from sim import Sensor

_FARTHEST_M = 1e4
_BOXES: Mapping[Sensor, tuple[float, float, tuple[int, ...], type[np.generic]]] = MappingProxyType(
    {
        Sensor.RGB: (0, 255, (3,), np.uint8),
        Sensor.DEPTH: (0, _FARTHEST_M, (), np.float32),
        Sensor.NORMAL: (-1.01, 1.01, (3,), np.float32),
        Sensor.SEMANTIC: (0, np.iinfo(np.int32).max, (), np.int32),
    }
)
"""Least, greatest, channels and type of what each sensor measures."""


def observation_space(batch: Batch) -> spaces.Dict:
    """What one agent sees: a box for each sensor, and "vector"."""
    spec = batch.simulator.spec
    boxes: dict[str, spaces.Space[np.ndarray]] = {}
    for sensor in batch.sensors:
        low, high, channels, dtype = _BOXES[sensor]
        boxes[str(sensor)] = spaces.Box(low, high, (spec.height, spec.width, *channels), dtype)
    boxes["vector"] = spaces.Box(-1.01, 1.01, (batch.vector_size,), np.float32)
    return spaces.Dict(boxes)


def action_space(batch: Batch) -> "spaces.Discrete":
    """What one agent can choose: indices of the task's actions."""
    return spaces.Discrete(len(batch.task.actions))
