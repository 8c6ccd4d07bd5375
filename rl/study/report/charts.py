"""Pictures of what agents learned, and of how well they do in buildings seen and unseen."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from perception.drawing import new_figure
from rl.study.analysis import TaskAnalysis
from rl.study.config import Measure
from rl.study.curves import mean_curves
from rl.study.report.style import INK, QUIET, Look
from rl.study.results import CellResult
from rl.study.statistics import Interval

WIDTH_IN = 5.4


def draw_curves(task: TaskAnalysis, results: Mapping[str, Sequence[CellResult]], measure: str,
                looks: Mapping[str, Look]) -> Figure | None:  # fmt: skip
    """A learning curve for each agent: the mean over seeds, and its 95 % interval as a band.

    Returns:
        None if no agent has any, or it is 0 everywhere, because the task does not measure it.
    """
    curves = mean_curves(results, measure)
    if not curves:
        return None
    figure = new_figure(WIDTH_IN, 3.5)
    axes = figure.subplots()
    for agent, curve in curves.items():
        look = looks[agent]
        axes.plot(curve.steps, curve.mean, color=look.stand_in, linestyle=look.dash, linewidth=1.6)
        axes.fill_between(curve.steps, curve.low, curve.high, color=look.stand_in, alpha=0.13, linewidth=0)
    if measure == task.task.curve and not math.isnan(task.threshold):
        axes.axhline(task.threshold, color=QUIET, linewidth=0.8, linestyle=":")
    axes.set_title(f"{task.task.name}: {measure} while training")
    axes.set_xlabel("environment steps")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _thousands(value)))
    _limit_to_means(axes, [curve.mean for curve in curves.values()])
    return figure


def draw_splits(task: TaskAnalysis, measure: Measure, looks: Mapping[str, Look]) -> Figure:
    """Each agent in new buildings (filled, with its interval) and in those it trained in (hollow)."""
    figure = new_figure(WIDTH_IN, 0.28 * len(task.rows) + 1.1)
    axes = figure.subplots()
    for place, row in enumerate(task.rows):
        look = looks[row.agent.agent]
        test, train = row.test[measure], row.train[measure]
        axes.plot([test.mean, train.mean], [place, place], color=look.stand_in, linewidth=1, alpha=0.5)
        axes.plot([train.mean], [place], marker=look.mark, markersize=6, markerfacecolor="none",
                  markeredgecolor=look.stand_in, linestyle="")  # fmt: skip
        _point(axes, test, place, look)
    _agents_down(axes, task)
    _title(figure, f"{task.task.name}: {MEASURE_NAMES[measure]} in new (●) and training (○) buildings")
    return figure


def draw_relative(task: TaskAnalysis, looks: Mapping[str, Look]) -> Figure | None:
    """RR of each agent; the blind one is at 1.

    Returns:
        None where it is not defined.
    """
    if all(math.isnan(row.relative.mean) for row in task.rows):
        return None
    figure = new_figure(WIDTH_IN, 0.28 * len(task.rows) + 1.1)
    axes = figure.subplots()
    axes.axvline(1, color=INK, linewidth=0.9)
    for place, row in enumerate(task.rows):
        _point(axes, row.relative, place, looks[row.agent.agent])
    _agents_down(axes, task)
    _title(figure, f"{task.task.name}: reward relative to blind")
    return figure


MEASURE_NAMES: Mapping[Measure, str] = {
    Measure.REWARD: "reward",
    Measure.SUCCESS: "success",
    Measure.SPL: "SPL",
    Measure.SOFT_SPL: "soft SPL",
    Measure.COVERED: "m² seen",
}
"""As people read them."""


def _limit_to_means(axes: Axes, means: Sequence[NDArray[np.float64]]) -> None:
    """Bands of few seeds may be far wider than what there is to see."""
    values = np.concatenate(means)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.15 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)


def _point(axes: Axes, interval: Interval, place: int, look: Look) -> None:
    if not math.isnan(interval.low):
        axes.plot([interval.low, interval.high], [place, place], color=look.stand_in, linewidth=2)
    axes.plot([interval.mean], [place], marker=look.mark, markersize=6, color=look.stand_in, linestyle="")


def _title(figure: Figure, text: str) -> None:
    """Above the agents' names too, so that it has the whole width."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=10, fontweight="bold")


def _agents_down(axes: Axes, task: TaskAnalysis) -> None:
    axes.set_yticks(range(len(task.rows)), [row.agent.label for row in task.rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(task.rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def _thousands(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
