"""Where agents went in each episode, so that it can be shown afterwards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl.environments.summary import EpisodeSummary
from sim import Action, Agents, Simulator


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One agent's episode.

    Args:
        summary: What came of it.
        agents: T poses, before each action.
        actions: int64 [T], values of `sim.Action`.
        rewards: float64 [T], of each action.
    """

    summary: EpisodeSummary
    agents: Agents
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]


class TrajectoryRecorder:
    """Looks on while N agents go through episodes.

    Args:
        simulator: Of the agents.
        actions: The task's.
    """

    def __init__(self, simulator: Simulator, actions: Sequence[Action]) -> None:
        self._simulator = simulator
        self._actions = np.array(actions, np.int64)
        self._steps: list[list[tuple[NDArray[np.float32], np.float32, int, int, float]]] = []
        self._before: Agents | None = None
        self.trajectories: dict[str, Trajectory] = {}
        """By the episodes' keys."""

    def before_step(self) -> None:
        """Agents are about to act."""
        self._before = self._simulator.agents

    def after_step(
        self, chosen: NDArray[np.int64], rewards: NDArray[np.floating[Any]], infos: Sequence[Mapping[str, Any]]
    ) -> None:
        """Agents have acted; those whose episode ended are at the start of the next one.

        Args:
            chosen: int [N], indices of the task's actions.
            rewards: float [N].
            infos: Of the step.
        """
        before = self._before
        if before is None:
            return
        self._steps = self._steps or [[] for _ in infos]
        for lane, info in enumerate(infos):
            steps = self._steps[lane]
            steps.append(
                (before.positions[lane], before.headings_rad[lane], int(before.buildings[lane]),
                 int(self._actions[chosen[lane]]), float(rewards[lane]))
            )  # fmt: skip
            if "terminal_observation" in info or "summary" in info:
                self._steps[lane] = []
            if info.get("summary") is not None:
                self.trajectories[info["summary"].episode.key] = _trajectory(info["summary"], steps)


def _trajectory(
    summary: EpisodeSummary, steps: Sequence[tuple[NDArray[np.float32], np.float32, int, int, float]]
) -> Trajectory:
    positions, headings, buildings, actions, rewards = zip(*steps, strict=True)
    agents = Agents(np.stack(positions), np.array(headings, np.float32), np.array(buildings, np.int32))
    return Trajectory(summary, agents, np.array(actions, np.int64), np.array(rewards, np.float64))


def chosen_trajectories(trajectories: Sequence[Trajectory], count: int) -> tuple[Trajectory, ...]:
    """Up to `count` successes and `count` failures, the first of each, from different buildings as far as there are."""
    chosen: list[Trajectory] = []
    for is_success in (True, False):
        alike = [item for item in trajectories if item.summary.is_success is is_success]
        nth_of_building: Counter[str] = Counter()
        ranks: list[int] = []
        for item in alike:
            ranks.append(nth_of_building[item.summary.episode.building])
            nth_of_building[item.summary.episode.building] += 1
        chosen += [alike[index] for index in np.argsort(ranks, kind="stable")[:count]]
    return tuple(chosen)
