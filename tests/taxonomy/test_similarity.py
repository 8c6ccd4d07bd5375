"""The similarity tree finds the paper's groups, which it is not told."""

from itertools import pairwise

import numpy as np
import pytest

from perception import TASKS, UserError
from taxonomy import TransferTable
from taxonomy.similarity import AffinityMatrix, first_order_matrix, similarity_tree


def purity(labels: list[int], groups: list[str]) -> float:
    """Share of tasks that belong to the commonest group of their cluster."""
    clusters = {label: [g for g, own in zip(groups, labels, strict=True) if own == label] for label in set(labels)}
    return sum(max(members.count(g) for g in members) for members in clusters.values()) / len(groups)


def neighbours_alike(groups: list[str]) -> float:
    return float(np.mean([a == b for a, b in pairwise(groups)]))


def test_published_affinities_cluster_into_the_groups_of_the_paper(published: TransferTable) -> None:
    tree = similarity_tree(first_order_matrix(published))
    labels = tree.clusters(4)
    groups = [str(TASKS[name].group) for name in tree.names]
    found = purity([labels[name] for name in tree.names], groups)
    rng = np.random.default_rng(0)
    by_chance = [purity([labels[name] for name in tree.names], rng.permutation(groups).tolist()) for _ in range(2000)]
    assert found >= 0.9
    assert found > max(by_chance)


def test_published_matrix_in_tree_order_puts_groups_together(published: TransferTable) -> None:
    tree = similarity_tree(first_order_matrix(published))
    groups = [str(TASKS[name].group) for name in tree.order]
    rng = np.random.default_rng(0)
    by_chance = [neighbours_alike(rng.permutation(groups).tolist()) for _ in range(2000)]
    assert sorted(tree.order) == sorted(published.sources)
    assert neighbours_alike(groups) > max(by_chance)


def test_the_tree_does_not_depend_on_scale_or_on_what_tasks_transfer_to_themselves() -> None:
    rng = np.random.default_rng(1)
    names = tuple(TASKS)[:8]
    values = rng.random((8, 8))
    tree = similarity_tree(AffinityMatrix(names, names, values))
    scaled = values * rng.random(8) * 100
    np.fill_diagonal(scaled, np.nan)
    assert similarity_tree(AffinityMatrix(names, names, scaled)).order == tree.order


def test_equal_sources_are_neighbours_and_missing_or_zero_affinities_are_allowed() -> None:
    names = tuple(TASKS)[:5]
    values = np.array([[0.9, 0.1], [0.2, 0.7], [0.9, 0.1], [np.nan, 0.0], [0.2, 0.7]])
    order = similarity_tree(AffinityMatrix(names, ("room_layout", "normal"), values)).order
    assert abs(order.index(names[0]) - order.index(names[2])) == 1
    assert abs(order.index(names[1]) - order.index(names[4])) == 1


def test_one_source_makes_no_tree() -> None:
    with pytest.raises(UserError, match="a tree takes two sources; the table has 1"):
        similarity_tree(AffinityMatrix(("normal",), ("curvature",), np.ones((1, 1))))
