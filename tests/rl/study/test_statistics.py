"""Statistics against brute force, tables and SciPy."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rl.study.statistics import (
    corrected,
    final_level,
    mean_interval,
    rank_sum_p,
    ranks,
    relative_reward,
    steps_to_reach,
    welch_p,
)


def test_an_interval_of_three_seeds_is_that_of_the_t_table() -> None:
    found = mean_interval([1.0, 2.0, 3.0])
    half = 4.302653 / math.sqrt(3)  # t of 2 degrees of freedom, 97.5 %; the deviation is 1
    assert (found.mean, found.count) == (2.0, 3)
    assert found.low == pytest.approx(2 - half, abs=1e-5)
    assert found.high == pytest.approx(2 + half, abs=1e-5)


def test_one_seed_has_no_interval_and_none_has_no_mean() -> None:
    one = mean_interval([0.5, math.nan])
    assert (one.mean, one.count) == (0.5, 1)
    assert math.isnan(one.low)
    assert math.isnan(mean_interval([]).mean)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    samples = np.random.default_rng(0).normal(5, 2, (2000, 3))
    covered = [found.low <= 5 <= found.high for found in map(mean_interval, samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_the_relative_reward_is_one_for_the_blind_and_zero_for_the_least() -> None:
    assert relative_reward(3.0, least=-1.0, blind=1.0) == 2.0
    assert relative_reward(1.0, least=-1.0, blind=1.0) == 1.0
    assert relative_reward(-1.0, least=-1.0, blind=1.0) == 0.0
    assert math.isnan(relative_reward(1.0, least=0.0, blind=0.0))


def brute_rank_sum(first: list[float], second: list[float]) -> float:
    """The exact p: how many ways to split the values are as far from the middle as this one."""
    values = np.array([*first, *second])
    order = stats.rankdata(values)
    middle = len(first) * (len(values) + 1) / 2
    seen = abs(order[: len(first)].sum() - middle)
    sums = [order[list(chosen)].sum() for chosen in combinations(range(len(values)), len(first))]
    return float(np.mean([abs(total - middle) >= seen - 1e-9 for total in sums]))


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_sum_test_agrees_with_counting_all_splits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 12, 9).tolist()  # with ties
    second = (rng.integers(0, 12, 9) + seed).tolist()
    assert rank_sum_p(first, second) == pytest.approx(brute_rank_sum(first, second), abs=0.02)


def test_the_rank_sum_test_agrees_with_scipy_where_there_are_no_ties() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, 60), rng.normal(0.5, 1, 72)
    assert rank_sum_p(first, second) == pytest.approx(stats.ranksums(first, second).pvalue, rel=0.02)


def test_equal_values_and_empty_samples_are_no_reason_to_stop() -> None:
    assert rank_sum_p([1.0, 1.0], [1.0]) == 1.0
    assert math.isnan(rank_sum_p([], [1.0]))
    assert math.isnan(welch_p([1.0], [1.0, 2.0]))
    assert welch_p([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert math.isnan(welch_p([1.0, 1.0], [2.0, 2.0])), "of no spread, nothing follows"


@pytest.mark.parametrize("seed", range(4))
def test_welch_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0, 1, 3), rng.normal(seed, 3, 3 + seed)
    assert welch_p(first, second) == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue)
    assert 0 < welch_p([7.0, 7.0, 7.0], second) < 1, "one side may not vary"


def test_the_correction_is_the_worked_example_of_its_authors() -> None:
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert sum(q <= 0.05 for q in corrected(p)) == 4  # Benjamini and Hochberg (1995), section 3.2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms())
def test_the_correction_agrees_with_its_definition_in_any_order(p: list[float], random: object) -> None:
    count = len(p)
    by_hand = [
        min(1.0, *(min(1.0, count * other / sum(x <= other for x in p)) for other in p if other >= value))
        for value in p
    ]
    assert corrected(p) == pytest.approx(by_hand)


def test_tests_that_were_not_made_do_not_count() -> None:
    with_gap = corrected([0.01, math.nan, 0.04])
    assert math.isnan(with_gap[1])
    assert [with_gap[0], with_gap[2]] == pytest.approx(corrected([0.01, 0.04]))
    assert all(math.isnan(q) for q in corrected([math.nan]))
    assert corrected([]) == []


def test_the_largest_is_first_and_equal_ones_share_their_places() -> None:
    assert ranks([0.2, 0.9, 0.9, 0.1]) == [3.0, 1.5, 1.5, 4.0]
    first, missing, second = ranks([2.0, math.nan, 1.0])
    assert (first, second) == (1.0, 2.0)
    assert math.isnan(missing)


def test_a_level_is_reached_when_the_running_mean_is_there() -> None:
    steps = np.arange(1, 11) * 100.0
    levels = [0, 0, 9, 0, 0, 1, 1, 1, 1, 1.0]
    assert steps_to_reach(steps, levels, 1.0, window=1) == 300
    assert steps_to_reach(steps, levels, 1.0, window=5) == 500  # 9 / 5
    assert steps_to_reach(steps, levels, 1.9, window=5) == 600  # (9 + 1) / 5
    assert steps_to_reach(steps, levels, 3.0, window=5) == math.inf
    assert steps_to_reach([100.0, 200.0], [math.nan, 2.0], 1.0) == 200
    assert steps_to_reach([], [], 1.0) == math.inf


def test_one_lucky_rollout_reaches_nothing_however_few_there_are() -> None:
    levels = np.zeros(32)
    levels[13] = 9.0
    assert steps_to_reach(np.arange(32.0), levels, 4.0) == math.inf


def test_a_curve_ends_with_the_mean_of_its_last_tenth() -> None:
    assert final_level(np.arange(20.0)) == 18.5
    assert final_level([3.0]) == 3.0
    assert math.isnan(final_level([]))
