"""A gRPC server: bound first, so that a port in use shows at once, serving later, when its backend is ready."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from perception import UserError
from server.calls import CallInterceptor, read_limit
from server.handlers import Handlers, Interceptor
from server.health import Health

_KEEPALIVE_MS = 20_000
_KEEPALIVE_TIMEOUT_MS = 10_000
_MOST_CALLS_OF_A_CONNECTION = 256
_QUIET_S = 0.1
_LONGEST_FAREWELL_S = 2.0


class Service(Protocol):
    """A gRPC service."""

    @property
    def names(self) -> tuple[str, ...]:
        """Full names, for health and reflection."""

    def add_to(self, handlers: Handlers) -> None:
        """Register with a server's handlers."""

    def drain(self) -> None:
        """End streams once what they have read is answered."""


@dataclass(frozen=True)
class Address:
    """Where to listen.

    Args:
        host: Address or name, or "unix:" and a path.
        port: 0 for any that is free.
    """

    host: str
    port: int

    @property
    def is_socket_file(self) -> bool:
        """Whether it has no port."""
        return self.host.startswith("unix:")

    def __str__(self) -> str:
        if self.is_socket_file:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class GrpcServer:
    """Services behind one port, with health and reflection.

    Construct it where an event loop is running.

    Args:
        address: Where to listen.
        credentials: Of TLS; None for none.
        interceptors: In their order; behind them, messages are checked.
        largest_message_bytes: Of a request.

    Raises:
        UserError: If it cannot listen there.
    """

    def __init__(
        self,
        address: Address,
        credentials: grpc.ServerCredentials | None = None,
        interceptors: Sequence[Interceptor] = (),
        *,
        largest_message_bytes: int,
    ) -> None:
        self._calls = CallInterceptor(largest_message_bytes)
        self._handlers = Handlers([*interceptors, self._calls])
        self._server = grpc.aio.server(options=_channel_options(largest_message_bytes))
        self._server.add_generic_rpc_handlers([self._handlers])
        self._services: tuple[Service, ...] = ()
        self._health: Health | None = None
        _check_free(address)
        try:
            port = self._bind(str(address), credentials)
        except RuntimeError as error:
            raise UserError(f"cannot listen on {address}; choose another --host or --port.") from error
        self.address = Address(address.host, port)

    def _bind(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        if credentials is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, credentials)

    async def start(self, services: Iterable[Service]) -> None:
        """Take calls from now on."""
        self._services = tuple(services)
        names = [name for service in self._services for name in service.names]
        self._health = Health(names)
        for service in (*self._services, self._health):
            service.add_to(self._handlers)
        servicer: Any = vars(reflection)["aio"].ReflectionServicer  # its stubs know the blocking one alone
        described = servicer([*names, self._health.name, reflection.SERVICE_NAME])
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(described, self._handlers)
        await self._server.start()

    async def stop(self, grace_s: float) -> None:
        """Say NOT_SERVING, take no more calls, and wait for those under way; after `grace_s` they are cancelled.

        Calls that come before callers have seen NOT_SERVING are answered still. Those that come after all are told
        UNAVAILABLE for a moment, upon which clients try another replica: of a call that meets a gRPC server as it
        closes they hear CANCELLED. May be called again to cut all that short.
        """
        end_s = time.monotonic() + grace_s
        if self._health is not None:
            self._health.drain()
        for service in self._services:
            service.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._calls.quiet(_QUIET_S), min(_LONGEST_FAREWELL_S, grace_s / 2))
        self._calls.close()
        await asyncio.sleep(min(_QUIET_S, grace_s / 4))
        await self._server.stop(max(0, end_s - time.monotonic()))


def _channel_options(largest_message_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # else a second server would get every other connection, silently
        ("grpc.max_receive_message_length", read_limit(largest_message_bytes)),
        ("grpc.max_send_message_length", -1),  # services check what they send, in words
        ("grpc.max_concurrent_streams", _MOST_CALLS_OF_A_CONNECTION),
        # Connections whose other end is gone are found out, and so are strangers that never say anything.
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _KEEPALIVE_MS // 4),
        ("grpc.server_handshake_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
    ]


def _check_free(address: Address) -> None:
    """Try to bind, for gRPC does not say what is wrong."""
    if address.is_socket_file:
        return
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if isinstance(number, int) and number > 0 else str(error)
        raise UserError(
            f"cannot listen on {address}: {reason}; choose another --host or --port, or --port 0 for any that is free."
        ) from error
