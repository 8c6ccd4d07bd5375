"""Folders that are whole or absent, with a list of what they hold."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.files import read_bytes, write_atomically

INDEX = "index.json"
"""Lists the files of one building's folder; written last, so a folder without it is not whole."""

PARTIAL = ".partial-"
"""Prefix of folders that are being written."""

_LARGEST_JSON_MIB = 512
_NPY_START = b"\x93NUMPY"


@dataclass(frozen=True)
class FileEntry:
    """One file as it was written.

    Args:
        size: Bytes.
        sha256: Of its content, hexadecimal.
    """

    size: int
    sha256: str


class FolderWriter:
    """Writes the files of one building into a temporary folder that then takes its place at once.

    Files are not forced to the disk one by one, which would take longer than rendering: what a power cut empties no
    longer has its hash, so the next run makes it again.

    Args:
        folder: Where it will be; its parent is made if missing.

    Raises:
        UserError: If the folder cannot be written; what was written is removed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder.parent / f"{PARTIAL}{folder.name}-{os.getpid()}"
        self._entries: dict[str, FileEntry] = {}
        self._made: set[Path] = set()

    def __enter__(self) -> "FolderWriter":
        with _writing(self._partial):
            shutil.rmtree(self._partial, ignore_errors=True)
            self._partial.mkdir(parents=True)
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is not None:
            shutil.rmtree(self._partial, ignore_errors=True)

    def write(self, name: str, *chunks: bytes | memoryview) -> None:
        """Write one file; its name may have folders."""
        path = self._partial / name
        digest, size = hashlib.sha256(), 0
        with _writing(self._folder / name):
            if path.parent not in self._made:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(path.parent)
            with path.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk) if isinstance(chunk, bytes) else chunk.nbytes
        self._entries[name] = FileEntry(size, digest.hexdigest())

    def finish(self, facts: Mapping[str, object]) -> str:
        """Write the index and move the folder into place.

        Args:
            facts: What the index says beside the list of files.

        Returns:
            The index's SHA-256.
        """
        files = {name: [entry.size, entry.sha256] for name, entry in sorted(self._entries.items())}
        text = json.dumps({**facts, "files": files}, indent=1, allow_nan=False) + "\n"
        write_atomically(self._partial / INDEX, text)
        with _writing(self._folder):
            shutil.rmtree(self._folder, ignore_errors=True)
            self._partial.rename(self._folder)
            _sync(self._folder.parent)
        return hashlib.sha256(text.encode()).hexdigest()


class _writing:  # noqa: N801 - reads as a phrase
    """Turns a failure to write into a sentence."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise UserError(
                f"cannot write {self._path}: {error.strerror or error}; free some space or choose another folder, and "
                "run the command again: it goes on where it stopped."
            ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object.

    Raises:
        UserError: If the file is missing or holds none.
    """
    try:
        document = json.loads(read_bytes(path, limit_mib=_LARGEST_JSON_MIB))
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is no JSON ({error}); it is damaged.") from None
    if not isinstance(document, dict):
        raise UserError(f"{path} holds a JSON {type(document).__name__}, expected an object; it is damaged.")
    return document


def entries_of(index: Mapping[str, object], path: Path) -> dict[str, FileEntry]:
    """The files that an index lists.

    Raises:
        UserError: If the list is malformed.
    """
    try:
        files = index["files"]
        return {str(name): FileEntry(int(size), str(digest)) for name, (size, digest) in files.items()}  # type: ignore[attr-defined]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path} lists no files as it should; it is damaged.") from None


def load_array(path: Path, *, mapped: bool = False) -> NDArray[np.generic]:
    """Read a .npy file, never a pickle.

    Args:
        path: The file.
        mapped: Map it into memory instead of reading all of it.

    Raises:
        UserError: If it is missing, truncated, or no such file.
    """
    try:
        with path.open("rb") as file:
            if file.read(6) != _NPY_START:
                raise UserError(f"{path} is no .npy file.")
        return np.asarray(np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False))
    except UserError:
        raise
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"cannot read {path}: {error}.") from None


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(folder: Path, facts: Mapping[str, object], index_sha256: str | None = None) -> bool:
    """Whether a building's folder holds exactly what its index lists, byte for byte.

    Args:
        folder: The building's.
        facts: What its index must say beside the list of files.
        index_sha256: The index's hash, where it is known.
    """
    try:
        index = read_json(folder / INDEX)
        entries = entries_of(index, folder)
        if {name: value for name, value in index.items() if name != "files"} != facts:
            return False
        if index_sha256 not in (None, sha256_of(folder / INDEX)):
            return False
        return all(
            (folder / name).stat().st_size == entry.size and sha256_of(folder / name) == entry.sha256
            for name, entry in entries.items()
        ) and set(files_in(folder)) == {*entries, INDEX}
    except (UserError, OSError):
        return False


def files_in(folder: Path) -> Iterable[str]:
    """Paths of all files below a folder, relative to it, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def remove_partial(folder: Path) -> None:
    """Remove what a killed run left half-written."""
    for left in folder.glob(f"{PARTIAL}*"):
        shutil.rmtree(left, ignore_errors=True)
