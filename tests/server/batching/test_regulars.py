"""Waiting for callers who ask again at once, and hardly ever for others."""

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest

from server.batching import Batcher
from server.batching.regulars import LONGEST_S, Regulars
from tests.server.batching.computing import Held, Recording, caller, soon

ROOM = 32


def held_batches(regulars: Regulars, comes_back: list[bool], *, took_s: float = 0.002) -> int:
    """Batches that waited, of one after the other: two images, one of which waits, the other comes back or does not."""
    held = 0
    for comes in comes_back:
        regulars.answered(1, 1, took_s, 0.0)
        held += regulars.left_s(1, ROOM, 0.0) > 0
        regulars.began(2 if comes else 1, ROOM)
    return held


def test_a_caller_alone_is_not_kept_waiting() -> None:
    regulars = Regulars()
    assert regulars.left_s(1, ROOM, 0.0) == 0
    regulars.answered(1, 0, 0.002, 1.0)
    assert regulars.left_s(1, ROOM, 1.0) == 0


def test_those_who_were_answered_are_waited_for_until_all_are_back_or_half_a_batch_has_passed() -> None:
    regulars = Regulars()
    regulars.answered(3, 2, 0.004, 1.0)
    assert regulars.expected(ROOM) == 5
    assert regulars.left_s(2, ROOM, 1.0005) == pytest.approx(0.0015)
    assert regulars.left_s(4, ROOM, 1.0005) > 0
    assert regulars.left_s(5, ROOM, 1.0005) == 0
    assert regulars.left_s(2, ROOM, 1.0021) == 0
    regulars.answered(3, 2, 60.0, 1.0)
    assert regulars.left_s(2, ROOM, 1.0) == pytest.approx(LONGEST_S)


def test_a_full_batch_waits_for_nobody() -> None:
    regulars = Regulars()
    regulars.answered(ROOM, ROOM, 0.02, 1.0)
    assert regulars.left_s(ROOM, ROOM, 1.0) == 0


def test_callers_who_come_when_they_like_are_waited_for_ever_more_rarely() -> None:
    assert held_batches(Regulars(), [False] * 1000) <= 22
    assert held_batches(Regulars(), [number % 4 == 0 for number in range(1000)]) < 150


def test_callers_who_take_to_asking_at_once_are_waited_for_again() -> None:
    regulars = Regulars()
    held_batches(regulars, [False] * 200)
    held_batches(regulars, [True] * 300)
    assert held_batches(regulars, [True] * 100) == 100


def test_two_callers_in_turn_become_one_batch() -> None:
    """They begin apart, one being computed while the other waits; then each batch has both."""

    async def run() -> list[list[int]]:
        recording = Slow()
        async with Batcher(recording, largest_batch=8) as batcher:

            async def asks(number: int) -> None:
                await asyncio.sleep(0.01 * number)
                for _ in range(30):
                    await soon(batcher.submit(number, 1, caller(f"caller {number}")))

            await asyncio.gather(asks(0), asks(1))
        return recording.batches

    batches = asyncio.run(run())
    assert sum(len(batch) == 2 for batch in batches) > 20


class Slow(Recording):
    """Takes as long as a network."""

    def __call__(self, batch: Sequence[int], on_idle: Callable[[], None]) -> list[int]:
        time.sleep(0.02)
        return super().__call__(batch, on_idle)


@pytest.mark.parametrize("delay_us", [0, 1])
def test_a_batch_begins_as_soon_as_the_last_one_is_back(monkeypatch: pytest.MonkeyPatch, delay_us: int) -> None:
    monkeypatch.setattr("server.batching.regulars.LONGEST_S", 30.0)
    monkeypatch.setattr("server.batching.regulars.SHARE", 1e9)

    async def run() -> tuple[list[list[int]], float]:
        held = Held()
        async with Batcher(held, largest_batch=8, delay_us=delay_us) as batcher:
            first = asyncio.ensure_future(batcher.submit(1, 1, caller("a")))
            await soon(held.begun())
            second = asyncio.ensure_future(batcher.submit(2, 1, caller("b")))
            await asyncio.sleep(0)
            held.release()
            await soon(first)
            began_s = time.monotonic()
            await asyncio.sleep(0.05)
            assert held.batches == [[1]], "the second waits for the first to come back"
            await soon(batcher.submit(3, 1, caller("a")))
            await soon(second)
            return held.batches, time.monotonic() - began_s

    batches, seconds = asyncio.run(run())
    assert [sorted(batch) for batch in batches] == [[1], [2, 3]]
    assert seconds < 10
