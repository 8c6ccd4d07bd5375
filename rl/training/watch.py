"""Looks on while environments act: which episodes ended, and whether rewards are numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rl.training.errors import DivergedError

_MEANS = {
    "return": "reward", "success": "is_success", "spl": "spl", "soft_spl": "soft_spl", "length": "steps",
    "collisions": "collisions",
}  # fmt: skip
"""What is reported of episodes, and what `EpisodeSummary` calls it."""


class RolloutWatch(BaseCallback):
    """Collects the summaries of the episodes that ended in a rollout."""

    def __init__(self) -> None:
        super().__init__()
        self.summaries: list[Any] = []

    def _on_rollout_start(self) -> None:
        self.summaries = []

    def _on_step(self) -> bool:
        rewards, infos = self.locals["rewards"], self.locals["infos"]
        if not np.isfinite(rewards).all():
            lane = int(np.flatnonzero(~np.isfinite(rewards))[0])
            raise DivergedError(f"the reward of environment {lane} is {rewards[lane]}; rewards are finite numbers.")
        self.summaries += [info["summary"] for info in infos if info.get("summary") is not None]
        return True


def means_of(summaries: Sequence[Any]) -> dict[str, float | None]:
    """Means over `EpisodeSummary`s, by name; None without any, or where a task does not measure it."""
    if not summaries:
        return dict.fromkeys(_MEANS)
    columns = {name: [getattr(item, field) for item in summaries] for name, field in _MEANS.items()}
    columns |= {name: [item.measures[name] for item in summaries] for name in summaries[0].measures}
    means = {name: float(np.mean(values)) for name, values in columns.items()}
    return {name: mean if np.isfinite(mean) else None for name, mean in means.items()}
