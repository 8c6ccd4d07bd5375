"""Handlers of calls, behind interceptors that find them at once.

gRPC's own interceptors for asyncio are coroutines, awaited one in the other before a call's message is read; for a call
that takes a millisecond that is dear.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import grpc

if TYPE_CHECKING:
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    Handler = grpc.RpcMethodHandler  # generic in the stubs alone


KINDS: Mapping[tuple[bool, bool], tuple[str, Callable[..., Any]]] = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}
"""By whether requests and responses are streams: a handler's attribute, and what makes such a handler."""


class Find(Protocol):
    """Finds the handler of a call; None if there is no such method."""

    def __call__(self, call: grpc.HandlerCallDetails, /) -> Handler | None:
        """Its handler."""


class Interceptor(Protocol):
    """Stands before handlers of every service."""

    def intercept(self, find: Find, call: grpc.HandlerCallDetails) -> Handler | None:
        """The call's handler: what `find` finds, or something around it, or instead of it."""


class Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """What services register with in place of a server; a server has it as its only handler.

    Args:
        interceptors: In their order, the first before all others.
    """

    def __init__(self, interceptors: Sequence[Interceptor] = ()) -> None:
        self._handlers: list[grpc.GenericRpcHandler[Any, Any]] = []
        self._find: Find = self._registered
        for interceptor in reversed(interceptors):
            self._find = partial(interceptor.intercept, self._find)

    def add_generic_rpc_handlers(self, handlers: "Iterable[grpc.GenericRpcHandler[Any, Any]]") -> None:
        """As a server's."""
        self._handlers.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """As a server's; generated code names handlers twice, and these are the same."""

    def service(self, call: grpc.HandlerCallDetails) -> Handler | None:
        """A call's handler, for the server."""
        return self._find(call)

    def _registered(self, call: grpc.HandlerCallDetails) -> Handler | None:
        for handlers in self._handlers:
            found: Handler | None = handlers.service(call)
            if found is not None:
                return found
        return None
