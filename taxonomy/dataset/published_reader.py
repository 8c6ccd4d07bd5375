"""Reads folders in the published layout: those written here, Taskonomy's, and Omnidata's.

Folders may be ordered `<building>/<domain>`, `<domain>/<building>`, `<domain>/<component>/<building>`, or `<domain>`
alone for a single building; what a file is, its own name says. A view that lacks one file, or has a damaged one, is
left out for every task alike, and listed.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.view import Label
from perception.tasks import TASKS
from taxonomy.dataset.dataset import Dataset, Skip
from taxonomy.dataset.labelling import DERIVED
from taxonomy.dataset.manifest import Manifest
from taxonomy.dataset.published import CAMERAS, FILE_NAME, domain_named, file_name, is_in_metadata
from taxonomy.dataset.published_files import glance, odd_size, read_array
from taxonomy.dataset.published_index import ViewKey, index_of, with_vanishing_point
from taxonomy.dataset.quantisation import FOREIGN, RGB, Quantisation
from taxonomy.dataset.store import named_classes

_GEOMETRIC = frozenset({"normal", "curvature", "edge_occlusion", "keypoints3d", "reshading"})
_MASKS = ("depth_zbuffer", "depth_euclidean")
_DEEPEST = 5


@dataclass(frozen=True)
class FoundFiles:
    """What a folder holds.

    Args:
        files: For each view, its file of each domain.
        buildings_of: For each domain, the buildings that have any of it.
    """

    files: dict[ViewKey, dict[str, Path]] = field(default_factory=dict)
    buildings_of: dict[str, set[str]] = field(default_factory=dict)


def find_files(root: Path, user_domains: Sequence[str] = ()) -> FoundFiles:
    """Find every file whose name follows the layout.

    Args:
        root: The folder.
        user_domains: Names of domains beyond the dictionary's.
    """
    found = FoundFiles()
    for folder, parts in _folders(root, ()):
        for entry in folder:
            match = FILE_NAME.fullmatch(entry.name)
            if match is None:
                continue
            point, view, name, _ = match.groups()
            domain = name if name in user_domains else domain_named(name)
            if domain is None:
                continue
            building = "/".join(part for part in parts if (domain_named(part) or part) != domain) or root.name
            found.files.setdefault((building, int(point), int(view)), {})[domain] = Path(entry.path)
            found.buildings_of.setdefault(domain, set()).add(building)
    return found


def _folders(folder: Path, parts: tuple[str, ...]) -> Iterator[tuple[list["os.DirEntry[str]"], tuple[str, ...]]]:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}.") from error
    yield [entry for entry in entries if not entry.is_dir()], parts
    for entry in entries:
        if entry.is_dir() and not entry.name.startswith(".") and len(parts) < _DEEPEST:
            yield from _folders(Path(entry.path), (*parts, entry.name))


def is_published(root: Path) -> bool:
    """Whether a folder holds at least one picture named as the layout says."""
    return any(
        match is not None and match.group(3) == "rgb"
        for entries, _ in _folders(root, ())
        for match in (FILE_NAME.fullmatch(entry.name) for entry in entries)
    )


def open_published(root: Path, manifest: Manifest | None = None, tasks: Sequence[str] | None = None) -> Dataset:
    """Open a folder in the published layout.

    Args:
        root: The folder.
        manifest: Where this program wrote it.
        tasks: Tasks that every image must have; those that every building has if None.

    Raises:
        UserError: If no view is whole.
    """
    stored = dict(FOREIGN if manifest is None else manifest.quantisation)
    found = find_files(root, [name for name in stored if name not in TASKS])
    skips: list[Skip] = []
    wanted = _wanted(found, stored, tasks, skips)
    keys = [key for key in sorted(found.files) if _keep(root, key, found.files[key], wanted, skips)]
    cameras = {key: _camera(root, key, found.files[key], skips, is_own=manifest is not None) for key in keys}
    keys = [key for key in keys if cameras[key] is not None]
    if not keys:
        first = f"; first of {len(skips)}: {skips[0].path}: {skips[0].reason}" if skips else ""
        raise UserError(f"{root} has no view with a whole file of every task{first}.")
    documents = [with_vanishing_point(cameras[key] or {}) for key in keys]
    in_metadata = [name for name, how in stored.items() if is_in_metadata(how) and all(name in d for d in documents)]
    index = index_of(root, keys, documents, manifest)
    source = PublishedSource([found.files[key] for key in keys], documents, stored, wanted, in_metadata)
    classes = {} if manifest is None else named_classes(manifest.classes)
    return Dataset(root, source, index, classes, skips)


def _wanted(
    found: FoundFiles, stored: Mapping[str, Quantisation], tasks: Sequence[str] | None, skips: list[Skip]
) -> tuple[str, ...]:
    """Domains that every view must have."""
    buildings = found.buildings_of.get("rgb", set())
    if tasks is not None:
        names = [name for name in TASKS.canonical(tasks) if name not in DERIVED]
        unknown = [name for name in names if name not in stored]
        if unknown:
            raise UserError(f"no folder holds labels of {unknown[0]!r}; name tasks among {', '.join(stored)}.")
        return ("rgb", *(name for name in names if not is_in_metadata(stored[name])))
    wanted = ["rgb"]
    for name in stored:
        missing = len(buildings - found.buildings_of.get(name, set()))
        if name == "rgb" or is_in_metadata(stored[name]):
            continue
        if not missing:
            wanted.append(name)
        elif missing < len(buildings):
            skips.append(Skip(name, f"{missing} of {len(buildings)} buildings have none; the task is left out"))
    return tuple(wanted)


def _keep(root: Path, key: ViewKey, files: Mapping[str, Path], wanted: Sequence[str], skips: list[Skip]) -> bool:
    found = _first_fault(files, wanted)
    if found is None:
        return True
    domain, reason = found
    building, point, view = key
    path = files.get(domain, Path(f"{building}/point_{point}_view_{view}_domain_{domain}"))
    name = path.relative_to(root) if path.is_absolute() or path.is_relative_to(root) else path
    skips.append(Skip(name.as_posix(), f"{reason}; the view is left out for every task"))
    return False


def _first_fault(files: Mapping[str, Path], wanted: Sequence[str]) -> tuple[str, str] | None:
    """The first of a view's domains with something wrong at first sight, and what it is."""
    sizes = {}
    for domain in wanted:
        if domain not in files:
            return domain, "missing"
        seen = glance(files[domain])
        if seen.damage is not None:
            return domain, seen.damage
        if seen.size is not None:
            sizes[domain] = seen.size
    return odd_size(sizes)


def _camera(
    root: Path, key: ViewKey, files: Mapping[str, Path], skips: list[Skip], *, is_own: bool
) -> dict[str, object] | None:
    """A view's metadata; empty where a folder of others has none, None where it is missing in ours, or damaged."""
    building, point, view = key
    path = files.get(CAMERAS)
    if path is None and not is_own:
        return {}
    try:
        path = path or root / building / file_name(point, view, CAMERAS, "json")
        document = json.loads(path.read_bytes())
        if not isinstance(document, dict):
            raise ValueError("no object")
        if is_own and not isinstance(document.get("row"), int):
            raise ValueError("no row")
        return document
    except (OSError, ValueError, RecursionError) as error:
        skips.append(Skip(str(path), f"unreadable ({error}); the view is left out for every task"))
        return None


class PublishedSource:
    """Reads pictures and arrays, file by file.

    Args:
        files: For each view, its file of each domain.
        documents: For each view, its metadata.
        stored: How each domain is quantised.
        wanted: Domains that every view has.
        in_metadata: Tasks whose labels the metadata carry.
    """

    def __init__(
        self,
        files: Sequence[Mapping[str, Path]],
        documents: Sequence[Mapping[str, object]],
        stored: Mapping[str, Quantisation],
        wanted: Sequence[str],
        in_metadata: Sequence[str],
    ) -> None:
        self._files = files
        self._documents = documents
        self._stored = stored
        self._in_metadata = tuple(in_metadata)
        self.tasks = tuple(name for name in stored if name in in_metadata or (name in wanted and name != "rgb"))
        masks = [name for name in _MASKS if name in wanted]
        self._mask = masks[0] if masks and stored["normal"] is FOREIGN["normal"] else None

    def read_rgb(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """uint8 [N, H, W, 3]."""
        return self._codes("rgb", RGB, indices)  # type: ignore[return-value]

    def read_label(self, task: str, indices: NDArray[np.int64]) -> Label:
        """Values and validity, [N, ...]."""
        stored = self._stored[task]
        if task in self._in_metadata:
            missing = [float("nan")] * int(stored.shape[0])
            rows = [self._documents[index][task] or missing for index in indices.tolist()]
            return stored.decode(np.array(rows, stored.dtype))
        label = stored.decode(self._codes(task, stored, indices))
        if self._mask is None or task not in _GEOMETRIC:
            return label
        valid = label.valid & self.read_label(self._mask, indices).valid
        values = label.values.copy()
        values[~valid] = np.nan
        return Label(values, valid)

    def _codes(self, name: str, stored: Quantisation, indices: NDArray[np.int64]) -> NDArray[np.generic]:
        arrays = [read_array(self._files[index][name], stored) for index in indices.tolist()]
        sizes = {array.shape for array in arrays}
        if len(sizes) > 1:
            raise UserError(f"images of different sizes, {sorted(sizes)}, do not stack; read them one by one.")
        return np.stack(arrays) if arrays else np.zeros((0, *stored.array_shape(1, 1)), stored.dtype)
