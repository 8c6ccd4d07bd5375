"""Finds every missing, truncated, mislabelled or non-finite file of a dataset, and says what is wrong with it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from perception.errors import UserError
from perception.files import is_folder
from taxonomy.dataset import published, store
from taxonomy.dataset.content_checks import FAULTS, fault_in_codes
from taxonomy.dataset.files import INDEX, PARTIAL, FileEntry, entries_of, files_in, read_json, sha256_of
from taxonomy.dataset.manifest import MANIFEST, SPLITS, is_as_written, read_manifest
from taxonomy.dataset.published_files import glance, odd_size, read_array
from taxonomy.dataset.published_reader import find_files, is_published
from taxonomy.dataset.quantisation import FOREIGN, RGB
from taxonomy.dataset.shard import expected_facts
from taxonomy.dataset.views import ARRAYS


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        path: Relative to the dataset's folder.
        reason: What is wrong with it.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Verification:
    """What was found.

    Args:
        root: The folder.
        files: How many were looked at.
        problems: All that is wrong; empty for a clean dataset.
    """

    root: Path
    files: int
    problems: tuple[Problem, ...]


OnBuilding = Callable[[str], None]


def building_count(root: Path) -> int:
    """How many buildings `verify_dataset` will tell of.

    Raises:
        UserError: As `verify_dataset`.
    """
    parts = _parts(root)
    if parts:
        return sum(len(read_manifest(part).buildings) for part in parts)
    return len({building for building, _, _ in find_files(root).files})


def verify_dataset(root: Path, on_building_done: OnBuilding | None = None) -> Verification:
    """Look at every file of a dataset, in either layout, or of a Taskonomy or Omnidata folder.

    Args:
        root: Its folder; where it holds both layouts, both are looked at.
        on_building_done: Told the name of each building.

    Raises:
        UserError: If it is no dataset's folder.
    """
    tell = on_building_done or (lambda _: None)
    parts = _parts(root)
    if not parts:
        return _verify_foreign(root, tell)
    counts, problems = 0, []
    for part in parts:
        inspection = _Inspection(part)
        inspection.run(tell)
        prefix = "" if part == root else f"{part.name}/"
        problems += [Problem(prefix + problem.path, problem.reason) for problem in inspection.problems]
        counts += inspection.files
    if parts != [root]:
        known = {part.name for part in parts}
        problems += [Problem(p.name, "belongs to no layout") for p in sorted(root.iterdir()) if p.name not in known]
    return Verification(root, counts, tuple(problems))


def _parts(root: Path) -> list[Path]:
    """Folders with a manifest; none for a Taskonomy or Omnidata folder."""
    if not is_folder(root):
        raise UserError(f"{root} is no folder; a dataset is one.")
    parts = [root / layout for layout in (store.LAYOUT, published.LAYOUT) if (root / layout / MANIFEST).is_file()]
    if parts or (root / MANIFEST).is_file():
        return parts or [root]
    if not is_published(root):
        raise UserError(f"{root} holds another project's data: neither a {MANIFEST} nor pictures named as Taskonomy's.")
    return []


class _Inspection:
    """Looks through one folder in one layout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = read_manifest(root)
        self.problems: list[Problem] = []
        self.files = 1

    def run(self, tell: OnBuilding) -> None:
        manifest = self.manifest
        if not is_as_written(self.root):
            self._add(MANIFEST, "was changed after it was written")
        self._splits()
        if manifest.shards is None:
            self._add(MANIFEST, "rendering has not finished")
        for building in manifest.buildings:
            self._building(building)
            tell(building)
        expected = {MANIFEST, *manifest.buildings}
        for path in sorted(self.root.iterdir()):
            if path.name.startswith(PARTIAL):
                self._add(path.name, "left half-written by a run that was killed; the next run removes it")
            elif path.name not in expected:
                self._add(path.name, "does not belong to the dataset")

    def _add(self, path: str, reason: str) -> None:
        self.problems.append(Problem(path, reason))

    def _splits(self) -> None:
        seen: dict[str, str] = {}
        for split, names in self.manifest.splits.items():
            if split not in SPLITS:
                self._add(MANIFEST, f"unknown split {split!r}")
            for name in names:
                if name in seen:
                    self._add(MANIFEST, f"building {name!r} is in the splits {seen[name]} and {split}")
                seen[name] = split
        if len(seen) != self.manifest.spec.buildings:
            self._add(MANIFEST, f"{len(seen)} buildings in the splits, {self.manifest.spec.buildings} were asked for")

    def _building(self, building: str) -> None:
        folder = self.root / building
        path = folder / INDEX
        try:
            index = read_json(path)
            entries = entries_of(index, path)
        except UserError as error:
            whole = "missing" if not path.exists() else f"unreadable: {error}"
            return self._add(f"{building}/{INDEX}" if folder.is_dir() else building, whole)
        self._index(building, index, path)
        found = set(files_in(folder))
        for name in sorted(found - {*entries, INDEX}):
            self._add(f"{building}/{name}", "not listed in the index")
        expected = set(self._expected(index))
        for name in sorted(expected - set(entries)):
            self._add(f"{building}/{name}", "not listed in the index, though the layout has it")
        for name, entry in entries.items():
            self.files += 1
            reason = "missing" if name not in found else self._reason(folder / name, entry)
            if reason:
                self._add(f"{building}/{name}", reason)
        return None

    def _index(self, building: str, index: dict[str, object], path: Path) -> None:
        name = f"{building}/{INDEX}"
        for key, value in expected_facts(building, self.manifest.split_of(building), self.manifest.spec).items():
            if index.get(key) != value:
                self._add(name, f"says {key} {index.get(key)!r}, the manifest says {value!r}")
        shards = self.manifest.shards
        if shards is not None and shards.get(building) != sha256_of(path):
            self._add(name, "differs from its hash in the manifest")

    def _expected(self, index: dict[str, object]) -> Iterator[str]:
        """Files that a building of the compact layout has; those of the published one follow from its cameras."""
        if self.manifest.layout == store.LAYOUT:
            yield from (f"{name}.npy" for name in (*self.manifest.quantisation, *ARRAYS))
            return
        files = index["files"]
        views = {match.group(1, 2) for match in map(_match, files) if match} if isinstance(files, dict) else set()
        for point, view in views:
            for name, stored in self.manifest.quantisation.items():
                if not published.is_in_metadata(stored):
                    folder = published.folder_of(name)
                    yield published.file_name(int(point), int(view), folder, published.suffix_of(stored))
            yield published.file_name(int(point), int(view), published.CAMERAS, "json")

    def _reason(self, path: Path, entry: FileEntry) -> str | None:
        size = path.stat().st_size
        if size < entry.size:
            return f"truncated: {size} of {entry.size} bytes"
        try:
            fault = FAULTS[self.manifest.layout](path, self.manifest, self.manifest.spec.views)
        except UserError as error:
            fault = str(error).removeprefix(f"cannot read {path}: ").removeprefix(f"{path} ")
        if fault is None and (size != entry.size or sha256_of(path) != entry.sha256):
            return "differs from its hash in the index"
        return fault


def _match(name: str) -> re.Match[str] | None:
    return published.FILE_NAME.fullmatch(name.split("/")[-1])


def _verify_foreign(root: Path, tell: OnBuilding) -> Verification:
    """Without a manifest: every view should have a sound file of every domain that its folder has."""
    found = find_files(root)
    domains = [domain for domain in found.buildings_of if domain == "rgb" or domain in FOREIGN]
    problems, count, last = [], 0, ""
    for (building, point, view), files in sorted(found.files.items()):
        here = [domain for domain in domains if building in found.buildings_of[domain]]
        if building != last:
            last = building
            tell(building)
            problems += [Problem(building, f"has no {domain} at all") for domain in domains if domain not in here]
        for domain in here:
            if domain not in files:
                problems.append(Problem(f"{building}, point {point}, view {view}", f"{domain} is missing"))
        sizes = {}
        for domain, path in sorted(files.items()):
            count += 1
            seen = glance(path)
            reason = seen.damage or _fault_in_foreign(path, domain)
            if reason:
                problems.append(Problem(path.relative_to(root).as_posix(), reason))
            elif seen.size is not None and domain in domains:
                sizes[domain] = seen.size
        odd = odd_size(sizes)
        if odd is not None:
            problems.append(Problem(files[odd[0]].relative_to(root).as_posix(), f"has {odd[1]}"))
    return Verification(root, count, tuple(problems))


def _fault_in_foreign(path: Path, domain: str) -> str | None:
    if domain not in {"rgb", *FOREIGN}:
        return None
    stored = RGB if domain == "rgb" else FOREIGN[domain]
    try:
        codes = read_array(path, stored)
    except UserError as error:
        return str(error).removeprefix(f"cannot read {path}: ").removeprefix(f"{path} ")
    if stored.per_pixel and stored.invalid is not None and not stored.index and not stored.decode(codes).valid.any():
        return "every pixel is marked as missing"
    return fault_in_codes(codes, stored, None)
