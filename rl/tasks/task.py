"""What every navigation task says of itself, for N agents at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rl.episodes.episode import Episode
from sim import Action, Observations, Sensor, Simulator

Lanes = NDArray[np.intp]
"""Indices of agents."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an action of each of N agents led to.

    Args:
        reward: float64 [N].
        is_over: bool [N]: the task ended the episode (the horizon is not the task's affair).
        is_success: bool [N].
        measures: Further figures by name, float64 [N], as they stand: "covered_m2", "distance_m".
    """

    reward: NDArray[np.float64]
    is_over: NDArray[np.bool_]
    is_success: NDArray[np.bool_]
    measures: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Moment:
    """How things stand after an action; where agents are, `simulator.agents` tells.

    Args:
        simulator: With N agents placed.
        episodes: The episode each agent is in.
        observations: What the agents see, with at least the sensors that the task asks for.
        collided: bool [N], whose last action met something; all False before the first one.
    """

    simulator: Simulator
    episodes: tuple[Episode, ...]
    observations: Observations
    collided: NDArray[np.bool_]


class Progress(Protocol):
    """A task in the course of N agents' episodes."""

    def begin(self, lanes: Lanes, moment: Moment) -> None:
        """New episodes for the agents `lanes`; `moment` has all N agents."""

    def advance(self, chosen: NDArray[np.int64], moment: Moment) -> Outcome:
        """After all N agents acted: `chosen` are indices of the task's actions."""

    def vector(self, moment: Moment) -> NDArray[np.float32]:
        """What the task tells agents besides what they see: float32 [N, vector_size], about in [-1, 1]."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""


class NavigationTask(Protocol):
    """A task and its settings: a frozen dataclass of numbers, so that it can be written down."""

    @property
    def name(self) -> str:
        """As in `midlevel/PointGoal-v0`: "PointGoal", "VisualTarget", "Explore"."""

    @property
    def actions(self) -> tuple[Action, ...]:
        """What an agent can choose; its choice is an index."""

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """What the task itself looks at."""

    @property
    def horizon_steps(self) -> int:
        """Steps after which an episode is cut off."""

    @property
    def vector_size(self) -> int:
        """Numbers in `Progress.vector`; the agent's last action is added by the environment."""

    def progress(self, count: int) -> Progress:
        """For `count` agents."""
