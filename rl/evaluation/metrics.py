"""How well one episode went, and how sure means over episodes are; pure functions of numbers."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception import UserError

CONFIDENCE = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean with its confidence interval.

    Args:
        mean: Of what was seen.
        low: Lower end of the interval; NaN where there is too little to tell.
        high: Upper end of the interval; NaN likewise.
    """

    mean: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """As JSON; null for NaN."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}


def episode_spl(is_success: bool, shortest_m: float | None, walked_m: float) -> float:
    """Success weighted by path length of one episode, S l / max(p, l); the mean over episodes is the SPL.

    Source: Anderson et al., On Evaluation of Embodied Navigation Agents (2018), equation of section 3.

    Args:
        is_success: S.
        shortest_m: l, length of the shortest walk that fulfils the task; None where the task has none.
        walked_m: p, length of the agent's walk.

    Returns:
        In [0, 1]; where l is 0, S for an agent that stayed and 0 for one that walked; NaN, for "has none", without l.

    Raises:
        UserError: If a length is negative or NaN, or the goal cannot be reached (l infinite).
    """
    return math.nan if shortest_m is None else is_success * _directness(shortest_m, walked_m)


def episode_soft_spl(final_m: float | None, shortest_m: float | None, walked_m: float) -> float:
    """`episode_spl` with the progress made, max(0, 1 - d / l), in place of success.

    Source: Datta et al., Integrating Egocentric Localization for More Realistic Point-Goal Navigation Agents (2020).

    Args:
        final_m: d, length of the shortest walk left at the end, infinite where there is none; None if not measured.
        shortest_m: l, the same at the start; None where the task has none.
        walked_m: p, length of the agent's walk.

    Returns:
        In [0, 1]; where l is 0, 1 for an agent that stayed and 0 for one that walked; NaN, for "has none", without l
        or d.

    Raises:
        UserError: If a length is negative or NaN, or the goal cannot be reached (l infinite).
    """
    if shortest_m is None or final_m is None:
        return math.nan
    if not final_m >= 0:
        raise UserError(f"the distance left to the goal is {final_m} m; expected 0 or more.")
    directness = _directness(shortest_m, walked_m)
    if shortest_m == 0:
        return directness * (final_m == 0)
    return max(0.0, 1 - final_m / shortest_m) * directness


def _directness(shortest_m: float, walked_m: float) -> float:
    """How direct a walk was, l / max(p, l); 1 where both are 0."""
    if not 0 <= shortest_m < math.inf:
        raise UserError(
            f"the shortest walk of an episode is {shortest_m} m; expected a finite length: is it reachable?"
        )
    if not 0 <= walked_m < math.inf:
        raise UserError(f"the length walked in an episode is {walked_m} m; expected 0 or more.")
    longer_m = max(walked_m, shortest_m)
    return shortest_m / longer_m if longer_m > 0 else 1.0


def success_rate(successes: int, episodes: int, confidence: float = CONFIDENCE) -> Estimate:
    """The share of successes with Wilson's score interval; episodes are taken as independent.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).

    Raises:
        UserError: If there is no episode, more successes than episodes, or the confidence is not within (0, 1).
    """
    if not 0 <= successes <= episodes or episodes < 1:
        raise UserError(f"{successes} successes in {episodes} episodes; expected at least one episode, and no more.")
    z = NormalDist().inv_cdf((1 + _checked(confidence)) / 2)
    rate = successes / episodes
    widened = 1 + z**2 / episodes
    middle = (rate + z**2 / (2 * episodes)) / widened
    half = z / widened * math.sqrt(rate * (1 - rate) / episodes + z**2 / (4 * episodes**2))
    low = 0.0 if successes == 0 else middle - half  # where rounding would leave 1e-18
    high = 1.0 if successes == episodes else middle + half
    return Estimate(rate, low, high)


def bootstrap_mean(
    values: ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A mean with its percentile bootstrap interval; the same seed gives the same interval.

    Of a single value, or a single cluster, nothing is known of how much others would differ: the ends are NaN.

    Args:
        values: float [N], at least one, finite.
        clusters: [N], what each value belongs to, such as its building. Values of one cluster are not independent:
            whole clusters are then drawn, with replacement. None draws single values.
        confidence: Of the interval.
        resamples: How often to draw.
        seed: Of the draws.

    Raises:
        UserError: If there is no value, one is not finite, the clusters are of another number, nothing is to be drawn,
            or the confidence is not within (0, 1).
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if not numbers.size or not np.isfinite(numbers).all():
        raise UserError(f"a mean of {numbers.size} values, or of one that is not finite, has no interval.")
    if resamples < 1:
        raise UserError(f"{resamples} bootstrap resamples; expected 1 or more.")
    sums, counts = _by_cluster(numbers, clusters)
    tail = (1 - _checked(confidence)) / 2
    if len(sums) < 2:
        return Estimate(float(numbers.mean()), math.nan, math.nan)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=resamples)  # how often each one is in
    low, high = np.quantile((drawn @ sums) / (drawn @ counts), (tail, 1 - tail))
    return Estimate(float(numbers.mean()), float(low), float(high))


def _by_cluster(
    values: NDArray[np.float64], clusters: Sequence[Hashable] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of the values of each cluster."""
    if clusters is None:
        return values, np.ones(len(values))
    if len(clusters) != len(values):
        raise UserError(f"{len(values)} values in {len(clusters)} clusters; expected one cluster named for each value.")
    numbers: dict[Hashable, int] = {}
    index = [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]
    return np.bincount(index, values).astype(np.float64), np.bincount(index).astype(np.float64)


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise UserError(f"confidence is {confidence}; expected within (0, 1), such as 0.95.")
    return confidence
