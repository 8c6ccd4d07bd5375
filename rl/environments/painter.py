"""Pictures of one agent as it goes: what `render_mode="rgb_array"` shows, and what videos consist of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.environments.floor_plan import MAP_PX, FloorPlan, Picture, Points, floor_plan
from rl.environments.pictures import Walk, side_by_side, top_down_frame, view_from
from rl.episodes.episode import Episode
from rl.targets import target_boxes
from rl.tasks.explore import Explore
from rl.tasks.floor_grid import FloorGrid, floor_grid
from rl.tasks.point_goal import PointGoal
from rl.tasks.task import NavigationTask
from sim import Simulator


class Painter:
    """Follows one agent and draws its view beside the map, with its path and what the episode is about.

    Args:
        simulator: Whose agent it is.
        task: Of the episodes.
        lane: Which agent.
    """

    def __init__(self, simulator: Simulator, task: NavigationTask, lane: int = 0) -> None:
        self._simulator, self._task, self._lane = simulator, task, lane
        self._plans: dict[tuple[int, float], FloorPlan] = {}
        self._episode: Episode | None = None
        self._path: list[Points] = []
        self._shortest: Points | None = None
        self._targets: NDArray[np.float32] | None = None
        self._grid: FloorGrid | None = None
        self._seen: NDArray[np.bool_] | None = None

    def begin(self, episode: Episode) -> None:
        """The agent stands at the start of an episode."""
        agents = self._simulator.agents
        building = int(agents.buildings[self._lane])
        self._episode, self._path = episode, []
        self._shortest = self._targets = self._grid = self._seen = None
        if episode.goal is not None:
            goal = np.array(episode.goal, np.float32)
            self._shortest = self._simulator.shortest_path(np.array(episode.start, np.float32), goal, building)
        if episode.target is not None:
            self._targets = target_boxes(self._simulator.buildings[building], episode.target)
        if isinstance(self._task, Explore):
            self._grid = floor_grid(self._simulator, building, float(episode.start[1]), self._task.cell_m)
            self._seen = np.zeros(self._grid.free.shape, np.bool_)
        self.follow()

    def follow(self) -> None:
        """The agent has acted."""
        agents, here = self._simulator.agents, slice(self._lane, self._lane + 1)
        self._path.append(agents.positions[self._lane].copy())
        if isinstance(self._task, Explore) and self._grid is not None and self._seen is not None:
            _, row, column = self._grid.visible(agents.positions[here], agents.headings_rad[here], *self._task.scan())
            self._seen[row, column] = True

    def frame(self, caption: str = "", tiles: Sequence[tuple[Picture, str]] = ()) -> Picture:
        """The agent now.

        Args:
            caption: Follows what the episode is about in the line below.
            tiles: Further small pictures with their names.

        Returns:
            uint8 [H, W, 3], of the same size for all episodes; H and W are even.

        Raises:
            UserError: If no episode was begun.
        """
        if self._episode is None:
            raise UserError("there is nothing to draw before an episode has begun; reset the environment first.")
        spec = self._simulator.spec
        height = MAP_PX[1]
        view = view_from(self._simulator, self._lane, (height, max(1, round(height * spec.width / spec.height))))
        line = "   ".join(part for part in (self._title(self._episode), f"step {len(self._path) - 1}", caption) if part)
        return side_by_side(view, top_down_frame(self._plan(), self._walk(self._episode)), line, tiles)

    def _title(self, episode: Episode) -> str:
        looks_for = f": find a {episode.target.replace('_', ' ')}" if episode.target else ""
        return f"{self._task.name}{looks_for}   {episode.key}"

    def _walk(self, episode: Episode) -> Walk:
        return Walk(
            path=np.stack(self._path),
            heading_rad=float(self._simulator.agents.headings_rad[self._lane]),
            hfov_deg=self._simulator.spec.hfov_deg,
            goal=episode.goal,
            goal_radius_m=self._task.success_m if isinstance(self._task, PointGoal) else 0.0,
            targets=self._targets,
            shortest=self._shortest,
            seen=self._seen,
            grid=self._grid,
        )

    def _plan(self) -> FloorPlan:
        """Of the floor that the agent began on."""
        building = int(self._simulator.agents.buildings[self._lane])
        floor_m = round(float(self._path[0][1]), 1)
        if (building, floor_m) not in self._plans:
            self._plans[building, floor_m] = floor_plan(self._simulator, building, floor_m)
        return self._plans[building, floor_m]
