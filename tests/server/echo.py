"""A small gRPC service, to test what stands before services."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc

from server.handlers import Handlers, Interceptor

ECHO = "/test.Echo/Unary"
ECHO_STREAM = "/test.Echo/Stream"
ECHO_WRITER = "/test.Echo/Writer"
FAIL = "/test.Echo/Fail"
ABORT = "/test.Echo/Abort"
WAIT = "/test.Echo/Wait"


async def unary(channel: Any, method: str, request: bytes, metadata: Sequence[tuple[str, str]] = ()) -> bytes:
    """A method's answer, within seconds."""
    call = channel.unary_unary(method)(request, timeout=10, metadata=tuple(metadata))
    answer: bytes = await call
    return answer


async def _unary(request: bytes, _: Any) -> bytes:
    return request


async def _stream(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


async def _writer(requests: AsyncIterator[bytes], context: Any) -> None:
    async for request in requests:
        await context.write(request)


async def _fail(request: bytes, _: Any) -> bytes:
    raise ZeroDivisionError(request)


async def _abort(_: bytes, context: Any) -> bytes:
    return await context.abort(grpc.StatusCode.OUT_OF_RANGE, "too far.")  # type: ignore[no-any-return]


async def _wait(_: bytes, __: Any) -> AsyncIterator[bytes]:
    yield b"here"
    await asyncio.Event().wait()


_HANDLERS = {
    "Unary": grpc.unary_unary_rpc_method_handler(_unary),
    "Stream": grpc.stream_stream_rpc_method_handler(_stream),
    "Writer": grpc.stream_stream_rpc_method_handler(_writer),
    "Fail": grpc.unary_unary_rpc_method_handler(_fail),
    "Abort": grpc.unary_unary_rpc_method_handler(_abort),
    "Wait": grpc.unary_stream_rpc_method_handler(_wait),
}


@asynccontextmanager
async def echo_server(
    *, interceptors: Sequence[Interceptor] = (), credentials: grpc.ServerCredentials | None = None
) -> AsyncIterator[str]:
    """Address of a server of the service, and of health."""
    from grpc_health.v1 import health, health_pb2_grpc

    server = grpc.aio.server()
    handlers = Handlers(interceptors)
    server.add_generic_rpc_handlers([handlers])
    handlers.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Echo", _HANDLERS)])
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), handlers)  # type: ignore[attr-defined]
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
