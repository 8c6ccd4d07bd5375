"""Work in the background: threads of lower priority, results and errors brought back."""

import asyncio
import os
import sys
import threading

import pytest

from server.inference.background import NICENESS, in_background


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has priorities of threads")
def test_threads_that_are_started_there_inherit_a_lower_priority_and_others_keep_theirs() -> None:
    found: list[int] = []

    def work() -> str:
        helper = threading.Thread(target=lambda: found.append(os.getpriority(os.PRIO_PROCESS, 0)))
        helper.start()
        helper.join()
        return "done"

    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert asyncio.run(in_background(work)) == "done"
    assert found == [before + NICENESS]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_errors_are_raised_where_the_work_is_awaited() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_background(lambda: 1 // 0))


def test_who_no_longer_waits_is_not_told() -> None:
    go = threading.Event()

    async def scenario() -> None:
        waiting = asyncio.ensure_future(in_background(go.wait))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go.set()
        await asyncio.sleep(0.05)

    asyncio.run(scenario())
