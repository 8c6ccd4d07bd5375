"""What came of an episode."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rl.episodes.episode import Episode


@dataclass(frozen=True)
class EpisodeSummary:
    """What came of an episode.

    Args:
        episode: Which.
        steps: Actions taken.
        reward: Sum over all steps.
        is_success: Whether the task was fulfilled.
        is_cut_off: Whether the horizon ended it.
        spl: Success weighted by path length, 0 to 1 (`rl.evaluation.metrics`).
        soft_spl: The same with progress in place of success; NaN where the task measures no "distance_m".
        path_length_m: Walked.
        collisions: Steps in which something was met.
        measures: The task's own figures at the end, such as "distance_m" and "covered_m2".
    """

    episode: Episode
    steps: int
    reward: float
    is_success: bool
    is_cut_off: bool
    spl: float
    soft_spl: float
    path_length_m: float
    collisions: int
    measures: Mapping[str, float] = field(default_factory=dict)
