"""Which programs a batch runs, on whose images: what several callers asked for is computed together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One program's part of a batch.

    Args:
        tasks: The program's, in its order.
        requests: Positions in the batch of those whose images it takes.
    """

    tasks: tuple[str, ...]
    requests: tuple[int, ...]


def fused_sets(sets: Sequence[tuple[str, ...]]) -> dict[frozenset[str], tuple[str, ...]]:
    """Lists of tasks that are one program, by what they have in common with a list in another order."""
    return {frozenset(tasks): tasks for tasks in sets if len(tasks) > 1}


def plan(wanted: Sequence[tuple[str, ...]], fused: Mapping[frozenset[str], tuple[str, ...]]) -> tuple[Step, ...]:
    """Steps that compute everything, each program once.

    Requests for a fused set, in whatever order, run its program; for others each task's own program runs once, over the
    images of all who want it.

    Args:
        wanted: Each request's tasks.
        fused: From `fused_sets`.
    """
    steps: dict[tuple[str, ...], list[int]] = {}
    for request, tasks in enumerate(wanted):
        whole = fused.get(frozenset(tasks))
        for program in [whole] if whole is not None else [(task,) for task in tasks]:
            steps.setdefault(program, []).append(request)
    return tuple(Step(tasks, tuple(requests)) for tasks, requests in steps.items())
