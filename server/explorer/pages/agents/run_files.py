"""What an agent's run has written down: its manifest, its progress, its evaluations and their videos."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perception import UserError
from perception.files import read_bytes
from server.explorer.fresh import itself, while_unchanged
from server.explorer.pages.agents.finding import EVALUATIONS, PROGRESS_FILE
from server.explorer.pages.agents.reading import BROKEN, Interval, interval, number, read_json

MANIFEST_FILE = "manifest.json"
_LARGEST_PROGRESS_MIB = 256
_NO_MEASURE = ("steps", "episodes", "learning", "seconds")


@dataclass(frozen=True)
class Spec:
    """What a run is to do, as far as it is shown."""

    agent: str
    task: str
    seed: int
    total_steps: int


@dataclass(frozen=True)
class Progress:
    """Rollouts of a training.

    Args:
        steps: Of all environments, after each of K rollouts.
        measures: K means over the episodes that ended in each, by measure; None where none did.
        seconds: Of the training, by part.
    """

    steps: tuple[float, ...]
    measures: Mapping[str, tuple[float | None, ...]]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Episode:
    """One episode of an evaluation."""

    key: str
    steps: int
    reward: float | None
    spl: float | None
    is_success: bool
    is_cut_off: bool


@dataclass(frozen=True)
class Evaluation:
    """An evaluation in a split's buildings: means by measure, and its episodes."""

    split: str
    buildings: int
    summary: Mapping[str, Interval]
    episodes: tuple[Episode, ...]


def read_spec(folder: Path) -> Spec | None:
    """What a run is of; None for agents that are not trained, whose folders have no manifest.

    Raises:
        UserError: If the manifest is broken.
    """
    path = folder / MANIFEST_FILE
    return _spec(path) if path.is_file() else None


def read_progress(folder: Path) -> Progress | None:
    """What a training has written so far; None before there is a rollout.

    Raises:
        UserError: If it is broken.
    """
    path = folder / PROGRESS_FILE
    if not path.is_file() or path.stat().st_size == 0:
        return None
    return _progress(path)


def evaluation_files(folder: Path) -> tuple[Path, ...]:
    """Evaluations of a run, one for each split."""
    return tuple(sorted((folder / EVALUATIONS).glob("*.json")))


@while_unchanged(itself)
def read_evaluation(path: Path) -> Evaluation:
    """An evaluation.

    Raises:
        UserError: If it is broken.
    """
    try:
        document = read_json(path)
        summary = {name: interval(value) for name, value in document["summary"].items() if isinstance(value, dict)}
        return Evaluation(
            str(document["split"]),
            int(document["summary"]["buildings"]),
            {name: value for name, value in summary.items() if value is not None},
            tuple(_episode(entry) for entry in document["episodes"]),
        )
    except UserError:
        raise
    except BROKEN as error:
        raise UserError(f"{path} is broken ({error!r}); evaluate the run again: `midlevel rl evaluate`.") from error


def _episode(entry: Mapping[str, Any]) -> Episode:
    reward, spl = number(entry["reward"]), number(entry["spl"])
    return Episode(
        str(entry["key"]), int(entry["steps"]), reward, spl, bool(entry["is_success"]), bool(entry["is_cut_off"])
    )


@while_unchanged(itself)
def _spec(path: Path) -> Spec:
    try:
        spec = read_json(path)["spec"]
        return Spec(str(spec["agent"]), str(spec["task"]), int(spec["seed"]), int(spec["total_steps"]))
    except UserError:
        raise
    except BROKEN as error:
        raise UserError(f"{path} is broken ({error!r}); it should be what `midlevel rl train` wrote.") from error


@while_unchanged(itself)
def _progress(path: Path) -> Progress | None:
    lines = read_bytes(path, limit_mib=_LARGEST_PROGRESS_MIB).split(b"\n")[:-1]  # what has no end is being written
    rows = [_rollout(path, place, line) for place, line in enumerate(lines, 1)]
    if not rows:
        return None
    steps = tuple(row.pop("steps") for row in rows)
    names = dict.fromkeys(name for row in rows for name in row if name not in _NO_MEASURE)
    try:
        measures = {name: tuple(number(row.get(name)) for row in rows) for name in names}
        parts = dict.fromkeys(part for row in rows for part in row.get("seconds", {}))
        seconds = {part: float(sum(row["seconds"][part] for row in rows)) for part in parts}
    except BROKEN as error:
        raise UserError(f"{path} is broken ({error!r}); was it changed by hand?") from error
    return Progress(steps, measures, seconds)


def _rollout(path: Path, place: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
        return {**row, "steps": float(row["steps"])}
    except BROKEN as error:
        raise UserError(f"{path}, line {place}, is no rollout ({error!r}); was it changed by hand?") from error
