"""Tables of the report, as rows of texts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rl.study.analysis import Analysis, Comparison, Row, TaskAnalysis, standings
from rl.study.config import Measure
from rl.study.report.charts import MEASURE_NAMES
from rl.study.running import Study
from rl.study.statistics import Interval
from rl.study.verdicts import ALPHA, Claim, Verdict
from rl.study.watching import duration

NONE = "–"  # noqa: RUF001 - a dash


@dataclass(frozen=True)
class TableCell:
    """A cell of a table.

    Args:
        text: What it says.
        tone: "good", "bad", "quiet" or nothing.
        hint: More, for those who point at it.
    """

    text: str
    tone: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows.

    Args:
        columns: Headings.
        rows: As many cells each.
        title: For those who do not see it.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    title: str


def results_table(task: TaskAnalysis) -> Table:
    """What agents reach in new buildings, and how far from training buildings that is."""
    measures = [m for m in Measure if any(_is_measured(row, m) for row in task.rows)]
    columns = (
        "agent", "seeds", *(MEASURE_NAMES[m] for m in measures), f"gap in {MEASURE_NAMES[task.task.measure]}", "RR",
        "rank", "steps to threshold",
    )  # fmt: skip
    rows = [
        _cells(
            row.agent.label, str(row.seeds), *(interval_text(row.test[m]) for m in measures), interval_text(row.gap),
            interval_text(row.relative), number(row.rank), steps_text(row.reach_steps),
        )
        for row in task.rows
    ]  # fmt: skip
    return Table(columns, tuple(rows), f"Results in {task.task.name}")


def rank_table(analysis: Analysis) -> Table:
    """The place of each agent in each task, and its worst."""
    columns = ("agent", *(task.task.name for task in analysis.tasks), "mean", "worst")
    rows = [
        _cells(found.agent.label, *map(number, (*found.ranks.values(), found.mean, found.worst)))
        for found in standings(analysis)
    ]
    return Table(columns, tuple(rows), "Ranks")


def significance_table(analysis: Analysis, task: TaskAnalysis) -> Table:
    """The q of every two agents; coloured where the row's agent is significantly better or worse than the column's."""
    rows = []
    for row in task.rows:
        cells = [TableCell(row.agent.label)]
        for column in task.rows:
            found = analysis.comparison(task.task.name, row.agent.agent, column.agent.agent)
            if found is None or math.isnan(found.q):
                cells.append(TableCell("", "quiet"))
                continue
            cells.append(_comparison_cell(found))
        rows.append(tuple(cells))
    return Table(("", *(row.agent.label for row in task.rows)), tuple(rows), f"Significance in {task.task.name}")


def _comparison_cell(found: Comparison) -> TableCell:
    is_sure = found.surely[1] < ALPHA
    is_better = found.difference > 0
    sign = (("▲ " if is_better else "▼ ") if is_sure else ("△ " if is_better else "▽ ")) if found.q < ALPHA else ""
    hint = f"difference {found.difference:+.3g}, q over seeds {q_text(found.q_seeds)}"
    return TableCell(sign + q_text(found.q), ("good" if is_better else "bad") if is_sure else "", hint)


def claims_tables(claims: Sequence[Claim]) -> tuple[Table, ...]:
    """A table for each kind of claim, with its figures and what the test says."""
    kinds = dict.fromkeys((claim.hypothesis, claim.text) for claim in claims)
    return tuple(
        Table(_CLAIM_COLUMNS, tuple(_claim_row(claim) for claim in claims if (claim.hypothesis, claim.text) == kind),
              ": ".join(kind))
        for kind in kinds
    )  # fmt: skip


_CLAIM_COLUMNS = ("agent", "task", "its", "the other's", "in", "p", "q", "verdict")
_TONES = {Verdict.HOLDS: "good", Verdict.FAILS: "bad", Verdict.UNDECIDED: "quiet"}


def _claim_row(claim: Claim) -> tuple[TableCell, ...]:
    unit = MEASURE_NAMES[Measure(claim.unit)] if claim.unit in set(Measure) else claim.unit
    figures = (number(claim.ours), number(claim.theirs), unit, q_text(claim.p), q_text(claim.q))
    return (*_cells(claim.subject, claim.task, *figures), TableCell(claim.verdict.value, _TONES[claim.verdict]))


def time_table(study: Study) -> Table:
    """Where the time of each agent's cells went, over tasks and seeds."""
    parts = list(dict.fromkeys(part for result in study.results for part in result.seconds))
    rows = []
    for agent in study.config.agents:
        done = [result for result in study.results if result.cell.agent == agent.agent]
        if not done:
            continue
        sums = [sum(result.seconds.get(part, 0.0) for result in done) for part in parts]
        trained_s = sum(value for part, value in zip(parts, sums, strict=True) if part != "test")
        steps = sum(result.cell.steps for result in done)
        speed = f"{steps / trained_s:,.0f}" if trained_s > 0 else NONE
        rows.append(_cells(agent.label, str(len(done)), *map(duration, sums), duration(sum(sums)), speed))
    return Table(("agent", "cells", *parts, "in all", "training steps/s"), tuple(rows), "Time")


def interval_text(interval: Interval) -> str:
    """A mean with its interval: "0.81 [0.74, 0.88]"; the mean alone of one seed."""
    if math.isnan(interval.mean):
        return NONE
    if math.isnan(interval.low):
        return number(interval.mean)
    return f"{number(interval.mean)} [{number(interval.low)}, {number(interval.high)}]"


def number(value: float) -> str:
    """Three digits, as many as count."""
    if math.isnan(value):
        return NONE
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}".replace("-", "−")  # noqa: RUF001 - a minus


def q_text(value: float) -> str:
    """A p or q value: "0.03", "<0.001"."""
    if math.isnan(value):
        return NONE
    return "<0.001" if value < 0.001 else f"{value:.2g}"


def steps_text(steps: Sequence[float]) -> str:
    """The mean over the seeds that got there, and how many that are."""
    known = [value for value in steps if not math.isnan(value)]
    if not known:
        return NONE
    reached = [value for value in known if math.isfinite(value)]
    if not reached:
        return f"never (0 of {len(known)})"
    share = "" if len(reached) == len(known) else f" ({len(reached)} of {len(known)})"
    return f"{sum(reached) / len(reached):,.0f}{share}"


def _cells(*texts: str) -> tuple[TableCell, ...]:
    return tuple(TableCell(text) for text in texts)


def _is_measured(row: Row, measure: Measure) -> bool:
    mean = row.test[measure].mean
    return not math.isnan(mean) and (mean != 0 or measure is Measure.REWARD)
