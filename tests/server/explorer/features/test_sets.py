"""The sets of every size, and where they come from."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from perception import PUBLISHED_MAX_COVERAGE, UserError, load_bank
from server.explorer.content import Absent, Content
from server.explorer.options import ExploreOptions
from server.explorer.pages.features.sets import (
    MOST_FEATURES_OF_A_CURVE,
    CoverageSets,
    computed_sets,
    coverage_sets,
    features_of,
    sizes,
)
from taxonomy import Transfer, TransferTable, max_coverage, read_transfers, write_transfers
from taxonomy.coverage import affinity_distances
from taxonomy.synthetic import numbered_tasks
from taxonomy.transfers import SELF


def test_every_size_has_the_set_that_is_found_by_itself(run: Path) -> None:
    table = read_transfers(run)
    sets = coverage_sets(table)
    for size in (1, 2, 5, len(table.trainable)):
        alone = max_coverage(affinity_distances(table), size)
        assert (sets.chosen(size).features, sets.chosen(size).distance) == (alone.features, alone.distance)
        assert sets.curve()[size] == sets.chosen(size)
    published = sets.published()
    assert set(published) == set(PUBLISHED_MAX_COVERAGE)
    distances = affinity_distances(table)
    rows = [distances.features.index(name) for name in PUBLISHED_MAX_COVERAGE[3]]
    nearest = distances.matrix[rows].min(axis=0)
    assert published[3].worst_distance == nearest.max()
    assert published[3].total_distance == pytest.approx(nearest.sum())


def test_without_affinities_the_sets_are_the_banks_own(tmp_path: Path) -> None:
    content = Content(ExploreOptions(results=tmp_path / "nothing"))
    assert isinstance(computed_sets(content), Absent)
    own = load_bank("buildings-v1").coverage
    assert sizes(content) == tuple(sorted(own))
    assert features_of(content, 4) == own[4]


def test_affinities_that_leave_a_target_to_higher_orders_say_so_and_the_banks_sets_stand_in(tmp_path: Path) -> None:
    write_transfers(
        tmp_path / "pairs.json",
        TransferTable([Transfer(("normal",), "normal", 0.5), Transfer(("normal", "reshading"), "curvature", 0.2)]),
    )
    content = Content(ExploreOptions(results=tmp_path / "pairs.json"))
    absent = computed_sets(content)
    assert isinstance(absent, Absent)
    assert "no feature transfers to 'curvature'" in absent.why
    assert features_of(content, 2) == load_bank("buildings-v1").coverage[2]


def test_a_size_that_there_is_not_is_refused(run: Path) -> None:
    content = Content(ExploreOptions(results=run))
    with pytest.raises(UserError, match="no set of 99 features here; sizes are 1, 2, 3"):
        features_of(content, 99)


def test_distances_are_of_nearest_features(run: Path) -> None:
    table = read_transfers(run)
    coverage = coverage_sets(table).chosen(3)
    best: dict[str, float] = {}
    for transfer in table:
        if len(transfer.sources) == 1 and transfer.trained_sources[0] in coverage.features:
            best[transfer.target] = max(best.get(transfer.target, 0.0), transfer.affinity)
    assert {task: float(-np.log(affinity)) for task, affinity in best.items()} == pytest.approx(coverage.distance)


def test_of_many_features_only_the_size_asked_for_is_found() -> None:
    tasks = numbered_tasks(MOST_FEATURES_OF_A_CURVE + 1)
    table = TransferTable((Transfer((SELF,), name, 0.5) for name in tasks), tasks)
    sets = CoverageSets(table)
    assert sets.sizes == (len(tasks),), "each reaches itself alone"
    assert sets.curve() == {}
    assert sets.published() == {}
    assert sets.chosen(len(tasks)).features == tuple(tasks)


def test_threads_share_what_is_found(run: Path) -> None:
    sets = CoverageSets(read_transfers(run))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(sets.chosen, [3, 2, 3, 4, 2, 3]))
    assert found[0] is found[2] is found[5]
    assert found[1] is found[4]
    assert [len(each.features) for each in found] == [3, 2, 3, 4, 2, 3]
