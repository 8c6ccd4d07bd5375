"""Encode over streams that stay open, one message at a time on each: half the latency of calls by themselves.

Used beside shared memory, where the call is what takes the time. A message that fails is sent once more as a call by
itself, since only those carry all of a status. Streams have no deadline for each message, so that the client keeps it.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Condition, Thread
from typing import Any, TypeAlias

import grpc

from perception.remote.errors import LocalRpcError
from protos.perception.v1 import perception_pb2 as messages

Metadata: TypeAlias = tuple[tuple[str, str], ...]


class Lanes:
    """As many streams as calls run at the same time; `encode` is called like the stub's.

    Args:
        encode: The stub's.
        encode_stream: The stub's.
    """

    def __init__(self, encode: Callable[..., Any], encode_stream: Callable[..., Any]) -> None:
        self._encode = encode
        self._encode_stream = encode_stream
        self._free: list[_Lane] = []
        self._deadlines = _Deadlines()

    def encode(self, request: messages.EncodeRequest, *, timeout: float, metadata: Metadata) -> messages.EncodeResponse:
        """Encode.

        Raises:
            grpc.RpcError: As the stub's would.
        """
        ends_s = time.monotonic() + timeout
        try:
            lane = self._free.pop()
        except IndexError:
            lane = _Lane(self._encode_stream, metadata)
        with self._deadlines.cancelled_at(ends_s, lane):
            answer = lane.ask(request)
        self._free.append(lane)
        response: messages.EncodeResponse = (
            answer.response
            if answer.HasField("response")
            else self._encode(request, timeout=max(0.0, ends_s - time.monotonic()), metadata=metadata)
        )
        return response

    def rest(self) -> None:
        """End the streams; the next calls open others."""
        free, self._free = self._free, []
        for lane in free:
            lane.close()


class _Lane:
    """One stream."""

    def __init__(self, encode_stream: Callable[..., Any], metadata: Metadata) -> None:
        self._requests: SimpleQueue[messages.EncodeStreamRequest | None] = SimpleQueue()
        self._call = encode_stream(iter(self._requests.get, None), metadata=metadata)
        self.is_late = False

    def ask(self, request: messages.EncodeRequest) -> messages.EncodeStreamResponse:
        self._requests.put(messages.EncodeStreamRequest(request=request))
        try:
            answer: messages.EncodeStreamResponse | None = next(self._call, None)
        except grpc.RpcError as error:
            if self.is_late:
                raise _late() from error
            raise
        if answer is None:
            raise _ended()
        return answer

    def cancel(self) -> None:
        self.is_late = True
        self._call.cancel()

    def close(self) -> None:
        self._requests.put(None)  # else gRPC's thread would wait for the next one for ever
        self._call.cancel()

    def __del__(self) -> None:
        self._requests.put(None)


class _Deadlines:
    """A thread that cancels what is late; it ends when there is nothing to watch."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._ends_s: dict[_Lane, float] = {}
        self._wakes_s = math.inf
        self._is_watching = False

    @contextmanager
    def cancelled_at(self, ends_s: float, lane: _Lane) -> Iterator[None]:
        with self._changed:
            self._ends_s[lane] = ends_s
            if not self._is_watching:
                self._is_watching = True
                Thread(target=self._watch, name="midlevel-deadlines", daemon=True).start()
            elif ends_s < self._wakes_s:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._ends_s[lane]

    def _watch(self) -> None:
        with self._changed:
            while self._ends_s:
                now_s = time.monotonic()
                for lane in [lane for lane, ends_s in self._ends_s.items() if ends_s <= now_s and not lane.is_late]:
                    lane.cancel()
                self._wakes_s = min((s for s in self._ends_s.values() if s > now_s), default=now_s + 1)
                self._changed.wait(self._wakes_s - now_s)
            self._is_watching = False


def _late() -> LocalRpcError:
    return LocalRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")


def _ended() -> LocalRpcError:
    return LocalRpcError(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
