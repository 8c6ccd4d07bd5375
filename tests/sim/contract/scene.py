"""What the contract's tests share: where things are in the two rooms, and what the agents are."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim import AgentSpec, Cameras, Sensor, Simulator

ALL = (Sensor.RGB, Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC)
SPEC = AgentSpec(sensors=ALL, height=48, width=64, turn_deg=15.0)
KITCHEN, BEDROOM, CLOSET = (-2.0, 0.0, 0.0), (2.0, 0.0, -1.0), (3.3, 0.0, 1.3)
EYE_M = 1.25

Make = Callable[[AgentSpec], Simulator]


def names(simulator: Simulator, building: int, ids: np.ndarray) -> set[str]:
    instances = simulator.buildings[building].instances
    return {instances[i].category for i in np.unique(ids)}


def depth_m(simulator: Simulator, cameras: Cameras, height: int = 48, width: int = 64) -> NDArray[np.float32]:
    depth = simulator.render(cameras, height, width, (Sensor.DEPTH,)).depth
    assert depth is not None
    return np.asarray(depth)
