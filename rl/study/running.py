"""Running a study: every cell that has no result yet, and what became of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from perception.errors import UserError
from perception.files import read_bytes, write_atomically
from rl.study.cells import Cell, cells_of, chosen
from rl.study.config import StudyConfig
from rl.study.execution import Executor, Phase
from rl.study.performing import Job, Work, read_failure, record_failure
from rl.study.results import CellResult, read_result
from rl.study.watching import Watch

CONFIG_FILE = "study.json"
_LARGEST_FILE_MIB = 1


@dataclass(frozen=True, eq=False)
class Study:
    """A study and what is known of it so far.

    Args:
        config: What it consists of.
        results: Of the cells that are done.
        failures: Of the cells that failed: why.
        missing: Cells that are neither.
    """

    config: StudyConfig
    results: tuple[CellResult, ...]
    failures: tuple[tuple[Cell, str], ...]
    missing: tuple[Cell, ...]


def run_study(
    config: StudyConfig, folder: Path, executor: Executor, *, only: str | None = None, work: Work | None = None
) -> Study:
    """Do the cells that are not done yet, and show how far it is, on stderr.

    The folder gets `study.json` with every default written out, for each cell `cells/NAME-FINGERPRINT/result.json` (or
    `error.json`), and below `runs/` the trainings themselves. Cells that are done stay as they are; a training that
    stopped goes on; one that failed is tried again; a change of the config does the cells again that it concerns.

    Args:
        config: What to do.
        folder: Where.
        executor: Who does it.
        only: A pattern of names of cells, "PointGoal/*/seed-0".
        work: What is done for a cell; by default training and evaluation.

    Returns:
        What is known then.

    Raises:
        UserError: If a cell cannot be done as the config says, or the folder cannot be written to.
    """
    if work is None:
        from rl.study.wiring import TRAINING

        work = TRAINING
    for cell in cells_of(config):
        work.check(cell)
    config = work.resolve(config)
    cells = cells_of(config)
    write_atomically(folder / CONFIG_FILE, json.dumps(config.to_json(), indent=1) + "\n")
    jobs = [Job(cell, folder.resolve(), work) for cell in chosen(cells, only)]
    _run([job for job in jobs if not job.result.is_file()], executor, done_before=len(jobs))
    return read_study(folder)


def read_study(folder: Path) -> Study:
    """What is known of the study in a folder.

    Raises:
        UserError: If there is none, or a file is broken.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise UserError(f"{folder} holds no study: there is no {CONFIG_FILE}; `midlevel rl study` makes one.")
    try:
        config = StudyConfig.from_json(json.loads(read_bytes(path, limit_mib=_LARGEST_FILE_MIB)))
    except ValueError as error:
        raise UserError(f"{path} is broken: {error}") from error
    results, failures, missing = [], [], []
    for cell in cells_of(config):
        job = Job(cell, folder, _NO_WORK)
        if job.result.is_file():
            results.append(read_result(job.result, cell))
        elif (reason := read_failure(job.error)) is not None:
            failures.append((cell, reason))
        else:
            missing.append(cell)
    return Study(config, tuple(results), tuple(failures), tuple(missing))


def _run(jobs: Sequence[Job], executor: Executor, *, done_before: int) -> None:
    with Watch(jobs, reused=done_before - len(jobs)) as watch:
        for event in executor.run(jobs):
            if event.job is None:
                watch.tick()
            elif event.phase is Phase.STARTED:
                watch.started(event.job)
            else:
                if event.phase is Phase.LOST:
                    record_failure(event.job, event.reason)
                watch.ended(event.job, None if event.job.result.is_file() else read_failure(event.job.error))


def _nothing(*_: object) -> NoReturn:
    raise UserError("a study that is only read does no cell.")


_NO_WORK = Work(resolve=lambda config: config, check=_nothing, train=_nothing, evaluate=_nothing)
