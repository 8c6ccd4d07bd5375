"""What a batch computes: everything asked for, each program once."""

from hypothesis import given
from hypothesis import strategies as st

from server.inference.plan import Step, fused_sets, plan

AB = ("a", "b")


def test_a_set_is_fused_in_any_order_and_what_is_no_set_is_computed_task_by_task_for_all_who_want_it() -> None:
    steps = plan([AB, ("b",), ("b", "a"), ("a", "c"), ("c",), AB], fused_sets([AB, ("c",)]))
    assert steps == (
        Step(AB, (0, 2, 5)),
        Step(("b",), (1,)),
        Step(("a",), (3,)),
        Step(("c",), (3, 4)),
    )


tasks = st.permutations("abcd").flatmap(lambda order: st.integers(1, 4).map(lambda k: tuple(order[:k])))


@given(wanted=st.lists(tasks, max_size=12), sets=st.lists(tasks, max_size=3))
def test_every_request_gets_each_of_its_tasks_once_and_no_program_runs_twice(
    wanted: list[tuple[str, ...]], sets: list[tuple[str, ...]]
) -> None:
    steps = plan(wanted, fused_sets(sets))
    assert len({step.tasks for step in steps}) == len(steps)
    for request, names in enumerate(wanted):
        computed = [task for step in steps if request in step.requests for task in step.tasks]
        assert sorted(computed) == sorted(names)
    for step in steps:
        assert len(step.tasks) == 1 or step.tasks in sets
        assert step.requests
