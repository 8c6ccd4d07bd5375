"""Where cells are done: in processes of this machine, or as tasks of a Ray cluster."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Protocol

from perception.errors import UserError
from rl.study.performing import Job, perform

ATTEMPTS = 2
"""How often a cell is tried whose process is killed; it goes on from its last checkpoint."""

TICK_S = 2.0
"""How often those who watch are told that time passes."""

_SPAWN = multiprocessing.get_context("spawn")  # neither torch nor renderers survive a fork


class Phase(StrEnum):
    """What an event is about."""

    STARTED = "started"
    ENDED = "ended"
    LOST = "lost"
    TICK = "tick"


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Args:
        phase: What.
        job: Of which cell; None for a tick.
        reason: Why it is lost: its process was killed too often.
    """

    phase: Phase
    job: Job | None = None
    reason: str = ""


class Executor(Protocol):
    """Does cells; what came of them is in their files."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Do all jobs, in about this order; whoever stops listening stops the work."""


class LocalExecutor:
    """Does each cell in a process of its own, which ends with it.

    Args:
        workers: Cells done at the same time; each gets its share of the processor's cores.

    Raises:
        UserError: If there is no worker.
    """

    def __init__(self, workers: int = 1) -> None:
        if workers < 1:
            raise UserError(f"workers is {workers}; expected at least 1.")
        self.workers = workers

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """See `Executor.run`."""
        queue = deque((job, 1) for job in jobs)
        busy: dict[int, _Running] = {}
        try:
            while queue or busy:
                for slot in range(self.workers):
                    if queue and slot not in busy:
                        job, attempt = queue.popleft()
                        busy[slot] = _Running.start(job, attempt, core_share(slot, self.workers))
                        yield Event(Phase.STARTED, job)
                wait([running.process.sentinel for running in busy.values()], timeout=TICK_S)
                for slot, running in list(busy.items()):
                    if running.process.is_alive():
                        continue
                    del busy[slot]
                    code = running.bury()
                    if code == 0:
                        yield Event(Phase.ENDED, running.job)
                    elif running.attempt < ATTEMPTS:
                        queue.appendleft((running.job, running.attempt + 1))
                    else:
                        yield Event(Phase.LOST, running.job, _obituary(code))
                yield Event(Phase.TICK)
        finally:
            for running in busy.values():
                running.process.kill()  # a training goes on from its last checkpoint
                running.bury()


@dataclass(frozen=True)
class _Running:
    job: Job
    attempt: int
    process: BaseProcess

    @classmethod
    def start(cls, job: Job, attempt: int, cores: frozenset[int]) -> "_Running":
        process = _SPAWN.Process(target=_in_own_process, args=(job, cores), name=job.cell.name)
        process.start()
        return cls(job, attempt, process)

    def bury(self) -> int:
        self.process.join()
        code = self.process.exitcode
        self.process.close()
        return 1 if code is None else code


def core_share(slot: int, workers: int) -> frozenset[int]:
    """Cores of one of several workers, so that the thread pools of all together fit the processor; empty for all cores.

    Torch, OpenVINO and Dr.Jit each start as many threads as they find cores.
    """
    if workers == 1 or not hasattr(os, "sched_getaffinity"):
        return frozenset()
    cores = sorted(os.sched_getaffinity(0))
    if workers >= len(cores):
        return frozenset({cores[slot % len(cores)]})
    first, end = (round(edge * len(cores) / workers) for edge in (slot, slot + 1))
    return frozenset(cores[first:end])


def _in_own_process(job: Job, cores: frozenset[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started it ends it
    _die_with_parent()
    if cores:
        os.sched_setaffinity(0, cores)
        os.environ["OMP_NUM_THREADS"] = str(len(cores))
    perform(job)


def _die_with_parent() -> None:
    """End this process at once when the one that started it is killed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _obituary(code: int) -> str:
    if code < 0:
        return (
            f"its process was killed by {signal.Signals(-code).name}, {ATTEMPTS} times; most likely there was not "
            "enough memory: run the same command again with fewer workers."
        )
    return f"its process ended with exit code {code}, {ATTEMPTS} times; what it wrote before that says why."


def executor_named(name: str, *, workers: int | None, ray_address: str | None) -> Executor:
    """An executor as the command line asks for it.

    Raises:
        UserError: If it is unknown, Ray is not installed, or an option is another executor's.
    """
    from rl.study.ray_cluster import RayExecutor

    if name == "ray" and workers is not None:
        raise UserError("--workers is for the local executor; a Ray cluster has as many as it has CPUs.")
    if name == "local" and ray_address is not None:
        raise UserError("--ray-address is given without --executor ray; add it, or leave the address out.")
    executors: dict[str, Callable[[], Executor]] = {
        "local": lambda: LocalExecutor(workers or 1),
        "ray": lambda: RayExecutor(ray_address),
    }
    if name not in executors:
        raise UserError(f"--executor is {name!r}; expected {', '.join(executors)}.")
    return executors[name]()
