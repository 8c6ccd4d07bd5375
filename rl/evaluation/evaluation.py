"""What came of an evaluation: a record for each episode, and a summary with intervals."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perception.errors import UserError
from perception.files import read_bytes, write_atomically
from rl.environments.summary import EpisodeSummary
from rl.evaluation.metrics import CONFIDENCE, Estimate, bootstrap_mean, success_rate
from rl.scenes import Split

_LARGEST_FILE_MIB = 256

_NUMBERS: Mapping[str, Callable[[EpisodeSummary], float]] = {
    "success": lambda summary: float(summary.is_success),
    "spl": lambda summary: summary.spl,
    "soft_spl": lambda summary: summary.soft_spl,
    "reward": lambda summary: summary.reward,
    "steps": lambda summary: float(summary.steps),
    "collisions": lambda summary: float(summary.collisions),
    "path_length_m": lambda summary: summary.path_length_m,
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An agent's episodes of one split.

    Args:
        split: Which buildings.
        summaries: Of each episode, in the order of the split's episodes.
        provenance: What was evaluated and how; JSON.
        seed: Of the bootstrap's draws.
        videos: Files that show some of the episodes.
        seconds: Wall time of "sim" and "encode"; not written down, so that equal evaluations have equal files.
    """

    split: Split
    summaries: tuple[EpisodeSummary, ...]
    provenance: Mapping[str, Any]
    seed: int = 0
    videos: tuple[Path, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Means with their intervals by measure, see `estimates`."""
        return estimates(self.summaries, seed=self.seed)

    def to_json(self) -> dict[str, Any]:
        """As `evaluation/<split>.json` has it; what an episode has no value of is null."""
        buildings = {summary.episode.building for summary in self.summaries}
        return {
            "split": str(self.split),
            "provenance": dict(self.provenance),
            "summary": {
                "episodes": len(self.summaries),
                "buildings": len(buildings),
                "confidence": CONFIDENCE,
                **{name: estimate.to_json() for name, estimate in self.estimates.items()},
            },
            "episodes": [record(summary) for summary in self.summaries],
        }


def estimates(summaries: Sequence[EpisodeSummary], *, clustered: bool = True, seed: int = 0) -> dict[str, Estimate]:
    """Means over episodes with 95 % intervals.

    The interval of "success" is Wilson's, as if episodes were independent; "success_clustered" is the same mean with a
    bootstrap interval, as all other measures have.

    Args:
        summaries: Of at least one episode.
        clustered: Whether the bootstrap draws whole buildings, whose episodes are not independent, or episodes.
        seed: Of the draws.

    Returns:
        By measure: success, spl, soft_spl, reward, steps, collisions, path_length_m, and those of the task. A measure
        that has no value in some episode, such as the SPL of exploration, is left out.

    Raises:
        UserError: If there is no episode.
    """
    if not summaries:
        raise UserError("an evaluation without episodes has no summary; expected at least one episode.")
    clusters = [summary.episode.building for summary in summaries] if clustered else None
    found = {"success": success_rate(sum(summary.is_success for summary in summaries), len(summaries))}
    for name, values in _columns(summaries).items():
        if all(math.isfinite(value) for value in values):
            found["success_clustered" if name == "success" else name] = bootstrap_mean(values, clusters, seed=seed)
    return found


def _columns(summaries: Sequence[EpisodeSummary]) -> dict[str, list[float]]:
    columns = {name: [number(summary) for summary in summaries] for name, number in _NUMBERS.items()}
    measures = {name: None for summary in summaries for name in summary.measures}
    return columns | {name: [summary.measures.get(name, math.nan) for summary in summaries] for name in measures}


def record(summary: EpisodeSummary) -> dict[str, Any]:
    """One episode as JSON; numbers that are not finite, which stand for "has none", are null."""
    episode = summary.episode
    numbers = {
        "reward": summary.reward,
        "spl": summary.spl,
        "soft_spl": summary.soft_spl,
        "path_length_m": summary.path_length_m,
        "shortest_path_m": math.nan if episode.geodesic_distance_m is None else episode.geodesic_distance_m,
    }
    return {
        "key": episode.key,
        "building": episode.building,
        "episode_id": episode.episode_id,
        "steps": summary.steps,
        "is_success": summary.is_success,
        "is_cut_off": summary.is_cut_off,
        "collisions": summary.collisions,
        **{name: _finite(value) for name, value in numbers.items()},
        "measures": {name: _finite(value) for name, value in summary.measures.items()},
    }


def evaluation_path(folder: Path, split: Split) -> Path:
    """Where the evaluation of a run in a split is kept."""
    return folder / "evaluation" / f"{split}.json"


def videos_folder(folder: Path, split: Split) -> Path:
    """Where videos of the evaluation of a run in a split are kept."""
    return folder / "evaluation" / f"{split}_videos"


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Write an evaluation into a run's folder, whole or not at all, and return the file.

    Raises:
        UserError: If it cannot be written.
    """
    path = evaluation_path(folder, evaluation.split)
    write_atomically(path, json.dumps(evaluation.to_json(), indent=1, allow_nan=False) + "\n")
    return path


def read_evaluation(folder: Path, split: Split) -> dict[str, Any]:
    """What `write_evaluation` wrote, as JSON.

    Raises:
        UserError: If there is none, or it is broken.
    """
    path = evaluation_path(folder, split)
    try:
        document = json.loads(read_bytes(path, limit_mib=_LARGEST_FILE_MIB))
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is no JSON ({error}); evaluate the run again.") from error
    if not (isinstance(document, dict) and document.get("split") == split and "episodes" in document):
        raise UserError(f"{path} is no evaluation of the split {str(split)!r}; evaluate the run again.")
    return document


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
