"""A policy through every episode, once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from rl.environments.summary import EpisodeSummary
from rl.episodes.episode import Episode
from rl.evaluation.trajectories import TrajectoryRecorder

_logger = logging.getLogger(__name__)

Observations = Mapping[str, NDArray[Any]]
Infos = Sequence[Mapping[str, Any]]


class Actor(Protocol):
    """All that an evaluation asks of an agent."""

    def reset(self, lanes: NDArray[np.intp]) -> None:
        """These agents begin an episode."""

    def act(
        self, observations: Observations, deterministic: bool, generator: np.random.Generator | None
    ) -> NDArray[np.int64]:
        """What N agents do: int [N], indices of the task's actions; drawn with `generator` unless deterministic."""


class Environments(Protocol):
    """All that an evaluation asks of N environments."""

    def reset(self) -> Any:
        """First observations, by name, [N, ...]."""

    def step(self, actions: NDArray[np.int64]) -> tuple[Any, Any, Any, Infos]:
        """Observations, rewards, which episodes are over, and infos with a "summary" where one is."""


def roll_out(
    environments: Environments,
    actor: Actor,
    episodes: Sequence[Episode],
    *,
    deterministic: bool = False,
    seed: int = 0,
    recorder: TrajectoryRecorder | None = None,
    on_episode: Callable[[EpisodeSummary], None] | None = None,
) -> tuple[EpisodeSummary, ...]:
    """Let an agent go through every episode exactly once.

    Args:
        environments: Made with these episodes and `once=True`.
        actor: The agent.
        episodes: What is expected to be done.
        deterministic: Whether the most probable action is taken, or one is drawn.
        seed: Of the draws.
        recorder: Keeps where agents went.
        on_episode: Called with the summary of each episode as it ends.

    Returns:
        Summaries in the order of `episodes`, whichever ended first.

    Raises:
        UserError: If there is no episode, two have the same key, or the environments repeat, add or leave out one.
    """
    expected = {episode.key: None for episode in episodes}
    if not expected or len(expected) != len(episodes):
        raise UserError(f"{len(episodes)} episodes with {len(expected)} keys; expected one or more, each with its own.")
    generator = np.random.default_rng([seed, 3])
    done: dict[str, EpisodeSummary] = {}
    observations = environments.reset()
    while len(done) < len(expected):
        chosen = actor.act(observations, deterministic, generator)
        if recorder is not None:
            recorder.before_step()
        observations, rewards, is_over, infos = environments.step(chosen)
        if recorder is not None:
            recorder.after_step(chosen, rewards, infos)
        if np.any(is_over):
            actor.reset(np.flatnonzero(is_over))
        for summary in (info["summary"] for info in infos if info.get("summary") is not None):
            _count(summary, expected, done)
            if on_episode is not None:
                on_episode(summary)
        if len(done) < len(expected) and all(info.get("is_idle") for info in infos):
            left_out = next(key for key in expected if key not in done)
            raise UserError(
                f"episode {left_out} was left out: {len(done)} of {len(expected)} were done; none is counted."
            )
    return tuple(done[key] for key in expected)


def _count(summary: EpisodeSummary, expected: Mapping[str, None], done: dict[str, EpisodeSummary]) -> None:
    key = summary.episode.key
    if key in done or key not in expected:
        what = "was done twice" if key in done else "was not asked for"
        raise UserError(f"episode {key} {what}; none is counted.")
    done[key] = summary
    _logger.info("episode %s: success %s in %d steps", key, summary.is_success, summary.steps)
