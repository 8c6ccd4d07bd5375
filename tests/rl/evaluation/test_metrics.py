import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from perception import UserError
from rl.evaluation.metrics import bootstrap_mean, episode_soft_spl, episode_spl, success_rate

LENGTHS = st.floats(0, 100, allow_subnormal=False)


@pytest.mark.parametrize(
    ("is_success", "shortest_m", "walked_m", "expected"),
    [
        (True, 4.0, 4.0, 1.0),
        (True, 4.0, 5.0, 0.8),
        (True, 4.0, 16.0, 0.25),
        (True, 4.0, 3.64, 1.0),  # it stopped within the goal's radius
        (False, 4.0, 4.0, 0.0),
        (True, 0.0, 0.0, 1.0),
        (True, 0.0, 2.0, 0.0),
        (False, 0.0, 0.0, 0.0),
    ],
)
def test_spl_of_hand_computed_episodes(is_success: bool, shortest_m: float, walked_m: float, expected: float) -> None:
    assert episode_spl(is_success, shortest_m, walked_m) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("final_m", "shortest_m", "walked_m", "expected"),
    [
        (0.0, 4.0, 4.0, 1.0),
        (1.0, 4.0, 4.0, 0.75),
        (1.0, 4.0, 8.0, 0.375),
        (4.0, 4.0, 0.0, 0.0),  # it stayed
        (6.0, 4.0, 2.0, 0.0),  # it went away
        (math.inf, 4.0, 2.0, 0.0),
        (0.0, 0.0, 0.0, 1.0),
        (2.0, 0.0, 2.0, 0.0),
        (1.0, 0.0, 0.0, 0.0),
    ],
)
def test_soft_spl_of_hand_computed_episodes(
    final_m: float, shortest_m: float, walked_m: float, expected: float
) -> None:
    assert episode_soft_spl(final_m, shortest_m, walked_m) == pytest.approx(expected, abs=1e-15)


def test_without_a_shortest_walk_there_is_no_spl() -> None:
    assert math.isnan(episode_spl(True, None, 3.0))
    assert math.isnan(episode_soft_spl(1.0, None, 3.0))
    assert math.isnan(episode_soft_spl(None, 2.0, 3.0))


@pytest.mark.parametrize("shortest_m", [math.inf, math.nan, -1.0])
def test_goals_that_cannot_be_reached_are_refused(shortest_m: float) -> None:
    with pytest.raises(UserError, match="is it reachable"):
        episode_spl(True, shortest_m, 3.0)
    with pytest.raises(UserError, match="is it reachable"):
        episode_soft_spl(1.0, shortest_m, 3.0)


def test_broken_lengths_are_refused() -> None:
    with pytest.raises(UserError, match="walked in an episode is nan"):
        episode_spl(True, 1.0, math.nan)
    with pytest.raises(UserError, match="left to the goal is -1"):
        episode_soft_spl(-1.0, 1.0, 1.0)


@given(st.booleans(), LENGTHS, LENGTHS, LENGTHS)
def test_both_are_shares_and_soft_spl_of_an_arrival_is_the_spl(
    is_success: bool, final_m: float, shortest_m: float, walked_m: float
) -> None:
    assert 0 <= episode_spl(is_success, shortest_m, walked_m) <= 1
    assert 0 <= episode_soft_spl(final_m, shortest_m, walked_m) <= 1
    assert episode_soft_spl(0.0, shortest_m, walked_m) == episode_spl(True, shortest_m, walked_m)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_success_intervals_are_scipys(counts: tuple[int, int], confidence: float) -> None:
    found = success_rate(*counts, confidence)
    expected = binomtest(*counts).proportion_ci(confidence, method="wilson")
    assert found.mean == counts[0] / counts[1]
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("counts", [(0, 0), (3, 2), (-1, 2)])
def test_impossible_success_counts_are_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(UserError, match="expected at least one episode"):
        success_rate(*counts)


def test_a_bootstrap_interval_is_about_the_analytic_one() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = bootstrap_mean(values, confidence=0.9, resamples=20_000)
    half = NormalDist().inv_cdf(0.95) * values.std() / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), rel=0, abs=0.02)


def test_bootstrap_ends_are_quantiles_of_resampled_means() -> None:
    values, rng = np.array([0.0, 1.0, 5.0, 9.0]), np.random.default_rng(4)
    means = [np.mean(rng.choice(values, 4)) for _ in range(40_000)]
    found = bootstrap_mean(values, resamples=40_000)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, (0.025, 0.975))), abs=0.26)  # steps of 1/4


def test_clusters_of_equal_values_are_as_sure_as_one_value_each() -> None:
    single, repeated = [1.0, 2.0, 4.0, 8.0, 9.0], np.repeat([1.0, 2.0, 4.0, 8.0, 9.0], 20)
    clusters = [str(index // 20) for index in range(100)]
    clustered = bootstrap_mean(repeated, clusters, seed=3)
    assert clustered == bootstrap_mean(single, seed=3)
    unaware = bootstrap_mean(repeated, seed=3)
    assert unaware.high - unaware.low < 0.4 * (clustered.high - clustered.low)


def test_clusters_count_by_their_size() -> None:
    found = bootstrap_mean([0.0, 3.0, 3.0, 3.0], ["a", "b", "b", "b"], resamples=4000)
    assert found.mean == 2.25  # of episodes, not of buildings
    assert (found.low, found.high) == (0.0, 3.0)


def test_a_single_value_or_cluster_tells_nothing_of_others() -> None:
    assert bootstrap_mean([2.0]).to_json() == {"mean": 2.0, "low": None, "high": None}
    assert bootstrap_mean([2.0, 3.0], ["a", "a"]).to_json() == {"mean": 2.5, "low": None, "high": None}


def test_intervals_are_reproducible() -> None:
    values = np.random.default_rng(0).normal(size=30)
    assert bootstrap_mean(values, seed=5) == bootstrap_mean(values, seed=5)
    assert bootstrap_mean(values, seed=5) != bootstrap_mean(values, seed=6)


def test_what_has_no_mean_is_refused() -> None:
    with pytest.raises(UserError, match="mean of 0 values"):
        bootstrap_mean([])
    with pytest.raises(UserError, match="not finite"):
        bootstrap_mean([1.0, math.nan])
    with pytest.raises(UserError, match="2 values in 1 clusters"):
        bootstrap_mean([1.0, 2.0], ["a"])
    with pytest.raises(UserError, match="0 bootstrap resamples"):
        bootstrap_mean([1.0], resamples=0)
    with pytest.raises(UserError, match=r"confidence is 95.*\(0, 1\)"):
        bootstrap_mean([1.0], confidence=95)
