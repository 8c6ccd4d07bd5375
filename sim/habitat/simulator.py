"""habitat-sim as a `Simulator`."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Building
from sim.cameras import Cameras
from sim.errors import SimulatorError
from sim.habitat.library import choose_device, load_habitat
from sim.habitat.navmesh import NavigationMesh, as_points
from sim.habitat.scenes import building_of, instance_ids
from sim.habitat.stage import DRAWN, Stage
from sim.motion import agents_at, check_actions, displacements, no_agents, turned
from sim.scene_dataset import export_habitat
from sim.scene_files import SceneFile, scenes_of
from sim.simulator import Action, Agents, AgentSpec, Observations, Sensor, check_image_size


class HabitatSimulator:
    """Agents in buildings, by habitat-sim; satisfies `sim.Simulator`.

    RGB is the scene's texture as it is, unlit. Agents of a batch are looped over.

    Args:
        buildings: Ours, or scene files (`sim.scene_files.find_scene`), at least one.
        spec: Of every agent.
        cuda_device: CUDA device to render with; None takes EGL's first device, which is software without a GPU.

    Raises:
        SimulatorError: If habitat-sim is not installed, the device is missing, or a building cannot be loaded.
    """

    def __init__(
        self,
        buildings: Sequence[Building | SceneFile],
        spec: AgentSpec | None = None,
        *,
        cuda_device: int | None = None,
    ) -> None:
        if not buildings:
            raise SimulatorError("a simulator needs at least one building; none was given.")
        load_habitat()
        self._device = choose_device(cuda_device)
        self._spec = spec or AgentSpec()
        self._stages: list[Stage] = []
        self._buildings: tuple[Building, ...] = ()
        self._meshes: list[NavigationMesh] = []
        self._ids: list[NDArray[np.int32] | None] = []
        self._agents = no_agents()
        try:
            for building in buildings:
                self._load(building)
        except BaseException:
            self.close()
            raise

    @property
    def buildings(self) -> tuple[Building, ...]:
        """The buildings loaded."""
        return self._buildings

    @property
    def spec(self) -> AgentSpec:
        """The body and eye of every agent."""
        return self._spec

    @property
    def agents(self) -> Agents:
        """Where the agents are; none before `place`."""
        return self._agents

    def place(self, agents: Agents) -> None:
        """Put agents where they start; their number may change with every call.

        Raises:
            SimulatorError: If a start is not navigable, or a building is not loaded; nothing has moved then.
        """
        agents = agents_at(agents.positions, agents.headings_rad, agents.buildings)
        self._check_buildings(agents.buildings)
        for building, lanes in self._by_building(agents.buildings):
            lost = lanes[self._meshes[building].island(agents.positions[lanes]) < 0]
            if len(lost):
                x, y, z = agents.positions[lost[0]]
                raise SimulatorError(
                    f"agent {lost[0]} cannot start at ({x:.2f}, {y:.2f}, {z:.2f}) in "
                    f"{self._buildings[building].name!r}; choose a navigable point."
                )
        self._agents = agents

    def step(self, actions: ArrayLike) -> NDArray[np.bool_]:
        """Let every agent act.

        Args:
            actions: int [N], values of `Action`.

        Returns:
            bool [N]: which met an obstacle.

        Raises:
            SimulatorError: If there are not N actions, or one is unknown; nothing has moved then.
        """
        agents = self._agents
        chosen = check_actions(actions, len(agents))
        positions, met = agents.positions.copy(), np.zeros(len(agents), dtype=bool)
        targets = positions + displacements(agents, chosen, self._spec)
        forward = np.where(chosen == Action.FORWARD, agents.buildings, -1)
        for building, lanes in self._by_building(forward):
            mesh = self._meshes[building]
            positions[lanes], met[lanes] = mesh.try_step(positions[lanes], targets[lanes], self._spec.sliding)
        self._agents = Agents(positions, turned(agents, chosen, self._spec), agents.buildings)
        return met

    def observe(self) -> Observations:
        """What all agents see."""
        spec, agents = self._spec, self._agents
        eyes = agents.positions + np.array([0, spec.eye_height_m, 0], dtype=np.float32)
        cameras = Cameras.looking(eyes, agents.headings_rad, 0.0, spec.hfov_deg, agents.buildings)
        return self.render(cameras, spec.height, spec.width, spec.sensors)

    def render(self, cameras: Cameras, height: int, width: int, sensors: Sequence[Sensor]) -> Observations:
        """What free cameras see.

        Raises:
            SimulatorError: If a size, sensor or building is unknown, or semantics are asked of a scene file without.
        """
        check_image_size(height, width)
        wanted = Sensor.parse(tuple(sensors))
        self._check_buildings(cameras.buildings)
        images = {sensor: _blank(sensor, (len(cameras), height, width)) for sensor in wanted}
        for building, lanes in self._by_building(cameras.buildings):
            for sensor, image in self._render_in(building, cameras[lanes], height, width, wanted).items():
                images[sensor][lanes] = image
        return Observations(**{sensor.value: image for sensor, image in images.items()})

    def is_navigable(self, points: ArrayLike, building: int = 0) -> NDArray[np.bool_]:
        """Whether an agent can stand there, bool [N]."""
        return self.island(points, building) >= 0

    def random_navigable_points(self, count: int, rng: np.random.Generator, building: int = 0) -> NDArray[np.float32]:
        """float32 [count, 3]: points on the largest island, even over its area.

        Raises:
            SimulatorError: If the building has no navigable area.
        """
        return self._mesh(building).random_points(count, rng)

    def island(self, points: ArrayLike, building: int = 0) -> NDArray[np.int32]:
        """int32 [N]: which connected area each point is on, 0 the largest; -1 where not navigable."""
        return self._mesh(building).island(as_points(points))

    def geodesic_distance(self, starts: ArrayLike, goals: ArrayLike, building: int = 0) -> NDArray[np.float32]:
        """float32 [N]: length of the shortest walk in metres; inf where there is none."""
        start, goal = as_points(starts), as_points(goals)
        if len(start) != len(goal) and 1 not in (len(start), len(goal)):
            raise SimulatorError(f"{len(start)} starts and {len(goal)} goals; as many of both, or one, is expected.")
        return self._mesh(building).geodesic_distance(*np.broadcast_arrays(start, goal))

    def shortest_path(self, start: ArrayLike, goal: ArrayLike, building: int = 0) -> NDArray[np.float32]:
        """float32 [P, 3]: corners of the shortest walk, start and goal included; [0, 3] where there is none."""
        return self._mesh(building).shortest_path(as_points(start)[0], as_points(goal)[0])

    def close(self) -> None:
        """Give memory and devices back."""
        while self._stages:
            self._stages.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _load(self, given: Building | SceneFile) -> None:
        with tempfile.TemporaryDirectory(prefix="habitat-") as folder:
            ours = given if isinstance(given, Building) else None
            scene = _exported(given, Path(folder)) if isinstance(given, Building) else given
            stage = Stage(scene, self._spec, self._device)
            self._stages.append(stage)
            building = ours or building_of(scene, stage.simulator)
            self._ids.append(None if ours else instance_ids(stage.simulator))
            self._meshes.append(NavigationMesh(stage.simulator, building, self._spec))
        self._buildings += (building,)

    def _render_in(
        self, building: int, cameras: Cameras, height: int, width: int, sensors: tuple[Sensor, ...]
    ) -> dict[Sensor, NDArray[Any]]:
        stage, ids = self._stages[building], self._ids[building]
        if Sensor.SEMANTIC in sensors and ids is not None and not ids.any():
            raise SimulatorError(
                f"scene {self._buildings[building].name!r} has no semantics: it names nothing; ask for other sensors, "
                "or open it with the scene dataset config that has its annotations."
            )
        images = stage.render(cameras, height, width, tuple(sensor for sensor in sensors if sensor in DRAWN))
        if Sensor.RGB in images:
            images[Sensor.RGB] = images[Sensor.RGB][..., :3]
        if Sensor.SEMANTIC in images and ids is not None:
            images[Sensor.SEMANTIC] = ids[np.minimum(images[Sensor.SEMANTIC], len(ids) - 1)]
        if Sensor.NORMAL in sensors:
            images[Sensor.NORMAL] = stage.render_normals(self._buildings[building], cameras, height, width)
        return images

    def _mesh(self, building: int) -> NavigationMesh:
        self._check_buildings(np.array([building]))
        return self._meshes[building]

    def _check_buildings(self, buildings: NDArray[np.integer]) -> None:
        count = len(self._stages)
        unknown = buildings[(buildings < 0) | (buildings >= count)]
        if len(unknown):
            raise SimulatorError(f"building {unknown[0]} is not loaded; {count} are, numbered from 0.")

    def _by_building(self, buildings: NDArray[np.integer]) -> Iterator[tuple[int, NDArray[np.intp]]]:
        for building in range(len(self._meshes)):
            lanes = np.flatnonzero(buildings == building)
            if len(lanes):
                yield building, lanes


def _exported(building: Building, folder: Path) -> SceneFile:
    named = replace(building, name="building")  # any name a GLB may have makes no file name
    return scenes_of(export_habitat(named, folder / "dataset"))[0]


def _blank(sensor: Sensor, shape: tuple[int, int, int]) -> NDArray[Any]:
    kinds: dict[Sensor, tuple[type, tuple[int, ...]]] = {
        Sensor.RGB: (np.uint8, (3,)),
        Sensor.DEPTH: (np.float32, ()),
        Sensor.NORMAL: (np.float32, (3,)),
        Sensor.SEMANTIC: (np.int32, ()),
    }
    dtype, channels = kinds[sensor]
    return np.zeros((*shape, *channels), dtype=dtype)
