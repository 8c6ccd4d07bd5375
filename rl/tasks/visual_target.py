"""Visual target: find a thing of a given kind, wherever it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.targets import plan_distance_m, target_boxes, target_ids
from rl.tasks.checks import check_horizon, check_numbers
from rl.tasks.task import Lanes, Moment, Outcome
from sim import Action, Building, Sensor


@dataclass(frozen=True)
class VisualTarget:
    """Walk up to a thing of the episode's category and look at it.

    The reward is sparse, and each step costs a little (Sax et al. 2018: 10 and 0.025). An episode ends when the agent
    stands within `reach_m` of the thing and has it in view. Agents are told nothing of where it is.

    Args:
        reach_m: Distance in plan to the thing's bounding box.
        least_share: Of the picture that the thing fills when it counts as in view.
        success_reward: Added on success.
        living_penalty: Taken off at each step.
        horizon_steps: After which an episode is cut off.

    Raises:
        UserError: If a value is negative, not finite, or no number.
    """

    reach_m: float = 1.0
    least_share: float = 0.005
    success_reward: float = 10.0
    living_penalty: float = 0.025
    horizon_steps: int = 200

    name: ClassVar[str] = "VisualTarget"
    actions: ClassVar[tuple[Action, ...]] = (Action.FORWARD, Action.TURN_LEFT, Action.TURN_RIGHT)
    sensors: ClassVar[tuple[Sensor, ...]] = (Sensor.SEMANTIC,)
    vector_size: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_numbers(
            self.name, reach_m=self.reach_m, least_share=self.least_share, success_reward=self.success_reward,
            living_penalty=self.living_penalty,
        )  # fmt: skip
        check_horizon(self.name, self.horizon_steps)

    def progress(self, count: int) -> "VisualTargetProgress":
        """See `NavigationTask.progress`."""
        return VisualTargetProgress(self, count)


class VisualTargetProgress:
    """Whether N agents have found what they look for; it has no memory."""

    def __init__(self, task: VisualTarget, count: int) -> None:
        self._task = task
        self._count = count

    def begin(self, lanes: Lanes, moment: Moment) -> None:
        """See `Progress.begin`.

        Raises:
            UserError: If an episode has no target, or its building no such thing.
        """
        for lane in lanes:
            _target(moment, int(lane))

    def advance(self, chosen: NDArray[np.int64], moment: Moment) -> Outcome:  # noqa: ARG002
        """See `Progress.advance`."""
        agents = moment.simulator.agents
        distance_m, share = np.empty(self._count), np.empty(self._count)
        for lane in range(self._count):
            boxes, ids = _target(moment, lane)
            distance_m[lane] = plan_distance_m(agents.positions[lane], boxes)
            share[lane] = np.isin(_seen(moment)[lane], ids).mean()
        is_success = (distance_m <= self._task.reach_m) & (share >= self._task.least_share)
        reward = np.where(is_success, self._task.success_reward, 0.0) - self._task.living_penalty
        return Outcome(reward, is_success, is_success, {"target_distance_m": distance_m})

    def vector(self, moment: Moment) -> NDArray[np.float32]:  # noqa: ARG002
        """Nothing: float32 [N, 0]."""
        return np.zeros((self._count, 0), np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """See `Progress.state`."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Progress.restore`."""


def _seen(moment: Moment) -> NDArray[np.int32]:
    if moment.observations.semantic is None:
        raise UserError("VisualTarget looks at the semantic sensor, and the simulator was made without it.")
    return moment.observations.semantic


def _target(moment: Moment, lane: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    episode = moment.episodes[lane]
    if episode.target is None:
        raise UserError(f"episode {episode.key} has no target; VisualTarget needs episodes with one.")
    return _found(moment.simulator.buildings[moment.simulator.agents.buildings[lane]], episode.target)


@lru_cache(maxsize=256)
def _found(building: Building, category: str) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    return target_boxes(building, category), target_ids(building, category)
