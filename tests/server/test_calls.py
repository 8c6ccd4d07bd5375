"""Messages beyond the limit and messages that are none, over the wire, to unary and streaming calls."""

import asyncio
from dataclasses import replace
from typing import Any, cast

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protos.perception.v1 import perception_pb2 as pb
from tests.server.service.running import LIMITS, UNLIMITED, photos, raw, refusal, run, running

LIMIT = 10_000
SMALL = replace(LIMITS, largest_message_bytes=LIMIT)
UNARY, STREAM = "/perception.v1.Perception/Encode", "/perception.v1.Perception/EncodeStream"
GOOD = pb.EncodeRequest(images=raw(photos(1)), tasks=["class_scene"], precision=pb.PRECISION_FLOAT16)


def unary(channel: grpc.aio.Channel) -> Any:
    """Encode, of bytes."""
    return cast(Any, channel).unary_unary(UNARY)


def stream(channel: grpc.aio.Channel) -> Any:
    """EncodeStream, of bytes."""
    return cast(Any, channel).stream_stream(STREAM)


async def answer_to(channel: grpc.aio.Channel, method: str, data: bytes) -> Any:
    """How a call ends whose message is these bytes."""
    if method == UNARY:
        return await refusal(unary(channel)(data))
    return await refusal(stream(channel)(iter([data])).read())


@pytest.mark.parametrize("method", [UNARY, STREAM])
def test_a_message_beyond_the_limit_is_refused_with_its_size_and_the_setting(method: str) -> None:
    async def scenario() -> None:
        async with running(limits=SMALL) as it:
            error = await answer_to(it.channel, method, pb.EncodeRequest(tasks=["x" * LIMIT]).SerializeToString())
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "the request has 10003 bytes, the limit is 10000" in str(error.details())
            assert "--max-message-mib" in str(error.details())

    run(scenario)


@pytest.mark.parametrize("method", [UNARY, STREAM])
def test_a_message_far_beyond_the_limit_is_not_even_read(method: str) -> None:
    async def scenario() -> None:
        async with running(limits=SMALL) as it:
            error = await answer_to(it.channel, method, bytes(10 * LIMIT))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "larger than max (100000 vs. 20000)" in str(error.details())

    run(scenario)


@pytest.mark.parametrize("method", [UNARY, STREAM])
def test_a_message_as_large_as_the_limit_is_taken(method: str) -> None:
    request = pb.EncodeRequest(images=pb.Images(raw=pb.RawImages(count=1, height=1, width=1, pixels=bytes(9000))))
    request.feature_set = "x" * (LIMIT - request.ByteSize() - 3)
    data = request.SerializeToString()
    assert len(data) == LIMIT

    async def scenario() -> None:
        async with running(limits=SMALL) as it:
            if method == UNARY:
                assert (await answer_to(it.channel, method, data)).code() is grpc.StatusCode.NOT_FOUND
                return
            data_in_stream = pb.EncodeStreamRequest(request=GOOD).SerializeToString()
            assert await stream(it.channel)(iter([data_in_stream])).read()

    run(scenario)


@pytest.mark.parametrize("method", [UNARY, STREAM])
def test_bytes_that_are_no_message_are_the_callers_mistake(method: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with running() as it:
            error = await answer_to(it.channel, method, b"\xff\xff\xff garbage")
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert f"the 11 bytes are no request of {method}" in str(error.details())

    run(scenario)
    assert not caplog.records


@settings(max_examples=5, deadline=None)
@given(st.lists(st.binary(max_size=200) | st.integers(0, 600), min_size=20, max_size=40))
def test_a_server_that_is_sent_garbage_goes_on_answering(messages: list[bytes | int]) -> None:
    """Random bytes, and a good message with a byte changed."""
    good = GOOD.SerializeToString()

    def data_of(message: bytes | int) -> bytes:
        if isinstance(message, bytes):
            return message
        place = message % len(good)
        return good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :]

    async def scenario() -> None:
        async with running() as it:
            call = unary(it.channel)
            ends = await asyncio.gather(*(call(data_of(message)) for message in messages), return_exceptions=True)
            codes = {end.code().name for end in ends if isinstance(end, grpc.aio.AioRpcError)}
            assert codes <= {"INVALID_ARGUMENT", "NOT_FOUND"}
            assert all(isinstance(end, (bytes, grpc.aio.AioRpcError)) for end in ends)
            await it.stub.Encode(GOOD)

    run(scenario)


def test_garbage_on_the_port_harms_nobody() -> None:
    async def scenario() -> None:
        async with running() as it:
            address = it.server.address
            for garbage in (
                b"GET / HTTP/1.1\r\n\r\n",
                bytes(10_000),
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 999,
            ):
                reader, writer = await asyncio.open_connection(address.host, address.port)
                writer.write(garbage)
                await reader.read()  # until the server has enough of it
                writer.close()
            async with grpc.aio.insecure_channel(str(address), options=UNLIMITED) as channel:
                assert await unary(channel)(GOOD.SerializeToString())

    run(scenario)
