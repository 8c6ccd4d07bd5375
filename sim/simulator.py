"""What every backend offers: agents that step and see in buildings, many at once."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Building
from sim.cameras import Cameras
from sim.checks import is_number, is_whole
from sim.errors import SimulatorError, unknown_name

LARGEST_IMAGE = 4096
"""Pixels a side."""


class Sensor(StrEnum):
    """What a camera can measure."""

    RGB = "rgb"
    DEPTH = "depth"
    NORMAL = "normal"
    SEMANTIC = "semantic"

    @classmethod
    def parse(cls, names: "tuple[str, ...] | list[str]") -> tuple["Sensor", ...]:
        """Sensors by name.

        Raises:
            SimulatorError: If a name is unknown.
        """
        for name in names:
            if name not in set(cls):
                raise unknown_name("sensor", name, cls)
        return tuple(cls(name) for name in names)


class Action(IntEnum):
    """What an agent can do."""

    STOP = 0
    FORWARD = 1
    TURN_LEFT = 2
    TURN_RIGHT = 3


@dataclass(frozen=True, eq=False)
class Observations:
    """What N cameras measured; a sensor that was not asked for is None.

    Args:
        rgb: uint8 [N, H, W, 3], sRGB.
        depth: float32 [N, H, W], metres to the camera plane; 0 where nothing was hit.
        normal: float32 [N, H, W, 3], unit, camera frame, facing the camera; 0 where nothing was hit.
        semantic: int32 [N, H, W], instance ids of the camera's building; 0 where nothing was hit.
    """

    rgb: NDArray[np.uint8] | None = None
    depth: NDArray[np.float32] | None = None
    normal: NDArray[np.float32] | None = None
    semantic: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class AgentSpec:
    """The body and eye of every agent of a simulator.

    Args:
        radius_m: Of its cylinder.
        height_m: Of its cylinder; what hangs higher is passed under.
        step_height_m: What it can step over.
        eye_height_m: Of its camera above its feet.
        forward_m: How far it goes in one step forward.
        turn_deg: How far it turns in one step.
        sliding: Whether it slides along what it meets, or stops there.
        height: Of its images, pixels.
        width: Of its images, pixels.
        hfov_deg: Of its camera.
        sensors: What its camera measures.

    Raises:
        SimulatorError: If a value is not positive and finite (the step may be 0), the field of view is outside (1, 179)
            degrees, an image is larger than LARGEST_IMAGE, or a sensor is unknown.
    """

    radius_m: float = 0.18
    height_m: float = 1.5
    step_height_m: float = 0.1
    eye_height_m: float = 1.25
    forward_m: float = 0.25
    turn_deg: float = 10.0
    sliding: bool = True
    height: int = 128
    width: int = 128
    hfov_deg: float = 90.0
    sensors: tuple[Sensor, ...] = (Sensor.RGB,)

    def __post_init__(self) -> None:
        for name in ("radius_m", "height_m", "eye_height_m", "forward_m", "turn_deg"):
            value = getattr(self, name)
            if not (is_number(value) and value > 0):
                raise SimulatorError(f"agent {name} is {value!r}; a positive number is expected.")
        if not (is_number(self.step_height_m) and self.step_height_m >= 0):
            raise SimulatorError(f"agent step_height_m is {self.step_height_m!r}; 0 or a positive number is expected.")
        if not (is_number(self.hfov_deg) and 1 < self.hfov_deg < 179):
            raise SimulatorError(f"agent hfov_deg is {self.hfov_deg!r}; expected within (1, 179) degrees.")
        check_image_size(self.height, self.width)
        object.__setattr__(self, "sensors", Sensor.parse(self.sensors))


def check_image_size(height: int, width: int) -> None:
    """Refuse image sizes that no backend renders.

    Raises:
        SimulatorError: If a side is no whole number, less than 1 or more than LARGEST_IMAGE.
    """
    for name, value in (("height", height), ("width", width)):
        if not (is_whole(value) and 1 <= value <= LARGEST_IMAGE):
            raise SimulatorError(f"image {name} is {value} pixels; expected 1 to {LARGEST_IMAGE}.")


@dataclass(frozen=True, eq=False)
class Agents:
    """Where N agents are.

    Args:
        positions: float32 [N, 3], metres, at their feet.
        headings_rad: float32 [N]; 0 faces -Z, positive turns left.
        buildings: int32 [N], index of each agent's building among those loaded.
    """

    positions: NDArray[np.float32]
    headings_rad: NDArray[np.float32]
    buildings: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.positions)


class Simulator(Protocol):
    """Agents in buildings. Everything takes and returns N agents, points or cameras at once.

    Points are float32 [N, 3] in metres in the frame of their building; `building` is its index among `buildings`.
    """

    @property
    def buildings(self) -> tuple[Building, ...]:
        """The buildings loaded."""

    @property
    def spec(self) -> AgentSpec:
        """The body and eye of every agent."""

    @property
    def agents(self) -> Agents:
        """Where the agents are; none before `place`."""

    def place(self, agents: Agents) -> None:
        """Put agents where they start; their number may change with every call.

        Raises:
            SimulatorError: If a start is not navigable, or a building is not loaded; nothing has moved then.
        """

    def step(self, actions: ArrayLike) -> NDArray[np.bool_]:
        """Let every agent act.

        Args:
            actions: int [N], values of `Action`.

        Returns:
            bool [N]: which met an obstacle.

        Raises:
            SimulatorError: If there are not N actions, or one is unknown; nothing has moved then.
        """

    def observe(self) -> Observations:
        """What all agents see, in one call to the renderer."""

    def render(self, cameras: Cameras, height: int, width: int, sensors: tuple[Sensor, ...]) -> Observations:
        """What free cameras see.

        Raises:
            SimulatorError: If a size, sensor or building is unknown.
        """

    def is_navigable(self, points: ArrayLike, building: int = 0) -> NDArray[np.bool_]:
        """Whether an agent can stand there: bool [N]."""

    def random_navigable_points(self, count: int, rng: np.random.Generator, building: int = 0) -> NDArray[np.float32]:
        """float32 [count, 3]: points on the largest island, even over its area.

        Raises:
            SimulatorError: If the building has no navigable area, or the count is negative or no whole number.
        """

    def island(self, points: ArrayLike, building: int = 0) -> NDArray[np.int32]:
        """int32 [N]: which connected area each point is on, 0 the largest; -1 where not navigable."""

    def geodesic_distance(self, starts: ArrayLike, goals: ArrayLike, building: int = 0) -> NDArray[np.float32]:
        """float32 [N]: length of the shortest walk in metres; inf where there is none."""

    def shortest_path(self, start: ArrayLike, goal: ArrayLike, building: int = 0) -> NDArray[np.float32]:
        """float32 [P, 3]: corners of the shortest walk, start and goal included; [0, 3] where there is none."""

    def close(self) -> None:
        """Give memory and devices back."""
