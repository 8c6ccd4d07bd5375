"""Labels of pairs and triplets, from the tables of cameras; all groups at once.

A pose is that of the second camera in the first one's frame: translation (m), then rotation vector (rad), as
`perception.labels.relative_pose` has it for one pair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.labels.view import Label
from taxonomy.dataset.views import GroupTable, ViewTable


@dataclass(frozen=True, eq=False)
class ViewGroups:
    """G groups of V views, and what their task says about each.

    Args:
        indices: int64 [G, V], images of the dataset.
        label: Values [G, 6], [G, 18] or [G]; valid [G].
    """

    indices: NDArray[np.int64]
    label: Label

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, rows: NDArray[np.integer] | slice) -> "ViewGroups":
        return ViewGroups(self.indices[rows], Label(self.label.values[rows], self.label.valid[rows]))


def relative_poses(views: ViewTable, first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float32]:
    """Poses of cameras `second` in the frames of cameras `first`, float32 [G, 6]; NaN where a pose is unknown."""
    from scipy.spatial.transform import Rotation

    if not len(first):
        return np.zeros((0, 6), np.float32)
    to_first = views.rotation[first].astype(np.float64).swapaxes(1, 2)
    offset = views.position[second].astype(np.float64) - views.position[first]
    translation = np.einsum("gij,gj->gi", to_first, offset)
    turn = to_first @ views.rotation[second]
    known = np.isfinite(turn).all(axis=(1, 2)) & np.isfinite(translation).all(axis=1)
    vectors = np.full((len(first), 3), np.nan)
    if known.any():
        vectors[known] = Rotation.from_matrix(turn[known]).as_rotvec()
    return np.concatenate([translation, vectors], axis=1).astype(np.float32)


def view_groups(task: str, views: ViewTable, groups: GroupTable) -> ViewGroups:
    """The groups that a task looks at, and its labels.

    Args:
        task: One of `GROUPED`.
        views: All cameras.
        groups: Which belong together.
    """
    return GROUPED[task](views, groups)


def _posed(views: ViewTable, indices: NDArray[np.int32], steps: tuple[tuple[int, int], ...]) -> ViewGroups:
    values = np.concatenate([relative_poses(views, indices[:, a], indices[:, b]) for a, b in steps], axis=1)
    return ViewGroups(indices.astype(np.int64), Label(values, np.ones(len(indices), dtype=bool)))


def _matching(views: ViewTable, groups: GroupTable) -> ViewGroups:
    del views
    label = Label(groups.matching, np.ones(len(groups.matching), dtype=bool))
    return ViewGroups(groups.matching_pairs.astype(np.int64), label)


GROUPED: Mapping[str, Callable[[ViewTable, GroupTable], ViewGroups]] = {
    "fixated_pose": lambda views, groups: _posed(views, groups.fixated_pairs, ((0, 1),)),
    "nonfixated_pose": lambda views, groups: _posed(views, groups.nonfixated_pairs, ((0, 1),)),
    "egomotion": lambda views, groups: _posed(views, groups.fixated_triplets, ((0, 1), (1, 2), (2, 0))),
    "point_matching": _matching,
}
"""Tasks that look at several views."""
