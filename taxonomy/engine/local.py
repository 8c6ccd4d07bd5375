"""Units on this machine: in this process one after the other, or in several processes at the same time."""

import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from perception.errors import UserError
from taxonomy.engine.execution import OnEvent, execute
from taxonomy.engine.outcomes import Outcome
from taxonomy.engine.performing import ONE_THREAD, Job, Rejected, Report, perform, perform_elsewhere, portable
from taxonomy.engine.store import Store
from taxonomy.engine.units import Unit
from taxonomy.processes import die_with_parent

ATTEMPTS = 2
"""How often a unit is tried whose process is killed."""

_SPAWN = multiprocessing.get_context("spawn")  # neither torch nor renderers survive a fork


class LocalExecutor:
    """Does units on this machine.

    As a context manager it keeps its processes from one run to the next, which saves the time to load torch in each.

    Args:
        workers: Units done at the same time. One is done in this process; more in processes of their own, so that a
            script needs the usual `if __name__ == "__main__":`, because they start afresh.

    Raises:
        UserError: If there is no worker.
    """

    def __init__(self, workers: int = 1) -> None:
        if workers < 1:
            raise UserError(f"workers is {workers}; expected at least 1.")
        self.workers = workers
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._kept = False

    def __enter__(self) -> Self:
        self._kept = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept = False
        self._stop()

    def run(self, units: Sequence[Unit], store: Store, on_event: OnEvent) -> list[Outcome]:
        """Do all units that the store does not hold; see `Executor.run`."""
        return execute(units, store, on_event, _one_by_one if self.workers == 1 else self._side_by_side)

    def _side_by_side(self, jobs: Sequence[Job], on_start: Callable[[Job], None]) -> Generator[tuple[Job, Report]]:
        queue = deque(_Task(job) for job in jobs)
        try:
            while queue or self._busy:
                while queue and len(self._busy) < self.workers:
                    task = queue.popleft()
                    self._assign(task)
                    on_start(task.job)
                for worker in _heard(self._busy):
                    self._busy.remove(worker)
                    task = worker.task
                    if (report := worker.report()) is not None:
                        self._idle.append(worker)
                        yield task.job, report
                    elif task.attempt < ATTEMPTS:
                        queue.appendleft(_Task(task.job, task.attempt + 1))
                    else:
                        yield task.job, Rejected(worker.obituary())
        finally:
            if self._busy or not self._kept:
                self._stop()

    def _assign(self, task: "_Task") -> None:
        worker = self._idle.pop() if self._idle else _Worker()
        self._busy.append(worker)  # from now on it is stopped, whatever happens
        worker.take(task)

    def _stop(self) -> None:
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        self._busy.clear()
        for worker in workers:
            worker.process.kill()  # folders are whole or absent: nothing is lost
        for worker in workers:
            worker.bury()


@dataclass(frozen=True)
class _Task:
    job: Job
    attempt: int = 1


class _Worker:
    """A process that does one unit after the other."""

    def __init__(self) -> None:
        self.connection, far_end = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(far_end,), daemon=False)
        with _one_thread(), _interrupts_held_back():
            self.process.start()
        far_end.close()

    def take(self, task: _Task) -> None:
        self.task = task
        try:
            message = pickle.dumps(task.job)
        except Exception as error:
            error.add_note(f"while sending the unit {str(task.job.unit)!r} to another process")
            raise
        with suppress(BrokenPipeError):  # it died idle: heard of at once, and another one is tried
            self.connection.send_bytes(message)

    def report(self) -> Report | None:
        """What came of the unit; None if the process has died."""
        try:
            report: Report = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.bury()
            return None
        return report

    def bury(self) -> None:
        self.process.join()
        self.connection.close()

    def obituary(self) -> str:
        code = self.process.exitcode or 0
        if code < 0:
            return (
                f"its process was killed by {signal.Signals(-code).name}, {ATTEMPTS} times; most likely there was not "
                "enough memory: run the same command again with fewer workers."
            )
        return f"its process ended with exit code {code}, {ATTEMPTS} times; what it wrote before that says why."


def _heard(busy: Sequence[_Worker]) -> list[_Worker]:
    """Wait until at least one worker has something to say, or has died."""
    ends = {id(worker): (worker.connection, worker.process.sentinel) for worker in busy}
    ready = set(wait([end for pair in ends.values() for end in pair]))
    return [worker for worker in busy if not ready.isdisjoint(ends[id(worker)])]


def _one_by_one(jobs: Sequence[Job], on_start: Callable[[Job], None]) -> Generator[tuple[Job, Report]]:
    for job in jobs:
        on_start(job)
        yield job, perform(job)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name in ONE_THREAD:
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if name in ONE_THREAD})


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start a worker with Ctrl-C held back until it knows what to do about it."""
    resource_tracker.ensure_running()  # it would take the mask away while the first worker starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection) -> None:
    """The main function of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started it ends it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    die_with_parent()
    while True:
        connection.send(_answer(connection.recv_bytes()))


def _answer(message: bytes) -> Report:
    try:
        job: Job = pickle.loads(message)
    except Exception as error:  # its module is not there, for one
        return portable(error)
    return perform_elsewhere(job)
