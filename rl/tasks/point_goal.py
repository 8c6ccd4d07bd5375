"""Local planning: go to a point that is known by its distance and direction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.tasks.checks import check_horizon, check_numbers
from rl.tasks.task import Lanes, Moment, Outcome
from sim import Action, Sensor

FARTHEST_M = 10.0
"""Goals further away are told to be this far."""


@dataclass(frozen=True)
class PointGoal:
    """Go to a point and say `STOP` there.

    The reward of a step is by how much the shortest walk to the goal became shorter (metres), less a living penalty,
    and more on success: the point-goal task of Anderson et al. (2018), with the dense reward of Savva et al. (2019) and
    Sax et al. (2018), whose agents also pay for what they walk into. Agents are told
    [min(distance, 10 m) / 10 m, cos(bearing), sin(bearing)] of the goal, as the crow flies; bearing 0 is straight
    ahead, positive to the left.

    Args:
        success_m: How near to the goal, along the shortest walk, `STOP` is a success.
        success_reward: Added then.
        living_penalty: Taken off at each step.
        collision_penalty: Taken off at each step that meets something.
        horizon_steps: After which an episode is cut off.

    Raises:
        UserError: If a value is negative, not finite, or no number.
    """

    success_m: float = 0.36
    success_reward: float = 2.5
    living_penalty: float = 0.01
    collision_penalty: float = 0.0
    horizon_steps: int = 200

    name: ClassVar[str] = "PointGoal"
    actions: ClassVar[tuple[Action, ...]] = (Action.STOP, Action.FORWARD, Action.TURN_LEFT, Action.TURN_RIGHT)
    sensors: ClassVar[tuple[Sensor, ...]] = ()
    vector_size: ClassVar[int] = 3

    def __post_init__(self) -> None:
        check_numbers(
            self.name, success_m=self.success_m, success_reward=self.success_reward,
            living_penalty=self.living_penalty, collision_penalty=self.collision_penalty,
        )  # fmt: skip
        check_horizon(self.name, self.horizon_steps)

    def progress(self, count: int) -> "PointGoalProgress":
        """See `NavigationTask.progress`."""
        return PointGoalProgress(self, count)


class PointGoalProgress:
    """How far N agents are from their goals.

    Distances are kept as float64 of the simulator's float32, so that rewards for progress add up to the way made good
    without any rounding.
    """

    def __init__(self, task: PointGoal, count: int) -> None:
        self._task = task
        self._distance_m = np.zeros(count)
        self._goals = np.zeros((count, 3), np.float32)
        self._at = np.full((count, 3), np.nan, np.float32)
        self._known = np.zeros(count, np.bool_)

    def begin(self, lanes: Lanes, moment: Moment) -> None:
        """See `Progress.begin`.

        Raises:
            UserError: If an episode has no goal, or none that can be walked to.
        """
        for lane in lanes:
            episode = moment.episodes[lane]
            if episode.goal is None:
                raise UserError(f"episode {episode.key} has no goal; {self._task.name} needs episodes with one.")
            self._goals[lane] = episode.goal
        self._known[lanes] = False
        self._measure(lanes, moment)
        lost = lanes[~np.isfinite(self._distance_m[lanes])]
        if len(lost):
            raise UserError(
                f"episode {moment.episodes[lost[0]].key}: there is no walk from its start to its goal; validate the "
                "episodes, or generate new ones."
            )

    def advance(self, chosen: NDArray[np.int64], moment: Moment) -> Outcome:
        """See `Progress.advance`."""
        before_m = self._distance_m.copy()
        moved = (moment.simulator.agents.positions != self._at).any(axis=1)
        self._measure(np.flatnonzero(moved), moment)
        stopped = np.array([action is Action.STOP for action in self._task.actions])[chosen]
        is_success = stopped & (self._distance_m <= self._task.success_m)
        penalty = self._task.living_penalty + self._task.collision_penalty * moment.collided
        reward = before_m - self._distance_m - penalty + self._task.success_reward * is_success
        return Outcome(reward, stopped, is_success, {"distance_m": self._distance_m.copy()})

    def vector(self, moment: Moment) -> NDArray[np.float32]:
        """See `PointGoal`."""
        agents = moment.simulator.agents
        right, _, back = (self._goals - agents.positions).T
        bearing = np.arctan2(-right, -back) - agents.headings_rad
        near = np.minimum(np.hypot(right, back), FARTHEST_M) / FARTHEST_M
        return np.stack([near, np.cos(bearing), np.sin(bearing)], axis=1).astype(np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """See `Progress.state`."""
        return {"distance_m": self._distance_m.copy(), "goals": self._goals.copy(), "at": self._at.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Progress.restore`."""
        self._distance_m, self._goals = state["distance_m"].copy(), state["goals"].copy()
        self._at = state["at"].copy()
        self._known[:] = False

    def _measure(self, lanes: Lanes, moment: Moment) -> None:
        agents, simulator = moment.simulator.agents, moment.simulator
        for lane in lanes[~self._known[lanes]]:
            # Distances are measured from what leads to the goal, which keeps their last bit the same in every run.
            simulator.geodesic_distance(self._goals[lane], self._goals[lane], int(agents.buildings[lane]))
        self._known[lanes] = True
        for building in np.unique(agents.buildings[lanes]):
            here = lanes[agents.buildings[lanes] == building]
            self._distance_m[here] = simulator.geodesic_distance(
                agents.positions[here], self._goals[here], int(building)
            )
        self._at[lanes] = agents.positions[lanes]
