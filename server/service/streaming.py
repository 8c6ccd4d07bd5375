"""Frames of a stream: read, answered in their order, a bounded number at a time."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar

FRAMES_IN_FLIGHT = 8
"""Of one stream that asks for every frame; the client's further ones wait on its side."""

F = TypeVar("F")
A = TypeVar("A")

Answer = Callable[[F, int], Awaitable[A]]
"""Makes an answer of a frame and the number of frames left out before it; raises nothing."""

Write = Callable[[A], Awaitable[None]]
"""Sends an answer; waits while the reader is slow."""


class Frames(Generic[F]):
    """A stream's frames until the client sends no more or `stop` is called.

    Args:
        requests: The client's messages.
    """

    def __init__(self, requests: AsyncIterable[F]) -> None:
        self._requests = aiter(requests)
        self._reading: asyncio.Future[F | None] | None = None
        self._stopped = asyncio.Event()
        self.is_at_end = False

    def stop(self) -> None:
        """Read no more; what was read stays."""
        self._stopped.set()
        if self._reading is not None:
            self._reading.cancel()

    async def next(self) -> F | None:
        """The next frame; None at the end."""
        if self._stopped.is_set():
            return None
        self._reading = asyncio.ensure_future(_next(self._requests))
        try:
            frame = await self._reading
            self.is_at_end = frame is None
            return frame
        except asyncio.CancelledError:
            if self._stopped.is_set():
                return None
            raise


async def _next(requests: AsyncIterator[F]) -> F | None:
    return await anext(requests, None)


async def answer_every(first: F, frames: Frames[F], answer: Answer[F, A], write: Write[A]) -> None:
    """Answer each frame, several at a time, in their order."""
    room = asyncio.Semaphore(FRAMES_IN_FLIGHT)
    answers: asyncio.Queue[asyncio.Future[A] | None] = asyncio.Queue()
    under_way: set[asyncio.Future[A]] = set()

    async def read() -> None:
        frame: F | None = first
        while frame is not None:
            await room.acquire()
            task = asyncio.ensure_future(answer(frame, 0))
            under_way.add(task)
            answers.put_nowait(task)
            frame = await frames.next()

    reader = asyncio.ensure_future(read())
    reader.add_done_callback(lambda _: answers.put_nowait(None))
    try:
        while (task := await answers.get()) is not None:
            await write(await task)
            under_way.discard(task)
            room.release()
        await reader
    finally:
        await _cancel(reader, *under_way)


async def answer_latest(first: F, frames: Frames[F], answer: Answer[F, A], write: Write[A]) -> None:
    """Answer one frame at a time, and then the newest of those that came meanwhile."""
    newest: F | None = None
    skipped = 0
    changed = asyncio.Event()

    async def read() -> None:
        nonlocal newest, skipped
        frame: F | None = first
        while frame is not None:
            skipped += newest is not None
            newest = frame
            changed.set()
            frame = await frames.next()

    reader = asyncio.ensure_future(read())
    reader.add_done_callback(lambda _: changed.set())
    try:
        while newest is not None or not reader.done():
            if newest is None:
                changed.clear()
                await changed.wait()
                continue
            frame, count = newest, skipped
            newest, skipped = None, 0
            await write(await answer(frame, count))
        await reader
    finally:
        await _cancel(reader)


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
