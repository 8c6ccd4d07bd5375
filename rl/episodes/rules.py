"""The rules for the episodes of every task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from perception import UserError
from perception.errors import UnknownNameError
from rl.episodes.candidates import Candidates, Draw, EpisodeRules, off_island
from rl.episodes.episode import Episode
from rl.episodes.point_goals import PointGoals
from rl.episodes.visual_targets import VisualTargets
from sim import Building, Simulator


@dataclass(frozen=True)
class Starts:
    """Starts on the largest island, and nothing to reach."""

    target: ClassVar[None] = None
    straight_share: ClassVar[float] = 1.0

    def check(self, buildings: Sequence[Building]) -> None:
        """See `EpisodeRules.check`; every building will do."""

    def draws(self, simulator: Simulator, building: int) -> Draw:
        """See `EpisodeRules.draws`."""

        def draw(count: int, rng: np.random.Generator) -> Candidates:
            starts = simulator.random_navigable_points(count, rng, building)
            faults = {"not on the largest island": off_island(simulator, building, starts)}
            return Candidates(starts, None, None, faults, np.zeros(count, dtype=bool))

        return draw

    def walks_m(self, simulator: Simulator, building: int, episodes: Sequence[Episode]) -> None:
        """See `EpisodeRules.walks_m`; there is nothing to walk to."""


RULES: Mapping[str, type[EpisodeRules]] = MappingProxyType(
    {"PointGoal": PointGoals, "VisualTarget": VisualTargets, "Explore": Starts}
)
"""By task."""


def rules_of(task: str, rules: EpisodeRules | Mapping[str, Any] | None = None) -> EpisodeRules:
    """The rules for a task's episodes.

    Args:
        task: One of `RULES`.
        rules: Rules of the task's kind, or their values by name; its defaults if None.

    Raises:
        UserError: If the task is unknown, the rules are another task's, or a value is unknown or outside its range.
    """
    if task not in RULES:
        raise UnknownNameError("task", task, RULES)
    if rules is None or isinstance(rules, Mapping):
        try:
            return RULES[task](**(rules or {}))
        except TypeError as error:
            raise UserError(f"{task} episodes cannot be asked for so: {error}.") from error
    if not isinstance(rules, RULES[task]):
        raise UserError(f"{task} episodes need {RULES[task].__name__}, not {type(rules).__name__}.")
    return rules
