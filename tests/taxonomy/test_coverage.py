"""The coverage set against brute force, on published affinities, and on bad input."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception import PUBLISHED_MAX_COVERAGE, TASKS, UserError
from taxonomy import Transfer, TransferTable, affinity_distances, covered_by, max_coverage
from taxonomy.coverage import CoverageSolver, Distances


@st.composite
def distances(draw: st.DrawFn) -> Distances:
    n_features, n_tasks = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    number = st.integers(0, 4).map(float) if draw(st.booleans()) else st.integers(0, 999_983).map(lambda n: n / 9_973)
    if draw(st.booleans()):
        number |= st.just(np.inf)
    matrix = np.array([[draw(number) for _ in range(n_tasks)] for _ in range(n_features)])
    matrix[0, np.isinf(matrix).all(axis=0)] = 2.0
    return Distances(tuple("abcdefg"[:n_features]), tuple("uvwxyz"[:n_tasks]), matrix)


@settings(max_examples=300, deadline=None)
@given(distances())
def test_equals_brute_force_for_every_size(d: Distances) -> None:
    solver = CoverageSolver(d)
    n = len(d.features)
    for size in range(1, n + 1):
        covering = []
        for k in range(1, size + 1):
            for rows in combinations(range(n), k):
                nearest = d.matrix[list(rows)].min(axis=0)
                if np.isfinite(nearest).all():
                    covering.append((nearest.max(), nearest.sum(), k, rows))
        if not covering:
            with pytest.raises(UserError, match="transfer to every task; it takes"):
                solver.solve(size)
            continue
        worst = min(covering)[0]
        total = min(entry[1] for entry in covering if entry[0] == worst)
        best = min(e for e in covering if e[0] == worst and e[1] <= total + 1e-8)
        expected = min((e for e in covering if e[0] == worst and e[1] <= total + 1e-8), key=lambda e: (e[2], e[3]))
        found = solver.solve(size)
        assert found.worst_distance == best[0]
        assert found.total_distance == pytest.approx(total)
        assert found.features == tuple(d.features[row] for row in expected[3])


def test_one_feature_covering_the_published_dictionary_is_autoencoding(published: TransferTable) -> None:
    coverage = max_coverage(affinity_distances(published), 1)
    assert coverage.features == ("autoencoding",)
    assert set(coverage.nearest.values()) == {"autoencoding"}


def test_worst_distance_never_rises_with_size(published: TransferTable) -> None:
    solver = CoverageSolver(affinity_distances(published))
    worst = [solver.solve(k).worst_distance for k in range(1, 27)]
    assert worst == sorted(worst, reverse=True)


def test_computed_sets_cover_no_worse_than_the_published_ones(published: TransferTable) -> None:
    distances = affinity_distances(published)
    for size, features in PUBLISHED_MAX_COVERAGE.items():
        ours, theirs = max_coverage(distances, size), covered_by(distances, features)
        assert (ours.worst_distance, ours.total_distance) <= (theirs.worst_distance, theirs.total_distance + 1e-9)


def test_a_feature_covers_its_own_task_by_self_and_baselines_are_no_features() -> None:
    table = TransferTable(
        [
            Transfer(("self",), "normal", 0.5),
            Transfer(("normal",), "normal", 0.1),
            Transfer(("normal",), "curvature", 0.25),
            Transfer(("random",), "curvature", 0.9),
            Transfer(("normal", "reshading"), "curvature", 0.9),
        ]
    )
    d = affinity_distances(table)
    assert d.features == ("normal", "reshading")
    np.testing.assert_allclose(d.matrix, -np.log([[0.5, 0.25], [1e-300, 1e-300]]) * [[1], [np.inf]])
    coverage = max_coverage(d, 2)
    assert coverage.features == ("normal",)
    assert coverage.worst_task == "curvature"


@pytest.mark.parametrize("size", [0, -1, 3])
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(UserError, match=f"the size is {size}; expected 1 to 2"):
        max_coverage(Distances(("a", "b"), ("u",), np.array([[1.0], [2.0]])), size)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1.0, np.nan]], "from 'a' to 'v' is nan"),
        ([[-np.inf, 1.0]], "from 'a' to 'u' is -inf"),
        ([[1.0, np.inf]], "no feature transfers to 'v'"),
        ([[1.0]], "have shape"),
    ],
)
def test_impossible_distances_are_refused(matrix: list[list[float]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Distances(("a",), ("u", "v"), np.array(matrix))


def test_every_published_set_names_tasks_of_the_dictionary() -> None:
    for size, features in PUBLISHED_MAX_COVERAGE.items():
        assert len(features) == size
        assert TASKS.canonical(features) == features
