"""One run at a time in a folder."""

import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from perception.errors import UserError

LOCK = "run.lock"
"""Empty but for the time of a run, when it names the process."""


class RunLock:
    """Holds a folder as long as the context lasts or the process lives; made if missing.

    Args:
        folder: Of the run.

    Raises:
        UserError: On entry, if another run holds it, or it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise UserError(f"cannot write {self._folder}: {error.strerror}; choose another folder.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(self._descriptor, 0)
            os.write(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
        except BlockingIOError:
            holder = os.read(self._descriptor, 300).decode(errors="replace") or "another process"
            os.close(self._descriptor)
            raise UserError(
                f"{self._folder} is in use by {holder}; wait for it, stop it, or choose another folder."
            ) from None
        except OSError as error:
            os.close(self._descriptor)
            raise UserError(f"cannot lock {self._folder / LOCK}: {error.strerror}; choose another folder.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.truncate(self._descriptor, 0)
        os.close(self._descriptor)
