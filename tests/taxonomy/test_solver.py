"""The taxonomy solver against brute force, against the published optimum, and on bad input."""

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from perception import Group, Task, TaskDictionary, UserError
from taxonomy import SolverError, Transfer, TransferTable, solve
from taxonomy.selection import Selection, SelectionSolver
from taxonomy.solver import TaxonomySolver
from tests.taxonomy.brute_force import best_taxonomy
from tests.taxonomy.instances import Instance, instances


@settings(max_examples=400, deadline=None)
@given(instances())
def test_equals_brute_force_with_ties_costs_importances_and_infeasible_instances(instance: Instance) -> None:
    i = instance
    expected = best_taxonomy(
        i.table, i.budget, sources=i.sources, targets=i.targets, max_order=i.max_order,
        importance=i.importance, cost=i.cost, forced=i.forced, forbidden=i.forbidden,
    )  # fmt: skip
    spendable = math.fsum(i.cost.get(s, 1.0) for s in i.sources if s not in i.forbidden)
    try:
        found = solve(
            i.table, i.budget, max_order=i.max_order, importance=i.importance,
            cost={s: c for s, c in i.cost.items() if s not in i.forbidden}, forced=i.forced, forbidden=i.forbidden,
        )  # fmt: skip
    except UserError as error:
        event("refused")
        if expected is not None and i.budget <= spendable:
            raise AssertionError(f"brute force finds {expected}") from error
        return
    event("solved")
    assert expected is not None
    assert found.objective == pytest.approx(expected.objective, abs=1e-9)
    assert found.sources == expected.sources
    order = {name: index for index, name in enumerate(i.table.tasks)}
    chosen = tuple((t.target, tuple(sorted(t.trained_sources, key=order.__getitem__))) for t in found.transfers)
    assert chosen == expected.chosen


@settings(max_examples=100, deadline=None)
@given(instances())
def test_a_sweep_gives_what_single_solves_give(instance: Instance) -> None:
    try:
        solver = TaxonomySolver(instance.table, max_order=instance.max_order, importance=instance.importance)
        budgets = solver.feasible_budgets
    except UserError:
        return
    swept = [replace(taxonomy, seconds=0) for taxonomy in solver.sweep(reversed(budgets))]
    alone = [
        replace(solve(instance.table, b, max_order=instance.max_order, importance=instance.importance), seconds=0)
        for b in reversed(budgets)
    ]
    assert swept == alone


@pytest.mark.parametrize(("budget", "objective"), [(2, 1.532514), (4, 1.999718), (8, 2.247202), (12, 2.373688)])
def test_published_first_order_optimum(published: TransferTable, budget: int, objective: float) -> None:
    assert solve(published, budget, max_order=1).objective == pytest.approx(objective, abs=5e-7)


def test_published_optimum_for_four_sources_names_the_sources_of_the_paper(published: TransferTable) -> None:
    taxonomy = solve(published, 4, max_order=1)
    assert taxonomy.sources == ("denoising", "edge_texture", "keypoints2d", "normal")


def test_published_objective_never_falls_with_budget_or_order(published: TransferTable) -> None:
    objectives = [
        [t.objective for t in TaxonomySolver(published, max_order=order).sweep(range(1, 27))] for order in (1, 2, 4, 24)
    ]
    assert all(len(row) == 26 for row in objectives)
    for row in objectives:
        assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(row))
    for lower, higher in itertools.pairwise(objectives):
        assert all(h >= low - 1e-9 for low, h in zip(lower, higher, strict=True))


TASKS = TaskDictionary(Task(name, Group.TWO_D, aliases=(f"old_{name}",)) for name in ("p", "q", "r", "s"))


def table(*rows: tuple[str, str, float]) -> TransferTable:
    return TransferTable([Transfer(tuple(sources.split("+")), target, p) for sources, target, p in rows], TASKS)


def selection(options: list[tuple[list[int], int, float]], n: int) -> Selection:
    needs = np.zeros((len(options), n), dtype=np.bool_)
    for row, (sources, _, _) in enumerate(options):
        needs[row, sources] = True
    return Selection(
        needs,
        np.array([target for _, target, _ in options]),
        np.array([value for _, _, value in options]),
        np.ones(n),
        np.zeros(n, dtype=np.bool_),
    )


def test_a_good_choice_that_leaves_budget_over_is_extended() -> None:
    """The relaxation is fractional here, and rounding it finds a choice that can still be added to."""
    options = [([4, 6], 0, 10), ([2], 0, 31), ([2, 5], 0, 34), ([2, 3], 0, 14), ([2, 6], 1, 14), ([0, 1, 2, 6], 1, 20)]
    best = SelectionSolver(selection([(s, t, float(v)) for s, t, v in options], 7)).best(3)
    assert best is not None
    assert best.value == 48


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-6, 1.0, 1e3]), st.booleans())
def test_larger_problems_in_any_order_of_budgets_equal_brute_force(seed: int, scale: float, negative: bool) -> None:
    """Seven to nine sources, values of any sign and size, costs; infeasible budgets in between."""
    rng = np.random.default_rng(seed)
    n, t = int(rng.integers(7, 10)), int(rng.integers(1, 6))
    options = [
        (list(rng.choice(n, size=rng.integers(1, 5), replace=False)), target, float(rng.integers(-20 * negative, 40)))
        for target in range(t)
        for _ in range(rng.integers(2, 9))
    ]
    problem = selection([(sources, target, value * scale) for sources, target, value in options], n)
    cost = rng.integers(1, 5, n) / 2.0 if rng.random() < 0.5 else np.ones(n)
    problem = replace(problem, cost=cost)
    solver = SelectionSolver(problem)
    sets = np.array([[bool(code >> s & 1) for s in range(n)] for code in range(2**n)])
    usable = ~(problem.needs[None] & ~sets[:, None]).any(axis=2)
    value = np.zeros(2**n)
    for target in range(t):
        mine = np.where(usable & (problem.target == target), problem.value, -np.inf)
        value += mine.max(axis=1)
    for budget in rng.permutation(np.arange(0.5, cost.sum(), 1.0))[:6]:
        affordable = np.where(sets @ cost <= budget + 1e-9, value, -np.inf)
        best = solver.best(float(budget))
        if np.isinf(affordable.max()):
            assert best is None
            continue
        assert best is not None
        assert best.value == pytest.approx(affordable.max(), abs=1e-9 * scale * 40)
        tied = np.flatnonzero(affordable >= affordable.max() - 1e-9 * scale * 40)
        expected = min(tied, key=lambda code: (round(float(sets[code] @ cost), 9), np.flatnonzero(sets[code]).tolist()))
        assert best.sources.tolist() == sets[expected].tolist()


def test_one_dear_source_does_not_loosen_the_budget() -> None:
    rows = table(("p", "s", 0.9), ("q", "s", 0.5), ("r", "s", 0.2))
    assert solve(rows, 100, cost={"p": 100.002, "q": 50, "r": 3e6}).sources == ("q",)
    assert solve(rows, 2e-9, cost={"p": 2e-9, "q": 1e-9, "r": 1e-9}).sources == ("p",)
    with pytest.raises(UserError, match=r"costs go from 1 to 1e\+08; within a factor of 1e\+06"):
        solve(rows, 1, cost={"r": 1e8})


@pytest.mark.parametrize("affinity", [5e-324, 1e-200, 1e9])
def test_affinities_of_any_size_are_solved(affinity: float) -> None:
    assert solve(table(("p", "s", affinity), ("q", "s", affinity / 2)), 1).sources == ("p",)


def test_a_wrong_answer_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(("p", "s", 0.9), ("q", "s", 0.5), ("p", "r", 0.1), ("p+q", "r", 0.3))
    solver = TaxonomySolver(rows, max_order=1, forced=["p"], forbidden=["q"])
    right = solver.solve(1)
    transfers = {(t.sources, t.target): t for t in rows}
    wrong = {
        "a target without exactly one transfer": {"transfers": right.transfers[:1]},
        "an untrained source": {"sources": ("q",)},
        "a forbidden source": {"sources": ("p", "q")},
        "a forced source untrained": {"sources": ()},
        "too high an order": {"transfers": (transfers[("p", "q"), "r"], right.transfers[1])},
        "a cost over the budget": {"budget": 0.5},
        "a wrong objective": {"objective": right.objective + 1e-6},
    }
    for complaint, change in wrong.items():
        with monkeypatch.context() as patch:
            patch.setattr(solver, "_taxonomy", lambda *_, change=change: replace(right, **change))
            with pytest.raises(SolverError, match=complaint):
                solver.solve(1)


def test_of_equal_taxonomies_the_cheapest_then_the_first_in_the_dictionary_wins() -> None:
    same = table(("p", "s", 0.5), ("q", "s", 0.5), ("r", "s", 0.5))
    assert solve(same, 3).sources == ("p",)
    assert solve(same, 3, cost={"p": 2}).sources == ("q",)


def test_a_transfer_of_equal_worth_with_fewer_sources_is_preferred() -> None:
    result = solve(table(("p+q", "r", 0.5), ("q", "r", 0.5), ("p", "s", 0.9), ("q", "s", 0.1)), 2)
    assert result.transfers[0].sources == ("q",)


def test_self_means_training_the_target() -> None:
    result = solve(table(("self", "r", 0.9), ("p", "r", 0.2)), 1)
    assert result.sources == ("r",)
    assert result.to_json()["transfers"] == [{"target": "r", "sources": ["r"], "affinity": 0.9}]


def test_baselines_are_never_chosen_even_among_other_sources() -> None:
    result = solve(table(("random", "r", 0.9), ("pixels", "r", 0.9), ("p+random", "r", 0.9), ("p", "r", 0.1)), 1)
    assert result.objective == pytest.approx(0.1)


def test_aliases_are_accepted_and_canonical_names_returned() -> None:
    result = solve(table(("p", "r", 0.2), ("q", "r", 0.1)), 1, sources=["old_q"], importance={"old_r": 2})
    assert result.sources == ("q",)
    assert result.objective == pytest.approx(0.2)


TWO_TARGETS = table(("p", "r", 0.2), ("q", "r", 0.1), ("p+q", "s", 0.1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 0}, "the budget is 0; expected the number of sources to train, more than 0"),
        ({"budget": -3}, "the budget is -3"),
        ({"budget": 1.5}, "the budget is 1.5; it is the number of sources to train, so give 1 or 2"),
        ({"budget": 3}, "the budget is 3; training all 2 sources costs 2"),
        ({"budget": math.nan}, "the budget is nan"),
        ({"budget": 1}, "at best 's' stays without its sources; reaching every target takes a budget of 2"),
        ({"max_order": 0}, "the maximum order is 0"),
        ({"max_order": 1}, "the target 's' cannot be reached: each of its 1 transfers has more than 1 sources"),
        ({"sources": ["p"]}, r"the target 's' cannot be reached: its 1 transfers need sources .*not allowed \(q\)"),
        ({"sources": ["p", "old_p"]}, "the task 'p' is named twice, as 'p' and as 'old_p'"),
        ({"sources": ["pp"]}, "unknown task 'pp'; did you mean 'p'"),
        ({"sources": ["s"]}, "'s' cannot be a source here; possible are p, q"),
        ({"sources": []}, "no source is left"),
        ({"targets": []}, "no target is left"),
        ({"targets": ["q"]}, "'q' cannot be a target here"),
        ({"importance": {"q": 1}}, "importance is given for 'q', which is not a target here"),
        ({"importance": {"s": -1}}, "the importance of 's' is -1; expected a finite number >= 0"),
        ({"importance": {"s": math.inf}}, "the importance of 's' is inf"),
        ({"cost": {"p": 0}}, "the cost of 'p' is 0; expected a finite number > 0"),
        ({"cost": {"s": 1}}, "cost is given for 's', which is not a source that may be trained"),
        ({"forced": ["p"], "forbidden": ["p"]}, "'p' cannot be a forced source here"),
        ({"forced": ["p", "q"], "budget": 1}, "the forced sources cost 2, more than the budget, 1"),
        ({"forbidden": ["p", "q"]}, "no source is left"),
    ],
)
def test_bad_input_gets_one_clear_sentence(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        solve(TWO_TARGETS, **{"budget": 2, **arguments})  # type: ignore[arg-type]
    assert not re.search(r"[\n]", str(caught.value))


def test_a_target_known_by_baselines_only_is_named() -> None:
    with pytest.raises(UserError, match="'s' cannot be reached: the table has only baselines for it"):
        solve(table(("p", "r", 0.2), ("random", "s", 0.1)), 1)
