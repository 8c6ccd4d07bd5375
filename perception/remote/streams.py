"""Encoding over streams that stay open: what a call of gRPC takes beside its messages is paid once for each stream.

A stream carries one call at a time, and is ended by one that is given up. Who comes when all streams are in use makes a
call of its own.
"""

import asyncio
import math
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import grpc
import grpc.aio

from perception.remote.errors import AnsweredError, failure_error
from perception.remote.forks import CALL, abandon, pause_for_forks
from protos.perception.v1 import perception_pb2 as messages

MOST_STREAMS = 16
"""Of one client at the same time."""

_MOST_IDLE = 4
"""Kept for later calls; each holds what it sent last."""

Metadata = Sequence[tuple[str, str]]


class Stream(ABC):
    """A call of `EncodeStream`."""

    def __init__(self) -> None:
        self.frames = 0
        """That were sent."""

    @abstractmethod
    def cancel(self) -> None:
        """End it."""


S = TypeVar("S", bound=Stream)


class Streams(Generic[S]):
    """A client's open streams.

    Args:
        on_close: Called when they are closed, or forgotten.
    """

    def __init__(self, on_close: Callable[[], None] = lambda: None) -> None:
        self._idle: list[S] = []
        self._in_use: set[S] = set()
        self._lock = threading.Lock()
        self._on_close = on_close
        self.is_closed = False
        self._finalizer = weakref.finalize(self, _end, self._idle, on_close)

    def take(self, begin: Callable[[], S]) -> S | None:
        """A stream for one call, to be put back or dropped after it; None if there are too many."""
        with self._lock:
            if len(self._in_use) >= MOST_STREAMS:
                return None
            stream = self._idle.pop() if self._idle else begin()
            self._in_use.add(stream)
            return stream

    def put_back(self, stream: S) -> None:
        """After a call that was answered."""
        with self._lock:
            self._in_use.discard(stream)
            if not self.is_closed and not CALL.is_closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(stream)
                return
        stream.cancel()

    def drop(self, stream: S) -> None:
        """After a call that was not."""
        with self._lock:
            self._in_use.discard(stream)
        stream.cancel()

    def pause(self) -> None:
        """Before a fork: end the streams that are not in use; the next calls make others."""
        with self._lock:
            idle = self._idle[:]
            self._idle.clear()
        for stream in idle:
            stream.cancel()

    def close(self) -> None:
        """End all, and the calls that are under way."""
        self.is_closed = True
        self.pause()
        for stream in list(self._in_use):
            stream.cancel()
        self._on_close()

    def abandon(self) -> None:
        """In a forked child: leave them to the parent."""
        self._finalizer.detach()
        abandon((self._idle, self._in_use))


class BlockingStream(Stream):
    """A stream whose answers are waited for.

    Args:
        encode_stream: The stub's.
        metadata: Sent when it begins.
    """

    def __init__(self, encode_stream: Callable[..., Any], metadata: Metadata) -> None:
        super().__init__()
        self.is_late = False
        self._requests: SimpleQueue[messages.EncodeStreamRequest | None] = SimpleQueue()
        self._call = encode_stream(iter(self._requests.get, None), metadata=metadata)

    def ask(self, request: messages.EncodeStreamRequest) -> messages.EncodeStreamResponse | None:
        """The answer; None if the server has ended the stream.

        Raises:
            grpc.RpcError: If the stream broke.
        """
        self._requests.put(request)
        try:
            return next(self._call, None)
        except grpc.RpcError as error:  # which is the call itself: with a traceback it would keep itself alive, and us
            code, words = error.code(), error.details() or "the stream broke"
            error.__traceback__ = None
        raise AnsweredError(code, words)

    def cancel(self) -> None:
        """See `Stream.cancel`."""
        self._call.cancel()
        self._requests.put(None)  # for the thread that sends


class Watch:
    """Ends streams whose answers do not come in time, for gRPC would wait for ever."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends_s: dict[BlockingStream, float] = {}
        self._wakes_s = math.inf
        self._thread: threading.Thread | None = None
        self._is_over = False

    def begin(self, stream: BlockingStream, ends_s: float) -> None:
        """End it then, on `time.monotonic`'s clock."""
        with self._changed:
            self._ends_s[stream] = ends_s
            if ends_s < self._wakes_s:
                self._wakes_s = ends_s
                self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="midlevel-watch", daemon=True)
                self._thread.start()

    def end(self, stream: BlockingStream) -> None:
        """Let it be."""
        with self._changed:
            self._ends_s.pop(stream, None)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._is_over:
                now_s = time.monotonic()
                self._cancel_late(now_s)
                self._wakes_s = min(self._ends_s.values(), default=math.inf)
                self._changed.wait(None if self._wakes_s == math.inf else max(0.0, self._wakes_s - now_s))

    def _cancel_late(self, now_s: float) -> None:
        for stream in [stream for stream, ends_s in self._ends_s.items() if ends_s <= now_s]:
            del self._ends_s[stream]
            stream.is_late = True
            stream.cancel()


class BlockingStreamEncode:
    """What a stub's `Encode` is, errors included, for messages that `StreamCarrier` packs.

    Args:
        encode: The stub's, for calls that no stream carries.
        encode_stream: The stub's.
    """

    def __init__(self, encode: Callable[..., Any], encode_stream: Callable[..., Any]) -> None:
        self._encode = encode
        self._encode_stream = encode_stream
        self._watch = Watch()
        self.streams: Streams[BlockingStream] = Streams(self._watch.close)
        pause_for_forks(self.streams)

    def __call__(
        self, request: messages.EncodeStreamRequest, *, timeout: float, metadata: Metadata
    ) -> messages.EncodeResponse:
        """Encode.

        Raises:
            grpc.RpcError: As a call of gRPC.
        """
        ends_s = time.monotonic() + timeout
        while True:
            left_s = _left_s(ends_s)
            stream = self.streams.take(lambda: BlockingStream(self._encode_stream, metadata))
            if stream is None:
                response: messages.EncodeResponse = self._encode(request.request, timeout=left_s, metadata=metadata)
                return response
            is_new = not stream.frames
            try:
                _number(request, stream, left_s)
                self._watch.begin(stream, ends_s)
                answer = stream.ask(request)
                _check(request, answer)
            except BaseException as error:
                self._watch.end(stream)
                self.streams.drop(stream)
                if stream.is_late:
                    raise _late() from error
                if self.streams.is_closed:
                    raise _closed() from error
                if is_new or not _is_gone(error):
                    raise
                continue  # it was ended while nobody used it
            self._watch.end(stream)
            if answer is None or stream.is_late:
                self.streams.drop(stream)
            else:
                self.streams.put_back(stream)
            if answer is not None:
                return _outcome(answer)
            if is_new:
                raise _ended()


class AsyncStream(Stream):
    """A stream whose answers are awaited.

    Args:
        encode_stream: The stub's.
        metadata: Sent when it begins.
    """

    def __init__(self, encode_stream: Callable[..., Any], metadata: Metadata) -> None:
        super().__init__()
        self._call = encode_stream(metadata=metadata)

    async def ask(self, request: messages.EncodeStreamRequest) -> messages.EncodeStreamResponse | None:
        """As `BlockingStream.ask`."""
        try:
            await self._call.write(request)
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
            await self._fail(broken=grpc.StatusCode.INTERNAL)  # which is what gRPC says of streams that broke
        answer: Any = await self._call.read()
        if isinstance(answer, messages.EncodeStreamResponse):
            return answer
        await self._fail()
        return None

    async def _fail(self, broken: grpc.StatusCode | None = None) -> None:
        """Raise what ended the stream, if something did."""
        code = await self._call.code()
        if code is broken:
            raise AnsweredError(grpc.StatusCode.UNAVAILABLE, "failed to connect, or the connection broke")
        if code is not grpc.StatusCode.OK:
            raise AnsweredError(code, await self._call.details() or "the stream broke")

    def cancel(self) -> None:
        """See `Stream.cancel`."""
        self._call.cancel()


class AsyncStreamEncode:
    """As `BlockingStreamEncode`, to be awaited.

    Args:
        encode: The stub's, for calls that no stream carries.
        encode_stream: The stub's.
    """

    def __init__(self, encode: Callable[..., Any], encode_stream: Callable[..., Any]) -> None:
        self._encode = encode
        self._encode_stream = encode_stream
        self.streams: Streams[AsyncStream] = Streams()

    async def __call__(
        self, request: messages.EncodeStreamRequest, *, timeout: float, metadata: Metadata
    ) -> messages.EncodeResponse:
        """Encode.

        Raises:
            grpc.RpcError: As a call of gRPC.
        """
        ends_s = time.monotonic() + timeout
        while True:
            left_s = _left_s(ends_s)
            stream = self.streams.take(lambda: AsyncStream(self._encode_stream, metadata))
            if stream is None:
                response: messages.EncodeResponse = await self._encode(
                    request.request, timeout=left_s, metadata=metadata
                )
                return response
            is_new = not stream.frames
            try:
                _number(request, stream, left_s)
                async with asyncio.timeout(left_s):
                    answer = await stream.ask(request)
                _check(request, answer)
            except BaseException as error:
                self.streams.drop(stream)
                if isinstance(error, TimeoutError):
                    raise _late() from error
                if self.streams.is_closed and not _is_cancelled_here(error):
                    raise _closed() from error
                if is_new or not _is_gone(error):
                    raise
                continue  # it was ended while nobody used it
            if answer is None:
                self.streams.drop(stream)
            else:
                self.streams.put_back(stream)
                return _outcome(answer)
            if is_new:
                raise _ended()


def _number(request: messages.EncodeStreamRequest, stream: Stream, left_s: float) -> None:
    request.timeout_us = math.ceil(1e6 * left_s)
    stream.frames += 1
    request.sequence = stream.frames


def _check(request: messages.EncodeStreamRequest, answer: messages.EncodeStreamResponse | None) -> None:
    if answer is not None and (answer.sequence != request.sequence or answer.WhichOneof("outcome") is None):
        raise AnsweredError(
            grpc.StatusCode.INTERNAL, f"frame {answer.sequence} was answered in place of frame {request.sequence}"
        )


def _outcome(answer: messages.EncodeStreamResponse) -> messages.EncodeResponse:
    if answer.HasField("failure"):
        raise failure_error(answer.failure)
    return answer.response


def _is_gone(error: BaseException) -> bool:
    return isinstance(error, grpc.RpcError) and error.code() is grpc.StatusCode.UNAVAILABLE


def _is_cancelled_here(error: BaseException) -> bool:
    """Whether it was the task that awaits, not the stream."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _left_s(ends_s: float) -> float:
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise _late()
    return left_s


def _late() -> AnsweredError:
    return AnsweredError(grpc.StatusCode.DEADLINE_EXCEEDED, "nothing came over the stream")


def _closed() -> AnsweredError:
    return AnsweredError(grpc.StatusCode.CANCELLED, "the encoder was closed during the call")


def _ended() -> AnsweredError:
    return AnsweredError(grpc.StatusCode.UNAVAILABLE, "the server ended the stream without an answer")


def _end(idle: Sequence[Stream], on_close: Callable[[], None]) -> None:
    for stream in idle:
        stream.cancel()
    on_close()
