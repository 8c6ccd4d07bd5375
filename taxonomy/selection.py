"""Choosing sources under a budget: what the taxonomy and the coverage set have in common.

Both choose *sources* so that every *target* is served by its best *option*, an option being usable when all the sources
it needs are chosen (Taskonomy, section 3.4; k-centre and k-median have one source an option).
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from taxonomy.programme import Programme, Relaxation, SolverError, magnitude

TIE_TOLERANCE = 1e-9
"""Totals that differ by less than this share of the largest option's value count as equal."""


@dataclass(frozen=True)
class Selection:
    """A selection problem over n sources, m options and t targets.

    Args:
        needs: [m, n] bool, the sources that an option needs.
        target: [m] int, the target that an option serves, in 0 .. t-1, each of them at least once.
        value: [m] float, finite, what an option is worth; larger is better.
        cost: [n] float, positive, what a source costs; within a factor of a million of each other.
        forced: [n] bool, the sources that must be chosen.
    """

    needs: NDArray[np.bool_]
    target: NDArray[np.intp]
    value: NDArray[np.float64]
    cost: NDArray[np.float64]
    forced: NDArray[np.bool_]

    @cached_property
    def n_targets(self) -> int:
        """Number of targets."""
        return int(self.target.max()) + 1

    @cached_property
    def preference(self) -> NDArray[np.intp]:
        """Options without the dominated ones, those of one target from its most to its least preferred.

        Preferred is the larger value, then the fewer sources, then the sources that come first. An option is dominated
        if its sources contain those of one that is preferred to it: wherever it could be used, the other can be.
        """
        comes_late = np.packbits(~self.needs, axis=1)  # read as a number: small where early sources are needed
        order = np.lexsort((*comes_late.T[::-1], self.needs.sum(axis=1), -self.value, self.target))
        kept = []
        for block in np.split(order, np.flatnonzero(np.diff(self.target[order])) + 1):
            needs = self.needs[block].astype(np.float32)
            contains = needs @ needs.T >= needs.sum(axis=1)  # [i, j]: i needs everything that j needs
            kept.append(block[~np.tril(contains, -1).any(axis=1)])
        return np.concatenate(kept)

    def best_options(self, chosen: NDArray[np.bool_]) -> NDArray[np.intp] | None:
        """The most preferred usable option of each target, or None if a target has none.

        Args:
            chosen: [n] bool, the sources that are chosen.

        Returns:
            [t] option indices.
        """
        usable = self.preference[~(self.needs[self.preference] & ~chosen).any(axis=1)]
        targets, first = np.unique(self.target[usable], return_index=True)
        return usable[first] if len(targets) == self.n_targets else None

    def choice(self, chosen: NDArray[np.bool_]) -> "Choice":
        """The best use of chosen sources, without those that it does not need.

        Raises:
            SolverError: If they do not serve every target.
        """
        options = self.best_options(chosen)
        if options is None:
            raise SolverError(f"the sources {np.flatnonzero(chosen)} do not serve every target.")
        needed = self.needs[options].any(axis=0) | self.forced
        return Choice(needed, options, math.fsum(self.value[options]), math.fsum(self.cost[needed]))


@dataclass(frozen=True)
class Choice:
    """A solution of a selection problem.

    Args:
        sources: [n] bool, the chosen sources, each of them needed or forced.
        options: [t] int, the option that serves each target.
        value: Sum of the options' values.
        cost: Sum of the sources' costs.
    """

    sources: NDArray[np.bool_]
    options: NDArray[np.intp]
    value: float
    cost: float


class SelectionSolver:
    """Solves one selection problem exactly, for any number of budgets.

    The answer is the same on every run: among choices of equal value (within `TIE_TOLERANCE`) the cheapest, then the
    one whose set of sources comes first when sets are compared source by source in the problem's order.

    How: the relaxation is mostly whole, and then the optimum. Where it is not, branch and bound over its fractional
    sources gives a good choice, and reduced costs then fix the sources on which no better one can differ. What is left
    is one search for a rival: a choice as good that lacks one of the chosen sources. Finding none proves the choice
    both optimal and unique; a better one takes its place; an equal one starts the tie-break.
    """

    def __init__(self, problem: Selection) -> None:
        self._problem = problem
        options = problem.preference
        value = problem.value[options]
        self._tolerance = TIE_TOLERANCE * magnitude(value)
        self._programme = Programme(problem.needs[options], problem.target[options], value, problem.cost)
        self._anything = np.ones(len(problem.cost), dtype=np.bool_)

    def best(self, budget: float) -> Choice | None:
        """The best choice of sources whose total cost is at most `budget`; None if no choice serves every target.

        Raises:
            SolverError: If the solver fails, or its answer does not survive the re-check.
        """
        self._free()
        self._programme.limit_cost(budget)
        self._programme.maximise_value()
        relaxation = self._programme.relax()
        best = None if relaxation is None else self._good_choice(relaxation)
        if relaxation is None or best is None:
            return None
        while True:
            self._fix(relaxation, best)
            rival = self._rival(best)
            better = rival if self._beats(rival, best) else self._extension(best, relaxation)
            if better is None or not self._beats(better, best):
                break
            best = better
        return best if rival is None else self._first_of_equals(best)

    def lowest_cost(self) -> float | None:
        """The smallest budget that serves every target; None if no budget does."""
        self._free()
        self._programme.limit_cost(math.inf)
        self._programme.minimise_cost()
        chosen = self._programme.solve()
        return None if chosen is None else self._problem.choice(chosen).cost

    def _good_choice(self, relaxation: Relaxation) -> Choice | None:
        """The optimum if the relaxation is whole, and else the best choice that agrees with it wherever it is."""
        if relaxation.is_whole:
            return self._problem.choice(relaxation.chosen)
        whole = relaxation.whole
        self._programme.bound_sources(self._problem.forced | (relaxation.chosen & whole), relaxation.chosen | ~whole)
        chosen = self._programme.branch_and_bound()
        self._free()
        if chosen is None:
            chosen = self._programme.branch_and_bound()
        return None if chosen is None else self._problem.choice(chosen)

    def _beats(self, choice: Choice | None, best: Choice) -> bool:
        return choice is not None and choice.value > best.value + self._tolerance

    def _extension(self, best: Choice, relaxation: Relaxation) -> Choice | None:
        """The best choice that has all of these sources, if it could be better."""
        if relaxation.objective <= best.value + self._tolerance:
            return None
        self._programme.bound_sources(best.sources, self._anything)
        chosen = self._programme.solve()
        self._fix(relaxation, best)
        return None if chosen is None else self._problem.choice(chosen)

    def _fix(self, relaxation: Relaxation, known: Choice) -> None:
        """Fix the sources on which every choice at least as good as the known one agrees with the relaxation."""
        slack = relaxation.objective - known.value + 10 * self._tolerance
        fixed = relaxation.whole & (relaxation.reduced_cost > slack)
        self._programme.bound_sources(self._problem.forced | (fixed & relaxation.chosen), ~fixed | relaxation.chosen)

    def _free(self) -> None:
        self._programme.bound_sources(self._problem.forced, self._anything)

    def _rival(self, best: Choice) -> Choice | None:
        """The best choice, within the present limits, without one of these sources, if it is as good."""
        self._programme.maximise_value()
        self._programme.exclude(best.sources)
        try:
            relaxation = self._programme.relax()
            if relaxation is None or relaxation.objective < best.value - self._tolerance:
                return None
            chosen = relaxation.chosen if relaxation.is_whole else self._programme.branch_and_bound()
        finally:
            self._programme.exclude(None)
        rival = None if chosen is None else self._problem.choice(chosen)
        return rival if rival is not None and rival.value >= best.value - self._tolerance else None

    def _first_of_equals(self, best: Choice) -> Choice:
        """Apply the tie-break to an optimal choice that has a rival."""
        with self._worth_at_least(best.value - self._tolerance):
            self._programme.minimise_cost()
            best = self._known(self._programme.solve())
            self._programme.limit_cost(best.cost)
            if self._rival(best) is None:
                return best
            return self._first_in_order(best)

    def _first_in_order(self, best: Choice) -> Choice:
        """Decide source by source, in order, whether an equally good and cheap choice has it."""
        self._programme.minimise_cost()
        chosen, possible = self._problem.forced.copy(), self._anything.copy()
        for source in range(len(chosen)):
            if not (best.sources & ~chosen).any():
                break  # nothing of the same cost can be added to what is decided
            chosen[source] = True
            if best.sources[source]:
                continue
            self._programme.bound_sources(chosen, possible)
            rival = self._programme.solve()
            if rival is None:
                chosen[source] = possible[source] = False
            else:
                best = self._problem.choice(rival)
        return best

    @contextmanager
    def _worth_at_least(self, value: float) -> Iterator[None]:
        self._programme.require_value(value)
        try:
            yield
        finally:
            self._programme.require_value(-math.inf)

    def _known(self, chosen: NDArray[np.bool_] | None) -> Choice:
        if chosen is None:
            raise SolverError("HiGHS finds no answer where one is known.")
        return self._problem.choice(chosen)
