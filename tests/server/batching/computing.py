"""Computes for tests: one that records, and one that waits until it is let go."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from server.backend import Caller

Outcome = TypeVar("Outcome")

WAIT_S = 20
"""No wait in these tests comes near it unless something is broken."""


def caller(name: str = "someone", deadline_s: float | None = None) -> Caller:
    return Caller(name, deadline_s)


async def soon(what: Awaitable[Outcome]) -> Outcome:
    return await asyncio.wait_for(what, WAIT_S)


async def turns(count: int = 5) -> None:
    """Let other tasks run up to where they wait."""
    for _ in range(count):
        await asyncio.sleep(0)


@dataclass
class Recording:
    """Doubles numbers, and keeps every batch."""

    batches: list[list[int]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def __call__(self, batch: Sequence[int], on_idle: Callable[[], None]) -> list[int]:
        del on_idle
        self.batches.append(list(batch))
        self.threads.add(threading.current_thread().name)
        return [2 * number for number in batch]

    @property
    def seen(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


class Held(Recording):
    """Waits in each batch until `step` lets one go, or `release` all."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = threading.Semaphore(0)
        self._allowed = threading.Semaphore(0)
        self._is_open = False

    def __call__(self, batch: Sequence[int], on_idle: Callable[[], None]) -> list[int]:
        result = super().__call__(batch, on_idle)
        self._begun.release()
        if not self._is_open and not self._allowed.acquire(timeout=WAIT_S):
            raise TimeoutError("the test never let the batch go")
        return result

    async def begun(self) -> None:
        """Wait until another batch is being computed."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=WAIT_S)

    def step(self) -> None:
        self._allowed.release()

    def release(self) -> None:
        self._is_open = True
        self._allowed.release()


@dataclass
class Observed:
    """An observer that keeps everything."""

    waits_s: list[float] = field(default_factory=list)
    batches: list[tuple[int, float]] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)

    def waited(self, seconds: float) -> None:
        self.waits_s.append(seconds)

    def computed(self, images: int, seconds: float) -> None:
        self.batches.append((images, seconds))

    def dropped(self, reason: str) -> None:
        self.drops.append(reason)
