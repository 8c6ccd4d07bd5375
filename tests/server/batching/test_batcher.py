"""The batcher: gathering, limits, deadlines, cancellation, errors, draining."""

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence

import pytest

from perception.errors import UserError
from server.batching import Answer, Batcher
from server.errors import DeadlineExpired, Draining, Overloaded
from tests.server.batching.computing import WAIT_S, Held, Observed, Recording, caller, soon, turns


def submitted(
    batcher: Batcher[int, int], number: int, images: int = 1, name: str = "someone"
) -> asyncio.Task[Answer[int]]:
    return asyncio.ensure_future(batcher.submit(number, images, caller(name)))


def with_held(scenario: Callable[[Batcher[int, int], Held, Observed], Awaitable[None]], **limits: int) -> None:
    """Run a scenario while a first request, number 0, is being computed and holds the thread."""

    async def run() -> None:
        held, observed = Held(), Observed()
        try:
            async with Batcher(held, observer=observed, **limits) as batcher:
                first = submitted(batcher, 0, name="first")
                await soon(held.begun())
                await soon(asyncio.ensure_future(scenario(batcher, held, observed)))
                held.release()
                assert (await soon(first)).result == 0
        finally:
            held.release()

    asyncio.run(run())


def test_everyone_gets_the_result_of_their_own_work_computed_on_other_threads() -> None:
    recording = Recording()

    async def run() -> list[int]:
        async with Batcher(recording, largest_batch=7, largest_queue=1000) as batcher:
            answers = [batcher.submit(k, 1 + k % 7, caller(f"caller {k % 13}")) for k in range(200)]
            return [answer.result for answer in await soon(asyncio.gather(*answers))]

    assert asyncio.run(run()) == [2 * k for k in range(200)]
    assert sorted(recording.seen) == list(range(200))
    assert all(sum(1 + k % 7 for k in batch) <= 7 for batch in recording.batches)
    assert recording.threads == {"inference"}
    assert not any(thread.name == "inference" for thread in threading.enumerate())


def test_what_comes_while_a_batch_is_computed_makes_up_the_next_across_callers() -> None:
    async def scenario(batcher: Batcher[int, int], held: Held, observed: Observed) -> None:
        tasks = [submitted(batcher, k, name=f"caller {k}") for k in range(1, 6)]
        await turns()
        assert batcher.queued_images == 5
        held.release()
        answers = [await soon(task) for task in tasks]
        assert held.batches == [[0], [1, 2, 3, 4, 5]]
        assert {answer.batch_images for answer in answers} == {5}
        assert all(answer.queue_us > 0 and answer.compute_us >= 0 for answer in answers)

    with_held(scenario, largest_batch=8, largest_queue=8)


def test_a_request_without_company_does_not_wait_and_with_a_delay_waits_for_it() -> None:
    async def run(delay_us: int) -> list[list[int]]:
        recording = Recording()
        async with Batcher(recording, largest_batch=2, delay_us=delay_us) as batcher:
            first = submitted(batcher, 1)
            await turns()
            if not delay_us:
                await soon(first)
            second = submitted(batcher, 2)
            await soon(asyncio.gather(first, second))
        return recording.batches

    assert asyncio.run(run(0)) == [[1], [2]]
    assert asyncio.run(run(10**6 * WAIT_S)) == [[1, 2]]  # full, so not the whole delay


def test_the_delay_ends_when_it_is_over_though_the_batch_is_not_full() -> None:
    async def run() -> Answer[int]:
        async with Batcher(Recording(), largest_batch=2, delay_us=30_000) as batcher:
            return await soon(batcher.submit(1, 1, caller()))

    answer = asyncio.run(run())
    assert answer.batch_images == 1
    assert answer.queue_us >= 30_000


def test_draining_cuts_the_delay_short() -> None:
    async def run() -> int:
        batcher = Batcher(Recording(), largest_batch=2, delay_us=10**6 * 10 * WAIT_S)
        task = submitted(batcher, 1)
        await turns()
        await soon(batcher.drain())
        return (await task).result

    assert asyncio.run(run()) == 2


def test_a_request_that_does_not_fit_any_more_stays_whole_and_comes_first_in_the_next_batch() -> None:
    async def scenario(batcher: Batcher[int, int], held: Held, observed: Observed) -> None:
        sizes = {1: 3, 2: 4, 3: 1, 4: 2}
        tasks = [submitted(batcher, k, size, f"caller {k}") for k, size in sizes.items()]
        await turns()
        held.release()
        answers = await soon(asyncio.gather(*tasks))
        assert held.batches == [[0], [1, 3], [2], [4]]
        assert [answer.batch_images for answer in answers] == [4, 4, 4, 2]

    with_held(scenario, largest_batch=4, largest_queue=100)


def test_work_that_wants_to_be_alone_shares_its_batch_with_nobody() -> None:
    async def scenario(batcher: Batcher[int, int], held: Held, observed: Observed) -> None:
        tasks = [asyncio.ensure_future(batcher.submit(k, 1, caller(f"caller {k}"), alone=k == 2)) for k in range(1, 5)]
        await turns()
        held.release()
        await soon(asyncio.gather(*tasks))
        assert held.batches == [[0], [1, 3, 4], [2]]

    with_held(scenario, largest_batch=8, largest_queue=8)


@pytest.mark.parametrize(("images", "message"), [(9, "9 images.*at most 8.*--max-batch"), (0, "0 images"), (-1, "-1")])
def test_requests_larger_than_a_batch_or_empty_are_refused(images: int, message: str) -> None:
    async def run() -> None:
        async with Batcher(Recording(), largest_batch=8) as batcher:
            assert (await soon(batcher.submit(4, 8, caller()))).batch_images == 8
            await batcher.submit(1, images, caller())

    with pytest.raises(UserError, match=message):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"largest_batch": 0}, "largest batch is 0"),
        ({"delay_us": -1}, "delay is -1 us"),
        ({"largest_batch": 8, "largest_queue": 7}, "queue takes 7 images; expected at least .* 8"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, int], message: str) -> None:
    async def run() -> None:
        Batcher(Recording(), **limits)  # type: ignore[arg-type]  # they are numbers

    with pytest.raises(UserError, match=message):
        asyncio.run(run())


def test_a_full_queue_refuses_at_once_with_a_hint_and_takes_again_when_there_is_room() -> None:
    async def scenario(batcher: Batcher[int, int], held: Held, observed: Observed) -> None:
        waiting = [submitted(batcher, k, 2) for k in (1, 2)]
        await turns()
        with pytest.raises(Overloaded, match="queue is full with 4 images") as refusal:
            await batcher.submit(3, 1, caller())
        assert 0 < refusal.value.retry_after_s < 10
        assert observed.drops == ["rejected"]
        held.release()
        await soon(asyncio.gather(*waiting))
        assert (await soon(batcher.submit(4, 1, caller()))).result == 8
        assert 3 not in held.seen

    with_held(scenario, largest_batch=4, largest_queue=4)


class Work:
    """Stands for images."""


def returning_errors(batch: Sequence[Work], _: Callable[[], None]) -> list[int | Exception]:
    return [ValueError("no") for _ in batch]


def raising_one(batch: Sequence[Work], _: Callable[[], None]) -> list[int | Exception]:
    raise ValueError("no")


@pytest.mark.parametrize("compute", [returning_errors, raising_one])
def test_work_that_failed_is_gone_from_memory_at_once(
    compute: Callable[[Sequence[Work], Callable[[], None]], list[int | Exception]],
) -> None:
    async def run() -> None:
        async with Batcher[Work, int](compute) as batcher:
            work = Work()
            seen = weakref.ref(work)
            with contextlib.suppress(ValueError):
                await batcher.submit(work, 1, caller())
            del work
            while seen() is not None:
                await asyncio.sleep(0.001)  # the thread that computed lets go of it at about the same time

    gc.disable()
    try:
        asyncio.run(asyncio.wait_for(run(), 5))
    finally:
        gc.enable()


def test_the_hint_grows_with_what_batches_take() -> None:
    def compute(batch: Sequence[int], _: Callable[[], None]) -> list[int]:
        time.sleep(0.02 if batch[0] == 0 else 0)
        return list(batch)

    async def hint(first: int) -> float:
        async with Batcher(compute, largest_batch=1, largest_queue=1) as batcher:
            for _ in range(15):
                await soon(batcher.submit(first, 1, caller()))
            return batcher.overloaded(1).retry_after_s

    slow, quick = asyncio.run(hint(0)), asyncio.run(hint(1))
    assert slow > 0.015
    assert quick < slow / 2


def test_requests_whose_deadline_passed_in_the_queue_never_reach_compute() -> None:
    async def scenario(batcher: Batcher[int, int], held: Held, observed: Observed) -> None:
        deadline_s = time.monotonic() + 0.02
        late = asyncio.ensure_future(batcher.submit(1, 1, caller("robot", deadline_s)))
        other = submitted(batcher, 2, name="robot")
        await turns()
        await asyncio.to_thread(lambda: time.sleep(max(0, deadline_s - time.monotonic())))
        held.release()
        with pytest.raises(DeadlineExpired, match=r"deadline passed after 0\.0"):
            await soon(late)
        assert (await soon(other)).result == 4
        with pytest.raises(DeadlineExpired):
            await batcher.submit(3, 1, caller("robot", deadline_s))
        assert held.seen == [0, 2]
        assert observed.drops == ["expired", "expired"]

    with_held(scenario)


def test_cancelled_requests_leave_the_queue_at_once_and_never_reach_compute() -> None:
    async def scenario(batcher: Batcher[int, int], held: Held, observed: Observed) -> None:
        tasks = [submitted(batcher, k, 2) for k in (1, 2, 3)]
        await turns()
        tasks[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        assert batcher.queued_images == 4
        tasks[2].cancel()  # and is let go before its task had a turn to say so
        held.release()
        assert (await soon(tasks[0])).result == 2
        with pytest.raises(asyncio.CancelledError):
            await tasks[2]
        await soon(batcher.drain())
        assert held.seen == [0, 1]
        assert observed.drops == ["cancelled", "cancelled"]

    with_held(scenario)


def test_to_cancel_a_request_that_is_being_computed_leaves_the_others_of_its_batch_alone() -> None:
    async def run() -> None:
        held = Held()
        async with Batcher(held, largest_batch=2, delay_us=10**6 * WAIT_S) as batcher:
            gone, stays = submitted(batcher, 1), submitted(batcher, 2)
            await soon(held.begun())
            gone.cancel()
            await turns()
            held.release()
            assert (await soon(stays)).result == 4
            assert gone.cancelled()

    asyncio.run(run())


def test_what_compute_raises_goes_to_all_of_its_batch_and_the_next_batch_is_computed() -> None:
    def compute(batch: Sequence[int], _: Callable[[], None]) -> list[int]:
        if 13 in batch:
            raise ArithmeticError("13")
        return [number + 1 for number in batch]

    async def run() -> None:
        async with Batcher(compute, largest_batch=2, delay_us=10**6 * WAIT_S) as batcher:
            outcomes = await soon(asyncio.gather(submitted(batcher, 13), submitted(batcher, 1), return_exceptions=True))
            assert [type(outcome) for outcome in outcomes] == [ArithmeticError, ArithmeticError]
            after = await soon(asyncio.gather(submitted(batcher, 2), submitted(batcher, 3)))
            assert [answer.result for answer in after] == [3, 4]

    asyncio.run(run())


def test_a_result_that_is_an_exception_goes_to_its_own_caller_alone() -> None:
    def compute(batch: Sequence[int], _: Callable[[], None]) -> list[int | Exception]:
        return [KeyError(number) if number == 13 else number for number in batch]

    async def run() -> list[Answer[int] | BaseException]:
        async with Batcher(compute, largest_batch=2, delay_us=10**6 * WAIT_S) as batcher:
            tasks = [submitted(batcher, 13), submitted(batcher, 1)]
            return list(await soon(asyncio.gather(*tasks, return_exceptions=True)))

    mine, other = asyncio.run(run())
    assert isinstance(mine, KeyError)
    assert isinstance(other, Answer)
    assert other.result == 1


@pytest.mark.parametrize("error", [StopIteration(), SystemExit(3)])
def test_errors_that_would_end_more_than_a_request_are_wrapped(error: BaseException) -> None:
    def compute(batch: Sequence[int], _: Callable[[], None]) -> list[int]:
        if batch[0] == 13:
            raise error
        return list(batch)

    async def run() -> None:
        async with Batcher(compute) as batcher:
            with pytest.raises(RuntimeError, match=type(error).__name__):
                await soon(batcher.submit(13, 1, caller()))
            assert (await soon(batcher.submit(1, 1, caller()))).result == 1

    asyncio.run(run())


def test_a_compute_that_gives_too_few_results_is_found_out() -> None:
    async def run() -> None:
        async with Batcher[int, int](lambda batch, _: batch[1:]) as batcher:
            with pytest.raises(RuntimeError, match="0 results were computed for 1 requests"):
                await soon(batcher.submit(1, 1, caller()))

    asyncio.run(run())


def test_draining_finishes_all_that_was_accepted_and_takes_no_more() -> None:
    async def scenario(batcher: Batcher[int, int], held: Held, observed: Observed) -> None:
        tasks = [submitted(batcher, k, 3, f"caller {k % 5}") for k in range(1, 40)]
        await turns()
        draining = [asyncio.ensure_future(batcher.drain()) for _ in range(2)]
        await turns()
        with pytest.raises(Draining):
            await batcher.submit(100, 1, caller())
        held.release()
        assert [answer.result for answer in await soon(asyncio.gather(*tasks))] == [2 * k for k in range(1, 40)]
        await soon(asyncio.gather(*draining))
        with pytest.raises(Draining):
            await batcher.submit(101, 1, caller())
        assert sorted(held.seen) == list(range(40))

    with_held(scenario, largest_batch=8, largest_queue=200)


def test_the_observer_is_told_of_every_batch_and_wait_on_the_loops_thread() -> None:
    threads = []

    class Here(Observed):
        def computed(self, images: int, seconds: float) -> None:
            threads.append(threading.current_thread())
            super().computed(images, seconds)

    observed = Here()

    async def run() -> None:
        async with Batcher(Recording(), largest_batch=3, delay_us=10**6 * WAIT_S, observer=observed) as batcher:
            await soon(asyncio.gather(*(submitted(batcher, k) for k in range(3))))
            await soon(asyncio.gather(submitted(batcher, 3, 3)))

    asyncio.run(run())
    assert [images for images, _ in observed.batches] == [3, 3]
    assert len(observed.waits_s) == 4
    assert set(threads) == {threading.main_thread()}


def test_the_threads_end_by_themselves_when_their_loop_is_gone() -> None:
    async def run() -> list[threading.Thread]:
        held = Held()
        batcher = Batcher(held)
        task = submitted(batcher, 1)
        await soon(held.begun())
        threads = [each for each in threading.enumerate() if each.name == "inference"]
        task.cancel()
        holds.append(held)
        return threads

    holds: list[Held] = []
    threads = asyncio.run(run())
    holds[0].release()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


class Finishing(Held):
    """Says at once that the cores have nothing left to do, and takes its time to finish."""

    def __call__(self, batch: Sequence[int], on_idle: Callable[[], None]) -> list[int]:
        on_idle()
        result = super().__call__(batch, on_idle)
        on_idle()  # again, when others have their turn
        if 13 in batch:
            raise ArithmeticError("13")
        return result


def test_a_batch_is_begun_while_the_one_before_it_is_finished_and_no_third() -> None:
    observed = Observed()

    async def run() -> None:
        finishing = Finishing()
        async with Batcher(finishing, largest_batch=1, observer=observed) as batcher:
            tasks = [submitted(batcher, number) for number in (1, 13, 3, 4)]
            await soon(finishing.begun())
            await soon(finishing.begun())
            await asyncio.sleep(0.02)
            assert sorted(finishing.seen) == [1, 13]
            assert not any(task.done() for task in tasks)
            finishing.step()
            await soon(finishing.begun())  # whichever of the two was let go
            assert sorted(finishing.seen) == [1, 3, 13]
            finishing.release()
            for _ in range(3):
                finishing.step()
            answers = await soon(asyncio.gather(*tasks, return_exceptions=True))
        assert isinstance(answers[1], ArithmeticError)
        assert [answer.result for answer in answers if isinstance(answer, Answer)] == [2, 6, 8]

    began_s = time.monotonic()
    asyncio.run(run())
    assert 0.02 < sum(seconds for _, seconds in observed.batches) < time.monotonic() - began_s  # none counted twice


def test_who_is_told_when_the_batcher_drains_is_told_by_whichever_thread_finishes_last() -> None:
    async def run() -> None:
        finishing = Finishing()
        batcher = Batcher(finishing, largest_batch=1)
        tasks = [submitted(batcher, number) for number in (1, 2)]
        await soon(finishing.begun())
        await soon(finishing.begun())
        draining = asyncio.ensure_future(batcher.drain())
        await asyncio.sleep(0.02)
        finishing.step()
        await soon(asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))
        await asyncio.sleep(0.02)
        assert not draining.done()
        finishing.step()
        await soon(draining)
        assert sorted([task.result().result for task in tasks]) == [2, 4]

    asyncio.run(run())
