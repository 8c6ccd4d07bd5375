"""Shared memory of a client on the same machine: a file under /dev/shm, read and written but never mapped.

A mapping would let the client crash the server: memory that its owner truncates kills whoever touches it (SIGBUS).
"""

import math
import os
import re
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from perception.photos import Pixels

_NAME = re.compile(r"midlevel-[A-Za-z0-9_.-]{1,100}")
_LARGEST_OFFSET = 2**63 - 1


class SharedMemory:
    """Segments by name.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path = Path("/dev/shm")) -> None:
        self._folder = f"{folder}/"  # not a Path: to join one takes as long as to open the file

    def read(self, segment: str, offset: int, shape: tuple[int, ...]) -> Pixels:
        """Bytes of a segment, copied into an array of some shape.

        Raises:
            UserError: If there is no such segment, it is not ours to read, or it ends before.
        """
        count = math.prod(shape)
        descriptor = self._opened(segment, os.O_RDONLY, offset + count)
        try:
            data = np.empty(shape, np.uint8)
            done = os.preadv(descriptor, [data.data], offset)
            while done < count:
                step = os.preadv(descriptor, [data.reshape(-1)[done:].data], offset + done)
                if not step:
                    raise UserError(f"the shared memory {segment!r} became smaller while it was read.")
                done += step
        except OSError as error:
            raise _unusable(segment, error) from error
        finally:
            os.close(descriptor)
        return data

    def check_room(self, segment: str, offset: int, count: int) -> None:
        """Refuse a segment that `write` would refuse.

        Raises:
            UserError: As `write`.
        """
        path = self._path(segment, offset + count)
        try:
            status = os.lstat(path)
        except OSError as error:
            raise _unusable(segment, error) from error
        _check(status, segment, offset + count)

    def write(self, segment: str, offset: int, data: NDArray[np.generic]) -> None:
        """Write into a segment.

        Raises:
            UserError: If there is no such segment, it is not ours to write, or it ends before.
        """
        view = np.ascontiguousarray(data).reshape(-1).view(np.uint8).data
        descriptor = self._opened(segment, os.O_WRONLY, offset + len(view))
        try:
            done = os.pwrite(descriptor, view, offset)
            while done < len(view):
                done += os.pwrite(descriptor, view[done:], offset + done)
        except OSError as error:
            raise _unusable(segment, error) from error
        finally:
            os.close(descriptor)

    def _opened(self, segment: str, mode: int, end: int) -> int:
        path = self._path(segment, end)
        try:
            # Neither through links, nor waiting for the other end of a pipe.
            descriptor = os.open(path, mode | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _unusable(segment, error) from error
        try:
            _check(os.fstat(descriptor), segment, end)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _path(self, segment: str, end: int) -> str:
        if not _NAME.fullmatch(segment):
            raise UserError(
                f"the shared memory {segment[:120]!r} has no usable name; expected midlevel- and 1 to 100 letters, "
                "digits, '_', '.' or '-'."
            )
        if end > _LARGEST_OFFSET:
            raise UserError(f"the shared memory {segment!r} would have to be larger than any file: {end} bytes.")
        return self._folder + segment


def _unusable(segment: str, error: OSError) -> UserError:
    return UserError(f"the shared memory {segment!r} cannot be used: {error.strerror}.")


def _check(status: os.stat_result, segment: str, end: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"the shared memory {segment!r} is no regular file.")
    if status.st_uid != os.geteuid():
        raise UserError(f"the shared memory {segment!r} belongs to another user than the server's.")
    if status.st_size < end:
        raise UserError(f"the shared memory {segment!r} has {status.st_size} bytes; the request needs {end}.")
