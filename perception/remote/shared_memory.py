"""Files under /dev/shm, through which a client and a server on the same machine pass images and features.

The server opens a segment by its name, so that a segment must have a name as long as it is used. Its owner removes it
when it is closed, collected, or when the interpreter exits. A client that is killed cannot; but it held a lock on the
file, which ends with the process, and the next client of that user removes what nobody holds.
"""

import fcntl
import mmap
import os
import secrets
import weakref
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np

from perception.photos import Pixels
from perception.remote.errors import RemoteError

FOLDER = Path("/dev/shm")
PREFIX = "midlevel-"

_SMALLEST = 2**18


class Segment:
    """A file of this process's own, mode 0600, mapped and locked.

    It never changes its size, and is not used again after a call that failed: the server may still write to it.

    Args:
        size: Bytes.

    Raises:
        RemoteError: If there is no shared memory here, or not enough.
    """

    def __init__(self, size: int) -> None:
        self.name, descriptor = _created()
        path = FOLDER / self.name
        self._remove = weakref.finalize(self, _remove, path, descriptor, os.getpid())
        try:
            os.posix_fallocate(descriptor, 0, size)  # else a full /dev/shm would kill whoever writes to it
            self._memory = mmap.mmap(descriptor, size)
        except OSError as error:
            self._remove()
            raise RemoteError(
                f"{FOLDER} has no room for {size} bytes ({error.strerror}); make it larger (docker: --shm-size), or "
                "use transport='grpc'."
            ) from error
        self.size = size

    def write(self, offset: int, images: Pixels) -> None:
        """Copy images into it."""
        np.frombuffer(self._memory, np.uint8, images.nbytes, offset)[:] = images.reshape(-1)

    def view(self, offset: int, count: int) -> memoryview:
        """Bytes of it, until it is lent again; copy what is to last."""
        return memoryview(self._memory)[offset : offset + count]

    def close(self) -> None:
        """Remove the file; its memory is freed with the last view of it."""
        self._remove()


class SegmentPool:
    """Segments that are not in use; as many are made as calls run at the same time."""

    def __init__(self) -> None:
        self._free: list[Segment] = []
        self._lock = Lock()
        self._swept = False

    def take(self, size: int) -> Segment:
        """A segment of at least so many bytes, for one call, to be put back; or to be closed if the call failed.

        Raises:
            RemoteError: If there is no shared memory here, or not enough.
        """
        with self._lock:
            self._sweep_once()
            # The last one first: the server has kept it open for the connection that was used last, and is next.
            fitting = next((segment for segment in reversed(self._free) if segment.size >= size), None)
            leaving = fitting or (self._free[0] if self._free else None)
            if leaving is not None:
                self._free.remove(leaving)
        if fitting is not None:
            return fitting
        if leaving is not None:
            leaving.close()
        return Segment(max(_SMALLEST, 1 << (size - 1).bit_length()))

    def put_back(self, segment: Segment) -> None:
        """After a call that was answered."""
        with self._lock:
            self._free.append(segment)

    def close(self) -> None:
        """Remove the files of segments that are not in use."""
        with self._lock:
            free, self._free = self._free, []
        for segment in free:
            segment.close()

    def _sweep_once(self) -> None:
        if not self._swept:
            self._swept = True
            remove_orphans()


def remove_orphans() -> list[str]:
    """Remove segments of this user that no living process holds; their names."""
    removed = []
    for path in FOLDER.glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    removed.append(path.name)
            finally:
                os.close(descriptor)
    return removed


def _created() -> tuple[str, int]:
    """A new file's name and its descriptor, locked."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        name = PREFIX + secrets.token_hex(16)
        try:
            descriptor = os.open(FOLDER / name, flags, 0o600)
        except OSError as error:
            raise RemoteError(
                f"no shared memory can be had under {FOLDER} ({error.strerror}); use transport='grpc'."
            ) from error
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:  # else it was removed as an orphan before it was locked
            return name, descriptor
        os.close(descriptor)


def _remove(path: Path, descriptor: int, pid: int) -> None:
    if os.getpid() != pid:  # a forked child: the file is its parent's
        return
    with suppress(OSError):
        path.unlink()
    os.close(descriptor)
