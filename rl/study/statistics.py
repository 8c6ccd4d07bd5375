"""How sure one can be of differences between agents; pure functions of numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95

RUNNING_MEAN = 5
"""Points of a learning curve that running means are over."""


@dataclass(frozen=True)
class Interval:
    """A mean and how sure it is.

    Args:
        mean: Of the values.
        low: Lower end of the interval; NaN where there is one value only, which says nothing of its spread.
        high: Upper end.
        count: Values.
    """

    mean: float
    low: float
    high: float
    count: int


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """The mean over seeds with Student's t interval, mean +- t_{n-1} s / sqrt(n).

    It assumes that means of seeds are about normal; three seeds give an interval 4.3 standard errors to each side, as
    wide as three seeds deserve. A bootstrap of three values would be far too narrow.

    Args:
        values: [n], one for each seed; NaN is left out.
        confidence: Within (0, 1).

    Returns:
        NaN for the mean of nothing.
    """
    from scipy import stats

    known = _known(values)
    if not known.size:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(known.mean())
    if known.size == 1:
        return Interval(mean, math.nan, math.nan, 1)
    error = float(known.std(ddof=1)) / math.sqrt(known.size)
    half = float(stats.t.ppf((1 + confidence) / 2, known.size - 1)) * error
    return Interval(mean, mean - half, mean + half, int(known.size))


def relative_reward(reward: float, least: float, blind: float) -> float:
    """The reward relative to a blind agent's, RR = (r - r_min) / (r_blind - r_min).

    Above 1 is better than blind. Source: Sax et al., Mid-Level Visual Representations Improve Generalization and Sample
    Efficiency for Learning Visuomotor Policies (2018).

    Args:
        reward: Of the agent, r.
        least: r_min.
        blind: r_blind.

    Returns:
        NaN where the blind agent is no better than r_min, so that there is nothing to be relative to.
    """
    return (reward - least) / (blind - least) if blind > least else math.nan


def rank_sum_p(first: ArrayLike, second: ArrayLike) -> float:
    """The p of Wilcoxon's rank-sum test (Mann-Whitney U) that two samples come from one distribution; two-sided.

    By the normal approximation with its corrections for ties and continuity.

    Args:
        first: [n].
        second: [m].

    Returns:
        1 where all values are equal; NaN where a sample is empty.
    """
    from scipy import stats

    a, b = _known(first), _known(second)
    if not a.size or not b.size:
        return math.nan
    if np.ptp(np.concatenate([a, b])) == 0:
        return 1.0
    return float(stats.mannwhitneyu(a, b, alternative="two-sided", method="asymptotic").pvalue)


def welch_p(first: ArrayLike, second: ArrayLike) -> float:
    """The p of Welch's t test that two means are equal; two-sided.

    For few seeds: three against three have a rank-sum p of at least 0.1, whatever they show. This test assumes normal
    means instead.

    Args:
        first: [n].
        second: [m].

    Returns:
        NaN where a sample has fewer than two values, or neither varies and they differ: nothing is known then of how
        far chance would move them. 1 where all are equal.
    """
    from scipy import stats

    a, b = _known(first), _known(second)
    if min(a.size, b.size) < 2:
        return math.nan
    parts = np.array([a.var(ddof=1) / a.size, b.var(ddof=1) / b.size])
    error = parts.sum()
    difference = abs(a.mean() - b.mean())
    if error == 0:
        return 1.0 if difference == 0 else math.nan
    freedom = error**2 / (parts**2 / (np.array([a.size, b.size]) - 1)).sum()  # Welch and Satterthwaite
    return float(2 * stats.t.sf(difference / np.sqrt(error), freedom))


def corrected(p_values: Sequence[float]) -> list[float]:
    """All p values corrected for their number as Benjamini and Hochberg (1995) do: q, the false discovery rate.

    Args:
        p_values: Of all tests of a family; NaN is of no test, and stays.
    """
    from scipy import stats

    values = np.array(p_values, np.float64)
    known = ~np.isnan(values)
    if known.any():
        values[known] = stats.false_discovery_control(values[known], method="bh")
    return [float(value) for value in values]


def ranks(values: Sequence[float]) -> list[float]:
    """Places by value, 1 for the largest; equal ones share the mean of their places, NaN has none (NaN)."""
    from scipy import stats

    return [float(rank) for rank in stats.rankdata([-value for value in values], nan_policy="omit")]


def steps_to_reach(steps: ArrayLike, levels: ArrayLike, threshold: float, *, window: int | None = None) -> float:
    """Environment steps after which a learning curve first is at a level.

    Args:
        steps: [K], rising.
        levels: [K]; NaN is left out.
        threshold: The level.
        window: Points that a running mean is over, so that one lucky rollout does not count; by default a twentieth,
            and no fewer than `RUNNING_MEAN`.

    Returns:
        Infinity where it never is.
    """
    known = ~np.isnan(np.asarray(levels, np.float64))
    at, level = np.asarray(steps, np.float64)[known], np.asarray(levels, np.float64)[known]
    if not level.size:
        return math.inf
    width = min(window or max(RUNNING_MEAN, level.size // 20), level.size)
    smooth = np.convolve(level, np.full(width, 1 / width), mode="valid")
    reached = np.flatnonzero(smooth >= threshold)
    return float(at[width - 1 + reached[0]]) if reached.size else math.inf


def final_level(levels: ArrayLike, share: float = 0.1) -> float:
    """The mean of the last part of a learning curve: of a tenth of its points, at least one.

    Returns:
        NaN for no curve.
    """
    known = _known(levels)
    return float(known[-max(1, round(share * known.size)) :].mean()) if known.size else math.nan


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64).ravel()
    return array[~np.isnan(array)]
