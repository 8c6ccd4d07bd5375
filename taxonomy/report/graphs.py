"""Pictures of taxonomies as graphs: what is trained, and what is reached from it."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from perception import TaskDictionary
from perception.drawing import new_figure
from taxonomy.report.study import Study
from taxonomy.report.style import ACCENT, MUTED, PALE, group_handles, task_colour
from taxonomy.solver import Taxonomy
from taxonomy.transfers import Transfer

_JUNCTION = 0.80  # radius at which the sources of a higher-order transfer meet


def draw_taxonomy_grid(study: Study, budgets: Sequence[float]) -> Figure:
    """Taxonomies for a grid of maximum orders (rows) and budgets (columns), every task at one place throughout."""
    orders = sorted(study.sweeps)
    figure = new_figure(4.7 * len(budgets), 4.9 * len(orders) + 0.4)
    grid = figure.subplots(len(orders), len(budgets), squeeze=False)
    for row, order in zip(grid, orders, strict=True):
        by_budget = {taxonomy.budget: taxonomy for taxonomy in study.sweeps[order]}
        for axes, budget in zip(row, budgets, strict=True):
            if budget in by_budget:
                draw_taxonomy(axes, by_budget[budget], study.order, study.table.tasks)
            else:
                axes.set_axis_off()
                axes.text(0.5, 0.5, f"infeasible at budget {budget:g}", ha="center", transform=axes.transAxes)
    figure.legend(handles=[*group_handles(), *_marks()], loc="outside lower center", ncols=8, fontsize=10)
    return figure


def draw_taxonomy(axes: Axes, taxonomy: Taxonomy, order: Sequence[str], tasks: TaskDictionary) -> None:
    """One taxonomy on a circle.

    Args:
        axes: Where to draw.
        taxonomy: The solution.
        order: Every task of the table, in the order in which they stand around the circle.
        tasks: The dictionary, for the colours.
    """
    targets = {transfer.target for transfer in taxonomy.transfers}
    names = [*order, *tasks.in_order(targets.difference(order))]
    angles = {name: math.pi / 2 - 2 * math.pi * index / len(names) for index, name in enumerate(names)}
    places = {name: np.array([math.cos(angle), math.sin(angle)]) for name, angle in angles.items()}
    widest = max(transfer.affinity for transfer in taxonomy.transfers) or 1.0
    for transfer in sorted(taxonomy.transfers, key=lambda transfer: transfer.affinity):
        _draw_transfer(axes, transfer, places, tasks, width=0.9 + 2.6 * math.sqrt(transfer.affinity / widest))
    by_itself = {t.target for t in taxonomy.transfers if t.trained_sources == (t.target,)}
    for name in names:
        colour, place = task_colour(name, tasks), places[name]
        trained, wanted = name in taxonomy.sources, name in targets
        axes.plot(
            *place, "o", markersize=10 if trained else 6.5, zorder=4, clip_on=False,
            markerfacecolor=colour if trained else "white", markeredgecolor=colour if trained or wanted else PALE,
            markeredgewidth=1.6,
        )  # fmt: skip
        if name in by_itself:
            axes.plot(*place, "o", markersize=4, color="white", zorder=5, clip_on=False)
        _draw_label(axes, name, angles[name], colour if trained or wanted else MUTED, bold=trained)
    axes.set_aspect("equal")
    axes.set_xlim(-1.85, 1.85)
    axes.set_ylim(-1.85, 2.15)
    axes.set_axis_off()
    axes.set_title(
        f"budget {taxonomy.budget:g}, order ≤ {taxonomy.max_order}: {taxonomy.objective:.4f}",
        loc="center",
        fontsize=11,
        pad=10,
    )


def _draw_transfer(
    axes: Axes, transfer: Transfer, places: dict[str, NDArray[np.float64]], tasks: TaskDictionary, *, width: float
) -> None:
    sources = transfer.trained_sources
    if sources == (transfer.target,):
        return  # trained, not transferred to: its node says so
    goal = places[transfer.target]
    if len(sources) == 1:
        axes.add_patch(
            FancyArrowPatch(
                path=_curve(places[sources[0]] * 0.96, goal * 0.955),
                arrowstyle="-|>", mutation_scale=8, linewidth=width, color=task_colour(sources[0], tasks), alpha=0.75,
                zorder=2,
            )
        )  # fmt: skip
        return
    junction = goal * _JUNCTION
    for source in sources:
        if source == transfer.target:
            continue
        axes.add_patch(
            PathPatch(
                _curve(places[source] * 0.96, junction), fill=False, linewidth=width, alpha=0.55,
                edgecolor=task_colour(source, tasks), zorder=2,
            )
        )  # fmt: skip
    colour = task_colour(transfer.target, tasks)
    axes.add_patch(
        FancyArrowPatch(
            junction.tolist(), (goal * 0.955).tolist(), arrowstyle="-|>", mutation_scale=8, linewidth=width,
            color=ACCENT, shrinkA=0, shrinkB=0, zorder=3,
        )
    )  # fmt: skip
    axes.plot(*junction, "o", markersize=8.5, markerfacecolor="white", markeredgecolor=colour, zorder=4)
    axes.text(junction[0], junction[1], str(transfer.order), ha="center", va="center_baseline", fontsize=6.5, zorder=5)


def _curve(start: NDArray[np.float64], end: NDArray[np.float64]) -> Path:
    """A curve that leaves and arrives along the radius, flatter between neighbours."""
    pull = 0.25 + 0.75 * (1 - min(1.0, float(np.linalg.norm(end - start)) / 1.2))
    return Path([start, start * pull, end * pull, end], [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


def _draw_label(axes: Axes, name: str, angle: float, colour: str, *, bold: bool) -> None:
    degrees = math.degrees(angle)
    left = math.cos(angle) < -1e-9
    axes.text(
        1.09 * math.cos(angle), 1.09 * math.sin(angle), name,
        rotation=degrees + 180 if left else degrees, rotation_mode="anchor",
        ha="right" if left else "left", va="center", fontsize=8, color=colour, fontweight="bold" if bold else "normal",
    )  # fmt: skip


def _marks() -> list[Line2D]:
    def dot(size: float, face: str, edge: str, label: str, marker: str = "o") -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="",
            marker=marker,
            markersize=size,
            markerfacecolor=face,
            markeredgecolor=edge,
            label=label,
        )

    return [
        dot(9, ACCENT, ACCENT, "trained"),
        dot(6, "white", ACCENT, "transferred to"),
        dot(6, "white", PALE, "not used"),
        dot(7, ACCENT, ACCENT, "number of sources", marker="$2$"),
    ]
