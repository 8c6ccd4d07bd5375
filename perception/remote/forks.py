"""Forks: a child leaves alone what its parent had and makes its own, and no fork happens in the middle of a call.

gRPC's own handlers make its library usable in a child, but only if no thread was in a call, and only if they were asked
for before it was imported (see `perception.remote`). Otherwise the child's first call would hang.
"""

import os
from dataclasses import dataclass
from functools import cache
from threading import Condition
from types import TracebackType
from typing import Protocol
from weakref import WeakSet

from perception.errors import UserError

LONGEST_WAIT_S = 5.0
"""How long a fork waits for the calls of other threads."""

_SUPPORT = "GRPC_ENABLE_FORK_SUPPORT"
_TRUE = ("1", "true", "yes", "y", "t", "on")


class Forgetful(Protocol):
    """Holds what must not be used in a child: connections, threads, locks."""

    def forget(self) -> None:
        """Start over in a child, without closing what the parent goes on using."""


class _Gate:
    """Threads that are in a call; a fork waits for them, and they for it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._is_closed = False

    def __enter__(self) -> None:
        with self._changed:
            while self._is_closed:
                self._changed.wait()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._inside -= 1
            if self._is_closed:
                self._changed.notify_all()

    def close(self) -> None:
        """Wait until nobody is inside, and let nobody in."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: self._inside == 0, LONGEST_WAIT_S)

    def open(self) -> None:
        """Let threads in again."""
        with self._changed:
            self._is_closed = False
            self._changed.notify_all()

    def renew(self) -> None:
        """In a child, where the threads inside do not exist, and locks may be held for ever."""
        self._changed = Condition()
        self._inside = 0
        self._is_closed = False


CALL = _Gate()
"""`with CALL:` around each call that blocks."""

_SPAWN = "start processes with 'spawn' or 'forkserver'"
_NO_SUPPORT = (
    "this process was forked from one that used gRPC, which was imported without support for forks and would hang "
    f"here; set the environment variable {_SUPPORT}=1 before Python starts, import perception.remote before grpc, or "
    f"{_SPAWN}."
)
_OPEN_STREAMS = (
    "this process was forked while a stream of frames was open, after which gRPC may hang here; open streams after "
    f"forking, or {_SPAWN}."
)
_ASYNCIO = (
    "this process was forked from one that used gRPC with asyncio, which would hang here; use RemoteEncoder in forked "
    f"processes, or {_SPAWN}."
)


@dataclass
class _Process:
    """What this process did with gRPC, and what that means after a fork."""

    has_channels: bool = False
    uses_asyncio: bool = False
    open_streams: int = 0
    no_calls: str | None = None
    no_asyncio: str | None = None

    def child(self) -> "_Process":
        """Of one that was forked from it."""
        no_calls = self.no_calls
        if self.open_streams:
            no_calls = _OPEN_STREAMS
        elif self.has_channels and os.environ.get(_SUPPORT, "0").lower() not in _TRUE:
            no_calls = _NO_SUPPORT
        return _Process(no_calls=no_calls, no_asyncio=_ASYNCIO if self.uses_asyncio else self.no_asyncio)


_process = _Process()
_HOLDERS: WeakSet[Forgetful] = WeakSet()
_ABANDONED: list[object] = []
"""Kept from being collected, since that would close it."""


def forget_in_children(holder: Forgetful) -> None:
    """Have `forget` called in each child that is forked from now on."""
    _HOLDERS.add(holder)


def abandon(thing: object) -> None:
    """Keep a parent's thing for ever, unused."""
    _ABANDONED.append(thing)


def check_usable(*, with_asyncio: bool = False) -> None:
    """Refuse what would hang in this process, because of what it was forked from.

    Raises:
        UserError: If calls would.
    """
    reason = _process.no_calls or (_process.no_asyncio if with_asyncio else None)
    if reason is not None:
        raise UserError(reason)


def note_channel(*, with_asyncio: bool = False) -> None:
    """To be called when there is a channel: gRPC's handlers are there by then, and ours have to run before them."""
    _process.has_channels = True
    _process.uses_asyncio |= with_asyncio
    _watch_forks()


def note_stream(change: int) -> None:
    """Count a stream that was opened (1) or closed (-1)."""
    _process.open_streams += change


@cache
def _watch_forks() -> None:
    os.register_at_fork(before=CALL.close, after_in_parent=CALL.open, after_in_child=_in_child)


def _in_child() -> None:
    global _process
    _process = _process.child()
    CALL.renew()
    for holder in list(_HOLDERS):
        holder.forget()
