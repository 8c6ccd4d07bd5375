"""Results by content address: a folder for each finished unit, there whole or not at all."""

import errno
import fcntl
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from perception.errors import UserError
from perception.files import write_atomically
from perception.terminal import print_note
from taxonomy.dataset.files import FileEntry, entries_of, files_in, read_json, sha256_of
from taxonomy.engine.outcomes import NoSpaceError
from taxonomy.engine.units import Unit

RECORD = "unit.json"
"""What a unit is, and the size and SHA-256 of each of its files; written last."""

TIMING = "timing.json"
"""How long a unit took. Apart from the record, so that all other bytes are the same in every run."""

_UNFINISHED = ".unfinished"
_KEY_LETTERS = 16
_FULL = {code: os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)}
_PARTLY_WRITTEN = re.compile(r"\d+ requested and \d+ written|PytorchStreamWriter failed writing")  # NumPy's and torch's

Signature = tuple[tuple[str, int, int, int], ...]


class Store:
    """The folders `root/<kind>/<name>-<start of the key>`.

    Files are not forced to the disk one by one: what a power cut empties no longer has its hash, so it is made again.

    Args:
        root: Made if missing; on a cluster, in a file system that all machines share under the same path.
        note: Told of each damaged folder.

    Raises:
        UserError: If the root cannot be made.
    """

    def __init__(self, root: Path, note: Callable[[str], None] = print_note) -> None:
        self.root = root.absolute()
        self._note = note
        self._folders: dict[str, Path] = {}
        self._whole: dict[Path, Signature] = {}
        try:
            (self.root / _UNFINISHED).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot write {self.root}: {error.strerror}; choose another folder.") from error

    def folder_of(self, unit: Unit) -> Path:
        """Where a unit's files are, once it is finished."""
        name = re.sub(r"[^A-Za-z0-9._+-]", "_", unit.name)[:80]
        return self.root / unit.work.kind / f"{name}-{unit.key[:_KEY_LETTERS]}"

    def find(self, unit: Unit) -> Path | None:
        """The folder of a unit that is finished, and exactly as it was written: every file's size and SHA-256.

        A folder that was looked at is not hashed again while size, time and inode of its files are the same.

        Returns:
            None if there is none; a damaged one is told of and removed.
        """
        return self._checked(self.folder_of(unit), unit.key)

    def inputs_of(self, unit: Unit) -> dict[str, Path]:
        """Folders of the units that one needs.

        Raises:
            UserError: If one of them is not finished.
        """
        return {name: self._needed(unit, name, key) for name, key in unit.needs.items()}

    def seconds(self, folder: Path) -> float:
        """How long a finished unit's work took."""
        return float(read_json(folder / TIMING)["seconds"])  # type: ignore[arg-type]

    @contextmanager
    def workspace(self, unit: Unit) -> Iterator[Path]:
        """A folder to write a unit's files into; it becomes the unit's own if the context ends without an error.

        Raises:
            NoSpaceError: If the disk is full.
        """
        target = self.folder_of(unit)
        with self._unfinished(target.name) as folder, _writing(target):
            folder.mkdir()
            start = time.perf_counter()
            yield folder
            seconds = time.perf_counter() - start
            self._describe(unit, folder, seconds)
            target.parent.mkdir(exist_ok=True)
            while self.find(unit) is None:  # else another process was quicker, with the same bytes
                if _moved(folder, target):
                    break

    def remove_unfinished(self) -> None:
        """Remove what killed processes left half-written; what living ones are writing stays."""
        for lock in (self.root / _UNFINISHED).glob("*.lock"):
            with lock.open("wb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                _remove(lock.with_suffix(""))
                lock.unlink(missing_ok=True)

    @contextmanager
    def _unfinished(self, name: str) -> Iterator[Path]:
        """A path for this process alone; what is left there is removed, at the latest when the next run starts."""
        path = self.root / _UNFINISHED / f"{name}-{uuid.uuid4().hex}"
        lock = path.with_name(f"{path.name}.lock")
        with _writing(path):
            file = lock.open("wb")
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield path
            finally:
                _remove(path)
                lock.unlink(missing_ok=True)

    def _describe(self, unit: Unit, folder: Path, seconds: float) -> None:
        files = {name: [(folder / name).stat().st_size, sha256_of(folder / name)] for name in files_in(folder)}
        if taken := files.keys() & {RECORD, TIMING}:
            raise ValueError(f"the work wrote {sorted(taken)[0]}, a name that the store keeps for itself.")
        record = {
            "kind": unit.work.kind,
            "name": unit.name,
            "version": unit.work.version,
            "key": unit.key,
            "fields": unit.described_fields,
            "needs": dict(unit.needs),
            "files": files,
        }
        write_atomically(folder / TIMING, json.dumps({"seconds": round(seconds, 3)}) + "\n")
        write_atomically(folder / RECORD, json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n")

    def _needed(self, unit: Unit, name: str, key: str) -> Path:
        start = key[:_KEY_LETTERS]
        if start not in self._folders:
            self._folders = {folder.name[-_KEY_LETTERS:]: folder for folder in self.root.glob("[!.]*/*")}
        folder = self._checked(self._folders[start], key) if start in self._folders else None
        if folder is None:
            raise UserError(f"{unit} needs as its {name!r} the unit {start}, which is not finished.")
        return folder

    def _checked(self, folder: Path, key: str) -> Path | None:
        if not os.path.lexists(folder):
            return None
        damage = self._damage(folder, key)
        if damage is None:
            return folder
        self._note(f"{folder.relative_to(self.root)} is damaged ({damage}); it is made again.")
        with self._unfinished(folder.name) as rubbish, _writing(folder):
            folder.rename(rubbish)  # at once, so that nobody meets half of it
        return None

    def _damage(self, folder: Path, key: str) -> str | None:
        """What is wrong with a folder, if anything."""
        try:
            record = read_json(folder / RECORD)
            entries = entries_of(record, folder / RECORD)
            if record.get("key") != key:
                return f"{RECORD} is of another unit"
            self.seconds(folder)
            signature = _signature(folder)
            if self._whole.get(folder) == signature:
                return None
            damage = _difference(folder, entries, {name: size for name, size, *_ in signature})
        except (UserError, OSError, KeyError, TypeError, ValueError) as error:
            return str(error)
        if damage is None:
            self._whole[folder] = signature
        return damage


def _signature(folder: Path) -> Signature:
    found = ((name, (folder / name).stat()) for name in files_in(folder))
    return tuple((name, status.st_size, status.st_mtime_ns, status.st_ino) for name, status in found)


def _difference(folder: Path, entries: Mapping[str, FileEntry], sizes: Mapping[str, int]) -> str | None:
    for name in sorted(entries.keys() - sizes.keys()):
        return f"{name} is missing"
    for name in sorted(sizes.keys() - entries.keys() - {RECORD, TIMING}):
        return f"{name} was added"
    for name, entry in entries.items():
        if sizes[name] != entry.size:
            return f"{name} has {sizes[name]} bytes, not {entry.size}"
    for name, entry in entries.items():
        if sha256_of(folder / name) != entry.sha256:
            return f"{name} has changed"
    return None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _moved(folder: Path, target: Path) -> bool:
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn a full disk into a sentence, however the error was wrapped up on its way here."""
    try:
        yield
    except NoSpaceError:
        raise
    except Exception as error:
        if (reason := _full_disk(error)) is None:
            raise
        raise NoSpaceError(
            f"cannot write {path}: {reason}; free some space, or choose another folder, and run the same command "
            "again: it goes on where it stopped."
        ) from error


def _full_disk(error: BaseException | None) -> str | None:
    """What an error, or what caused it, says about a full disk; libraries have words of their own for it."""
    while error is not None:
        for code, message in _FULL.items():
            if (isinstance(error, OSError) and error.errno == code) or message in str(error):
                return message.lower()
        if _PARTLY_WRITTEN.search(str(error)):
            return "the disk took only a part of a file"
        error = error.__cause__
    return None
