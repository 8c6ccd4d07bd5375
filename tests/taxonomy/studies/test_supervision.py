"""Supervision saved, counted by hand on three tasks."""

from itertools import pairwise

import numpy as np
import pytest

from taxonomy import Transfer, TransferTable
from taxonomy.losses import LossTable, TargetLosses
from taxonomy.studies import Evidence, Policy, images_needed, supervision_study

TASKS = ("depth_zbuffer", "normal", "class_scene")
TRAIN, READOUT = 1000, 100

# Mean losses of each target from each source; `self` is the full network.
LOSSES = {
    "normal": {"self": 0.2, "depth_zbuffer": 0.4, "class_scene": 0.8},
    "depth_zbuffer": {"self": 0.1, "normal": 0.2, "class_scene": 0.9},
    "class_scene": {"self": 0.5, "normal": 1.0, "depth_zbuffer": 1.4},
}
CONSTANT = {"normal": 1.0, "depth_zbuffer": 1.1, "class_scene": 1.5}
FULL = {task: by_source["self"] for task, by_source in LOSSES.items()}
SCRATCH = {"normal": 0.6, "depth_zbuffer": 0.6, "class_scene": 1.2}


def share(task: str, loss: float) -> float:
    return (CONSTANT[task] - loss) / (CONSTANT[task] - FULL[task])


def table() -> TransferTable:
    """The smaller the loss, the larger the affinity."""
    return TransferTable(
        Transfer((source,), target, 2 - loss) for target, row in LOSSES.items() for source, loss in row.items()
    )


def losses(scale: float = 0.05) -> LossTable:
    """Two images each, the mean as above, and one without a label."""
    entries = []
    for target, row in LOSSES.items():
        means = np.array(list(row.values()))
        values = np.stack([means - scale, np.full(len(means), np.nan), means + scale])
        entries.append(TargetLosses(target, tuple((source,) for source in row), lambda values=values: values))  # type: ignore[misc]
    return LossTable(entries)


def evidence(**changes: dict[str, float]) -> Evidence:
    return Evidence(
        changes.get("constant", CONSTANT),
        changes.get("full", FULL),
        {READOUT: SCRATCH, TRAIN: changes.get("full", FULL)},
    )


def study(given: Evidence | None = None) -> list[Policy]:
    return supervision_study(table(), losses(), given or evidence(), train_images=TRAIN, readout_images=READOUT)


def test_images_and_performance_of_every_budget_are_those_counted_by_hand() -> None:
    ours = [policy for policy in study() if policy.name == "taxonomy"]
    expected = [  # trained, labelled images, losses
        (1, TRAIN + 2 * READOUT, {"normal": 0.2, "depth_zbuffer": 0.2, "class_scene": 1.0}),  # normal
        (2, 2 * TRAIN + READOUT, {"normal": 0.2, "depth_zbuffer": 0.2, "class_scene": 0.5}),  # normal, class_scene
        (3, 3 * TRAIN, FULL),
    ]
    assert [(policy.trained, policy.labelled_images) for policy in ours] == [(t, images) for t, images, _ in expected]
    for policy, (_, _, by_task) in zip(ours, expected, strict=True):
        assert policy.performance == pytest.approx(np.mean([share(task, loss) for task, loss in by_task.items()]))
    assert ours[-1].performance == pytest.approx(1)


def test_independent_training_counts_its_images_for_every_task() -> None:
    alone = [policy for policy in study() if policy.name == "independent"]
    assert [(policy.trained, policy.labelled_images) for policy in alone] == [(3, 3 * READOUT), (3, 3 * TRAIN)]
    assert alone[0].performance == pytest.approx(np.mean([share(task, loss) for task, loss in SCRATCH.items()]))
    assert alone[1].performance == pytest.approx(1)


def test_a_task_that_full_supervision_does_not_help_is_not_studied() -> None:
    hopeless = study(evidence(constant=CONSTANT | {"class_scene": 0.5}))
    assert {policy.trained for policy in hopeless if policy.name == "independent"} == {2}
    assert max(policy.labelled_images for policy in hopeless) == 2 * TRAIN
    assert all(0 <= policy.performance <= 1 + 1e-9 for policy in hopeless)
    assert study(evidence(constant=dict.fromkeys(TASKS, 0.15))) == [], "one task alone has nothing to transfer to"


def test_images_needed_are_read_between_what_was_tried_over_the_logarithm() -> None:
    policies = [Policy("independent", 3, images, p) for images, p in ((100, 0.2), (10_000, 0.6), (1_000_000, 1.0))]
    policies.append(Policy("taxonomy", 1, 5, 0.4))
    assert images_needed(policies, 0.2) == pytest.approx(100)
    assert images_needed(policies, 0.4) == pytest.approx(1000)
    assert images_needed(policies, 0.8) == pytest.approx(100_000)
    assert images_needed(policies, 0.19) is None
    assert images_needed(policies, 1.01) is None


def test_more_images_that_do_not_help_need_not_be_paid_for() -> None:
    tried = ((100, 0.3), (1000, 0.2), (10_000, 0.3), (1_000_000, 0.9))
    policies = [Policy("independent", 3, images, performance) for images, performance in tried]
    assert images_needed(policies, 0.3) == pytest.approx(100)
    needed = [images_needed(policies, performance) for performance in np.linspace(0.3, 0.9, 13)]
    assert all(a is not None and b is not None and a < b for a, b in pairwise(needed))


def test_one_point_of_independent_training_is_no_curve() -> None:
    assert images_needed([Policy("independent", 3, 100, 0.5)], 0.5) is None
