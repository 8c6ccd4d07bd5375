"""Running units for somebody who watches: a progress bar with the time left, or a line for each unit."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from perception.terminal import print_note
from taxonomy.engine.execution import Executor, OnEvent
from taxonomy.engine.outcomes import Done, Event, Failed, Outcome
from taxonomy.engine.store import Store
from taxonomy.engine.tally import Tally
from taxonomy.engine.units import Unit


def run_units(
    units: Sequence[Unit], store: Store, executor: Executor, *, title: str, on_event: OnEvent | None = None
) -> list[Outcome]:
    """Do all units that the store does not hold, those that cost most first, and show how far it is, on stderr.

    Args:
        units: Each needs only what is finished already.
        store: Where results are and go.
        executor: Where units are done.
        title: Of the progress bar.
        on_event: Told of everything, too.

    Returns:
        What became of each unit, in their order.

    Raises:
        NoSpaceError: If the disk is full.
        Exception: See `Executor.run`.
    """
    store.remove_unfinished()
    with _shown(title, Tally(sum(unit.cost for unit in units), len(units))) as show:

        def tell(event: Event) -> None:
            show(event)
            if on_event is not None:
                on_event(event)

        costly_first = sorted(
            range(len(units)), key=lambda place: -units[place].cost
        )  # else one is left alone at the end
        outcomes = executor.run([units[place] for place in costly_first], store, tell)
        return [outcome for _, outcome in sorted(zip(costly_first, outcomes, strict=True), key=lambda pair: pair[0])]


@contextmanager
def _shown(title: str, tally: Tally) -> Iterator[OnEvent]:
    with (_bar if sys.stderr.isatty() else _lines)(title, tally) as show:
        yield show
    if tally.reused:
        print_note(f"{title}: {tally.reused} of {tally.count} were done already")


@contextmanager
def _lines(title: str, tally: Tally) -> Iterator[OnEvent]:
    def show(event: Event) -> None:
        tally.add(event)
        if isinstance(event, Failed):
            print_note(f"{title}: {event.unit.name} failed: {event.reason}")
        elif isinstance(event, Done) and not event.reused:
            left = tally.seconds_left()
            rest = "" if left is None or tally.ended == tally.count else f", {_duration(left)} left"
            print_note(
                f"{title}: {event.unit.name} took {_duration(event.seconds)} ({tally.ended}/{tally.count}{rest})"
            )

    yield show


@contextmanager
def _bar(title: str, tally: Tally) -> Iterator[OnEvent]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:  # noqa: ARG002 - it shows the tally
            left = tally.seconds_left()
            return Text("" if left is None else f"{_duration(left)} left")

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[count]}"), Left())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(title, total=tally.cost, count="")

        def show(event: Event) -> None:
            tally.add(event)
            if isinstance(event, Failed):
                print_note(f"{title}: {event.unit.name} failed: {event.reason}")
            names = [unit.name for unit in tally.running.values()]
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            what = f"{title}: {names[0]}{more}" if names else title
            progress.update(bar, completed=tally.cost_ended, description=what, count=f"{tally.ended}/{tally.count}")

        yield show


def _duration(seconds: float) -> str:
    """A time as people say it: "0.4 s", "42 s", "7 min", "3 h 5 min"."""
    if seconds < 9.5:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
