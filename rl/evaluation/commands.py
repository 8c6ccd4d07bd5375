"""What `midlevel rl evaluate` does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from perception.errors import UnknownNameError, UserError
from perception.files import is_folder
from rl.environments.summary import EpisodeSummary
from rl.evaluation.evaluating import evaluate
from rl.evaluation.evaluation import evaluation_path
from rl.scenes import Split
from rl.training.spec import RunSpec

SCRIPTED = ("random", "forward", "greedy")
"""Agents that can be evaluated without a run."""

_TITLES = {
    "success": "success",
    "success_clustered": "success, by building",
    "spl": "SPL",
    "soft_spl": "soft SPL",
    "reward": "reward",
    "steps": "steps",
    "collisions": "collisions",
    "path_length_m": "walked, m",
    "distance_m": "left to the goal, m",
    "target_distance_m": "left to the target, m",
    "covered_m2": "seen, m2",
    "covered_share": "seen, share",
}


def evaluate_run(
    run: str,
    *,
    split: str = Split.TEST,
    task: str = "PointGoal",
    out: Path | None = None,
    on_episode: Callable[[EpisodeSummary], None] | None = None,
    **how: Any,
) -> dict[str, Any]:
    """Evaluate a run, or a scripted agent, and write it down.

    Args:
        run: Folder of a finished run, or the name of a scripted agent.
        split: Name of the split.
        task: Of a scripted agent; a run has its own.
        out: Folder to write to; the run's if None, and nowhere for a scripted agent.
        on_episode: Called as each episode ends.
        how: Further arguments of `evaluate`.

    Returns:
        The content of `evaluation/<split>.json`, with "seconds", "file" (None where nothing was written) and "videos".

    Raises:
        UserError: As `evaluate`, or if the split is unknown, or there is no such run.
    """
    if split not in set(Split):
        raise UnknownNameError("split", split, (known.value for known in Split))
    subject = subject_of(run, task)
    found = evaluate(subject, split=Split(split), out=out, on_episode=on_episode, **how)
    folder = subject if out is None and isinstance(subject, Path) else out
    file = None if folder is None else str(evaluation_path(folder, Split(split)))
    seconds = {name: round(value, 2) for name, value in found.seconds.items()}
    return {**found.to_json(), "seconds": seconds, "file": file, "videos": [str(path) for path in found.videos]}


def subject_of(run: str, task: str) -> Path | RunSpec:
    """A run's folder, or what a scripted agent is to do, in the default buildings.

    Raises:
        UserError: If it is neither.
    """
    if is_folder(Path(run)):
        return Path(run)
    if run in SCRIPTED:
        return RunSpec(agent=run, task=task)
    raise UserError(f"there is no run {run!r}; expected the folder of one, or one of {', '.join(SCRIPTED)}.")


def episode_count(run: str, split: str, task: str, episodes_per_building: int) -> int:
    """How many episodes an evaluation will have, for a progress bar.

    Raises:
        UserError: If there is no such run.
    """
    from rl.training import read_spec
    from rl.training.world import scenes_of

    subject = subject_of(run, task)
    spec = read_spec(subject) if isinstance(subject, Path) else subject
    return episodes_per_building * (len(scenes_of(spec).names(Split(split))) if split in set(Split) else 0)


def table(document: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """An evaluation's summary as rows: measure, mean, and the ends of its interval."""
    summary = document["summary"]
    rows = {name: entry for name, entry in summary.items() if isinstance(entry, dict)}
    return [
        (_TITLES.get(name, name), *(_number(entry[part]) for part in ("mean", "low", "high")))
        for name, entry in rows.items()
    ]


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
