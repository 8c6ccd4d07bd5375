"""How commands speak: the result on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Tells a progress bar that a step is done."""

    def __call__(self, step: str = "") -> None:
        """Report the step that is done."""


def print_json(document: object) -> None:
    """Print a document as indented JSON; numbers that JSON lacks are refused."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def print_line(text: str = "") -> None:
    """Print a line of the result."""
    sys.stdout.write(text + "\n")


def print_note(text: str) -> None:
    """Print a line about the result, on stderr."""
    sys.stderr.write(text + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print aligned columns; those whose cells all look like numbers are set to the right."""
    body = [list(row) for row in rows]
    is_number = [all(_is_number(row[i]) for row in body) for i in range(len(columns))]
    widths = [max([len(name), *(len(row[i]) for row in body)]) for i, name in enumerate(columns)]
    for row in [list(columns), *body]:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ]
        print_line("  ".join(cells).rstrip())


def _is_number(text: str) -> bool:
    return not text.strip("-+.0123456789%e ") or text == "n/a"


@contextmanager
def progress(title: str, total: int) -> Iterator[Advance]:
    """A progress bar with the time left, on stderr; silent where stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=total)

        def advance(step: str = "") -> None:
            bar.update(task, advance=1, description=f"{title} {step}".rstrip())

        yield advance
