"""Requests whose outcome is told on the thread that computed it."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Sequence

import pytest

from server.batching import Answer, Batcher
from server.batching.regulars import Regulars
from server.errors import DeadlineExpired, Draining, Overloaded
from tests.server.batching.computing import Held, Observed, Recording, caller, soon, turns


class Told:
    """What was told of a request, and where."""

    def __init__(self) -> None:
        self.outcomes: list[Answer[int] | Exception] = []
        self.threads: list[str] = []
        self.ends = 0
        self._event = asyncio.Event()

    def tell(self, outcome: Answer[int] | Exception) -> None:
        self.outcomes.append(outcome)
        self.threads.append(threading.current_thread().name)

    def end(self) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.ends += 1
        self._event.set()

    async def ended(self) -> None:
        await soon(self._event.wait())


def begun(
    batcher: Batcher[int, int], number: int, told: Told, name: str = "someone", deadline_s: float | None = None
) -> Callable[[], None]:
    return batcher.begin(number, 1, caller(name, deadline_s), told.tell, told.end)


def test_outcomes_are_told_on_the_thread_and_ends_on_the_loop_beside_requests_that_are_awaited() -> None:
    async def run() -> None:
        held = Held()
        async with Batcher(held, largest_batch=8) as batcher:
            first = asyncio.ensure_future(batcher.submit(0, 1, caller()))
            await soon(held.begun())
            told = Told()
            begun(batcher, 1, told)
            second = asyncio.ensure_future(batcher.submit(2, 1, caller()))
            await turns()
            held.release()
            await told.ended()
            [answer] = told.outcomes
            assert isinstance(answer, Answer)
            assert (answer.result, answer.batch_images, told.threads, told.ends) == (2, 2, ["inference"], 1)
            assert (await first).result == 0
            assert (await second).result == 4
        assert held.batches == [[0], [1, 2]]

    asyncio.run(run())


def test_the_outcome_is_told_while_the_event_loop_is_busy() -> None:
    async def run() -> None:
        async with Batcher(Recording()) as batcher:
            told = Told()
            begun(batcher, 1, told)
            until_s = time.monotonic() + 10
            while not told.outcomes and time.monotonic() < until_s:
                time.sleep(0.001)
            assert (len(told.outcomes), told.ends) == (1, 0)
            await told.ended()

    asyncio.run(run())


def test_an_error_is_told_and_one_while_telling_stays_with_its_own_request(caplog: pytest.LogCaptureFixture) -> None:
    class Raising(Told):
        def tell(self, outcome: Answer[int] | Exception) -> None:
            super().tell(outcome)
            raise ZeroDivisionError("my own")

    async def run() -> None:
        problem = ValueError("odd")

        def compute(batch: Sequence[int], _: Callable[[], None]) -> list[int | Exception]:
            return [problem if number % 2 else number for number in batch]

        batcher: Batcher[int, int] = Batcher(compute)
        async with batcher:
            bad, raising, good = Told(), Raising(), Told()
            for number, told in ((1, bad), (2, raising), (4, good)):
                begun(batcher, number, told)
                await told.ended()
            assert bad.outcomes == [problem]
            assert len(raising.outcomes) == 1
            assert isinstance(good.outcomes[0], Answer)

    asyncio.run(run())
    assert "an outcome could not be told" in caplog.text
    assert "my own" in caplog.text


def test_what_is_withdrawn_is_neither_computed_nor_told() -> None:
    async def run() -> None:
        held, observed = Held(), Observed()
        async with Batcher(held, largest_batch=1, observer=observed) as batcher:
            computed, queued, last = Told(), Told(), Told()
            while_computed = begun(batcher, 0, computed)
            await soon(held.begun())
            while_queued = begun(batcher, 1, queued)
            while_computed()
            while_queued()
            begun(batcher, 2, last)
            held.release()
            await last.ended()
        assert held.batches == [[0], [2]]
        assert (computed.outcomes, computed.ends, queued.outcomes, queued.ends) == ([], 0, [], 0)
        assert observed.drops == ["cancelled"]

    asyncio.run(run())


def test_deadlines_full_queues_and_the_end_are_told_or_raised() -> None:
    async def run() -> None:
        held, observed = Held(), Observed()
        batcher = Batcher(held, largest_batch=2, largest_queue=2, observer=observed)
        first, late, evicted, other = Told(), Told(), Told(), Told()
        begun(batcher, 0, first)
        await soon(held.begun())
        with pytest.raises(DeadlineExpired):
            begun(batcher, 1, late, deadline_s=time.monotonic())
        begun(batcher, 2, late, "hasty", deadline_s=time.monotonic() + 0.02)
        begun(batcher, 3, evicted, "hasty")
        begun(batcher, 4, other, "another")  # in place of the newest of who holds the most
        await soon(evicted.ended())
        assert isinstance(evicted.outcomes[0], Overloaded)
        with pytest.raises(Overloaded):
            begun(batcher, 5, Told(), "another")
        await asyncio.sleep(0.03)
        held.release()
        await soon(late.ended())
        assert isinstance(late.outcomes[0], DeadlineExpired)
        await soon(batcher.drain())
        assert (first.ends, late.ends, evicted.ends, other.ends) == (1, 1, 1, 1)
        with pytest.raises(Draining):
            begun(batcher, 6, Told())
        assert held.batches == [[0], [4]]
        assert sorted(observed.drops) == ["expired", "expired", "rejected", "rejected"]

    asyncio.run(run())


def test_nothing_is_left_for_the_garbage_collector() -> None:
    async def run() -> None:
        async with Batcher(Recording()) as batcher:
            told = Told()
            begun(batcher, 1, told)
            await told.ended()
            await asyncio.to_thread(time.sleep, 0.05)  # the thread sleeps again
            gone = weakref.ref(told)
            del told
            assert gone() is None

    gc.collect()
    gc.disable()
    try:
        asyncio.run(run())
    finally:
        gc.enable()


def test_who_asks_again_as_soon_as_told_is_not_waited_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting_at_the_end: list[int] = []
    answered = Regulars.answered

    def noted(self: Regulars, images: int, waiting: int, took_s: float, now_s: float) -> None:
        waiting_at_the_end.append(waiting)
        answered(self, images, waiting, took_s, now_s)

    monkeypatch.setattr(Regulars, "answered", noted)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with Batcher(Recording()) as batcher:
            last = Told()

            class Eager(Told):
                def tell(self, outcome: Answer[int] | Exception) -> None:
                    asked = threading.Event()
                    loop.call_soon_threadsafe(begun, batcher, 2, last)
                    loop.call_soon_threadsafe(asked.set)
                    assert asked.wait(10)

            begun(batcher, 1, Eager())
            await last.ended()

    asyncio.run(run())
    assert waiting_at_the_end == [0, 0]
