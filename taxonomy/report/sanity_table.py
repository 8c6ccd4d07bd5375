"""The table of what each network learned, ready for the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perception import Group, TaskDictionary
from taxonomy.report.style import GROUP_NAMES

if TYPE_CHECKING:
    from taxonomy.studies import SanityRow

OVER_RANDOM, OVER_CONSTANT = 0.90, 0.85
"""Win rates below which a network is marked as an exception."""


@dataclass(frozen=True)
class WinBar:
    """One win rate as a bar.

    Args:
        rate: In [0, 1].
        least: Below which it is an exception.
    """

    rate: float
    least: float

    @property
    def percent(self) -> str:
        """One decimal."""
        return f"{100 * self.rate:.1f}"

    @property
    def is_exception(self) -> bool:
        """Whether it is below what is expected."""
        return self.rate < self.least


@dataclass(frozen=True)
class SanityLine:
    """One task's line; numbers as they are printed.

    Args:
        task: Canonical name.
        group: Family.
        losses: The network's, the constant guess's, those of a readout and of a head on a random encoder.
        over_constant: Win rate.
        over_readout: Win rate; None for a task that is no target.
        over_random: Win rate over the head; None if that was not trained.
        images: Test samples.
    """

    task: str
    group: Group
    losses: tuple[str, str, str, str]
    over_constant: WinBar
    over_readout: WinBar | None
    over_random: WinBar | None
    images: int

    @property
    def group_name(self) -> str:
        """As the legends have it."""
        return GROUP_NAMES[self.group]

    @property
    def is_exception(self) -> bool:
        """Whether any win rate is below what is expected."""
        bars = (self.over_constant, self.over_readout, self.over_random)
        return any(bar is not None and bar.is_exception for bar in bars)


@dataclass(frozen=True)
class SanityTable:
    """All lines and their means.

    Args:
        lines: In the order of the dictionary.
        over_constant: Mean over tasks.
        over_readout: Mean over the tasks that have it; None if none has.
        over_random: Likewise.
    """

    lines: tuple[SanityLine, ...]
    over_constant: WinBar
    over_readout: WinBar | None
    over_random: WinBar | None

    @property
    def exceptions(self) -> tuple[str, ...]:
        """Tasks below what is expected."""
        return tuple(line.task for line in self.lines if line.is_exception)

    @property
    def caption(self) -> str:
        """One sentence: what the table is and says."""
        rivals = [
            (self.over_readout, "a readout of a random encoder"),
            (self.over_random, "a head on a random encoder"),
        ]
        random = "".join(f", {name} on {bar.percent} %" for bar, name in rivals if bar is not None)
        names = ", ".join(self.exceptions)
        below = f"below {100 * OVER_RANDOM:.0f} % over random or {100 * OVER_CONSTANT:.0f} % over constant"
        exceptions = f"marked are those {below}: {names}" if names else f"none is {below}"
        return (
            "How often, on images of buildings that no network saw, a task's network has the smaller loss: over tasks "
            f"it beats the best constant guess on {self.over_constant.percent} % of them{random}; {exceptions}."
        )


def sanity_table(rows: "Sequence[SanityRow]", tasks: TaskDictionary) -> SanityTable:
    """Lay out the sanity rows.

    Args:
        rows: At least one.
        tasks: The dictionary, for order and groups.
    """
    by_task = {row.task: row for row in rows}
    lines = tuple(_line(by_task[name], tasks) for name in tasks.in_order(by_task))
    return SanityTable(
        lines,
        WinBar(float(np.mean([row.win_over_constant for row in rows])), OVER_CONSTANT),
        _mean_over_random([row.win_over_readout for row in rows]),
        _mean_over_random([row.win_over_random for row in rows]),
    )


def _mean_over_random(rates: "Sequence[float | None]") -> WinBar | None:
    known = [rate for rate in rates if rate is not None]
    return WinBar(float(np.mean(known)), OVER_RANDOM) if known else None


def _line(row: "SanityRow", tasks: TaskDictionary) -> SanityLine:
    losses = (row.test_loss, row.constant_loss, row.readout_loss, row.random_loss)
    mine, constant, readout, random = ("-" if loss is None else f"{loss:.3g}" for loss in losses)
    return SanityLine(
        row.task,
        tasks[row.task].group,
        (mine, constant, readout, random),
        WinBar(row.win_over_constant, OVER_CONSTANT),
        None if row.win_over_readout is None else WinBar(row.win_over_readout, OVER_RANDOM),
        None if row.win_over_random is None else WinBar(row.win_over_random, OVER_RANDOM),
        row.images,
    )
