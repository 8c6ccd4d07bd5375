"""Pictures of the further studies of a run: supervision saved, novel tasks, agreement with published affinities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perception import TaskDictionary
from perception.drawing import new_figure
from taxonomy.report.style import ACCENT, GUIDE, MUTED, colour_labels, group_handles, task_colour
from taxonomy.studies import Policy, images_needed

if TYPE_CHECKING:
    from taxonomy.studies import NovelTask, TargetAgreement

_BLUE, _YELLOW = "#08519C", "#D9A441"
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Saving:
    """A taxonomy's policy beside independent training that does as well.

    Args:
        policy: Of the taxonomy.
        needed: Labelled images that independent training needs for its performance.
        is_bound: Whether it needs yet more: all that it was given do not take it there.
    """

    policy: Policy
    needed: float
    is_bound: bool = False

    @property
    def share(self) -> float:
        """Of these images, what the policy uses; below 1 is saved."""
        return self.policy.labelled_images / self.needed

    def __str__(self) -> str:
        bound = "at most " if self.is_bound else ""
        return (
            f"{bound}{100 * self.share:.0f} % of the images that independent training needs, "
            f"for {100 * self.policy.performance:.0f} % of the performance"
        )


def largest_saving(policies: Sequence[Policy]) -> Saving | None:
    """The budget whose policy uses the smallest share of what independent training needs.

    Returns:
        None if every budget's performance is below all that independent training was tried for.
    """
    reached = max((policy.performance for policy in policies if policy.name == "independent"), default=0.0)
    savings = [
        Saving(policy, needed, policy.performance > reached + _ROUNDING)
        for policy in policies
        if policy.name == "taxonomy"
        and (needed := images_needed(policies, min(policy.performance, reached))) is not None
    ]
    return min(savings, key=lambda saving: (saving.share, saving.policy.trained), default=None)


def draw_supervision(policies: Sequence[Policy]) -> Figure:
    """Labelled images against performance: the taxonomy's policy for every budget, and independent training."""
    figure = new_figure(8.6, 5.2)
    axes = figure.subplots()
    alone, ours = (
        sorted((p for p in policies if p.name == name), key=lambda p: p.labelled_images)
        for name in ("independent", "taxonomy")
    )
    axes.axhline(1, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.text(0, 1, "  full supervision", transform=axes.get_yaxis_transform(), va="bottom",
              fontsize=8, color=MUTED)  # fmt: skip
    for chosen, style, label in (
        (alone, {"color": MUTED, "marker": "s", "linestyle": "--"}, "every task trained by itself, on fewer images"),
        (ours, {"color": _BLUE, "marker": "o"}, "taxonomy's policy, with the number of tasks trained in full"),
    ):
        x, y = [p.labelled_images for p in chosen], [p.performance for p in chosen]
        axes.plot(x, y, markersize=5, label=label, **style)  # type: ignore[arg-type]
    for policy in ours:
        axes.annotate(str(policy.trained), (policy.labelled_images, policy.performance), (0, 7),
                      textcoords="offset points", ha="center", fontsize=8, color=_BLUE)  # fmt: skip
    saving = largest_saving(policies)
    if saving is not None:
        _draw_saving(axes, saving)
    axes.set_xscale("log")
    axes.set_xlabel("labelled images, over all tasks together (log scale)")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_minor_formatter(lambda value, _: f"{value:,.0f}" if f"{value:e}"[0] in "25" else "")
    axes.tick_params(axis="x", which="both", labelsize=8)
    axes.set_ylabel("performance: 0 is not looking, 100 % full supervision")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.grid(axis="y", color=GUIDE)
    axes.set_axisbelow(True)
    axes.margins(x=0.06, y=0.1)
    axes.legend(loc="lower right", fontsize=8)
    return figure


def _draw_saving(axes: Axes, saving: Saving) -> None:
    height, ends = saving.policy.performance, sorted((saving.policy.labelled_images, saving.needed))
    arrow = {"arrowstyle": "<->", "color": _YELLOW, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 3}
    axes.annotate("", (ends[0], height), (ends[1], height), arrowprops=arrow)
    axes.set_title(f"Budget {saving.policy.trained}: {saving}".replace(", for", ",\nfor"))  # wider than the picture


_NOVEL: tuple[tuple[str, dict[str, str], "Callable[[NovelTask], float | None]"], ...] = (
    ("a network from scratch (gain)", {"marker": "o", "color": _BLUE}, lambda task: task.gain),
    ("a random encoder", {"marker": "D", "color": MUTED}, lambda task: task.over_random),
    ("other single features, mean", {"marker": "^", "color": _YELLOW}, lambda task: task.over_other_features),
    ("its fully supervised network (quality)", {"marker": "o", "color": ACCENT, "markerfacecolor": "white"},
     lambda task: task.quality),
)  # fmt: skip


def draw_novel_tasks(novel: "Sequence[NovelTask]", tasks: TaskDictionary) -> Figure:
    """Win rates of what the taxonomy suggests for each target that it has not seen; the largest gain on top."""
    ranked = sorted(novel, key=lambda task: (-(task.gain if task.gain is not None else -1.0), task.task))
    figure = new_figure(11.5, 0.27 * len(ranked) + 1.7)
    axes = figure.subplots()
    rows = range(len(ranked))
    _draw_rows(axes, [task.task for task in ranked], tasks)
    axes.axvline(50, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for label, style, rate in reversed(_NOVEL):
        values = [np.nan if (value := rate(task)) is None else 100 * value for task in ranked]
        axes.plot(values, rows, linestyle="", markersize=6, label=label, **style)  # type: ignore[arg-type]
    for row, task in enumerate(ranked):
        axes.text(102, row, " + ".join(task.sources), va="center", fontsize=7.5, color="#555555")
    axes.set_xlim(-1.5, 101.5)  # markers at both ends stay whole
    axes.set_xlabel("win rate of the suggested transfer, in percent of held-back images")
    axes.text(102, -1, "suggested sources", va="center", fontsize=8, fontweight="bold")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], title="wins against", loc="outside upper left", ncols=4, fontsize=8,
                  alignment="left", title_fontproperties={"size": 8, "weight": "bold"})  # fmt: skip
    return figure


def draw_agreement(agreement: "Sequence[TargetAgreement]", tasks: TaskDictionary) -> Figure:
    """Rank correlation of each target's first-order affinities with the published ones; the closest on top."""
    ranked = sorted(agreement, key=lambda entry: (-entry.correlation, entry.target))
    mean = float(np.mean([entry.correlation for entry in ranked]))
    figure = new_figure(8.6, 0.27 * len(ranked) + 1.6)
    axes = figure.subplots()
    _draw_rows(axes, [entry.target for entry in ranked], tasks)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.axvline(mean, color=ACCENT, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.text(mean, -1, f"mean {mean:.2f}", ha="center", va="center", fontsize=8, fontweight="bold",
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})  # fmt: skip
    for row, entry in enumerate(ranked):
        colour = task_colour(entry.target, tasks)
        axes.hlines(row, 0, entry.correlation, color=colour, alpha=0.35, linewidth=2)
        axes.plot(entry.correlation, row, "o", color=colour, markersize=6.5)
        axes.text(1.02, row, f"{entry.correlation:.2f}", transform=axes.get_yaxis_transform(), va="center",
                  fontsize=8, color="#333333")  # fmt: skip
        axes.text(1.09, row, f"{entry.sources} sources", transform=axes.get_yaxis_transform(), va="center",
                  fontsize=7.5, color=MUTED)  # fmt: skip
    axes.set_xlim(min(-0.25, 1.1 * min(entry.correlation for entry in ranked)), 1)
    axes.set_xlabel("Spearman's rank correlation with the published first-order affinities")
    figure.legend(handles=group_handles(), loc="outside upper left", ncols=4, fontsize=8)
    return figure


def _draw_rows(axes: Axes, names: Sequence[str], tasks: TaskDictionary) -> None:
    """One thin line for each task, the first on top."""
    for row in range(len(names)):
        axes.axhline(row, color=GUIDE, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -1.4)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.spines["left"].set_visible(False)
    colour_labels(axes.get_yticklabels(), tasks)
