"""What a visitor asks of the solver."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from taxonomy import TransferTable


class Role(StrEnum):
    """What a task is in a problem; the order is that in which a chip goes through them."""

    BOTH = "both"
    SOURCE = "source"
    TARGET = "target"
    OFF = "off"

    @property
    def is_source(self) -> bool:
        """Whether it may be trained."""
        return self in (Role.BOTH, Role.SOURCE)

    @property
    def is_target(self) -> bool:
        """Whether it is wanted."""
        return self in (Role.BOTH, Role.TARGET)


Numbers = tuple[tuple[str, float], ...]
"""Numbers of tasks, in dictionary order, without those that are 1, the default."""


@dataclass(frozen=True)
class Problem:
    """What `TaxonomySolver` is built for; equal problems are equal, so that they can be looked up.

    Args:
        max_order: Largest number of sources of a transfer.
        sources: The tasks that may be trained, in dictionary order.
        targets: The tasks that are wanted, in dictionary order.
        importance: Of targets; those of tasks that are no target count for nothing.
        cost: Of sources; likewise.
    """

    max_order: int
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    importance: Numbers = ()
    cost: Numbers = ()

    def role(self, name: str) -> Role:
        """What a task is in it."""
        wanted = name in self.targets
        if name in self.sources:
            return Role.BOTH if wanted else Role.SOURCE
        return Role.TARGET if wanted else Role.OFF

    @property
    def effective(self) -> "Problem":
        """The same problem without the numbers that count for nothing."""
        return replace(
            self,
            importance=tuple((name, number) for name, number in self.importance if name in self.targets),
            cost=tuple((name, number) for name, number in self.cost if name in self.sources),
        )


@dataclass(frozen=True)
class Settings:
    """A problem and its budget: everything that the controls say.

    Args:
        problem: All but the budget.
        budget: What the trained sources may cost.
    """

    problem: Problem
    budget: float


@dataclass(frozen=True)
class BudgetRange:
    """What the budget's slider goes through.

    Args:
        lowest: Its left end.
        highest: Its right end, what training every source costs.
        step: From one position to the next.
    """

    lowest: float
    highest: float
    step: float

    def nearest(self, budget: float) -> float:
        """The budget, or the end that it lies beyond."""
        inside = min(max(budget, self.lowest), self.highest)
        return float(round(inside)) if self.step == 1 and inside != self.highest else inside


def offered_roles(table: TransferTable) -> dict[str, tuple[Role, ...]]:
    """For each task of the table, in dictionary order, what it can be; the first is the default."""
    offered = {}
    for name in table.tasks.in_order({*table.trainable, *table.targets}):
        can_train, can_want = name in table.trainable, name in table.targets
        roles = {Role.BOTH: can_train and can_want, Role.SOURCE: can_train, Role.TARGET: can_want, Role.OFF: True}
        offered[name] = tuple(role for role, possible in roles.items() if possible)
    return offered


def problem_of(
    table: TransferTable,
    roles: Mapping[str, Role],
    max_order: int,
    importance: Mapping[str, float | None],
    cost: Mapping[str, float | None],
) -> Problem:
    """The problem that controls describe.

    Args:
        table: Affinities.
        roles: Of every task of the table.
        max_order: Largest number of sources of a transfer.
        importance: By task; None where the field is blank, which means 1.
        cost: Likewise.
    """
    ordered = table.tasks.in_order(roles)
    return Problem(
        max_order,
        tuple(name for name in ordered if roles[name].is_source),
        tuple(name for name in ordered if roles[name].is_target),
        _other_than_1(ordered, importance),
        _other_than_1(ordered, cost),
    )


def default_settings(table: TransferTable) -> Settings:
    """What `midlevel taxonomy solve` assumes, and a quarter of the sources as the budget."""
    return Settings(
        Problem(table.max_order, table.trainable, table.targets), float(max(1, round(len(table.trainable) / 4)))
    )


def budget_range(problem: Problem) -> BudgetRange | None:
    """The budgets that make sense: whole ones where costs are, and else about a hundred steps.

    None where nothing can be trained, or at impossible costs: whatever the budget, the solver says what is wrong.
    """
    given = dict(problem.effective.cost)
    costs = [given.get(name, 1.0) for name in problem.sources]
    if not costs or min(costs) <= 0:
        return None
    total = sum(costs)
    if all(cost == int(cost) for cost in costs):
        return BudgetRange(1, total, 1)
    step = _round_step(total / 100)
    return BudgetRange(step, total, step)


def _round_step(step: float) -> float:
    """The next larger of 1, 2, 5, 10, ... times a power of ten."""
    power = float(f"1e{f'{step:e}'.split('e')[1]}")
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)


def _other_than_1(ordered: Iterable[str], numbers: Mapping[str, float | None]) -> Numbers:
    found = ((name, numbers.get(name)) for name in ordered)
    return tuple((name, float(number)) for name, number in found if number is not None and number != 1)
