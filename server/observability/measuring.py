"""Every call is counted and timed, whichever service it is for."""

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import grpc

from server.handlers import KINDS, Find, Handler
from server.observability.metrics import Metrics

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Behaviour = Callable[[Any, Any], Any]

_CODES = {code.value[0]: code.name for code in grpc.StatusCode}
_FAULTS = frozenset({"UNKNOWN", "INTERNAL", "DATA_LOSS"})
"""Codes of the server's own mistakes."""
_UNKNOWN_METHOD = "unknown"
"""Label of methods that no service has: callers could make up any number of them."""

_CLOCKS_DIFFER_S = 0.01
"""The caller's clock for the deadline runs ahead of the server's by the way of the message."""

_logger = logging.getLogger(__name__)


class MeasuringInterceptor:
    """Measures calls of asynchronous handlers by method and code, and logs each at debug, the server's faults louder.

    Put it before other interceptors, so that calls that they refuse are counted too.

    Args:
        metrics: Where to.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def intercept(self, find: Find, call: grpc.HandlerCallDetails) -> Handler | None:
        """The call's handler, measured."""
        begun_s = time.perf_counter()
        handler = find(call)
        if handler is None:
            self._metrics.call_ended(_UNKNOWN_METHOD, "UNIMPLEMENTED", time.perf_counter() - begun_s)
            return None
        kind, factory = KINDS[handler.request_streaming, handler.response_streaming]
        measured = self._measured(getattr(handler, kind), str(call.method), begun_s)
        result: Handler = factory(measured, handler.request_deserializer, handler.response_serializer)
        return result

    def _measured(self, behaviour: Behaviour, method: str, begun_s: float) -> Behaviour:
        async def answer(request: Any, context: Context) -> Any:
            self._metrics.call_began()
            try:
                response = await behaviour(request, context)
            except BaseException as error:
                self._end(method, begun_s, error, context)
                raise
            self._end(method, begun_s, None, context)
            return response

        async def answers(request: Any, context: Context) -> AsyncIterator[Any]:
            self._metrics.call_began()
            try:
                async with contextlib.aclosing(behaviour(request, context)) as responses:
                    async for response in responses:
                        yield response
            except BaseException as error:
                self._end(method, begun_s, error, context)
                raise
            self._end(method, begun_s, None, context)

        return answers if inspect.isasyncgenfunction(behaviour) else answer

    def _end(self, method: str, begun_s: float, problem: BaseException | None, context: Context) -> None:
        """Count the call, once its answer is on its way."""
        code, seconds = _code(problem, context), time.perf_counter() - begun_s
        asyncio.get_running_loop().call_soon(self._count, method, code, seconds, context)

    def _count(self, method: str, code: str, seconds: float, context: Context) -> None:
        self._metrics.call_ended(method, code, seconds, was_begun=True)
        level = logging.WARNING if code in _FAULTS else logging.DEBUG
        if _logger.isEnabledFor(level):
            fields = {"method": method, "code": code, "seconds": round(seconds, 6), "peer": context.peer()}
            _logger.log(level, "call", extra=fields)


def _code(problem: BaseException | None, context: Context) -> str:
    """Name of the status that the caller sees.

    A stream whose caller leaves while its next message is awaited ends as one whose caller has no more to say: OK.
    """
    remaining_s = context.time_remaining()
    if isinstance(problem, (asyncio.CancelledError, GeneratorExit)):
        is_late = remaining_s is not None and remaining_s <= _CLOCKS_DIFFER_S
        return "DEADLINE_EXCEEDED" if is_late else "CANCELLED"
    set_code: Any = context.code()  # None if the handler left it alone
    if set_code:
        return _CODES.get(set_code, "UNKNOWN") if isinstance(set_code, int) else str(set_code.name)
    if problem is not None:
        return "UNKNOWN"
    return "DEADLINE_EXCEEDED" if remaining_s is not None and remaining_s <= 0 else "OK"
