"""Doing one cell, in whatever process: train, test, and leave a result or an error behind."""

import fcntl
import json
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perception.errors import UserError
from perception.files import write_atomically
from rl.scenes import Split
from rl.study.cells import Cell
from rl.study.config import StudyConfig
from rl.study.results import (
    ERROR_FILE,
    PROVENANCE,
    RESULT_FILE,
    CellResult,
    Episodes,
    episodes_of,
    thinned_curve,
    write_result,
)

PROGRESS_FILE = "progress.jsonl"
LOCK_FILE = ".cell-lock"  # a training has a lock of its own


@dataclass(frozen=True)
class Work:
    """What is done for a cell; its functions have to be importable, so that other processes can do it.

    Args:
        resolve: The same study with every default written out, so that it stays what it is when defaults change.
        check: Raises `UserError` for a cell that cannot be done; quick.
        train: Trains into a folder, or goes on there; leaves `progress.jsonl`. Not called for scripted agents.
        evaluate: Tests what is in the folder in a split's buildings; returns {"episodes": [...], "summary": {...}}.
    """

    resolve: Callable[[StudyConfig], StudyConfig]
    check: Callable[[Cell], None]
    train: Callable[[Cell, Path], None]
    evaluate: Callable[[Cell, Path, Split], Mapping[str, Any]]


@dataclass(frozen=True)
class Job:
    """A cell to be done.

    Args:
        cell: Which.
        root: The study's folder.
        work: What to do.
    """

    cell: Cell
    root: Path
    work: Work

    @property
    def run_folder(self) -> Path:
        """Where it is trained: checkpoints and all that is not worth keeping."""
        return self.root / "runs" / self.cell.folder

    @property
    def result(self) -> Path:
        """The file it ends with."""
        return self.root / "cells" / self.cell.folder / RESULT_FILE

    @property
    def error(self) -> Path:
        """The file that says why it failed."""
        return self.result.with_name(ERROR_FILE)

    @property
    def steps_done(self) -> int:
        """Environment steps trained so far, that are known of."""
        rows = read_progress(self.run_folder / PROGRESS_FILE)
        return int(rows[-1]["steps"]) if rows else 0


def perform(job: Job) -> None:
    """Do a cell and write its result; a failure is written down instead, and a finished cell stays as it is."""
    try:
        with _alone(job.run_folder):
            if not job.result.is_file():
                write_result(job.result, _done(job))
        job.error.unlink(missing_ok=True)
    except Exception as error:
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        record_failure(job, reason, traceback.format_exc())


def record_failure(job: Job, reason: str, trace: str = "") -> None:
    """Write down why a cell failed; doing it with success removes the file.

    Raises:
        UserError: If the folder cannot be written to.
    """
    document = {"name": job.cell.name, "reason": " ".join(reason.split()), "trace": trace.splitlines()}
    write_atomically(job.error, json.dumps(document, indent=1) + "\n")


def read_failure(path: Path) -> str | None:
    """The reason in an error file; None without one."""
    try:
        return str(json.loads(path.read_text("utf-8"))["reason"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return f"{path} cannot be read"


def read_progress(path: Path) -> list[dict[str, Any]]:
    """Rows of a training's progress in rising order of steps.

    What was trained again after a stop replaces what was there; a line that is being written is left out.
    """
    rows: list[dict[str, Any]] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return rows
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        while rows and rows[-1]["steps"] >= row["steps"]:
            rows.pop()
        rows.append(row)
    return rows


def _done(job: Job) -> CellResult:
    cell, folder = job.cell, job.run_folder
    if not cell.is_scripted:
        job.work.train(cell, folder)
    rows = read_progress(folder / PROGRESS_FILE)
    start = time.monotonic()
    found = {split.value: job.work.evaluate(cell, folder, split) for split in cell.splits}
    seconds = {**_seconds(rows), "test": time.monotonic() - start}
    evaluations: dict[str, Episodes] = {split: episodes_of(part["episodes"]) for split, part in found.items()}
    summaries = {split: part.get("summary", {}) for split, part in found.items()}
    known = next(iter(found.values()), {}).get("provenance", {})
    provenance = {name: known[name] for name in PROVENANCE if name in known}
    return CellResult(cell, seconds, thinned_curve(rows), evaluations, summaries, provenance)


def _seconds(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Time of all rollouts by part."""
    total: Counter[str] = Counter()  # of floats, which it takes just as well
    for row in rows:
        total.update(row.get("seconds", {}))
    return dict(total)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes away from a run.

    Raises:
        UserError: If another one is at it, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK_FILE).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        raise UserError(f"another process trains in {folder}; wait for it, or end it.") from None
