"""Calls without a valid token are refused before their messages are read."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc

from server.security.tokens import TokenFile

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

OPEN_METHODS = frozenset({"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"})
"""Open to all: orchestrators and load balancers probe health without credentials, and learn nothing but up or down."""

_MISSING = "a token is missing; send it as metadata 'authorization: Bearer <token>'."
_MALFORMED = "the authorization metadata is malformed; expected one value, 'Bearer <token>'."
_WRONG = "the token is not valid here; ask the server's operator for one that is."

_logger = logging.getLogger(__name__)


class TokenInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """Lets calls in that bear a token of a file, unary and streaming alike, to every service but health.

    Args:
        tokens: The file.
    """

    def __init__(self, tokens: TokenFile) -> None:
        self._tokens = tokens

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The call's own handler, or one that ends it with UNAUTHENTICATED."""
        if handler_call_details.method in OPEN_METHODS:
            return await continuation(handler_call_details)
        problem = self._problem(handler_call_details.invocation_metadata)
        if problem is None:
            return await continuation(handler_call_details)
        return _refusal(handler_call_details.method, problem)

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
