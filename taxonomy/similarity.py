"""The task similarity tree: tasks clustered by how they transfer out (Taskonomy, figure 13)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import pdist

from perception import UserError
from taxonomy.transfers import SELF, TransferTable


@dataclass(frozen=True)
class AffinityMatrix:
    """First-order affinities.

    Args:
        sources: Row names, in dictionary order.
        targets: Column names, in dictionary order.
        values: [sources, targets], NaN where there is no such transfer. A task onto itself is the readout on its own
            frozen representation, not `self`.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class SimilarityTree:
    """A binary tree over the sources.

    Args:
        names: The sources, as the linkage numbers them.
        linkage: [len(names) - 1, 4], in SciPy's format.
        order: The names from one end of the tree to the other, neighbours as similar as the tree allows.
    """

    names: tuple[str, ...]
    linkage: NDArray[np.float64]
    order: tuple[str, ...]

    def clusters(self, count: int) -> dict[str, int]:
        """The cluster, 1 .. count, of each name when the tree is cut into `count` parts."""
        labels = fcluster(self.linkage, count, criterion="maxclust")
        return {name: int(label) for name, label in zip(self.names, labels, strict=True)}


def first_order_matrix(table: TransferTable) -> AffinityMatrix:
    """The affinities of one source each, baselines and `self` left out."""
    row = {name: index for index, name in enumerate(table.sources)}
    column = {name: index for index, name in enumerate(table.targets)}
    values = np.full((len(row), len(column)), np.nan)
    for transfer in table:
        if transfer.order == 1 and transfer.is_candidate and transfer.sources != (SELF,):
            values[row[transfer.sources[0]], column[transfer.target]] = transfer.affinity
    return AffinityMatrix(table.sources, table.targets, values)


def similarity_tree(matrix: AffinityMatrix) -> SimilarityTree:
    """Cluster the sources by their affinities to all targets (Ward's method, optimal leaf order).

    Affinities differ between targets by orders of magnitude, so each target's are compared on a log scale and
    standardised: every target has one say. What a task transfers to itself says nothing of its likeness to others; it
    counts as average, and so do transfers that are missing.

    Raises:
        UserError: If there are fewer than two sources.
    """
    if len(matrix.sources) < 2:
        raise UserError(f"a tree takes two sources; the table has {len(matrix.sources)}.")
    known = ~np.isnan(matrix.values)
    for row, source in enumerate(matrix.sources):
        if source in matrix.targets:
            known[row, matrix.targets.index(source)] = False
    positive = matrix.values[known & (matrix.values > 0)]
    floor = positive.min() / 10 if positive.size else 1.0
    logs = np.where(known, np.log(np.maximum(np.where(known, matrix.values, floor), floor)), 0.0)
    count = np.maximum(known.sum(axis=0), 1)
    mean = logs.sum(axis=0) / count
    centred = np.where(known, logs - mean, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    standardised = centred / np.where(spread > 1e-12, spread, 1.0)
    tree = linkage(pdist(standardised), method="ward", optimal_ordering=True)
    order = tuple(matrix.sources[leaf] for leaf in leaves_list(tree))
    return SimilarityTree(matrix.sources, tree, order)
