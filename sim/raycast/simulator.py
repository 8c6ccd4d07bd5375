"""The embedded simulator: the ray caster's eyes on the navigation map's legs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Building
from sim.cameras import Cameras
from sim.errors import SimulatorError
from sim.motion import agents_at, check_actions, displacements, no_agents, turned
from sim.navigation import NavigationMap
from sim.raycast.renderer import RaycastRenderer
from sim.simulator import Agents, AgentSpec, Observations


class RaycastSimulator:
    """A `Simulator` that needs nothing but pip and a CPU.

    Buildings share one scene, so that all agents in all of them see in one call. Navigation maps are made when a
    building is first walked in.

    Args:
        buildings: One or more.
        spec: The body and eye of every agent.
        device: "cpu", or "cuda" for an NVIDIA GPU.
        threads: CPU threads for rendering; all cores if None.

    Raises:
        SimulatorError: If there is no building, or the device cannot be used.
    """

    def __init__(
        self,
        buildings: Sequence[Building],
        spec: AgentSpec = AgentSpec(),  # noqa: B008 - frozen
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        self._renderer = RaycastRenderer(buildings, device, threads)
        self._spec = spec
        self._maps: dict[int, NavigationMap] = {}
        self._agents = no_agents()

    @property
    def buildings(self) -> tuple[Building, ...]:
        """The buildings loaded."""
        return self._renderer.buildings

    @property
    def spec(self) -> AgentSpec:
        """The body and eye of every agent."""
        return self._spec

    @property
    def agents(self) -> Agents:
        """Where the agents are; none before `place`."""
        return self._agents

    def navigation(self, building: int = 0) -> NavigationMap:
        """The map of one building, made at the first call.

        Raises:
            SimulatorError: If the building is not loaded, or nothing in it can be walked on.
        """
        if not 0 <= building < len(self.buildings):
            raise SimulatorError(f"building {building} is not loaded; {len(self.buildings)} are, numbered from 0.")
        if building not in self._maps:
            spec = self._spec
            self._maps[building] = NavigationMap.from_building(
                self.buildings[building],
                radius_m=spec.radius_m,
                height_m=spec.height_m,
                step_height_m=spec.step_height_m,
            )
        return self._maps[building]

    def place(self, agents: Agents) -> None:
        """Put agents where they start; their number may change with every call.

        Raises:
            SimulatorError: If a start is not navigable, or a building is not loaded; nothing has moved then.
        """
        agents = agents_at(agents.positions, agents.headings_rad, agents.buildings)
        for building in np.unique(agents.buildings):
            here = agents.buildings == building
            standing = self.navigation(int(building)).is_navigable(agents.positions[here])
            if not standing.all():
                first = int(np.flatnonzero(here)[np.argmin(standing)])
                x, y, z = agents.positions[first]
                raise SimulatorError(
                    f"agent {first} cannot start at ({x:.2f}, {y:.2f}, {z:.2f}) in building {building}: it is in an "
                    "obstacle or off the floor; take a point from random_navigable_points."
                )
        self._agents = agents

    def step(self, actions: ArrayLike) -> NDArray[np.bool_]:
        """Let every agent act; bool [N]: which met an obstacle."""
        agents = self._agents
        chosen = check_actions(actions, len(agents))
        moves = displacements(agents, chosen, self._spec)
        positions = agents.positions.copy()
        collided = np.zeros(len(agents), dtype=np.bool_)
        moving = np.flatnonzero(moves.any(axis=1))
        for building in np.unique(agents.buildings[moving]):
            here = moving[agents.buildings[moving] == building]
            positions[here], collided[here] = self.navigation(int(building)).try_step(
                positions[here], moves[here], sliding=self._spec.sliding
            )
        self._agents = Agents(positions, turned(agents, chosen, self._spec), agents.buildings)
        return collided

    def observe(self) -> Observations:
        """What all agents see, in one call to the renderer."""
        agents, spec = self._agents, self._spec
        eyes = agents.positions + np.array([0, spec.eye_height_m, 0], dtype=np.float32)
        cameras = Cameras.looking(eyes, agents.headings_rad, 0.0, spec.hfov_deg, agents.buildings)
        return self.render(cameras, spec.height, spec.width, spec.sensors)

    def render(
        self,
        cameras: Cameras,
        height: int,
        width: int,
        sensors: Sequence[str],
        *,
        samples: int = 1,
        bounces: int = 0,
    ) -> Observations:
        """What free cameras see; `samples` and `bounces` as `RaycastRenderer.render` has them."""
        return self._renderer.render(cameras, height, width, sensors, samples=samples, bounces=bounces)

    def is_navigable(self, points: ArrayLike, building: int = 0) -> NDArray[np.bool_]:
        """Whether an agent can stand there: bool [N]."""
        return self.navigation(building).is_navigable(points)

    def random_navigable_points(self, count: int, rng: np.random.Generator, building: int = 0) -> NDArray[np.float32]:
        """float32 [count, 3]: points on the largest island, even over its area."""
        return self.navigation(building).random_points(count, rng)

    def island(self, points: ArrayLike, building: int = 0) -> NDArray[np.int32]:
        """int32 [N]: which connected area each point is on, 0 the largest; -1 where not navigable."""
        return self.navigation(building).island(points)

    def geodesic_distance(self, starts: ArrayLike, goals: ArrayLike, building: int = 0) -> NDArray[np.float32]:
        """float32 [N]: length of the shortest walk in metres; inf where there is none."""
        return self.navigation(building).geodesic_distance(starts, goals)

    def shortest_path(self, start: ArrayLike, goal: ArrayLike, building: int = 0) -> NDArray[np.float32]:
        """float32 [P, 3]: corners of the shortest walk; [0, 3] where there is none."""
        return self.navigation(building).shortest_path(start, goal)

    def close(self) -> None:
        """Forget the maps; the scene goes with the simulator."""
        self._maps.clear()
