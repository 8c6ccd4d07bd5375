"""Work whose threads give way to those that answer calls."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

NICENESS = 5
"""Of threads that compute: enough for one that has a call to answer to get a core at once."""

T = TypeVar("T")


async def in_background(work: Callable[[], T]) -> T:
    """Call a function in a thread of lower priority, which threads that are started there inherit.

    Linux knows priorities of threads; elsewhere it is a thread like any other.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)  # of this thread alone
        try:
            result = work()
        except BaseException as error:
            _tell(loop, done, done.set_exception, error)
        else:
            _tell(loop, done, done.set_result, result)

    threading.Thread(target=run, name="background", daemon=True).start()
    return await done


def _tell(loop: asyncio.AbstractEventLoop, done: "asyncio.Future[T]", tell: Callable[..., None], what: object) -> None:
    def unless_cancelled() -> None:
        if not done.done():
            tell(what)

    loop.call_soon_threadsafe(unless_cancelled)
