"""What is known about each view besides its pixels, and which views belong together."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ViewTable:
    """The cameras of N views of one building.

    Args:
        position: float32 [N, 3], metres, Y up.
        rotation: float32 [N, 3, 3], camera to world; the view goes along -z.
        hfov_deg: float32 [N], horizontal field of view.
        target: float32 [N, 3], the point of the scene that the camera fixates.
        point: int32 [N], which point that is; views of one point follow each other.
        view: int32 [N], which of the point's views.
        room: int32 [N], index of the room the camera stands in, -1 where it stands in none.
    """

    position: NDArray[np.float32]
    rotation: NDArray[np.float32]
    hfov_deg: NDArray[np.float32]
    target: NDArray[np.float32]
    point: NDArray[np.int32]
    view: NDArray[np.int32]
    room: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.position)

    def __getitem__(self, index: NDArray[np.integer] | slice) -> "ViewTable":
        return ViewTable(*(getattr(self, field.name)[index] for field in fields(self)))

    @property
    def distance_m(self) -> NDArray[np.float32]:
        """float32 [N]: from each camera to the point it fixates."""
        return np.asarray(np.linalg.norm(self.target - self.position, axis=-1), np.float32)

    @classmethod
    def joined(cls, tables: "list[ViewTable]") -> "ViewTable":
        """One table after the other."""
        return cls(*(np.concatenate([getattr(table, field.name) for table in tables]) for field in fields(cls)))


@dataclass(frozen=True, eq=False)
class GroupTable:
    """Views that belong together, as indices of views.

    Args:
        fixated_pairs: int32 [P, 2], both fixate one point.
        fixated_triplets: int32 [T, 3], all fixate one point.
        nonfixated_pairs: int32 [Q, 2]: the second sees the point that the first fixates, away from its own centre.
        matching_pairs: int32 [M, 2], pairs whose centres show one point, or two.
        matching: int32 [M], 1 where they show one.
    """

    fixated_pairs: NDArray[np.int32]
    fixated_triplets: NDArray[np.int32]
    nonfixated_pairs: NDArray[np.int32]
    matching_pairs: NDArray[np.int32]
    matching: NDArray[np.int32]

    @classmethod
    def joined(cls, tables: "list[GroupTable]", starts: list[int]) -> "GroupTable":
        """One table after the other; `starts` is added to the indices of each."""
        shifted = {
            field.name: [getattr(table, field.name) + start for table, start in zip(tables, starts, strict=True)]
            for field in fields(cls)
            if field.name != "matching"
        }
        arrays = {name: np.concatenate(parts).astype(np.int32) for name, parts in shifted.items()}
        return cls(**arrays, matching=np.concatenate([table.matching for table in tables]))

    def in_every_order(self) -> "GroupTable":
        """The same groups with their views in every order that means the same: two of pairs, six of triplets.

        Of a non-fixated pair the second view sees what the first fixates, so that its order stays.
        """
        from itertools import permutations

        pairs, triplets, matching = (
            np.concatenate([groups[:, order] for order in permutations(range(groups.shape[1]))])
            for groups in (self.fixated_pairs, self.fixated_triplets, self.matching_pairs)
        )
        return GroupTable(pairs, triplets, self.nonfixated_pairs, matching, np.tile(self.matching, 2))


ARRAYS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "camera_position": ("float32", (3,)),
    "camera_rotation": ("float32", (3, 3)),
    "camera_hfov_deg": ("float32", ()),
    "camera_target": ("float32", (3,)),
    "camera_point": ("int32", ()),
    "camera_view": ("int32", ()),
    "camera_room": ("int32", ()),
    "group_fixated_pairs": ("int32", (2,)),
    "group_fixated_triplets": ("int32", (3,)),
    "group_nonfixated_pairs": ("int32", (2,)),
    "group_matching_pairs": ("int32", (2,)),
    "group_matching": ("int32", ()),
}
"""Names of both tables' arrays in files, with their dtype and the shape of one row."""


def to_arrays(views: ViewTable, groups: GroupTable) -> dict[str, NDArray[np.generic]]:
    """Both tables as named arrays, as files have them."""
    return {
        **{f"camera_{field.name}": getattr(views, field.name) for field in fields(ViewTable)},
        **{f"group_{field.name}": getattr(groups, field.name) for field in fields(GroupTable)},
    }


def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> tuple[ViewTable, GroupTable]:
    """The inverse of `to_arrays`."""
    return (
        ViewTable(**{field.name: arrays[f"camera_{field.name}"] for field in fields(ViewTable)}),  # type: ignore[arg-type]
        GroupTable(**{field.name: arrays[f"group_{field.name}"] for field in fields(GroupTable)}),  # type: ignore[arg-type]
    )


def fixated_groups(point: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """All pairs int32 [P, 2] and triplets int32 [T, 3] of views that fixate one point, given each view's point."""
    from itertools import combinations

    pairs: list[tuple[int, ...]] = []
    triplets: list[tuple[int, ...]] = []
    order = np.argsort(point, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(point[order])) + 1):
        pairs += combinations(members.tolist(), 2)
        triplets += combinations(members.tolist(), 3)
    return np.array(pairs, np.int32).reshape(-1, 2), np.array(triplets, np.int32).reshape(-1, 3)
