"""Which views a folder in the published layout has: their cameras, their groups, their splits."""

import csv
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from taxonomy.dataset.dataset import ViewIndex
from taxonomy.dataset.files import read_json
from taxonomy.dataset.manifest import SPLITS, Manifest, split_buildings
from taxonomy.dataset.pairing import MOST_PARTNERS
from taxonomy.dataset.published import GROUPS, Z_UP
from taxonomy.dataset.views import ARRAYS, GroupTable, ViewTable, fixated_groups

ViewKey = tuple[str, int, int]
"""Building, point, view."""


def index_of(
    root: Path, keys: Sequence[ViewKey], documents: Sequence[Mapping[str, object]], manifest: Manifest | None
) -> ViewIndex:
    """The index of views.

    Args:
        root: The folder.
        keys: The views that are read, sorted.
        documents: Their metadata; empty where there are none.
        manifest: Where this program wrote the folder.

    Raises:
        UserError: If a table of groups or splits is damaged, or leaves a building out.
    """
    buildings = tuple(sorted({key[0] for key in keys}))
    number = {name: index for index, name in enumerate(buildings)}
    building_of = np.array([number[key[0]] for key in keys], np.int32)
    views = _views(keys, documents)
    own = [root / name / GROUPS for name in buildings]
    if manifest is not None and all(path.is_file() for path in own):
        groups = _own_groups(own, building_of, documents)
    else:
        pairs, triplets = fixated_groups(building_of.astype(np.int64) << 32 | views.point)
        shared = _shared_points(building_of, views.point, documents)
        matching = np.concatenate([np.ones(len(pairs), np.int32), np.zeros(len(shared), np.int32)])
        groups = GroupTable(pairs, triplets, shared, np.concatenate([pairs, shared]), matching)
    splits = manifest.splits if manifest is not None else _splits(root, buildings)
    return ViewIndex(buildings, building_of, views, groups, splits)


def _views(keys: Sequence[ViewKey], documents: Sequence[Mapping[str, object]]) -> ViewTable:
    from scipy.spatial.transform import Rotation

    def numbers(name: str, count: int) -> NDArray[np.float64]:
        unknown = [np.nan] * count
        rows = [document.get(name) or unknown for document in documents]
        return np.array([row if _are_numbers(row) and len(row) == count else unknown for row in rows], np.float64)

    rotation = np.full((len(keys), 3, 3), np.nan)
    angles = numbers("camera_rotation_final", 3)  # the sample building has no quaternions
    known = np.isfinite(angles).all(axis=1)
    if known.any():
        rotation[known] = Z_UP.T @ Rotation.from_euler("xyz", angles[known]).as_matrix()
    quaternion = numbers("camera_rotation_final_quaternion", 4)
    known = np.isfinite(quaternion).all(axis=1) & (np.abs(quaternion).sum(axis=1) > 0)
    if known.any():
        turn = Rotation.from_quat(quaternion[known][:, [1, 2, 3, 0]]).as_matrix()
        rotation[known] = Z_UP.T @ turn
    hfov = [document.get("field_of_view_rads") for document in documents]
    room = [document.get("room", -1) for document in documents]
    return ViewTable(
        (numbers("camera_location", 3) @ Z_UP).astype(np.float32),
        rotation.astype(np.float32),
        np.degrees([value if isinstance(value, float) else np.nan for value in hfov]).astype(np.float32),
        (numbers("point_location", 3) @ Z_UP).astype(np.float32),
        np.array([key[1] for key in keys], np.int32),
        np.array([key[2] for key in keys], np.int32),
        np.array([value if isinstance(value, int) else -1 for value in room], np.int32),
    )


def with_vanishing_point(document: dict[str, object]) -> dict[str, object]:
    """Metadata with the label of vanishing_point, where they name the building's three axes as the camera sees them."""
    named = document.get("vanishing_points_gaussian_sphere")
    rows = [named.get(axis) for axis in "xyz"] if isinstance(named, dict) else []
    if not rows or not all(_are_numbers(row) and len(row) == 3 for row in rows):
        return document
    x, y, up = np.array(rows, np.float64)
    right, forward = (x, y) if abs(x[0]) >= abs(y[0]) else (y, x)
    right, up, forward = (
        v * (-1 if v[axis] * sign < 0 else 1) for v, axis, sign in ((right, 0, 1), (up, 1, 1), (forward, 2, -1))
    )
    return {**document, "vanishing_point": [right[1], right[2], up[0], up[2], forward[0], forward[1]]}


def _are_numbers(row: object) -> TypeGuard[list[float]]:
    return isinstance(row, list) and all(isinstance(value, (int, float)) for value in row)


def _shared_points(
    building_of: NDArray[np.int32], point: NDArray[np.int32], documents: Sequence[Mapping[str, object]]
) -> NDArray[np.int32]:
    """Non-fixated pairs, int32 [Q, 2], from the points that a view sees away from its centre, as its metadata say.

    The first view of each such pair is the point's first one.
    """
    fixating: dict[tuple[int, int], int] = {}
    places = list(zip(building_of.tolist(), point.tolist(), strict=True))
    for index, place in enumerate(places):
        fixating.setdefault(place, index)
    pairs = []
    for second, (place, document) in enumerate(zip(places, documents, strict=True)):
        listed = document.get("nonfixated_points_in_view")
        others = {other for other in listed if isinstance(other, int)} if isinstance(listed, list) else set()
        found = (fixating.get((place[0], other)) for other in sorted(others - {place[1]}))
        pairs += [(first, second) for first in islice((first for first in found if first is not None), MOST_PARTNERS)]
    return np.array(pairs, np.int32).reshape(-1, 2)


def _own_groups(
    paths: Sequence[Path], building_of: NDArray[np.int32], documents: Sequence[Mapping[str, object]]
) -> GroupTable:
    """Tables as written, which number the views of a building as its metadata do; without views left out."""
    rows = np.array([document["row"] for document in documents], np.int64)
    tables = []
    for number, path in enumerate(paths):
        document = read_json(path)
        here = np.flatnonzero(building_of == number)
        position = np.full(int(rows[here].max()) + 1, -1)
        position[rows[here]] = here
        try:
            tables.append(_renumbered(document, position))
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise UserError(f"{path} is malformed ({type(error).__name__}: {error}); render again.") from None
    return GroupTable.joined(tables, [0] * len(tables))


def _renumbered(document: Mapping[str, object], position: NDArray[np.int64]) -> GroupTable:
    arrays = {
        name: np.array(document[name], np.int64).reshape(-1, *ARRAYS[f"group_{name}"][1])
        for name in ("fixated_pairs", "fixated_triplets", "nonfixated_pairs", "matching_pairs", "matching")
    }
    matching = arrays.pop("matching")
    moved, kept = {}, {}
    for name, pairs in arrays.items():
        views = np.where(pairs < len(position), position[np.minimum(pairs, len(position) - 1)], -1)
        kept[name] = (views >= 0).all(axis=1)
        moved[name] = views[kept[name]].astype(np.int32)
    return GroupTable(**moved, matching=matching[kept["matching_pairs"]].astype(np.int32))


def _splits(root: Path, buildings: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """From a CSV with the columns id, train, val, test in the folder, as Taskonomy has it; else 70 : 15 : 15."""
    for path in sorted(root.glob("*.csv")):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        if rows and {"id", *SPLITS} <= set(rows[0]):
            chosen = {row["id"]: next((s for s in SPLITS if str(row[s]).strip() == "1"), None) for row in rows}
            named = {building: chosen.get(building.split("/")[-1]) for building in buildings}
            lost = [building for building, split in named.items() if split is None]
            if lost:
                raise UserError(f"{path} puts building {lost[0]!r} in no split ({len(lost)} in all); add it there.")
            return {split: tuple(b for b in buildings if named[b] == split) for split in SPLITS}
    return split_buildings(buildings)
