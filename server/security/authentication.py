"""Calls without a valid token are refused before their messages are read."""

import contextlib
import inspect
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc

from server.handlers import KINDS, Find, Handler
from server.security.tokens import TokenFile

OPEN_METHODS = frozenset({"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"})
"""Open to all: orchestrators and load balancers probe health without credentials, and learn nothing but up or down."""

_MISSING = "a token is missing; send it as metadata 'authorization: Bearer <token>'."
_MALFORMED = "the authorization metadata is malformed; expected one value, 'Bearer <token>'."
_WRONG = "the token is not valid here; ask the server's operator for one that is."

_logger = logging.getLogger(__name__)


class TokenInterceptor:
    """Lets calls in that bear a token of a file, unary and streaming alike, to every service but health.

    Args:
        tokens: The file.
    """

    def __init__(self, tokens: TokenFile) -> None:
        self._tokens = tokens

    def intercept(self, find: Find, call: grpc.HandlerCallDetails) -> Handler | None:
        """The call's own handler, or one that ends it with UNAUTHENTICATED."""
        if call.method in OPEN_METHODS:
            return find(call)
        metadata = call.invocation_metadata
        problem = self._problem(metadata)
        if problem is not None:
            return _refusal(str(call.method), problem)
        handler = find(call)
        return self._checking(handler, metadata) if handler is not None and handler.request_streaming else handler

    def _checking(self, handler: Handler, metadata: Any) -> Handler:
        """Look at the token again at each message: streams may last longer than tokens do."""
        kind, make = KINDS[handler.request_streaming, handler.response_streaming]
        behaviour = getattr(handler, kind)

        async def admitted(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
            async for request in requests:
                problem = self._problem(metadata)
                if problem is not None:
                    await context.abort(grpc.StatusCode.UNAUTHENTICATED, problem)
                yield request

        async def answer(requests: AsyncIterator[Any], context: Any) -> Any:
            return await behaviour(admitted(requests, context), context)

        async def answers(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
            async with contextlib.aclosing(behaviour(admitted(requests, context), context)) as responses:
                async for response in responses:
                    yield response

        checked = answers if inspect.isasyncgenfunction(behaviour) else answer
        result: Handler = make(checked, handler.request_deserializer, handler.response_serializer)
        return result

    def _problem(self, metadata: Any) -> str | None:
        values = [value for key, value in metadata or () if key == "authorization"]
        if not values:
            return _MISSING
        scheme, _, token = str(values[0]).partition(" ")
        if len(values) > 1 or scheme.lower() != "bearer" or not token:
            return _MALFORMED
        return None if self._tokens.accepts(token.strip()) else _WRONG


def _refusal(method: str, problem: str) -> Handler:
    """A streaming handler, whatever the method is: a unary one would first receive the whole message of a stranger."""

    async def refuse(_: AsyncIterator[Any], context: "grpc.aio.ServicerContext[Any, Any]") -> None:
        _logger.warning("call without a valid token", extra={"method": method, "peer": context.peer()})
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, problem)

    return grpc.stream_stream_rpc_method_handler(refuse)
