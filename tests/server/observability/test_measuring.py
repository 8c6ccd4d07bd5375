import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import pytest

from server.handlers import Find, Handler
from server.observability import MeasuringInterceptor, Metrics
from tests.server.echo import ABORT, ECHO, ECHO_STREAM, ECHO_WRITER, FAIL, WAIT, echo_server, unary


def _after(ask: Callable[[Any], Coroutine[Any, Any, Any]], *others: Any) -> Metrics:
    """Metrics of a server that was asked, and has stopped."""
    metrics = Metrics()

    async def run() -> None:
        interceptors = [MeasuringInterceptor(metrics), *others]
        async with echo_server(interceptors=interceptors) as address, grpc.aio.insecure_channel(address) as channel:
            await ask(channel)

    asyncio.run(run())
    return metrics


def _calls(metrics: Metrics, method: str, code: str) -> float | None:
    labels = {"method": method, "code": code}
    assert metrics.registry.get_sample_value("midlevel_calls_in_flight") == 0
    return metrics.registry.get_sample_value("midlevel_requests_total", labels)


def _timed(metrics: Metrics, method: str) -> float | None:
    return metrics.registry.get_sample_value("midlevel_request_seconds_count", {"method": method})


def test_calls_are_counted_and_timed_by_method() -> None:
    async def ask(channel: Any) -> None:
        for _ in range(3):
            assert await unary(channel, ECHO, b"frame") == b"frame"

    metrics = _after(ask)
    assert _calls(metrics, ECHO, "OK") == 3
    assert _timed(metrics, ECHO) == 3
    seconds = metrics.registry.get_sample_value("midlevel_request_seconds_sum", {"method": ECHO})
    assert seconds is not None
    assert 0 < seconds < 10


@pytest.mark.parametrize("method", [ECHO_STREAM, ECHO_WRITER])
def test_a_stream_is_one_call_however_its_handler_is_written(method: str) -> None:
    async def ask(channel: Any) -> None:
        call = channel.stream_stream(method)(iter([b"a", b"b"]), timeout=10)
        assert [answer async for answer in call] == [b"a", b"b"]

    assert _calls(_after(ask), method, "OK") == 1


@pytest.mark.parametrize(("method", "code"), [(ABORT, "OUT_OF_RANGE"), (FAIL, "UNKNOWN")])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_failed_calls_are_counted_by_the_code_that_the_caller_sees(
    method: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    async def ask(channel: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, method, b"frame")
        seen.append(caught.value.code().name)

    metrics = _after(ask)
    assert seen == [code]
    assert _calls(metrics, method, code) == 1
    own = [record for record in caplog.records if record.name.startswith("server.observability")]
    assert [record.levelname for record in own] == (["WARNING"] if code == "UNKNOWN" else [])


def test_an_expired_and_a_cancelled_call_are_told_apart() -> None:
    async def ask(channel: Any) -> None:
        late = channel.unary_stream(WAIT)(b"", timeout=0.2)
        assert await late.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        call = channel.unary_stream(WAIT)(b"", timeout=10)
        assert await call.read() == b"here"
        call.cancel()

    metrics = _after(ask)
    assert _calls(metrics, WAIT, "DEADLINE_EXCEEDED") == 1
    assert _calls(metrics, WAIT, "CANCELLED") == 1


def test_methods_that_no_service_has_share_one_label() -> None:
    async def ask(channel: Any) -> None:
        for name in ("One", "Two"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await unary(channel, f"/made.Up/{name}", b"")
            assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED

    metrics = _after(ask)
    assert _calls(metrics, "unknown", "UNIMPLEMENTED") == 2
    assert not [line for family in metrics.registry.collect() for line in family.samples if "made" in str(line.labels)]


def test_calls_that_a_later_interceptor_refuses_are_counted() -> None:
    class Refusing:
        def intercept(self, find: Find, call: grpc.HandlerCallDetails) -> Handler | None:
            async def refuse(_: Any, context: Any) -> None:
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no.")

            return grpc.stream_stream_rpc_method_handler(refuse)

    async def ask(channel: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError):
            await unary(channel, ECHO, b"")

    assert _calls(_after(ask, Refusing()), ECHO, "UNAUTHENTICATED") == 1


def test_each_call_is_a_line_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    async def ask(channel: Any) -> None:
        await unary(channel, ECHO, b"frame", [("authorization", "Bearer secret-of-a-robot")])

    with caplog.at_level(logging.DEBUG, logger="server"):
        _after(ask)
    [record] = [record for record in caplog.records if record.name.startswith("server")]
    fields = vars(record)
    assert (fields["method"], fields["code"]) == (ECHO, "OK")
    assert fields["peer"].startswith("ipv4:127.0.0.1:")
    assert "secret" not in repr(fields)
