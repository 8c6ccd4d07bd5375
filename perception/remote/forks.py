"""Forks: a child leaves alone what its parent had and makes its own, and no fork happens in the middle of a call.

gRPC's own handlers make its library usable in a child, but only if no thread was in a call, and only if they were asked
for before it was imported (see `perception.remote`). Otherwise the child's first call would hang.
"""

import os
import time
from dataclasses import dataclass
from functools import cache
from threading import Condition
from types import TracebackType
from typing import Protocol
from weakref import WeakSet

from perception.errors import UserError

LONGEST_WAIT_S = 5.0
"""How long a fork waits for the calls of other threads."""

_SETTLING_S = 0.05
"""After a call, gRPC's own threads have things to put away under locks that its handlers for forks do not take."""

_SUPPORT = "GRPC_ENABLE_FORK_SUPPORT"
_TRUE = ("1", "true", "yes", "y", "t", "on")


class Forgetful(Protocol):
    """Holds what must not be used in a child: connections, threads, locks."""

    def forget(self) -> None:
        """Start over in a child, without closing what the parent goes on using."""


class Endless(Protocol):
    """Makes calls that do not end by themselves."""

    def pause(self) -> None:
        """Let the call end soon; its thread makes another one after the fork, as `CALL` lets it."""


class _Gate:
    """Threads that are in a call; a fork waits for them, and they for it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._is_closed = False

    @property
    def is_empty(self) -> bool:
        """Whether nobody is inside."""
        return self._inside == 0

    @property
    def is_closed(self) -> bool:
        """Whether a fork is about to happen."""
        return self._is_closed

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
        """Let nobody in."""
        with self._changed:
            self._is_closed = True

    def wait_until_empty(self) -> None:
        """Until nobody is inside, or it lasts too long."""
        with self._changed:
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
_OPEN_CALLS = (
    f"this process was forked while a call had been under way for more than {LONGEST_WAIT_S:g} s, after which gRPC may "
    f"hang here; fork when no other thread waits for the server, or {_SPAWN}."
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
    no_calls: str | None = None
    no_asyncio: str | None = None

    def child(self) -> "_Process":
        """Of one that was forked from it."""
        no_calls = self.no_calls
        if not CALL.is_empty:
            no_calls = _OPEN_CALLS
        elif self.has_channels and os.environ.get(_SUPPORT, "0").lower() not in _TRUE:
            no_calls = _NO_SUPPORT
        return _Process(no_calls=no_calls, no_asyncio=_ASYNCIO if self.uses_asyncio else self.no_asyncio)


_process = _Process()
_HOLDERS: WeakSet[Forgetful] = WeakSet()
_ENDLESS: WeakSet[Endless] = WeakSet()
_ABANDONED: list[object] = []
"""Kept from being collected, since that would close it."""


def forget_in_children(holder: Forgetful) -> None:
    """Have `forget` called in each child that is forked from now on."""
    _HOLDERS.add(holder)


def pause_for_forks(maker: Endless) -> None:
    """Have `pause` called before each fork from now on."""
    _ENDLESS.add(maker)


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


@cache
def _watch_forks() -> None:
    os.register_at_fork(before=_before_fork, after_in_parent=CALL.open, after_in_child=_in_child)


def _before_fork() -> None:
    CALL.close()
    for maker in list(_ENDLESS):
        maker.pause()
    CALL.wait_until_empty()
    time.sleep(_SETTLING_S)


def _in_child() -> None:
    global _process
    _process = _process.child()
    CALL.renew()
    for holder in list(_HOLDERS):
        holder.forget()
