"""Labelled images, whatever folder they lie in.

dataset = open_dataset("data")
train = dataset.split("train")
batch = dataset.batch(train[:32], ["normal", "depth_zbuffer"])
batch.rgb, batch.labels["normal"].values, batch.labels["normal"].valid
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception.errors import UnknownNameError, UserError
from perception.labels.view import Label
from perception.tasks import TASKS
from taxonomy.dataset.labelling import DERIVED, derived_label
from taxonomy.dataset.manifest import SPLITS
from taxonomy.dataset.relative_poses import GROUPED, ViewGroups, view_groups
from taxonomy.dataset.views import GroupTable, ViewTable


@dataclass(frozen=True, eq=False)
class Batch:
    """N images and their labels.

    Args:
        rgb: uint8 [N, H, W, 3], sRGB.
        labels: By canonical task name; values and validity have N in front.
        indices: int64 [N], which images of the dataset these are.
    """

    rgb: NDArray[np.uint8]
    labels: Mapping[str, Label]
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class Sample:
    """One image and its labels.

    Args:
        rgb: uint8 [H, W, 3], sRGB.
        labels: By canonical task name.
        building: Its name.
        point: Number of the point that the camera fixates, within the building.
        view: Which of the point's views it is.
    """

    rgb: NDArray[np.uint8]
    labels: Mapping[str, Label]
    building: str
    point: int
    view: int


@dataclass(frozen=True)
class Skip:
    """A file, or view, that is left out for every task alike.

    Args:
        path: What is left out.
        reason: Why.
    """

    path: str
    reason: str


class ViewSource(Protocol):
    """Reads what one layout stores."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with a stored label for every view, by canonical name."""

    def read_rgb(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """uint8 [N, H, W, 3]."""

    def read_label(self, task: str, indices: NDArray[np.int64]) -> Label:
        """Values and validity, [N, ...]."""


@dataclass(frozen=True, eq=False)
class ViewIndex:
    """Which views there are.

    Args:
        buildings: Names.
        building_of: int32 [N], index into `buildings`.
        views: The N cameras; position and rotation are NaN where a folder does not tell.
        groups: Views that belong together, as indices of views.
        splits: Building names by split.
    """

    buildings: tuple[str, ...]
    building_of: NDArray[np.int32]
    views: ViewTable
    groups: GroupTable
    splits: Mapping[str, tuple[str, ...]]


class Dataset:
    """Images with labels for every task, split by building.

    Args:
        root: The folder.
        source: What reads it.
        index: Its views.
        classes: Names of class indices by task; a task without names is missing.
        skipped: What was left out.

    Raises:
        UserError: If a building is in two splits or in none.
    """

    def __init__(
        self,
        root: Path,
        source: ViewSource,
        index: ViewIndex,
        classes: Mapping[str, tuple[str, ...]],
        skipped: Sequence[Skip] = (),
    ) -> None:
        self.root = root
        self.index = index
        self.classes = dict(classes)
        self.skipped = tuple(skipped)
        self._source = source
        self._split_of_building = _check_splits(root, index)

    def __len__(self) -> int:
        return len(self.index.building_of)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with a label for each single view."""
        return (*DERIVED, *self._source.tasks)

    @property
    def buildings(self) -> tuple[str, ...]:
        """Names of all buildings."""
        return self.index.buildings

    def split(self, name: str) -> NDArray[np.int64]:
        """Indices of a split's images.

        Args:
            name: "train", "val" or "test".

        Raises:
            UnknownNameError: For another name.
        """
        if name not in SPLITS:
            raise UnknownNameError("split", name, SPLITS)
        return np.flatnonzero(self._split_of_building[self.index.building_of] == SPLITS.index(name))

    def sample(self, index: int, tasks: Sequence[str] | None = None) -> Sample:
        """One image with its labels.

        Args:
            index: From 0 to len - 1.
            tasks: Names or aliases; all if None.

        Raises:
            UserError: If the index is out of range, a task is unknown or has no label here, or a file is unreadable.
        """
        batch = self.batch([index], tasks)
        labels = {name: Label(label.values[0], np.asarray(label.valid[0])) for name, label in batch.labels.items()}
        return Sample(
            batch.rgb[0],
            labels,
            self.index.buildings[self.index.building_of[index]],
            int(self.index.views.point[index]),
            int(self.index.views.view[index]),
        )

    def batch(self, indices: ArrayLike, tasks: Sequence[str] | None = None) -> Batch:
        """Images with their labels, stacked.

        Args:
            indices: int [N], each from 0 to len - 1.
            tasks: Names or aliases; all if None.

        Raises:
            UserError: As `sample`.
        """
        chosen = np.asarray(indices, dtype=np.int64).reshape(-1)
        if len(chosen) and not (chosen.min() >= 0 and chosen.max() < len(self)):
            raise UserError(f"image {chosen.min()} to {chosen.max()} of {self.root}; it has 0 to {len(self) - 1}.")
        rgb = self._source.read_rgb(chosen)
        return Batch(rgb, {name: self._label(name, chosen, rgb) for name in self._names(tasks)}, chosen)

    def pairs(self, task: str, split: str | None = None, *, every_order: bool = False) -> ViewGroups:
        """Pairs or triplets of views for a task that looks at several, with its labels.

        Args:
            task: fixated_pose, nonfixated_pose, egomotion or point_matching.
            split: Only groups of this split's buildings; all if None.
            every_order: Each group in every order of its views that means the same; see `GroupTable.in_every_order`.

        Raises:
            UserError: If the task looks at single views, or the folder does not tell where its cameras stand.
        """
        name = TASKS[task].name
        if name not in GROUPED:
            raise UserError(f"the task {name!r} looks at one view; {', '.join(GROUPED)} look at several.")
        table = self.index.groups.in_every_order() if every_order else self.index.groups
        groups = view_groups(name, self.index.views, table)
        if groups.label.values.dtype.kind == "f" and not np.isfinite(groups.label.values).all():
            raise UserError(f"{self.root} does not tell where its cameras stand; {name!r} has no labels in it.")
        if split is None:
            return groups
        wanted = np.zeros(len(self), dtype=bool)
        wanted[self.split(split)] = True
        return groups[np.flatnonzero(wanted[groups.indices[:, 0]])]

    def _names(self, tasks: Sequence[str] | None) -> tuple[str, ...]:
        if tasks is None:
            return self.tasks
        known = set(self.tasks)
        names = tuple(TASKS[task].name if task in TASKS else task for task in tasks)
        for name in names:
            if name in GROUPED:
                raise UserError(f"the task {name!r} looks at several views; its labels come from `pairs`.")
            if name not in known:
                raise UnknownNameError(f"task in {self.root}", name, self.tasks)
        return names

    def _label(self, task: str, indices: NDArray[np.int64], rgb: NDArray[np.uint8]) -> Label:
        if task not in DERIVED:
            return self._source.read_label(task, indices)
        labels = [derived_label(task, image) for image in rgb]
        return Label(np.stack([label.values for label in labels]), np.stack([label.valid for label in labels]))


def _check_splits(root: Path, index: ViewIndex) -> NDArray[np.int8]:
    found: dict[str, str] = {}
    for split in SPLITS:
        for building in index.splits.get(split, ()):
            if building in found:
                raise UserError(
                    f"{root}: building {building!r} is in splits {found[building]} and {split}; put it in one."
                )
            found[building] = split
    for building in index.buildings:
        if building not in found:
            raise UserError(f"{root}: building {building!r} is in no split; add it to one.")
    return np.array([SPLITS.index(found[building]) for building in index.buildings], np.int8)
