"""Shared memory of a client on the same machine: files under /dev/shm, read and written but never mapped.

A mapping would let the client crash the server: memory that its owner truncates kills whoever touches it (SIGBUS).
"""

import math
import os
import re
import stat
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from perception.photos import Pixels

FOLDER = Path("/dev/shm")

_NAME = re.compile(r"midlevel-[A-Za-z0-9_.-]{1,100}")
_LARGEST_OFFSET = 2**63 - 1


class Segments(Protocol):
    """Files by name."""

    def read(self, name: str, offset: int, shape: tuple[int, ...]) -> Pixels:
        """Bytes of a file, copied into an array of some shape.

        Raises:
            UserError: If there is no such file, it is not ours to read, or it ends before.
        """

    def check_room(self, name: str, offset: int, count: int) -> None:
        """Refuse a file that `write` would refuse.

        Raises:
            UserError: As `write`.
        """

    def write(self, name: str, offset: int, data: NDArray[np.generic]) -> None:
        """Write into a file.

        Raises:
            UserError: If there is no such file, it is not ours to write, or it ends before.
        """


class SharedMemory:
    """Satisfies `Segments` for callers of whom nothing is known: files are opened and checked at each use.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = f"{folder}/"  # not a Path: to join one takes as long as to open the file

    def read(self, name: str, offset: int, shape: tuple[int, ...]) -> Pixels:
        """See `Segments.read`."""
        file = _File(self._folder, name, os.O_RDONLY)
        try:
            return file.read(offset, shape)
        finally:
            file.close()

    def check_room(self, name: str, offset: int, count: int) -> None:
        """See `Segments.check_room`."""
        path = _path(self._folder, name)
        try:
            status = os.lstat(path)
        except OSError as error:
            raise _unusable(name, error) from error
        _check_owner(status, name)
        _check_size(status.st_size, name, offset + count)

    def write(self, name: str, offset: int, data: NDArray[np.generic]) -> None:
        """See `Segments.write`."""
        file = _File(self._folder, name, os.O_WRONLY)
        try:
            file.write(offset, data)
        finally:
            file.close()


class KeptSegments:
    """Satisfies `Segments` for one caller, who uses the same files again and again: the last one stays open.

    That halves what a request's shared memory costs. A file that was removed, or removed and made anew, is noticed at
    its next use. Threads may use it, one at a time, and another may close it meanwhile.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = f"{folder}/"
        self._files: dict[int, _File] = {}
        self._is_closed = False

    def read(self, name: str, offset: int, shape: tuple[int, ...]) -> Pixels:
        """See `Segments.read`."""
        return self._file(name, os.O_RDONLY).read(offset, shape)

    def check_room(self, name: str, offset: int, count: int) -> None:
        """See `Segments.check_room`."""
        self._file(name, os.O_WRONLY).check_size(offset + count)

    def write(self, name: str, offset: int, data: NDArray[np.generic]) -> None:
        """See `Segments.write`."""
        self._file(name, os.O_WRONLY).write(offset, data)

    def close(self) -> None:
        """Close what is open, once no thread reads or writes it any more; what is still asked for is refused."""
        self._is_closed = True
        self._files.clear()

    def _file(self, name: str, mode: int) -> "_File":
        file = self._files.get(mode)
        if file is not None and file.name == name and file.is_there():
            return file
        del file
        self._files.pop(mode, None)  # before the next is opened, which may fail
        if self._is_closed:
            raise UserError(f"the shared memory {name!r} is of a caller who has left.")
        opened = self._files[mode] = _File(self._folder, name, mode)
        return opened


class _File:
    """An open file; it is closed with the last reference to it, so never while a thread uses its descriptor.

    Args:
        folder: Where it lies, with a slash behind it.
        name: Its name.
        mode: To open it with.

    Raises:
        UserError: If it cannot be opened, or is not ours.
    """

    def __init__(self, folder: str, name: str, mode: int) -> None:
        self.name = name
        self._descriptor = -1
        path = _path(folder, name)
        try:
            # Neither through links, nor waiting for the other end of a pipe.
            self._descriptor = os.open(path, mode | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _unusable(name, error) from error
        status = os.fstat(self._descriptor)
        _check_owner(status, name)
        self._size = status.st_size

    def is_there(self) -> bool:
        """Whether it still has a name; if so, its size is known anew."""
        status = os.fstat(self._descriptor)
        self._size = status.st_size
        return status.st_nlink > 0

    def check_size(self, end: int) -> None:
        """Refuse what ends behind the file.

        Raises:
            UserError: If it does.
        """
        _check_size(self._size, self.name, end)

    def read(self, offset: int, shape: tuple[int, ...]) -> Pixels:
        """See `Segments.read`."""
        count = math.prod(shape)
        self.check_size(offset + count)
        try:
            data = np.empty(shape, np.uint8)
            done = os.preadv(self._descriptor, [data.data], offset)
            while done < count:
                step = os.preadv(self._descriptor, [data.reshape(-1)[done:].data], offset + done)
                if not step:
                    raise UserError(f"the shared memory {self.name!r} became smaller while it was read.")
                done += step
        except OSError as error:
            raise _unusable(self.name, error) from error
        return data

    def write(self, offset: int, data: NDArray[np.generic]) -> None:
        """See `Segments.write`."""
        view = np.ascontiguousarray(data).reshape(-1).view(np.uint8).data
        self.check_size(offset + len(view))
        try:
            done = os.pwrite(self._descriptor, view, offset)
            while done < len(view):
                done += os.pwrite(self._descriptor, view[done:], offset + done)
        except OSError as error:
            raise _unusable(self.name, error) from error

    def close(self) -> None:
        """Close it now."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


def _path(folder: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UserError(
            f"the shared memory {name[:120]!r} has no usable name; expected midlevel- and 1 to 100 letters, digits, "
            "'_', '.' or '-'."
        )
    return folder + name


def _unusable(name: str, error: OSError) -> UserError:
    return UserError(f"the shared memory {name!r} cannot be used: {error.strerror}.")


def _check_owner(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"the shared memory {name!r} is no regular file.")
    if status.st_uid != os.geteuid():
        raise UserError(f"the shared memory {name!r} belongs to another user than the server's.")


def _check_size(size: int, name: str, end: int) -> None:
    if end > _LARGEST_OFFSET:
        raise UserError(f"the shared memory {name!r} would have to be larger than any file: {end} bytes.")
    if size < end:
        raise UserError(f"the shared memory {name!r} has {size} bytes; the request needs {end}.")
