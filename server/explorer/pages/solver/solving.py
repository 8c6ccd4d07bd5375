"""Solutions, found once and shared by everybody who asks the same."""

from functools import lru_cache
from threading import Lock

from server.explorer.pages.solver.settings import Problem, Settings
from taxonomy import Taxonomy, TaxonomySolver, TransferTable

_PROBLEMS = 32
_SOLUTIONS = 2048


class _Shared:
    """A solver that waits until nobody else uses it."""

    def __init__(self, table: TransferTable, problem: Problem) -> None:
        self._lock = Lock()
        self._solver = TaxonomySolver(
            table,
            max_order=problem.max_order,
            sources=problem.sources,
            targets=problem.targets,
            importance=dict(problem.importance),
            cost=dict(problem.cost),
        )

    def solve(self, budget: float) -> Taxonomy:
        with self._lock:
            return self._solver.solve(budget)


def solution(table: TransferTable, settings: Settings) -> Taxonomy:
    """The optimal taxonomy, as `midlevel taxonomy solve` finds it.

    Raises:
        UserError: As `TaxonomySolver` and its `solve`.
    """
    return _solution(table, settings.problem.effective, settings.budget)


@lru_cache(maxsize=_SOLUTIONS)
def _solution(table: TransferTable, problem: Problem, budget: float) -> Taxonomy:
    return _shared(table, problem).solve(budget)


@lru_cache(maxsize=_PROBLEMS)
def _shared(table: TransferTable, problem: Problem) -> _Shared:
    return _Shared(table, problem)
