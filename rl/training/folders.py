"""One process at a time in a run's folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perception.errors import UserError

_LOCK_FILE = ".lock"


@contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Keep other processes from training in a folder; a killed process keeps nobody out.

    Raises:
        UserError: If one does, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK_FILE).open("a")
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another process is training in {folder}; wait for it, or choose another folder."
            ) from error
        yield
