"""Forks: a child leaves alone what its parent had and makes its own, and no fork happens in the middle of a call.

gRPC's own handlers make its library usable in a child, but only if no thread was in a call, and only if they were asked
for before it was imported (see `perception.remote`). Otherwise the child's first call would hang.
"""

import os
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

    def rest(self) -> None:
        """Before a fork, when no call is under way: end what would make the fork wait."""

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

_HOLDERS: WeakSet[Forgetful] = WeakSet()
_ASYNCIO_USERS: set[int] = set()
"""This process and those it was forked from, as far as they used gRPC with asyncio."""

_ABANDONED: list[object] = []
"""Kept from being collected, since that would close it."""


def forget_in_children(holder: Forgetful) -> None:
    """Have `forget` called in each child that is forked from now on."""
    _HOLDERS.add(holder)


@cache
def watch_forks() -> None:
    """To be called when there is a channel: gRPC's handlers are there by then, and ours have to run before them."""
    os.register_at_fork(before=_before, after_in_parent=CALL.open, after_in_child=_in_child)


def abandon(thing: object) -> None:
    """Keep a parent's thing for ever, unused."""
    _ABANDONED.append(thing)


def check_usable_in_child() -> None:
    """Refuse what would hang.

    Raises:
        UserError: If gRPC was imported without its support for forks.
    """
    if os.environ.get(_SUPPORT, "0").lower() not in _TRUE:
        raise UserError(
            "this process was forked from one that used gRPC, which was imported without support for forks and would "
            f"hang here; set the environment variable {_SUPPORT}=1 before Python starts, import perception.remote "
            "before grpc, or start processes with 'spawn' or 'forkserver'."
        )


def mark_asyncio_used() -> None:
    """Note that this process makes calls with asyncio.

    Raises:
        UserError: If the process it was forked from did: gRPC has no support for that, and would hang.
    """
    if _ASYNCIO_USERS - {os.getpid()}:
        raise UserError(
            "this process was forked from one that used gRPC with asyncio, which would hang here; use RemoteEncoder in "
            "forked processes, or start them with 'spawn' or 'forkserver'."
        )
    _ASYNCIO_USERS.add(os.getpid())


def _before() -> None:
    CALL.close()
    for holder in list(_HOLDERS):
        holder.rest()


def _in_child() -> None:
    CALL.renew()
    for holder in list(_HOLDERS):
        holder.forget()
