"""Pictures of the affinity matrix and of the similarity tree that orders it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.cluster.hierarchy import dendrogram

from perception.drawing import new_figure
from taxonomy.report.study import Study
from taxonomy.report.style import ACCENT, MUTED, colour_labels, group_handles, task_colour
from taxonomy.similarity import AffinityMatrix, SimilarityTree


def draw_affinity_matrix(study: Study, similarity: SimilarityTree) -> Figure:
    """First-order affinities, by the alphabet and by the similarity tree.

    Columns are scaled to their largest entry among other tasks' features, so that every target uses the whole range.
    """
    matrix = study.matrix
    figure = new_figure(15.5, 7.6)
    left, tree, right = figure.subplots(1, 3, width_ratios=[1, 0.16, 1])
    norm = LogNorm(vmin=0.03, vmax=1, clip=True)
    relative = _relative_to_best_other(matrix)
    order = similarity.order
    by_tree = [name for name in order if name in matrix.targets]
    by_tree += [name for name in matrix.targets if name not in order]  # wanted, but never a source
    for axes, rows, columns, title in (
        (left, sorted(matrix.sources), sorted(matrix.targets), "Alphabetical order"),
        (right, order, by_tree, "Order of the similarity tree"),
    ):
        values = relative[np.ix_([matrix.sources.index(r) for r in rows], [matrix.targets.index(c) for c in columns])]
        image = axes.imshow(values, cmap="YlGnBu", norm=norm, aspect="auto")
        axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)
        axes.set_yticks(range(len(rows)), rows, fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        colour_labels([*axes.get_xticklabels(), *axes.get_yticklabels()], study.table.tasks)
        axes.set_title(title)
        axes.set_xlabel("transfers to")
        for row, name in enumerate(rows):
            if name in columns:
                at = (columns.index(name) - 0.5, row - 0.5)
                axes.add_patch(Rectangle(at, 1, 1, fill=False, edgecolor=ACCENT, linewidth=0.8))
    left.set_ylabel("features of")
    _draw_tree(tree, similarity, leaf_labels=False)
    tree.set_ylim(len(order), 0)
    bar = figure.colorbar(image, ax=right, shrink=0.5, pad=0.02)
    bar.set_label("affinity, share of the target's best other source")
    bar.set_ticks([0.03, 0.1, 0.3, 1], labels=["≤ 0.03", "0.1", "0.3", "≥ 1"])
    bar.outline.set_visible(False)
    figure.legend(handles=group_handles(), loc="outside upper right", ncols=4)
    return figure


def draw_similarity_tree(study: Study, similarity: SimilarityTree) -> Figure:
    """The similarity tree, its leaves coloured by group."""
    figure = new_figure(7.5, 0.24 * len(similarity.names) + 1.2)
    axes = figure.subplots()
    _draw_tree(axes, similarity, leaf_labels=True)
    axes.invert_yaxis()
    colour_labels(axes.get_yticklabels(), study.table.tasks)
    axes.set_xlabel("distance between clusters (standardised log affinities, Ward)")
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(True)
    axes.tick_params(axis="y", length=0)
    for position, name in enumerate(similarity.order):
        axes.plot(0, 5 + 10 * position, "o", color=task_colour(name, study.table.tasks), markersize=5, clip_on=False)
    figure.legend(handles=group_handles(), loc="outside upper left", ncols=4, fontsize=8)
    return figure


def _draw_tree(axes: Axes, tree: SimilarityTree, *, leaf_labels: bool) -> None:
    drawn = dendrogram(tree.linkage, no_plot=True, labels=list(tree.names))
    scale = 1.0 if leaf_labels else 0.1
    for depth, across in zip(drawn["dcoord"], drawn["icoord"], strict=True):
        axes.plot(depth, np.asarray(across) * scale, color=MUTED if not leaf_labels else "#555555", linewidth=1)
    axes.set_xlim(1.04 * float(np.max(drawn["dcoord"])) or 1.0, 0)
    if leaf_labels:
        axes.set_yticks([5 + 10 * i for i in range(len(tree.order))], tree.order)
        axes.yaxis.tick_right()
        axes.set_ylim(0, 10 * len(tree.order))
    else:
        axes.set_axis_off()


def _relative_to_best_other(matrix: AffinityMatrix) -> NDArray[np.float64]:
    others = matrix.values.copy()
    for row, name in enumerate(matrix.sources):
        if name in matrix.targets:
            others[row, matrix.targets.index(name)] = np.nan
    best = [np.nanmax(column, initial=0) or 1.0 for column in others.T]
    return np.where(np.isnan(matrix.values), np.nan, matrix.values / np.array(best))


def draw_presence(
    axes: Axes, present: NDArray[np.bool_], rows: Sequence[str], columns: Sequence[object], study: Study
) -> None:
    """A grid of dots: which rows (tasks) are present in which columns."""
    for row, name in enumerate(rows):
        axes.axhline(row, color="#F1F1F1", linewidth=0.8, zorder=0)
        at = np.flatnonzero(present[row])
        axes.scatter(at, np.full(len(at), row), s=34, color=task_colour(name, study.table.tasks))
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(
        range(len(columns)), [f"{column:g}" if isinstance(column, float) else str(column) for column in columns]
    )
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(length=0, labelsize=8)
    axes.spines[:].set_visible(False)
    colour_labels(axes.get_yticklabels(), study.table.tasks)
