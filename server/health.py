"""grpc.health.v1: whether the server, and each of its services, takes calls."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.errors import Draining
from server.handlers import Handlers
from server.service.statuses import abort, status_of

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

_State = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # its package is not typed
    """Says SERVING of every service, and of the server as a whole (""), until `drain`.

    The servicer that comes with gRPC forgets the watchers of a service once one of them has left.

    Args:
        services: Full names.
    """

    name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(["", self.name, *services])
        self._draining = asyncio.Event()

    def add_to(self, handlers: Handlers) -> None:
        """Register with a server's handlers."""
        health_pb2_grpc.add_HealthServicer_to_server(self, handlers)

    def drain(self) -> None:
        """Say NOT_SERVING from now on; those who watch are told, and let go."""
        self._draining.set()

    async def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: "Context"
    ) -> health_pb2.HealthCheckResponse:
        """See the standard."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service[:200]!r} here.")
        return self._response(request.service)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: "Context") -> None:  # noqa: N802
        """See the standard."""
        if not self._draining.is_set():
            await context.write(self._response(request.service))
            await self._draining.wait()
        await context.write(self._response(request.service))
        await abort(context, status_of(Draining(), "Watch"))

    def _response(self, service: str) -> health_pb2.HealthCheckResponse:
        if service not in self._services:
            return _State(status=_State.SERVICE_UNKNOWN)
        return _State(status=_State.NOT_SERVING if self._draining.is_set() else _State.SERVING)
