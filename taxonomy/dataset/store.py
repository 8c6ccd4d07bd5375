"""The compact training store: for each building one folder of .npy files, read through memory maps.

A view's label is one slice of one file, so any sample costs two reads, whatever the order.
"""

import io
import os
import resource
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.classes import ClassLists
from perception.labels.view import Label
from taxonomy.dataset.dataset import Dataset, ViewIndex
from taxonomy.dataset.files import INDEX, FolderWriter, entries_of, load_array, read_json
from taxonomy.dataset.manifest import Manifest
from taxonomy.dataset.quantisation import Quantisation
from taxonomy.dataset.shard import Shard
from taxonomy.dataset.views import ARRAYS, GroupTable, ViewTable, from_arrays, to_arrays

LAYOUT = "store"


def write_shard(root: Path, shard: Shard, manifest: Manifest) -> str:
    """Write one building.

    Args:
        root: The dataset's folder.
        shard: The building.
        manifest: Says how each domain is quantised.

    Returns:
        SHA-256 of its index.

    Raises:
        UserError: If the folder cannot be written; nothing is left then.
    """
    with FolderWriter(root / shard.building) as writer:
        codes = {name: shard.codes_in(name, stored) for name, stored in manifest.quantisation.items()}
        for name, array in {**codes, **to_arrays(shard.views, shard.groups)}.items():
            whole = np.ascontiguousarray(array)
            header = _header(whole.shape, whole.dtype.str)
            writer.write(f"{name}.npy", header, whole.data.cast("B") if whole.size else b"")
        return writer.finish(shard.facts())


@lru_cache(maxsize=256)
def _header(shape: tuple[int, ...], dtype: str) -> bytes:
    """How the .npy file of such an array begins."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def open_store(root: Path, manifest: Manifest) -> Dataset:
    """Open a folder in the compact layout.

    Raises:
        UserError: If a building's index is missing or damaged.
    """
    counts, tables, groups = [], [], []
    for building in manifest.buildings:
        index = read_json(root / building / INDEX)
        entries_of(index, root / building / INDEX)
        counts.append(int(index["views"]))  # type: ignore[call-overload]
        views, grouped = from_arrays({name: _table(root / building / f"{name}.npy", counts[-1]) for name in ARRAYS})
        tables.append(views)
        groups.append(grouped)
    starts = np.concatenate([[0], np.cumsum(counts)])
    index_of_views = ViewIndex(
        manifest.buildings,
        np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        ViewTable.joined(tables),
        GroupTable.joined(groups, starts[:-1].tolist()),
        manifest.splits,
    )
    source = StoreSource(root, manifest, index_of_views.building_of, starts)
    return Dataset(root, source, index_of_views, named_classes(manifest.classes))


def _table(path: Path, views: int) -> NDArray[np.generic]:
    values = load_array(path)
    dtype, row = ARRAYS[path.stem]
    has_count = len(values) == views if values.ndim and path.stem.startswith("camera_") else values.ndim > 0
    if values.dtype != dtype or values.shape[1:] != row or not has_count:
        raise UserError(
            f"{path} holds {values.dtype} {list(values.shape)}, expected {dtype} with rows of {list(row)}; "
            "`midlevel data verify` lists all that is damaged."
        )
    return values


def named_classes(classes: ClassLists) -> dict[str, tuple[str, ...]]:
    """Names of class indices by task."""
    return {
        "class_object": classes.objects,
        "class_selected": classes.selected,
        "class_scene": classes.scenes,
        "segment_semantic": classes.segments,
    }


class StoreSource:
    """Reads stored codes and decodes them.

    Every memory map keeps a file descriptor, of which a process has few (often 1,024): a quarter of them is used. Files
    beyond that are opened for each view anew.

    Args:
        root: The dataset's folder.
        manifest: Its manifest.
        building_of: int32 [N], each view's building.
        starts: int64 [B + 1], each building's first view.
    """

    def __init__(
        self, root: Path, manifest: Manifest, building_of: NDArray[np.int32], starts: NDArray[np.int64]
    ) -> None:
        self._root = root
        self._buildings = manifest.buildings
        self._stored: Mapping[str, Quantisation] = manifest.quantisation
        self._size = manifest.spec.size
        self._building_of = building_of
        self._starts = starts
        self._maps: dict[tuple[int, str], NDArray[np.generic]] = {}
        self._most_maps = max(16, min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with a stored label for every view."""
        return tuple(name for name in self._stored if name != "rgb")

    def read_rgb(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """uint8 [N, H, W, 3]."""
        return self._codes("rgb", indices)  # type: ignore[return-value]

    def read_label(self, task: str, indices: NDArray[np.int64]) -> Label:
        """Values and validity, [N, ...]."""
        return self._stored[task].decode(self._codes(task, indices))

    def _codes(self, name: str, indices: NDArray[np.int64]) -> NDArray[np.generic]:
        stored = self._stored[name]
        codes = np.empty((len(indices), *stored.array_shape(self._size, self._size)), stored.dtype)
        buildings = self._building_of[indices]
        for row, (building, index) in enumerate(zip(buildings.tolist(), indices.tolist(), strict=True)):
            self._read(building, name, index - int(self._starts[building]), codes[row : row + 1])
        return codes

    def _read(self, building: int, name: str, view: int, out: NDArray[np.generic]) -> None:
        """Copy one view's codes into `out`, [1, ...]."""
        key = (building, name)
        mapped = self._maps.get(key)
        if mapped is None and len(self._maps) < self._most_maps:
            mapped = self._maps[key] = self._open(building, name)
        if mapped is not None:
            out[0] = mapped[view]
        elif not self._read_unmapped(building, name, view, out):
            out[0] = self._open(building, name)[view]

    def _read_unmapped(self, building: int, name: str, view: int, out: NDArray[np.generic]) -> bool:
        """As `_read`, without a map; False, with nothing promised of `out`, if the file is not as it was written."""
        expected = _header(self._shape(building, name), out.dtype.str)
        start = bytearray(len(expected))
        try:
            with self._path(building, name).open("rb", buffering=0) as file:
                file.readinto(start)
                whole = os.preadv(file.fileno(), [out.data], len(expected) + view * out.nbytes) == out.nbytes
        except OSError:
            return False
        return whole and start == expected

    def _path(self, building: int, name: str) -> Path:
        return self._root / self._buildings[building] / f"{name}.npy"

    def _shape(self, building: int, name: str) -> tuple[int, ...]:
        count = int(self._starts[building + 1] - self._starts[building])
        return count, *self._stored[name].array_shape(self._size, self._size)

    def _open(self, building: int, name: str) -> NDArray[np.generic]:
        path, stored, shape = self._path(building, name), self._stored[name], self._shape(building, name)
        try:
            mapped = load_array(path, mapped=True)
        except UserError as error:
            raise UserError(f"{error} `midlevel data verify` lists all that is damaged.") from None
        if mapped.shape != shape or mapped.dtype != stored.dtype:
            raise UserError(
                f"{path} holds {mapped.dtype} {list(mapped.shape)}, the manifest says {stored.dtype} {list(shape)}; "
                "`midlevel data verify` lists all that is damaged."
            )
        return mapped

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_maps": {}}  # maps are opened anew in another process
