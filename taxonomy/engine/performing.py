"""Doing one unit, in whatever process: the same threads, the same bytes, and a report that travels."""

import os
import pickle
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perception.errors import UserError
from taxonomy.engine.outcomes import NoSpaceError
from taxonomy.engine.store import Store
from taxonomy.engine.units import Unit, Work

ONE_THREAD: Mapping[str, str] = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""What processes that do units find in their environment before they load NumPy."""


@dataclass(frozen=True)
class Job:
    """A unit to be done.

    Args:
        unit: Which.
        root: Of the store.
        inputs: Folders of what it needs.
    """

    unit: Unit
    root: Path
    inputs: Mapping[str, Path]


@dataclass(frozen=True)
class Finished:
    """The unit is in the store."""


@dataclass(frozen=True)
class Rejected:
    """The unit fails alone.

    Args:
        reason: A sentence.
    """

    reason: str


@dataclass(frozen=True)
class DiskFull:
    """The run must stop.

    Args:
        reason: A sentence.
    """

    reason: str


@dataclass(frozen=True)
class Crashed:
    """The run must stop, because of a bug.

    Args:
        error: What was raised.
        trace: Where, if that was in another process.
    """

    error: Exception
    trace: str = ""


Report = Finished | Rejected | DiskFull | Crashed


def perform(job: Job) -> Report:
    """Do a unit, and put its files into the store."""
    try:
        with Store(job.root).workspace(job.unit) as folder, fixed_threads(job.unit.work):
            job.unit.work(folder, job.inputs)
    except NoSpaceError as error:
        return DiskFull(str(error))
    except UserError as error:
        return Rejected(str(error))
    except Exception as error:
        if _is_out_of_memory(error):
            return Rejected("there was not enough memory; run the same command again with fewer workers.")
        return Crashed(error)
    return Finished()


def _is_out_of_memory(error: Exception) -> bool:
    """Whether Python, or torch on a GPU or a CPU, found no memory; torch need not be installed to ask."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "DefaultCPUAllocator: " in str(error))
    )


def perform_elsewhere(job: Job) -> Report:
    """Do a unit in a process that was started for it; an error is made fit to travel."""
    report = perform(job)
    return portable(report.error) if isinstance(report, Crashed) else report


def portable(error: Exception) -> Crashed:
    """An error with its traceback as text; where it cannot be pickled, one that says the same."""
    trace = "".join(traceback.format_exception(error)).rstrip()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return Crashed(RuntimeError(f"{type(error).__name__}: {error}"), trace)
    return Crashed(error, trace)


@contextmanager
def fixed_threads(work: Work) -> Iterator[None]:
    """Compute with one thread in linear algebra, and as many in torch as the work says.

    The last bits of a product of matrices depend on the number of threads, so that it must be the same everywhere.
    """
    import numpy as np  # noqa: F401 - its library must be loaded to be limited
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before = os.environ.get("OPENBLAS_NUM_THREADS")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # for those that are loaded later, SciPy's for one
    try:
        with threadpool_limits(1, user_api="blas"), _torch_threads(getattr(work, "threads", None)):
            yield
    finally:
        if before is None:
            del os.environ["OPENBLAS_NUM_THREADS"]
        else:
            os.environ["OPENBLAS_NUM_THREADS"] = before


@contextmanager
def _torch_threads(threads: int | None) -> Iterator[None]:
    if threads is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
