"""Calls without a valid token are refused before their messages are read."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc

from server.handlers import Find, Handler
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
        problem = self._problem(call.invocation_metadata)
        return find(call) if problem is None else _refusal(str(call.method), problem)

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
