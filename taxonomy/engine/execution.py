"""What all executors have in common: reuse what is there, do the rest, and say what became of it."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from types import TracebackType
from typing import Protocol, Self

from perception.errors import UserError
from taxonomy.engine.outcomes import Done, Event, Failed, NoSpaceError, Outcome, Started
from taxonomy.engine.performing import DiskFull, Finished, Job, Rejected, Report
from taxonomy.engine.store import Store
from taxonomy.engine.units import Unit

OnEvent = Callable[[Event], None]

Perform = Callable[[Sequence[Job], Callable[[Job], None]], Generator[tuple[Job, Report]]]
"""Does all jobs in any order; calls the function when one is started, and yields those that have come to an end."""


class Executor(Protocol):
    """Where units are done. Results depend neither on that, nor on how many are done at the same time.

    As a context manager it keeps what it has started, processes or a cluster, from one run to the next.
    """

    def __enter__(self) -> Self:
        """Keep what is started from now on."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started."""

    def run(self, units: Sequence[Unit], store: Store, on_event: OnEvent) -> list[Outcome]:
        """Do all units that the store does not hold.

        Args:
            units: Each needs only what is finished already.
            store: Where results go.
            on_event: Told when a unit starts, and when it comes to an end.

        Returns:
            What became of each unit, in their order.

        Raises:
            NoSpaceError: If the disk is full.
            Exception: What a unit raised that is no `UserError`, with the unit's name as a note, once all others have
                been stopped.
        """


def execute(units: Sequence[Unit], store: Store, on_event: OnEvent, perform: Perform) -> list[Outcome]:
    """`Executor.run`, for something that does jobs."""
    check_distinct(units)
    outcomes: dict[str, Outcome] = {}
    jobs: list[Job] = []

    def settle(outcome: Outcome) -> None:
        outcomes[outcome.unit.key] = outcome
        on_event(outcome)

    for unit in units:
        folder = store.find(unit)
        if folder is not None:
            settle(Done(unit, folder, store.seconds(folder), reused=True))
            continue
        try:
            jobs.append(Job(unit, store.root, store.inputs_of(unit)))
        except UserError as error:
            settle(Failed(unit, str(error)))
    try:
        with closing(perform(jobs, lambda job: on_event(Started(job.unit)))) as reports:
            for job, report in reports:
                settle(_outcome(job.unit, report, store))
    finally:
        store.remove_unfinished()  # of processes that were stopped
    return [outcomes[unit.key] for unit in units]


def check_distinct(units: Sequence[Unit]) -> None:
    """Refuse two units of one kind and name.

    Raises:
        ValueError: If there are two.
    """
    seen: set[tuple[str, str]] = set()
    for unit in units:
        if (unit.work.kind, unit.name) in seen:
            raise ValueError(f"there are two units {str(unit)!r}; names must differ within a kind.")
        seen.add((unit.work.kind, unit.name))


def _outcome(unit: Unit, report: Report, store: Store) -> Outcome:
    if isinstance(report, Finished):
        folder = store.folder_of(unit)
        return Done(unit, folder, store.seconds(folder), reused=False)
    if isinstance(report, Rejected):
        return Failed(unit, report.reason)
    if isinstance(report, DiskFull):
        raise NoSpaceError(report.reason)
    if report.trace:
        report.error.add_note(f"in another process:\n{report.trace}")
    report.error.add_note(f"while doing the unit {str(unit)!r}")
    raise report.error
