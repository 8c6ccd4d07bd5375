"""How far a study is, for somebody who watches: a bar with the time left, or a line for each cell."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from perception.terminal import print_note
from rl.study.performing import Job

TEST_STEPS = 20_000
"""What testing a cell counts for, in environment steps of training."""


class Watch:
    """Tells of cells on stderr.

    Args:
        jobs: To be done.
        reused: Cells that were done before.
    """

    def __init__(self, jobs: Sequence[Job], *, reused: int = 0) -> None:
        self._jobs = list(jobs)
        self._reused = reused
        self._running: dict[str, float] = {}
        self._ended: dict[str, Job] = {}
        self._start = time.monotonic()
        self._before = {job.cell.name: job.steps_done for job in self._jobs}
        self._bar = _Bar(sum(_cost(job) for job in self._jobs)) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._reused:
            print_note(f"study: {self._reused} cells were done already")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def started(self, job: Job) -> None:
        """A cell has begun, or been handed over."""
        self._running[job.cell.name] = time.monotonic()
        self.tick()

    def ended(self, job: Job, failure: str | None) -> None:
        """A cell has ended, well or not."""
        taken_s = time.monotonic() - self._running.pop(job.cell.name, self._start)
        self._ended[job.cell.name] = job
        count = f"{len(self._ended)}/{len(self._jobs)}"
        if failure is not None:
            print_note(f"study: {job.cell.name} failed: {failure} ({count})")
        elif self._bar is None:
            left_s = self.seconds_left()
            rest = "" if left_s is None or len(self._ended) == len(self._jobs) else f", {duration(left_s)} left"
            print_note(f"study: {job.cell.name} took {duration(taken_s)} ({count}{rest})")
        self.tick()

    def tick(self) -> None:
        """Time has passed."""
        if self._bar is not None:
            names = list(self._running)
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            what = f"study: {names[0]}{more}" if names else "study"
            self._bar.show(self._done(), what, f"{len(self._ended)}/{len(self._jobs)}", self.seconds_left())

    def seconds_left(self) -> float | None:
        """At the rate so far; None before there is one."""
        done = self._done() - sum(self._before.values())
        rest = sum(_cost(job) for job in self._jobs) - self._done()
        return None if done <= 0 else rest * (time.monotonic() - self._start) / done

    def _done(self) -> float:
        return sum(
            _cost(job) if job.cell.name in self._ended else min(job.steps_done, job.cell.steps) for job in self._jobs
        )


class _Bar:
    """A line that is written again and again."""

    def __init__(self, total: float) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(),
            TextColumn("{task.fields[count]} {task.fields[left]}", markup=False),
        )  # fmt: skip
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("study", total=total, count="", left="")
        self._progress.start()

    def show(self, done: float, what: str, count: str, left_s: float | None) -> None:
        left = "" if left_s is None else f"{duration(left_s)} left"
        self._progress.update(self._task, completed=done, description=what, count=count, left=left)

    def close(self) -> None:
        self._progress.stop()


def duration(seconds: float) -> str:
    """A time as people say it: "0.4 s", "42 s", "7 min", "3 h 5 min"."""
    if seconds < 9.5:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _cost(job: Job) -> float:
    return job.cell.steps + TEST_STEPS
