import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest

from server.security import TokenFile, TokenInterceptor
from tests.server.echo import ECHO, ECHO_STREAM, ECHO_WRITER, echo_server, unary

TOKEN = "one-token-of-a-robot-4711"
GOOD = (("authorization", f"Bearer {TOKEN}"),)
REFUSED = {
    "missing": ((), "a token is missing"),
    "wrong": ((("authorization", "Bearer another-token-entirely"),), "the token is not valid here"),
    "another scheme": ((("authorization", f"Basic {TOKEN}"),), "malformed"),
    "no scheme": ((("authorization", TOKEN),), "malformed"),
    "empty": ((("authorization", "Bearer "),), "malformed"),
    "twice": ((*GOOD, *GOOD), "malformed"),
    "elsewhere": ((("token", TOKEN),), "a token is missing"),
}


@pytest.fixture
def interceptor(tmp_path: Path) -> TokenInterceptor:
    path = tmp_path / "tokens"
    path.write_text(TOKEN)
    return TokenInterceptor(TokenFile(path))


def _with_channel(interceptor: TokenInterceptor, ask: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        async with echo_server(interceptors=[interceptor]) as address, grpc.aio.insecure_channel(address) as channel:
            return await ask(channel)

    return asyncio.run(run())


async def _stream(channel: Any, method: str, metadata: Any) -> list[bytes]:
    call = channel.stream_stream(method)(iter([b"a", b"b"]), timeout=10, metadata=metadata)
    return [answer async for answer in call]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_valid_token_opens_calls_and_streams(interceptor: TokenInterceptor, scheme: str) -> None:
    metadata = (("authorization", f"{scheme} {TOKEN}"),)

    async def ask(channel: Any) -> None:
        assert await unary(channel, ECHO, b"frame", metadata) == b"frame"
        assert await _stream(channel, ECHO_STREAM, metadata) == [b"a", b"b"]
        assert await _stream(channel, ECHO_WRITER, metadata) == [b"a", b"b"]

    _with_channel(interceptor, ask)


@pytest.mark.parametrize("case", REFUSED)
def test_calls_and_streams_without_one_are_refused_in_a_sentence(
    interceptor: TokenInterceptor, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    metadata, message = REFUSED[case]

    async def ask(channel: Any) -> None:
        for method in (ECHO, "/test.Echo/NoSuchMethod"):
            with pytest.raises(grpc.aio.AioRpcError, match=message) as caught:
                await unary(channel, method, b"frame", metadata)
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
        for method in (ECHO_STREAM, ECHO_WRITER):  # nothing is sent: no message of a stranger is waited for
            stream = channel.stream_stream(method)(timeout=10, metadata=metadata)
            assert await stream.code() == grpc.StatusCode.UNAUTHENTICATED
            assert message in await stream.details()
        assert await unary(channel, ECHO, b"frame", GOOD) == b"frame"

    with caplog.at_level(logging.DEBUG):
        _with_channel(interceptor, ask)
    assert TOKEN not in caplog.text + repr([vars(record) for record in caplog.records])


def test_health_needs_no_token(interceptor: TokenInterceptor) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    async def ask(channel: Any) -> Any:
        stub = health_pb2_grpc.HealthStub(channel)
        checked = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=10)
        watched = await watch.read()
        watch.cancel()
        return checked.status, watched.status

    serving = health_pb2.HealthCheckResponse.SERVING
    assert _with_channel(interceptor, ask) == (serving, serving)


def test_a_token_taken_off_the_list_stops_opening(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(TOKEN)

    async def ask(channel: Any) -> None:
        assert await unary(channel, ECHO, b"frame", GOOD) == b"frame"
        path.write_text("another-token-of-a-robot")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, ECHO, b"frame", GOOD)
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED

    _with_channel(TokenInterceptor(TokenFile(path)), ask)


@pytest.mark.parametrize("method", [ECHO_STREAM, ECHO_WRITER])
def test_a_stream_ends_when_its_token_is_taken_away(tmp_path: Path, method: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(TOKEN)

    async def ask(channel: Any) -> None:
        stream = channel.stream_stream(method)(timeout=10, metadata=GOOD)
        await stream.write(b"a")
        assert await stream.read() == b"a"
        path.write_text("another-token-entirely-4711")
        await stream.write(b"b")
        with pytest.raises(grpc.aio.AioRpcError, match="not valid here"):
            await stream.read()

    _with_channel(TokenInterceptor(TokenFile(path)), ask)
