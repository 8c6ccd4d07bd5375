"""The batcher: a bounded, fair queue before two threads that compute batches in turn."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from perception.errors import UserError
from server.batching.fair_queue import FairQueue
from server.batching.observer import DropReason, Observer, Unobserved
from server.batching.regulars import Regulars
from server.errors import DeadlineExpired, Draining, Overloaded

if TYPE_CHECKING:
    from server.backend import Caller

Work = TypeVar("Work")
Result = TypeVar("Result")

_logger = logging.getLogger(__name__)

_UNMEASURED_S = 0.01
"""What an image takes, as long as none was computed."""

_MEMORY = 0.8
"""Share of the past in the running mean of what an image takes, at each batch."""


@dataclass(frozen=True)
class Answer(Generic[Result]):
    """A request's result, and where its time went.

    Args:
        result: What `compute` made of its work.
        queue_us: From when it was taken to when its batch was begun.
        compute_us: Of its batch.
        batch_images: Of its batch, its own included.
    """

    result: Result
    queue_us: int
    compute_us: int
    batch_images: int


class _Told(Generic[Result]):
    """Stands in for a future where the outcome is told on the thread that computed it.

    Args:
        tell: See `Batcher.begin`.
        end: Likewise.
    """

    def __init__(self, tell: Callable[[Answer[Result] | Exception], None], end: Callable[[], None]) -> None:
        self._tell = tell
        self._end = end
        self._is_done = False
        self._is_withdrawn = False

    def done(self) -> bool:
        return self._is_done

    def set_result(self, answer: Answer[Result]) -> None:
        self._settle(answer)

    def set_exception(self, error: Exception) -> None:
        self._settle(error)

    def withdraw(self) -> None:
        self._is_done = self._is_withdrawn = True

    def end(self) -> None:
        if not self._is_withdrawn:
            self._end()

    def _settle(self, outcome: Answer[Result] | Exception) -> None:
        self._is_done = True
        try:
            self._tell(outcome)
        except Exception:  # the thread has others to serve
            _logger.exception("an outcome could not be told")


class _Turn:
    """A thread's, which begins as soon as the other's has ended.

    Args:
        lock: Of which the one who holds it has the turn.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock: threading.Lock | None = lock
        lock.acquire()

    def end(self) -> None:
        """Let the other thread go on; may be called again."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Work, Result]):
    """A request; satisfies `fair_queue.Request`."""

    work: Work
    images: int
    caller: str
    since_s: float
    alone: bool
    deadline_s: float | None
    answer: asyncio.Future[Answer[Result]] | _Told[Result]

    def end(self) -> None:
        """On the event loop, after its outcome was told."""
        if isinstance(self.answer, _Told):
            self.answer.end()

    def is_over(self, now_s: float) -> bool:
        return self.answer.done() or (self.deadline_s is not None and self.deadline_s <= now_s)


class Batcher(Generic[Work, Result]):
    """Gathers work of many callers into batches that threads of its own compute.

    A thread takes its batches from the queue itself, so that it never waits for the event loop between two; it tells
    the loop once for each batch. There are two, of which one has its turn: when its batch leaves a core idle, the other
    begins the next one, so that cores work while a batch is finished and its callers are told. Construct it where a
    loop is running, which then is the only one to use it, and end it with `drain`, or use it with `async with`.

    Args:
        compute: Results of a batch, in its order; a result that is an exception is raised to its own caller. Called on
            a thread. What it raises is raised to all callers of the batch. Calls its second argument when the next
            batch may be begun; else that is when it returns.
        largest_batch: Images in a batch, and so in a request.
        delay_us: How long the oldest request may be kept for others to join it while the thread is free. With 0 only
            those are waited for who were just answered and ask again at once (see `Regulars`): while a batch is
            computed the next gathers anyway.
        largest_queue: Images that may wait.
        observer: Is told what happens.

    Raises:
        UserError: If a limit is too small.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Work], Callable[[], None]], Sequence[Result | Exception]],
        *,
        largest_batch: int = 32,
        delay_us: int = 0,
        largest_queue: int = 256,
        observer: Observer | None = None,
    ) -> None:
        _check_limits(largest_batch, delay_us, largest_queue)
        self.largest_batch = largest_batch
        self.largest_queue = largest_queue
        self._compute = compute
        self._delay_s = delay_us / 1e6
        self._observer: Observer = Unobserved() if observer is None else observer
        self._loop = asyncio.get_running_loop()
        self._queue: FairQueue[_Waiting[Work, Result]] = FairQueue(largest_batch)
        self._changed = threading.Condition(threading.Lock())  # held for microseconds
        self._regulars = Regulars()
        self._awaited_images = sys.maxsize  # the thread sleeps until so many are queued
        self._is_draining = False
        self._ended = asyncio.Event()
        self._image_s = _UNMEASURED_S
        self._busy_until_s = 0.0
        self._turn = threading.Lock()  # of the thread that takes the next batch, or has the cores
        self._threads = 2
        for _ in range(self._threads):
            threading.Thread(target=self._run, name="inference", daemon=True).start()

    @property
    def queued_images(self) -> int:
        """That wait now."""
        return self._queue.images

    async def submit(self, work: Work, images: int, caller: "Caller", *, alone: bool = False) -> Answer[Result]:
        """Have work done in the next batch that has room when the caller's turn comes.

        A request is never split. To cancel the awaiting task takes it out of the queue.

        Args:
            work: Handed to `compute`.
            images: It has, at least 1.
            caller: Who waits.
            alone: Whether it gets a batch of its own, because it takes long or shares no computation with others.

        Raises:
            UserError: If it has too many images, or none.
            Overloaded: If the queue has no room, or had none for all and this caller held the most of it.
            DeadlineExpired: If the deadline passed before its batch was begun.
            Draining: If `drain` was called.
            Exception: Whatever `compute` raised or returned for it.
        """
        answer: asyncio.Future[Answer[Result]] = self._loop.create_future()
        request = self._accepted(work, images, caller, alone, answer)
        try:
            return await answer
        except asyncio.CancelledError:
            self._withdraw(request)
            if not answer.cancelled() and answer.done():
                answer.exception()  # an answer that came too late is nobody's, and asyncio need not warn of it
            raise
        finally:
            del answer, request  # an error knows this frame: through them it would keep itself, and the images, alive

    def begin(
        self,
        work: Work,
        images: int,
        caller: "Caller",
        tell: Callable[[Answer[Result] | Exception], None],
        end: Callable[[], None],
    ) -> Callable[[], None]:
        """As `submit`, for those who can be told at once, on whichever thread: it saves the way over the event loop.

        Args:
            work: Handed to `compute`.
            images: It has, at least 1.
            caller: Who waits.
            tell: Given the outcome, most often on a thread that computes, which begins no batch until it returns.
            end: Called after it, on the event loop.

        Returns:
            What withdraws the request; neither `end` nor, but for an outcome that is being told, `tell` is called then.

        Raises:
            UserError: As `submit`.
            ServerError: Likewise, if the request is not taken.
        """
        answer = _Told(tell, end)
        request = self._accepted(work, images, caller, False, answer)

        def withdraw() -> None:
            answer.withdraw()
            self._withdraw(request)

        return withdraw

    def _accepted(
        self,
        work: Work,
        images: int,
        caller: "Caller",
        alone: bool,
        answer: asyncio.Future[Answer[Result]] | _Told[Result],
    ) -> _Waiting[Work, Result]:
        self.check_size(images)
        now_s = time.monotonic()
        request = _Waiting(work, images, caller.name, now_s, alone, caller.deadline_s, answer)
        if request.is_over(now_s):
            self._observer.dropped(DropReason.EXPIRED)
            raise DeadlineExpired(0.0)
        self._accept(request)
        return request

    async def drain(self) -> None:
        """Finish everything that was accepted and end the threads; from now on `submit` raises `Draining`."""
        with self._changed:
            self._is_draining = True
            self._changed.notify()
        await self._ended.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain()

    def check_size(self, images: int) -> None:
        """Raise what `submit` would for a request of so many images, for those who have to prepare them first.

        Raises:
            UserError: If they are too many, or none.
        """
        if images < 1:
            raise UserError(f"a request has {images} images; expected at least 1.")
        if images > self.largest_batch:
            raise UserError(
                f"a request has {images} images; this server takes at most {self.largest_batch} at a time: send it in "
                "parts, or start the server with a larger --max-batch."
            )

    def overloaded(self, images: int) -> Overloaded:
        """An error for a request that is turned away now, with a hint from how fast batches were computed lately.

        Args:
            images: It has.
        """
        self._observer.dropped(DropReason.REJECTED)
        before = max(self.queued_images + images - self.largest_queue, min(self.queued_images, self.largest_batch), 1)
        return Overloaded(before * self._image_s, self.queued_images)

    def _accept(self, request: _Waiting[Work, Result]) -> None:
        with self._changed:
            if self._is_draining:
                raise Draining
            removed = self._queue.make_room(request.images, request.caller, self.largest_queue)
            has_room = self._queue.images + request.images <= self.largest_queue
            if has_room:
                self._queue.add(request)
                self._wake()
        for each in removed:
            error = self.overloaded(each.images)
            if not each.answer.done():
                each.answer.set_exception(error)
                each.end()
        if not has_room:
            raise self.overloaded(request.images)

    def _wake(self) -> None:
        if self._queue.images >= self._awaited_images:
            self._awaited_images = sys.maxsize
            self._changed.notify()

    def _withdraw(self, request: _Waiting[Work, Result]) -> None:
        with self._changed:
            was_queued = self._queue.remove(request)
        if was_queued:
            self._observer.dropped(DropReason.CANCELLED)

    # On the thread:

    def _run(self) -> None:
        try:
            while self._run_batch():
                pass
            with self._changed:
                self._threads -= 1
                is_last = not self._threads
            if is_last:
                self._tell(self._ended.set)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            with self._changed:
                self._is_draining = True  # nobody can be told anything: the other thread ends too
                self._changed.notify()

    def _run_batch(self) -> bool:
        """Compute the next batch and tell those who wait for it; False if there is none any more."""
        turn = _Turn(self._turn)
        try:
            batch = self._next_batch()
            if not batch:
                return False
            begun_s = time.monotonic()
            outcomes = self._outcomes([request.work for request in batch], turn.end)
        finally:
            turn.end()
        done_s = time.monotonic()
        busy_s = self._expect(batch, begun_s, done_s)  # before anybody who is told can ask again
        self._settle(batch, outcomes, begun_s, done_s, on_thread=True)
        self._tell(self._deliver, batch, outcomes, begun_s, done_s, busy_s)
        del batch, outcomes  # an error knows this frame, and through it would keep itself and the images alive
        return True

    def _tell(self, function: Callable[..., object], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def _expect(self, batch: list[_Waiting[Work, Result]], begun_s: float, done_s: float) -> float:
        """Learn from a batch that is done; the seconds that it took alone, or before the one beside it was done."""
        images = sum(request.images for request in batch if not request.alone)
        with self._changed:
            self._regulars.answered(images, self._queue.images, done_s - begun_s, done_s)
            busy_s = max(0.0, done_s - max(begun_s, self._busy_until_s))
            self._busy_until_s = max(done_s, self._busy_until_s)
        return busy_s

    def _next_batch(self) -> list[_Waiting[Work, Result]]:
        """The next batch, waited for; empty when all is done and no more is taken."""
        while True:
            with self._changed:
                self._gather()
                self._regulars.began(self._queue.images, self.largest_batch)
                batch, over = self._queue.take(time.monotonic())
                is_last = self._is_draining and not self._queue.images
            if over:
                self._tell(self._expire, over)
            if batch or is_last:
                return batch
            del over  # nothing is kept while the thread sleeps

    def _gather(self) -> None:
        """Sleep until there is a batch worth computing."""
        while not self._is_draining:
            self._awaited_images, left_s = self._awaited()
            if left_s == 0:
                break
            self._changed.wait(left_s)
        self._awaited_images = sys.maxsize

    def _awaited(self) -> tuple[int, float | None]:
        """So many images need not wait for others, and fewer wait so long: None for as long as it takes."""
        if not self._queue.images:
            return 1, None
        now_s = time.monotonic()
        if self._delay_s and self._queue.images < self.largest_batch:
            left_s = self._queue.oldest_s() + self._delay_s - now_s
            if left_s > 0:
                return self.largest_batch, left_s
        expected = self._regulars.expected(self.largest_batch)
        return expected, self._regulars.left_s(self._queue.images, self.largest_batch, now_s)

    def _outcomes(self, work: list[Work], on_idle: Callable[[], None]) -> Sequence[Result | Exception]:
        try:
            outcomes = self._compute(work, on_idle)
            if len(outcomes) != len(work):
                raise RuntimeError(f"{len(outcomes)} results were computed for {len(work)} requests")
        except BaseException as error:
            return [_deliverable(error)] * len(work)
        return outcomes

    # On the event loop:

    def _expire(self, requests: list[_Waiting[Work, Result]]) -> None:
        now_s = time.monotonic()
        for request in requests:
            is_cancelled = request.answer.done()
            self._observer.dropped(DropReason.CANCELLED if is_cancelled else DropReason.EXPIRED)
            if not is_cancelled:
                request.answer.set_exception(DeadlineExpired(now_s - request.since_s))
                request.end()

    def _deliver(
        self,
        batch: list[_Waiting[Work, Result]],
        outcomes: Sequence[Result | Exception],
        begun_s: float,
        done_s: float,
        busy_s: float,
    ) -> None:
        self._settle(batch, outcomes, begun_s, done_s, on_thread=False)
        images = sum(request.images for request in batch)
        self._image_s = _MEMORY * self._image_s + (1 - _MEMORY) * busy_s / images
        self._loop.call_soon(self._observe, batch, images, begun_s, busy_s)  # after those who wait have been told

    def _settle(
        self,
        batch: list[_Waiting[Work, Result]],
        outcomes: Sequence[Result | Exception],
        begun_s: float,
        done_s: float,
        *,
        on_thread: bool,
    ) -> None:
        """Tell those who wait for it on the thread, or on the event loop."""
        images = sum(request.images for request in batch)
        compute_us = round(1e6 * (done_s - begun_s))
        for request, outcome in zip(batch, outcomes, strict=True):
            if isinstance(request.answer, _Told) is not on_thread or request.answer.done():
                continue
            if isinstance(outcome, Exception):
                request.answer.set_exception(outcome)
            else:
                queue_us = round(1e6 * (begun_s - request.since_s))
                request.answer.set_result(Answer(outcome, queue_us, compute_us, images))

    def _observe(self, batch: list[_Waiting[Work, Result]], images: int, begun_s: float, busy_s: float) -> None:
        self._observer.computed(images, busy_s)
        for request in batch:
            self._observer.waited(begun_s - request.since_s)
            request.end()


def _deliverable(error: BaseException) -> Exception:
    """What may be raised to callers: what would end their `await`, or their event loop, is wrapped."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"computing a batch raised {error!r}")
    wrapped.__cause__ = error
    return wrapped


def _check_limits(largest_batch: int, delay_us: int, largest_queue: int) -> None:
    if largest_batch < 1:
        raise UserError(f"the largest batch is {largest_batch} images; expected at least 1.")
    if delay_us < 0:
        raise UserError(f"the delay is {delay_us} us; expected 0 or more.")
    if largest_queue < largest_batch:
        raise UserError(
            f"the queue takes {largest_queue} images; expected at least those of the largest batch, {largest_batch}."
        )
