"""What holds for calls of every service: messages that cannot be used are refused in a sentence, and calls are counted.

gRPC itself would say neither what is too large for what, nor that a malformed message is the caller's mistake.
"""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from server.errors import Draining
from server.handlers import KINDS, Find, Handler
from server.service.statuses import Status, TooLargeError, abort, status_of

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Behaviour = Callable[[Any, Any], Any]

_UNCOUNTED = "/grpc."

LARGEST_READ_BYTES = 2**31 - 1
"""gRPC's own limit."""


def read_limit(largest_bytes: int) -> int:
    """What gRPC may read, so that messages somewhat beyond the limit can be refused in our words."""
    return min(2 * largest_bytes, LARGEST_READ_BYTES)


@dataclass(frozen=True)
class _Unusable:
    """Stands in for a message."""

    status: Status


class CallInterceptor:
    """Ends calls with RESOURCE_EXHAUSTED or INVALID_ARGUMENT when one of their messages cannot be used; counts calls.

    Args:
        largest_bytes: Of a request.
    """

    def __init__(self, largest_bytes: int) -> None:
        self._largest_bytes = largest_bytes
        self._checked: dict[str, tuple[Handler, Handler]] = {}
        self._begun = 0
        self._under_way = 0
        self._is_closed = False

    def close(self) -> None:
        """Send new calls to other replicas: end them with UNAVAILABLE, but those for health and reflection."""
        self._is_closed = True

    async def quiet(self, seconds: float) -> None:
        """Wait until there has been no call for so long; health and reflection do not count."""
        begun = -1
        while self._under_way or begun != self._begun:
            begun = self._begun
            await asyncio.sleep(seconds)

    def intercept(self, find: Find, call: grpc.HandlerCallDetails) -> Handler | None:
        """The call's handler, behind a check of its messages."""
        method = str(call.method)
        is_counted = not method.startswith(_UNCOUNTED)
        if self._is_closed and is_counted:
            return grpc.stream_stream_rpc_method_handler(_refuse)  # so of all kinds: no message is waited for
        handler = find(call)
        if handler is None or handler.request_deserializer is None:
            return handler
        known, checked = self._checked.get(method, (None, None))
        if checked is None or known is not handler:
            checked = self._checking(handler, method, 1 if is_counted else 0)
            self._checked[method] = handler, checked
        return checked

    def _checking(self, handler: Handler, method: str, count: int) -> Handler:
        kind, make = KINDS[handler.request_streaming, handler.response_streaming]
        behaviour: Behaviour = getattr(handler, kind)

        async def usable(request: Any, context: Context) -> Any:
            return _stream(request, context) if handler.request_streaming else await _message(request, context)

        async def answer(request: Any, context: Context) -> Any:
            self._begun += count
            self._under_way += count
            try:
                return await behaviour(await usable(request, context), context)
            finally:
                self._under_way -= count

        async def answers(request: Any, context: Context) -> AsyncIterator[Any]:
            self._begun += count
            self._under_way += count
            try:
                async with contextlib.aclosing(behaviour(await usable(request, context), context)) as responses:
                    async for response in responses:
                        yield response
            finally:
                self._under_way -= count

        deserialize: Any = handler.request_deserializer
        checked = answers if inspect.isasyncgenfunction(behaviour) else answer
        result: Handler = make(checked, self._reading(deserialize, method), handler.response_serializer)
        return result

    def _reading(self, deserialize: Callable[[bytes], Any], method: str) -> Callable[[bytes], Any]:
        def read(data: bytes) -> Any:
            if len(data) > self._largest_bytes:
                return _Unusable(status_of(TooLargeError("the request", len(data), self._largest_bytes), method))
            try:
                return deserialize(data)
            except DecodeError:
                problem = f"the {len(data)} bytes are no request of {method}; is the client of another version?"
                return _Unusable(Status(grpc.StatusCode.INVALID_ARGUMENT, problem))

        return read


async def _refuse(_: AsyncIterator[Any], context: Context) -> None:
    await abort(context, status_of(Draining(), "new call"))


async def _message(message: Any, context: Context) -> Any:
    if isinstance(message, _Unusable):
        await abort(context, message.status)
    return message


async def _stream(messages: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
    async for message in messages:
        yield await _message(message, context)
