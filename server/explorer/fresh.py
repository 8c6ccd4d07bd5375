"""What files say, read again when they have changed: nobody has to start the app anew after a run."""

from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from pathlib import Path
from threading import Lock
from typing import TypeVar

T = TypeVar("T")

Read = Callable[[Path], T]
Stamp = tuple[tuple[int, int, int] | None, ...]
"""Of each of some files, when it was changed, its size and its inode; None for one that is not there."""

_KEPT = 16


def stamp(paths: Iterable[Path]) -> Stamp:
    """The state of some files, which is another when one of them is written, replaced, made or removed."""
    return tuple(map(_state, paths))


def while_unchanged(files: Callable[[Path], Iterable[Path]]) -> Callable[[Read[T]], Read[T]]:
    """Make a reading function remember: the same object comes back for as long as the files are in the same state.

    Only one thread reads at a time. What fails is not remembered: it is tried again.

    Args:
        files: The files whose state counts, for the path that is read.
    """

    def remembering(read: Read[T]) -> Read[T]:
        reading = Lock()

        @lru_cache(_KEPT)
        def known(path: Path, _: Stamp) -> T:
            return read(path)

        @wraps(read)
        def ask(path: Path) -> T:
            with reading:
                return known(path, stamp(files(path)))

        return ask

    return remembering


def itself(path: Path) -> tuple[Path]:
    """For functions that read one file."""
    return (path,)


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):  # not there, may not be looked at, or no possible path
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
