"""One task's images and targets, in memory: read once, then drawn in any order."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.permutations import PERMUTATION_COUNT
from perception.labels.task_inputs import prepared
from perception.labels.view import Label
from perception.objectives.objective import Objective, Targets
from perception.tasks import Input, Task
from taxonomy.dataset.dataset import Dataset
from taxonomy.dataset.relative_poses import ViewGroups

_AT_ONCE = 256
_LABELS_TO_FIT = 1024


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples of one task.

    Args:
        task: Whose.
        images: uint8 [M, H, W, 3], each image once.
        rows: int64 [N, V], the images of each sample.
        targets: [N, ...].
        mirror: Targets of mirrored images; if given, half of what is drawn for training is mirrored left to right.
    """

    task: Task
    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    targets: Targets
    mirror: Callable[[Targets], Targets] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def in_epoch(self) -> int:
        """How many samples count as one pass: as many as there are images, if views make more groups than that."""
        return min(len(self), len(self.images))

    def draw(self, chosen: NDArray[np.integer[Any]], rng: np.random.Generator) -> tuple[NDArray[np.uint8], Targets]:
        """Inputs uint8 [n, V, H, W, 3] and targets [n, ...] for training: noise, and orders of tiles, are new."""
        targets = self.targets[chosen]
        if self.task.input is Input.SHUFFLED:
            targets = rng.integers(PERMUTATION_COUNT, size=len(chosen)).astype(self.targets.dtype)
        images = self.images[self.rows[chosen]]
        if self.mirror is not None:
            turned = rng.random(len(chosen)) < 0.5
            images[turned], targets[turned] = images[turned][..., ::-1, :], self.mirror(targets[turned])
        return self._prepared(images, targets, rng), targets

    def fixed(self, start: int, stop: int) -> tuple[NDArray[np.uint8], Targets]:
        """The same from `start` to `stop` for tests: noise and orders of tiles are always the same."""
        chosen = np.arange(start, min(stop, len(self)))
        targets = self.targets[chosen]
        rng = np.random.default_rng([start, zlib.crc32(self.task.name.encode())])
        return self._prepared(self.images[self.rows[chosen]], targets, rng), targets

    def _prepared(self, images: NDArray[np.uint8], targets: Targets, rng: np.random.Generator) -> NDArray[np.uint8]:
        flat = images.reshape(-1, *images.shape[2:])
        return prepared(self.task.input, flat, targets, rng).reshape(images.shape)


def first_views(dataset: Dataset, split: str, count: int | None) -> NDArray[np.int64]:
    """Images of a split: all of them, or about `count`, the same number of each building's first views.

    A building's neighbouring views look at the same points, so that pairs stay together.

    Raises:
        UserError: If the split is empty.
    """
    indices = dataset.split(split)
    if not len(indices):
        raise UserError(f"{dataset.root}: the split {split!r} has no image; use more buildings.")
    if count is None or count >= len(indices):
        return indices
    buildings = dataset.index.building_of[indices]
    starts = np.flatnonzero(np.diff(buildings, prepend=-1))
    rank = np.arange(len(indices)) - np.repeat(starts, np.diff(starts, append=len(indices)))
    return indices[np.sort(np.argsort(rank, kind="stable")[:count])]


def sample_rows(dataset: Dataset, task: Task, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which images each sample of a task shows, int64 [N, V], as `load_targets` has it."""
    return _groups(dataset, task, indices)[1] if task.input.views > 1 else np.arange(len(indices))[:, None]


def _groups(
    dataset: Dataset, task: Task, indices: NDArray[np.int64], *, all_groups: bool = False
) -> tuple[ViewGroups, NDArray[np.int64]]:
    """As many groups as images, or all in every order; and their images as positions in `indices`."""
    groups = dataset.pairs(task.name, every_order=all_groups)
    place = np.full(len(dataset), -1)
    place[indices] = np.arange(len(indices))
    inside = np.flatnonzero((place[groups.indices] >= 0).all(axis=1))
    if not len(inside):
        raise UserError(f"{dataset.root}: none of the views of {task.name!r} lie together in this part; add images.")
    if len(inside) > len(indices) and not all_groups:
        inside = inside[np.linspace(0, len(inside) - 1, len(indices)).round().astype(int)]
    chosen = groups[inside]
    return chosen, place[chosen.indices]


def load_samples(
    dataset: Dataset, task: Task, objective: Objective, indices: NDArray[np.int64], *, augmented: bool = False
) -> Samples:
    """Read a task's images and targets.

    Args:
        dataset: Where from.
        task: Which.
        objective: Fitted; makes targets of labels.
        indices: int64 [M], images of the dataset.
        augmented: For training: draw mirrored images too, if the task says what becomes of its labels, and from all
            groups of views in every order, instead of as many as there are images.

    Raises:
        UserError: If the dataset lacks the task, or no image has a valid label.
    """
    rows, targets = load_targets(dataset, task, objective, indices, all_groups=augmented)
    signs = task.output.mirror_signs if augmented and task.output is not None else None
    mirror = None if signs is None else partial(objective.mirrored, signs=signs)
    return Samples(task, load_images(dataset, indices), rows, targets, mirror)


def load_images(dataset: Dataset, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Images uint8 [M, H, W, 3]."""
    return np.concatenate([dataset.batch(part, []).rgb for part in _parts(indices)])


def load_targets(
    dataset: Dataset, task: Task, objective: Objective, indices: NDArray[np.int64], *, all_groups: bool = False
) -> tuple[NDArray[np.int64], Targets]:
    """The samples of a task among these images, and their targets.

    A task that looks at several views gets the groups that lie within `indices`: at most as many as there are images,
    spread evenly, or all, in every order of their views.

    Returns:
        Which images each sample shows, int64 [N, V], positions in `indices`; and targets [N, ...].

    Raises:
        UserError: If the dataset lacks the task, or no image has a valid label.
    """
    rows = np.arange(len(indices))[:, None]
    if task.input.views > 1:
        chosen, rows = _groups(dataset, task, indices, all_groups=all_groups)
        targets = objective.targets(chosen.label)
    else:
        labels = (dataset.batch(part, [task.name]).labels[task.name] for part in _parts(indices))
        targets = np.concatenate([objective.targets(label) for label in labels])
    if not has_target(targets).any():
        raise UserError(f"{dataset.root}: none of {len(targets)} labels of {task.name!r} is valid; leave the task out.")
    return rows, targets


def _parts(indices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(indices), _AT_ONCE):
        yield indices[start : start + _AT_ONCE]


def has_target(targets: Targets) -> NDArray[np.bool_]:
    """Whether anything of a sample has a label, bool [N]."""
    flat: NDArray[Any] = targets.reshape(len(targets), -1)
    return np.asarray((~np.isnan(flat) if flat.dtype.kind == "f" else flat >= 0).any(axis=1))


def fit_objective(dataset: Dataset, task: Task, objective: Objective, indices: NDArray[np.int64]) -> Objective:
    """The objective scaled to training labels: of at most 1,024 samples, spread evenly.

    Raises:
        UserError: If the dataset lacks the task.
    """
    spread = indices[np.linspace(0, len(indices) - 1, min(len(indices), _LABELS_TO_FIT)).round().astype(int)]
    if task.input.views > 1:
        chosen, _ = _groups(dataset, task, indices)
        labels: list[Label] = [chosen.label]
    else:
        labels = [dataset.batch(part, [task.name]).labels[task.name] for part in _parts(spread)]
    return objective.fitted(labels)
