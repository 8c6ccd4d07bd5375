"""How many labelled images a taxonomy's policy saves (Taskonomy, section 4.2 and IJCAI 2019).

Training every task by itself needs all its labels; under a budget only the chosen sources do, and every other task
needs the readouts' few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from taxonomy.losses import LossTable
from taxonomy.solver import Taxonomy, TaxonomySolver
from taxonomy.transfers import SELF, TransferTable

TASKS_STUDIED = (
    "edge_texture", "keypoints2d", "depth_zbuffer", "normal", "reshading", "edge_occlusion", "segment_unsup25d",
    "room_layout", "vanishing_point", "class_scene",
)  # fmt: skip
"""Ten tasks of all four groups."""

_LEAST_TASKS = 2


@dataclass(frozen=True)
class Policy:
    """One way to solve the studied tasks.

    Args:
        name: "taxonomy" or "independent".
        trained: Tasks whose networks are trained in full; the budget.
        labelled_images: Over all tasks together, an image counted once for each task that it is labelled for.
        performance: Mean over tasks of (constant guess's loss - loss) / (constant guess's loss - full network's loss):
            0 is not looking, 1 is full supervision.
    """

    name: str
    trained: int
    labelled_images: int
    performance: float

    def to_json(self) -> dict[str, object]:
        """As in `supervision.json`."""
        return asdict(self)


@dataclass(frozen=True)
class Evidence:
    """Mean test losses of the studied tasks.

    Args:
        constant: Of the best constant guess, by task.
        full: Of the fully supervised network.
        independent: By number of training images, of networks trained by themselves on as many.
    """

    constant: Mapping[str, float]
    full: Mapping[str, float]
    independent: Mapping[int, Mapping[str, float]]

    @property
    def learned(self) -> frozenset[str]:
        """Tasks whose full network is better than guessing; the others have no scale from 0 to 1."""
        return frozenset(task for task, loss in self.full.items() if loss < self.constant[task])

    def performance(self, losses: Mapping[str, float]) -> float:
        """See `Policy.performance`.

        Args:
            losses: Of tasks that were learned.
        """
        shares = [
            (self.constant[task] - loss) / (self.constant[task] - self.full[task]) for task, loss in losses.items()
        ]
        return float(np.mean(shares))


def supervision_study(
    table: TransferTable,
    losses: LossTable,
    evidence: Evidence,
    *,
    train_images: int,
    readout_images: int,
) -> list[Policy]:
    """The taxonomy's policy for every budget, and independent training on as many images as were tried.

    Args:
        table: Affinities.
        losses: Test losses, for the policy's performance.
        evidence: Of independent training; those of its tasks are studied that are targets and were learned.
        train_images: That a fully trained network sees.
        readout_images: That a readout sees.

    Returns:
        Nothing if fewer than two tasks are left.
    """
    tasks = [task for task in table.targets if task in evidence.learned]
    if len(tasks) < _LEAST_TASKS:
        return []
    means = {entry.target: _means(entry.open(), entry.sources) for entry in losses}
    solver = TaxonomySolver(table, sources=tasks, targets=tasks)
    policies = []
    for taxonomy in solver.sweep():
        trained = len(taxonomy.sources)
        transferred = sum(1 for transfer in taxonomy.transfers if transfer.sources != (SELF,))
        policies.append(
            Policy(
                "taxonomy",
                trained,
                trained * train_images + transferred * readout_images,
                evidence.performance(_losses_of(taxonomy, means)),
            )
        )
    for images, by_task in sorted(evidence.independent.items()):
        alone = evidence.performance({task: by_task[task] for task in tasks})
        policies.append(Policy("independent", len(tasks), images * len(tasks), alone))
    return policies


def images_needed(policies: Sequence[Policy], performance: float) -> float | None:
    """Labelled images that independent training needs for a performance, interpolated over their logarithm.

    More images that do not help are passed over: what fewer reach needs no more.

    Returns:
        None beyond what was tried.
    """
    curve: list[Policy] = []
    for policy in sorted((p for p in policies if p.name == "independent"), key=lambda p: p.labelled_images):
        if not curve or policy.performance > curve[-1].performance:
            curve.append(policy)
    if len(curve) < 2 or not curve[0].performance <= performance <= curve[-1].performance:
        return None
    images = np.log([policy.labelled_images for policy in curve])
    return float(np.exp(np.interp(performance, [policy.performance for policy in curve], images)))


def _means(losses: NDArray[np.floating], sources: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], float]:
    return dict(zip(sources, np.nanmean(losses, axis=0).tolist(), strict=True))


def _losses_of(taxonomy: Taxonomy, means: Mapping[str, Mapping[tuple[str, ...], float]]) -> dict[str, float]:
    return {transfer.target: means[transfer.target][transfer.sources] for transfer in taxonomy.transfers}
