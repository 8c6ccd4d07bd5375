"""Recursive two-way normalised cuts of a weighted graph (Shi and Malik 2000)."""

import numpy as np
from numpy.typing import NDArray

LARGEST_CUT = 0.05
"""Parts are not split further where the least normalised cut is larger."""

LEAST_AFFINITY = 1e-6
"""Neighbours with less are not connected at all."""

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]


def normalised_cuts(affinity: Floats, largest_cut: float = LARGEST_CUT) -> list[Integers]:
    """Part a graph by recursive two-way normalised cuts.

    Args:
        affinity: [K, K], symmetric, not negative.
        largest_cut: Normalised cut in [0, 2] up to which a part is split.

    Returns:
        Disjoint, connected sets of node indices that cover the graph.
    """
    pending = [np.arange(len(affinity))] if len(affinity) else []
    parts = []
    while pending:
        part = pending.pop()
        within = affinity[np.ix_(part, part)]
        first = _reached(within > LEAST_AFFINITY)
        if first.all():
            first = _two_way_cut(within, largest_cut)
        if first.all():
            parts.append(part)
        else:
            pending += [part[first], part[~first]]
    return parts


def _reached(adjacent: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Nodes connected with the first one, bool [K]."""
    reached = np.zeros(len(adjacent), np.bool_)
    new = reached.copy()
    new[0] = True
    while new.any():
        reached |= new
        new = adjacent[new].any(axis=0) & ~reached
    return reached


def _two_way_cut(affinity: Floats, largest_cut: float) -> NDArray[np.bool_]:
    """One part of the least normalised cut along the second eigenvector, bool [K]; all nodes where it is too large."""
    count = len(affinity)
    if count < 2:
        return np.ones(count, np.bool_)
    degree = affinity.sum(axis=1)
    root = np.sqrt(degree)
    vector = _second_eigenvector(affinity / root / root[:, None])
    order = np.argsort(vector / root, kind="stable")
    within = 2 * np.cumsum(np.tril(affinity[np.ix_(order, order)]).sum(axis=1))[:-1]  # of the first k among themselves
    volume = np.cumsum(degree[order])
    first, second = volume[:-1], volume[-1] - volume[:-1]
    cut = (first - within) * (1 / first + 1 / second)
    best = int(np.argmin(cut))
    part = np.ones(count, np.bool_)
    if cut[best] <= largest_cut:
        part[order[best + 1 :]] = False
    return part


def _second_eigenvector(matrix: Floats) -> Floats:
    """Eigenvector of the second largest eigenvalue of a symmetric matrix, [K].

    Superpixels are numbered row by row, so neighbours have near numbers and the matrix is a narrow band; the banded
    solver is as fast as the dense one, which hands these small matrices to many threads that wait for each other.
    """
    from scipy.linalg import eig_banded

    count = len(matrix)
    rows, columns = np.nonzero(np.tril(matrix))
    band = np.zeros((int((rows - columns).max()) + 1, count))
    band[rows - columns, columns] = matrix[rows, columns]
    _, vectors = eig_banded(band, lower=True, select="i", select_range=(count - 2, count - 2), check_finite=False)
    return np.asarray(vectors[:, 0])
