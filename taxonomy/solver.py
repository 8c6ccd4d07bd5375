"""Step IV: the taxonomy, the best set of transfers under a supervision budget (Taskonomy, section 3.4)."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perception import UserError
from taxonomy.programme import COST_TOLERANCE, SolverError
from taxonomy.selection import Choice, Selection, SelectionSolver
from taxonomy.transfers import Transfer, TransferTable

_WIDEST = 1e6  # ratio of the largest to the smallest cost that the solver's arithmetic can tell apart
_LARGEST = 1e9


@dataclass(frozen=True)
class Taxonomy:
    """An optimal policy of supervision: which tasks to train, and how every target is reached from them.

    Args:
        objective: Sum over targets of importance times affinity.
        budget: What the trained sources were allowed to cost.
        max_order: Largest number of sources that a transfer was allowed to have.
        sources: Names of the tasks to train, in dictionary order.
        transfers: One transfer of the table for each target, in dictionary order.
        seconds: Time the solver took.
    """

    objective: float
    budget: float
    max_order: int
    sources: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    seconds: float

    def to_json(self) -> dict[str, object]:
        """What `midlevel taxonomy solve --json` prints."""
        return {
            "status": "optimal",
            "objective": self.objective,
            "budget": self.budget,
            "max_order": self.max_order,
            "sources": list(self.sources),
            "transfers": [
                {"target": t.target, "sources": list(t.trained_sources), "affinity": t.affinity} for t in self.transfers
            ],
            "seconds": self.seconds,
        }


class TaxonomySolver:
    """Finds the optimal taxonomy for any budget; the model is built once.

    Exact, and the same on every run: among taxonomies of equal objective (to a billionth of the largest edge) the one
    whose sources cost least, then the one whose sources come first in the dictionary; given the sources, each target
    takes its best transfer, of equals that with the fewest sources, then that whose sources come first.

    Args:
        table: Affinities.
        max_order: Largest number of sources of a transfer; all orders by default.
        sources: S, the tasks that may be trained; every source of the table by default.
        targets: T, the tasks that are wanted; every target of the table by default.
        importance: Weight >= 0 of targets; 1 for those not named.
        cost: Cost > 0 of training a source; 1 for those not named. With costs, budgets are in their unit.
        forced: Sources that are trained in any case.
        forbidden: Sources that are not trained in any case.

    Raises:
        UserError: For an unknown name, a number out of its range, or a target that no allowed transfer reaches.
    """

    def __init__(
        self,
        table: TransferTable,
        *,
        max_order: int | None = None,
        sources: Iterable[str] | None = None,
        targets: Iterable[str] | None = None,
        importance: Mapping[str, float] | None = None,
        cost: Mapping[str, float] | None = None,
        forced: Iterable[str] = (),
        forbidden: Iterable[str] = (),
    ) -> None:
        if max_order is not None and max_order < 1:
            raise UserError(f"the maximum order is {max_order}; expected at least 1.")
        self.table = table
        self.max_order = table.max_order if max_order is None else max_order
        names = table.tasks.canonical
        trainable = table.trainable
        excluded = _subset("forbidden source", names(forbidden), trainable)
        allowed = trainable if sources is None else _subset("source", names(sources), trainable)
        self.sources = table.tasks.in_order(set(allowed) - set(excluded))
        self.targets = table.targets if targets is None else _subset("target", names(targets), table.targets)
        self.targets = table.tasks.in_order(self.targets)
        if not self.sources or not self.targets:
            raise UserError(f"no {'source' if not self.sources else 'target'} is left; a taxonomy needs at least one.")
        self.forced = _subset("forced source", names(forced), self.sources)
        self.importance = self._numbers("importance", importance, self.targets, "a target", allow_zero=True)
        self.cost = self._numbers("cost", cost, self.sources, "a source that may be trained", allow_zero=False)
        cheapest, dearest = min(self.cost.values()), max(self.cost.values())
        if dearest > _WIDEST * cheapest:
            raise UserError(
                f"costs go from {cheapest:g} to {dearest:g}; within a factor of {_WIDEST:g} they can be solved exactly."
            )
        self.candidates = tuple(
            transfer
            for transfer in table
            if transfer.target in self.importance
            and transfer.order <= self.max_order
            and transfer.is_candidate
            and all(source in self.cost for source in transfer.trained_sources)
        )
        self._require_reachable()

    def solve(self, budget: float) -> Taxonomy:
        """The optimal taxonomy whose sources cost at most `budget`: with unit costs, the most sources trained.

        Raises:
            UserError: If the budget is no possible one, or no taxonomy keeps within it: saying which target is out of
                reach, and the smallest budget that reaches all.
            SolverError: If the solver's answer does not survive the re-check.
        """
        self._require_sensible(budget)
        start = time.perf_counter()
        choice = self._solver.best(budget)
        if choice is None:
            raise UserError(self._why_infeasible(budget))
        taxonomy = self._taxonomy(choice, budget, time.perf_counter() - start)
        self._verify(taxonomy)
        return taxonomy

    def sweep(self, budgets: Iterable[float] | None = None) -> Iterator[Taxonomy]:
        """The optimal taxonomy of each budget; by default of every whole one from the smallest feasible."""
        for budget in self.feasible_budgets if budgets is None else budgets:
            yield self.solve(budget)

    @cached_property
    def minimum_budget(self) -> float:
        """The smallest budget that reaches every target."""
        lowest = self._solver.lowest_cost()
        if lowest is None:
            raise SolverError("every target has a transfer, but no set of sources reaches all.")
        return lowest

    @property
    def feasible_budgets(self) -> Sequence[int]:
        """Every whole budget from the smallest feasible to that of all sources."""
        return range(math.ceil(self.minimum_budget), math.floor(self.total_cost) + 1)

    @property
    def total_cost(self) -> float:
        """What training every source costs."""
        return math.fsum(self.cost.values())

    @cached_property
    def selection(self) -> Selection:
        """The problem in arrays: sources as `self.sources`, options as `self.candidates`, targets as `self.targets`."""
        column = {name: index for index, name in enumerate(self.sources)}
        row = {name: index for index, name in enumerate(self.targets)}
        needs = np.zeros((len(self.candidates), len(column)), dtype=np.bool_)
        for option, transfer in enumerate(self.candidates):
            needs[option, [column[source] for source in transfer.trained_sources]] = True
        return Selection(
            needs,
            np.array([row[transfer.target] for transfer in self.candidates]),
            np.array([self.importance[transfer.target] * transfer.affinity for transfer in self.candidates]),
            np.array(list(self.cost.values())),
            np.array([name in self.forced for name in self.sources]),
        )

    @cached_property
    def _solver(self) -> SelectionSolver:
        return SelectionSolver(self.selection)

    def _numbers(
        self, what: str, given: Mapping[str, float] | None, names: Iterable[str], kind: str, *, allow_zero: bool
    ) -> dict[str, float]:
        numbers = dict.fromkeys(names, 1.0)
        given = given or {}
        for name, (original, number) in zip(self.table.tasks.canonical(given), given.items(), strict=True):
            if name not in numbers:
                raise UserError(f"{what} is given for {original!r}, which is not {kind} here; leave it out.")
            if not 0 <= number <= _LARGEST or (number == 0 and not allow_zero):
                bound = ">=" if allow_zero else ">"
                raise UserError(
                    f"the {what} of {original!r} is {number}; expected a finite number {bound} 0, at most {_LARGEST:g}."
                )
            numbers[name] = float(number)
        return numbers

    def _require_reachable(self) -> None:
        reached = {transfer.target for transfer in self.candidates}
        for target in self.targets:
            if target in reached:
                continue
            present = [t for t in self.table if t.target == target and t.is_candidate]
            short = [t for t in present if t.order <= self.max_order]
            if not present:
                why = "the table has only baselines for it"
            elif not short:
                why = f"each of its {len(present)} transfers has more than {self.max_order} sources"
            else:
                missing = sorted({name for t in short for name in t.trained_sources if name not in self.cost})
                why = f"its {len(short)} transfers need sources that are not allowed ({', '.join(missing)})"
            raise UserError(f"the target {target!r} cannot be reached: {why}.")

    def _require_sensible(self, budget: float) -> None:
        unit_costs = set(self.cost.values()) == {1.0}
        unit = "the number of sources to train" if unit_costs else "the total cost of the sources to train"
        if not (math.isfinite(budget) and budget > 0):
            raise UserError(f"the budget is {budget}; expected {unit}, more than 0.")
        if unit_costs and budget != int(budget):
            raise UserError(
                f"the budget is {budget}; it is {unit}, so give {math.floor(budget)} or {math.ceil(budget)}."
            )
        if budget > self.total_cost * (1 + 1e-9):
            raise UserError(
                f"the budget is {budget:.12g}; training all {len(self.cost)} sources costs {self.total_cost:.12g}."
            )
        forced = math.fsum(self.cost[name] for name in self.forced)
        if forced > budget * (1 + 1e-9):
            raise UserError(f"the forced sources cost {forced:.12g}, more than the budget, {budget:.12g}; force fewer.")

    def _why_infeasible(self, budget: float) -> str:
        """Leave as few targets as possible unserved, and say which."""
        problem = self.selection
        n_sources, n_targets = len(self.sources), len(self.targets)
        served_or_not = Selection(
            np.vstack([problem.needs, np.zeros((n_targets, n_sources), dtype=np.bool_)]),
            np.concatenate([problem.target, np.arange(n_targets)]),
            np.concatenate([np.zeros(len(problem.target)), -np.ones(n_targets)]),
            problem.cost,
            problem.forced,
        )
        choice = SelectionSolver(served_or_not).best(budget)
        if choice is None:
            raise SolverError("HiGHS finds no answer even where targets may be left unserved.")
        unserved = [
            name for name, option in zip(self.targets, choice.options, strict=True) if option >= len(problem.target)
        ]
        return (
            f"no taxonomy keeps within a budget of {budget:.12g}: at best {', '.join(map(repr, unserved))} "
            f"{'stays' if len(unserved) == 1 else 'stay'} without its sources; "
            f"reaching every target takes a budget of {self.minimum_budget:.12g}."
        )

    def _taxonomy(self, choice: Choice, budget: float, seconds: float) -> Taxonomy:
        return Taxonomy(
            objective=choice.value,
            budget=budget,
            max_order=self.max_order,
            sources=tuple(name for name, chosen in zip(self.sources, choice.sources, strict=True) if chosen),
            transfers=tuple(self.candidates[option] for option in choice.options),
            seconds=seconds,
        )

    def _verify(self, taxonomy: Taxonomy) -> None:
        """Re-check the answer against constraints I to III and the user's own, from the table, not from the model."""
        trained = set(taxonomy.sources)
        problems = {
            "a target without exactly one transfer": tuple(t.target for t in taxonomy.transfers) != self.targets,
            "an untrained source": any(not trained.issuperset(t.trained_sources) for t in taxonomy.transfers),
            "a forbidden source": not trained.issubset(self.cost),
            "a forced source untrained": not trained.issuperset(self.forced),
            "a baseline": any(not t.is_candidate for t in taxonomy.transfers),
            "too high an order": any(t.order > self.max_order for t in taxonomy.transfers),
            "a cost over the budget": math.fsum(self.cost.get(name, 0.0) for name in trained)
            > taxonomy.budget * (1 + COST_TOLERANCE),
            "a wrong objective": not math.isclose(
                taxonomy.objective, math.fsum(self.importance[t.target] * t.affinity for t in taxonomy.transfers)
            ),
        }
        found = [name for name, is_there in problems.items() if is_there]
        if found:
            raise SolverError(f"the solver's answer has {', '.join(found)}; it is not returned.")


def solve(
    table: TransferTable,
    budget: float,
    *,
    max_order: int | None = None,
    sources: Iterable[str] | None = None,
    targets: Iterable[str] | None = None,
    importance: Mapping[str, float] | None = None,
    cost: Mapping[str, float] | None = None,
    forced: Iterable[str] = (),
    forbidden: Iterable[str] = (),
) -> Taxonomy:
    """The optimal taxonomy for one budget; arguments and errors as `TaxonomySolver` and its `solve`."""
    return TaxonomySolver(
        table,
        max_order=max_order,
        sources=sources,
        targets=targets,
        importance=importance,
        cost=cost,
        forced=forced,
        forbidden=forbidden,
    ).solve(budget)


def _subset(kind: str, names: tuple[str, ...], known: Iterable[str]) -> tuple[str, ...]:
    known = tuple(known)
    for name in names:
        if name not in known:
            raise UserError(f"{name!r} cannot be a {kind} here; possible are {', '.join(known)}.")
    return names
