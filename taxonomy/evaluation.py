"""What a taxonomy is worth: gain and quality, and whether chance would have done as well (Taskonomy, section 4)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from taxonomy.solver import Taxonomy, TaxonomySolver

_CHUNK = 256  # random taxonomies drawn at a time
_TRIES = 50  # source sets drawn for each one asked for, at most


@dataclass(frozen=True)
class WinRates:
    """Win rates of a taxonomy's transfers.

    Args:
        of_target: One for each target that has it measured.
        missing: Targets whose transfer has none in the table.
    """

    of_target: dict[str, float]
    missing: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Mean over the targets that have one; NaN if none has."""
        return float(np.mean(list(self.of_target.values()))) if self.of_target else float("nan")


def gain(taxonomy: Taxonomy) -> WinRates:
    """Win rates against networks trained from scratch with the same little data."""
    return _win_rates((transfer.target, transfer.gain) for transfer in taxonomy.transfers)


def quality(taxonomy: Taxonomy) -> WinRates:
    """Win rates against fully supervised networks."""
    return _win_rates((transfer.target, transfer.quality) for transfer in taxonomy.transfers)


def _win_rates(rates: Iterable[tuple[str, float | None]]) -> WinRates:
    listed = list(rates)
    return WinRates(
        {target: rate for target, rate in listed if rate is not None},
        tuple(target for target, rate in listed if rate is None),
    )


@dataclass(frozen=True)
class RandomTaxonomies:
    """Feasible taxonomies drawn at random.

    Args:
        objective: [n], as the solver's objective, of random transfers from random sources.
        objective_of_sources: [n], the same random sources, each target with its best transfer from them.
        gain: [n], mean gain of the random transfers that have one, NaN if none has.
        quality: [n], mean quality likewise.
    """

    objective: NDArray[np.float64]
    objective_of_sources: NDArray[np.float64]
    gain: NDArray[np.float64]
    quality: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.objective)


def percentile(value: float, of: NDArray[np.float64]) -> float:
    """The share of random values, in percent, that lie below; equal ones (to rounding) count half; NaN of none."""
    if not len(of):
        return math.nan
    equal = np.isclose(of, value, rtol=1e-9, atol=0)
    return float(100 * (((of < value) & ~equal).mean() + equal.mean() / 2))


def random_taxonomies(solver: TaxonomySolver, budget: float, count: int, *, seed: int = 0) -> RandomTaxonomies:
    """Draw feasible taxonomies: sources in random order as far as the budget goes, then for each target any usable one.

    Source sets that leave a target without a transfer are drawn again, up to a limit: where feasible ones are rare,
    fewer taxonomies come back than were asked for, perhaps none.

    Args:
        solver: Whose problem (candidates, costs, importance, forced sources) is sampled.
        budget: The budget that the sources keep within.
        count: Number of taxonomies.
        seed: Fixes the draw.

    Raises:
        UserError: If the count is not positive.
    """
    if count < 1:
        raise UserError(f"the number of random taxonomies is {count}; expected at least 1.")
    rng = np.random.default_rng(seed)
    problem = solver.selection
    rates = [
        np.array([np.nan if rate is None else rate for rate in column], dtype=np.float64)
        for column in (
            [transfer.gain for transfer in solver.candidates],
            [transfer.quality for transfer in solver.candidates],
        )
    ]
    blocks = [np.flatnonzero(problem.target == target) for target in range(problem.n_targets)]
    parts: list[NDArray[np.float64]] = []
    found = drawn = 0
    for usable in _usable_options(solver, budget, rng):
        drawn += _CHUNK
        if len(usable):
            lots = np.where(usable, rng.random(usable.shape), -1.0)
            options = np.stack([block[lots[:, block].argmax(axis=1)] for block in blocks], axis=1)
            values = np.where(usable, problem.value, -np.inf)
            best = sum(values[:, block].max(axis=1) for block in blocks)
            with np.errstate(invalid="ignore"):
                means = [_mean_of_known(rate[options]) for rate in rates]
            parts.append(np.stack([problem.value[options].sum(axis=1), best, *means]))
            found += len(usable)
        if found >= count or drawn >= _TRIES * max(count, _CHUNK):
            break
    return RandomTaxonomies(*np.concatenate([np.empty((4, 0)), *parts], axis=1)[:, :count])


def _usable_options(solver: TaxonomySolver, budget: float, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Chunks of [k, m] usable options of random source sets that reach every target; k may be 0."""
    problem = solver.selection
    needs = problem.needs.astype(np.float32)
    lacking = needs.sum(axis=1)
    reaches = np.zeros((len(problem.target), problem.n_targets), dtype=np.float32)
    reaches[np.arange(len(problem.target)), problem.target] = 1
    forced_first = problem.forced * 2.0
    while True:
        order = np.argsort(-(forced_first + rng.random((_CHUNK, len(problem.cost)))), axis=1)
        affordable = np.cumsum(problem.cost[order], axis=1) <= budget * (1 + 1e-9)
        chosen = np.zeros((_CHUNK, len(problem.cost)), dtype=np.float32)
        np.put_along_axis(chosen, order, affordable.astype(np.float32), axis=1)
        usable = chosen @ needs.T >= lacking
        feasible = (usable.astype(np.float32) @ reaches > 0).all(axis=1)
        yield usable[feasible]


def _mean_of_known(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(rates)
    count = np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    return np.asarray(np.where(known, rates, 0).sum(axis=1) / count)


@dataclass(frozen=True)
class Evaluation:
    """The optimal taxonomy of one budget, its worth, and random taxonomies beside it."""

    taxonomy: Taxonomy
    gain: WinRates
    quality: WinRates
    random: RandomTaxonomies

    @property
    def beats_random(self) -> float:
        """Percentage of random taxonomies with a lower objective, equal ones counted half; NaN if there is none."""
        return percentile(self.taxonomy.objective, self.random.objective)

    @property
    def beats_random_sources(self) -> float:
        """The same against random sources, each target with its best transfer from them."""
        return percentile(self.taxonomy.objective, self.random.objective_of_sources)

    def to_json(self) -> dict[str, object]:
        """One entry of what `midlevel taxonomy evaluate --json` prints."""
        return {
            **self.taxonomy.to_json(),
            "gain": {"mean": _or_none(self.gain.mean), "of_target": self.gain.of_target},
            "quality": {"mean": _or_none(self.quality.mean), "of_target": self.quality.of_target},
            "random": {
                "count": len(self.random),
                "objective_median": _or_none(median(self.random.objective)),
                "objective_of_sources_median": _or_none(median(self.random.objective_of_sources)),
                "gain_median": _or_none(median(self.random.gain)),
                "quality_median": _or_none(median(self.random.quality)),
                "beats_percent": _or_none(self.beats_random),
                "beats_sources_percent": _or_none(self.beats_random_sources),
            },
        }

    def to_row(self) -> tuple[str, ...]:
        """One line of the table that `midlevel taxonomy evaluate` prints."""
        return (
            f"{self.taxonomy.budget:g}",
            f"{self.taxonomy.objective:.6f}",
            as_percent(self.gain.mean),
            as_percent(self.quality.mean),
            f"{median(self.random.objective):.6f}" if len(self.random) else "n/a",
            as_percent(self.beats_random / 100),
            as_percent(self.beats_random_sources / 100),
        )


def evaluate_budget(solver: TaxonomySolver, budget: float, *, random_count: int = 1000, seed: int = 0) -> Evaluation:
    """Solve for one budget and say what the answer is worth; errors as `solve` and `random_taxonomies`."""
    taxonomy = solver.solve(budget)
    random = random_taxonomies(solver, budget, random_count, seed=seed)
    return Evaluation(taxonomy, gain(taxonomy), quality(taxonomy), random)


def median(of: NDArray[np.float64]) -> float:
    """The median of the values that are known; NaN if none is."""
    known = of[~np.isnan(of)]
    return float(np.median(known)) if len(known) else math.nan


def as_percent(rate: float) -> str:
    """A win rate for a table: 0.123 as 12.3, and n/a where none was measured."""
    return "n/a" if math.isnan(rate) else f"{100 * rate:.1f}"


def _or_none(number: float) -> float | None:
    return None if math.isnan(number) else number


def source_frequency(taxonomies: Sequence[Taxonomy], sources: Sequence[str]) -> NDArray[np.bool_]:
    """[sources, taxonomies] which sources each taxonomy trains."""
    return np.array([[source in taxonomy.sources for taxonomy in taxonomies] for source in sources])
