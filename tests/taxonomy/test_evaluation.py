"""Gain, quality, and random taxonomies."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from perception import TASKS, UserError
from taxonomy import Transfer, TransferTable, read_win_rates
from taxonomy.evaluation import evaluate_budget, gain, percentile, quality, random_taxonomies
from taxonomy.solver import TaxonomySolver

TABLE = TransferTable(
    [
        Transfer(("normal",), "curvature", 0.6, gain=0.9, quality=0.4),
        Transfer(("reshading",), "curvature", 0.3, gain=0.5, quality=0.2),
        Transfer(("normal", "reshading"), "curvature", 0.7, gain=0.95),
        Transfer(("normal",), "egomotion", 0.2, gain=0.6),
        Transfer(("jigsaw",), "egomotion", 0.1, gain=0.4),
        Transfer(("random",), "egomotion", 0.9, gain=1.0),
    ]
)


def test_gain_and_quality_are_those_of_the_chosen_transfers() -> None:
    taxonomy = TaxonomySolver(TABLE).solve(2)
    assert gain(taxonomy).of_target == {"curvature": 0.95, "egomotion": 0.6}
    assert gain(taxonomy).mean == pytest.approx(0.775)
    assert quality(taxonomy).of_target == {}
    assert quality(taxonomy).missing == ("curvature", "egomotion")
    assert np.isnan(quality(taxonomy).mean)


def test_random_taxonomies_are_drawn_uniformly_from_the_feasible_ones() -> None:
    """Enumerate: each feasible pair of sources, then each usable transfer, equally likely."""
    expected: dict[float, float] = {}
    best: set[float] = set()
    pairs = [("normal", "reshading"), ("normal", "jigsaw"), ("reshading", "jigsaw")]
    for pair in pairs:
        options = [
            [t.affinity for t in TABLE if t.target == target and t.is_candidate and set(t.sources) <= set(pair)]
            for target in ("curvature", "egomotion")
        ]
        best.add(round(sum(max(o) for o in options), 6))
        for values in itertools.product(*options):
            key = round(sum(values), 6)
            expected[key] = expected.get(key, 0) + 1 / len(pairs) / np.prod([len(o) for o in options])
    drawn = random_taxonomies(TaxonomySolver(TABLE), 2, 20_000, seed=1)
    assert len(drawn) == 20_000
    found, counts = np.unique(drawn.objective.round(6), return_counts=True)
    assert set(found) == set(expected)
    for value, count in zip(found, counts, strict=True):
        assert count / 20_000 == pytest.approx(expected[value], abs=0.015)
    assert set(np.unique(drawn.objective_of_sources.round(6))) == best


def test_infeasible_source_sets_are_drawn_again_and_forced_sources_kept() -> None:
    solver = TaxonomySolver(TABLE, forced=["jigsaw"])
    drawn = random_taxonomies(solver, 2, 500)
    assert (drawn.objective_of_sources < 0.85).all(), "normal and reshading together would leave jigsaw untrained"
    only = random_taxonomies(TaxonomySolver(TABLE), 1, 500)
    np.testing.assert_allclose(only.objective, 0.8, err_msg="normal alone reaches both targets")


def test_the_draw_is_fixed_by_its_seed() -> None:
    solver = TaxonomySolver(TABLE)
    np.testing.assert_array_equal(
        random_taxonomies(solver, 2, 100, seed=5).objective, random_taxonomies(solver, 2, 100, seed=5).objective
    )


def test_impossible_draws_are_refused() -> None:
    with pytest.raises(UserError, match="the number of random taxonomies is 0"):
        random_taxonomies(TaxonomySolver(TABLE), 2, 0)
    pair = TransferTable([Transfer(("normal", "reshading"), "curvature", 0.5)])
    assert len(random_taxonomies(TaxonomySolver(pair), 1, 10)) == 0, "no set of one source is feasible"


def test_where_feasible_sets_are_rare_fewer_come_back_and_are_said_to(tmp_path: Path) -> None:
    names = list(TASKS)
    rare = TransferTable([Transfer((source,), target, 0.5) for source, target in zip(names, names[9:18], strict=False)])
    solver = TaxonomySolver(rare)
    result = evaluate_budget(solver, 9, random_count=100)
    assert len(result.random) == 100, "all sources fit"
    wide = TransferTable([*rare, *(Transfer((name,), names[9], 0.1) for name in names[10:26])])
    scarce = evaluate_budget(TaxonomySolver(wide), 9, random_count=100)
    assert len(scarce.random) < 100
    assert scarce.taxonomy.objective == pytest.approx(4.5)
    assert scarce.to_json()["random"]["count"] == len(scarce.random)  # type: ignore[index]


def test_medians_are_over_what_was_measured() -> None:
    result = evaluate_budget(TaxonomySolver(TABLE), 2, random_count=200)
    assert np.isnan(result.random.quality).any()
    assert result.to_json()["random"]["quality_median"] == pytest.approx(  # type: ignore[index]
        np.median(result.random.quality[~np.isnan(result.random.quality)])
    )


def test_costs_bound_random_source_sets() -> None:
    solver = TaxonomySolver(TABLE, cost={"normal": 3})
    drawn = random_taxonomies(solver, 3, 300)
    assert (drawn.objective_of_sources < 0.85).all(), "normal and reshading together cost 4"


def test_objective_of_sources_takes_each_targets_best() -> None:
    drawn = random_taxonomies(TaxonomySolver(TABLE), 3, 100)
    np.testing.assert_allclose(drawn.objective_of_sources, 0.9)
    assert drawn.objective.min() < 0.9
    result = evaluate_budget(TaxonomySolver(TABLE), 3, random_count=100)
    assert result.beats_random_sources == 50, "with all sources, the best transfers are the optimum"
    assert result.beats_random > 50


def test_percentile_counts_ties_as_half() -> None:
    assert percentile(2.0, np.array([1.0, 2.0, 3.0, 2.0 + 1e-12])) == 50.0


def test_published_taxonomies_beat_a_thousand_random_ones(published: TransferTable, published_folder: Path) -> None:
    table = published.with_win_rates(
        gain=read_win_rates(published_folder / "wins_vs_pixels_16k.pkl", "gain"),
        quality=read_win_rates(published_folder / "wins_vs_task_16k.pkl", "quality"),
    )
    solver = TaxonomySolver(table, max_order=4)
    for budget in (2, 4, 8, 12):
        result = evaluate_budget(solver, budget, random_count=1000)
        assert result.beats_random == 100
        assert result.beats_random_sources > 99
        assert not result.gain.missing
        assert not result.quality.missing
        if budget > 2:
            assert result.gain.mean > np.quantile(result.random.gain, 0.99)
            assert result.quality.mean > np.quantile(result.random.quality, 0.99)
