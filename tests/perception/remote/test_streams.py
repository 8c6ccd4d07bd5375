"""Calls over streams that stay open: one stream for call after call, and what happens when it breaks, lags or lies."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

from perception import AsyncRemoteEncoder, RemoteEncoder, UserError
from perception.remote import RemoteError, TimedOutError, UnreachableError
from perception.remote.streams import MOST_STREAMS, BlockingStreamEncode
from protos.perception.v1 import perception_pb2 as pb
from tests.perception.remote.scripted import Script, mean_features, scripted
from tests.perception.remote.serving import served
from tests.server.fake import fake_features
from tests.server.service.running import photos

TASKS = ("normal", "reshading")
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
EXPECTED = mean_features(IMAGES, TASKS)
STREAM = "grpc-stream"

either = pytest.mark.parametrize("asynchronous", [False, True])


def encoded(address: str, *, asynchronous: bool = False, calls: int = 1, **options: float) -> np.ndarray:
    """Features of `IMAGES`, by a client of either kind, the last of some calls."""
    if not asynchronous:
        with RemoteEncoder(address, transport=STREAM, **options) as encoder:  # type: ignore[arg-type]
            return [encoder.encode(IMAGES, TASKS) for _ in range(calls)][-1]

    async def scenario() -> np.ndarray:
        async with AsyncRemoteEncoder(address, transport=STREAM, **options) as encoder:  # type: ignore[arg-type]
            return [await encoder.encode(IMAGES, TASKS) for _ in range(calls)][-1]

    return asyncio.run(scenario())


def until(condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.005)


@either
def test_one_stream_serves_call_after_call(asynchronous: bool) -> None:
    with scripted(script := Script()) as address:
        found = encoded(address, asynchronous=asynchronous, calls=5, timeout_s=7)
        np.testing.assert_array_equal(found, EXPECTED)
        assert (script.streams, [frame.sequence for frame in script.frames]) == (1, [1, 2, 3, 4, 5])
        assert all(6e6 < frame.timeout_us <= 7e6 and not frame.latest_only for frame in script.frames)


@either
def test_large_batches_go_over_several_streams(asynchronous: bool) -> None:
    with scripted(script := Script()) as address:
        found = encoded(address, asynchronous=asynchronous, calls=2, batch_size=1)
        np.testing.assert_array_equal(found, EXPECTED)
        assert len(script.frames) == 4
        assert 1 <= script.streams <= 2


def test_tokens_go_along() -> None:
    with scripted(script := Script()) as address, RemoteEncoder(address, transport=STREAM, token="abc") as encoder:
        encoder.encode(IMAGES, TASKS)
    assert all(metadata.get("authorization") == "Bearer abc" for metadata in script.metadata)


@either
def test_calls_at_the_same_time_have_streams_of_their_own_and_others_are_calls_of_their_own(
    asynchronous: bool, address: str
) -> None:
    calls = MOST_STREAMS + 9
    images = [photos(1, seed=k) for k in range(calls)]

    async def asked() -> list[np.ndarray]:
        async with AsyncRemoteEncoder(address, transport=STREAM) as encoder:
            await encoder.catalogue()
            return list(await asyncio.gather(*(encoder.encode(image, TASKS) for image in images)))

    if asynchronous:
        found = asyncio.run(asked())
    else:
        with RemoteEncoder(address, transport=STREAM) as encoder, ThreadPoolExecutor(calls) as threads:
            encoder.catalogue()
            found = list(threads.map(lambda image: encoder.encode(image, TASKS), images))
    for image, features in zip(images, found, strict=True):
        np.testing.assert_array_equal(features, fake_features(image, TASKS))


@either
def test_a_stream_that_the_server_has_ended_is_no_failure(asynchronous: bool, tmp_path: Path) -> None:
    place = f"unix:{tmp_path / 'server'}"

    async def asked() -> None:
        async with AsyncRemoteEncoder(place, transport=STREAM, retries=9) as encoder:
            for _ in range(2):
                with served("--address", place):
                    for _ in range(2):
                        features = await encoder.encode(IMAGES, TASKS)
                        np.testing.assert_array_equal(features, fake_features(IMAGES, TASKS))

    if asynchronous:
        asyncio.run(asked())
        return
    with RemoteEncoder(place, transport=STREAM, retries=9) as encoder:
        for _ in range(2):
            with served("--address", place):
                for _ in range(2):
                    np.testing.assert_array_equal(encoder.encode(IMAGES, TASKS), fake_features(IMAGES, TASKS))


@either
def test_who_waits_too_long_says_so_and_the_next_call_is_answered(asynchronous: bool) -> None:
    hold = threading.Event()

    def meanwhile() -> None:
        if len(script.requests) == 2:
            hold.wait(20)

    async def asked(address: str) -> None:
        async with AsyncRemoteEncoder(address, transport=STREAM, timeout_s=0.4) as encoder:
            await encoder.encode(IMAGES, TASKS)
            with pytest.raises(TimedOutError, match=r"within 0.4 s .*over the stream"):
                await encoder.encode(IMAGES, TASKS)
            np.testing.assert_array_equal(await encoder.encode(IMAGES, TASKS), EXPECTED)

    script = Script(meanwhile=meanwhile)
    with scripted(script) as address:
        began_s = time.monotonic()
        if asynchronous:
            asyncio.run(asked(address))
        else:
            with RemoteEncoder(address, transport=STREAM, timeout_s=0.4) as encoder:
                encoder.encode(IMAGES, TASKS)
                with pytest.raises(TimedOutError, match=r"within 0.4 s .*over the stream"):
                    encoder.encode(IMAGES, TASKS)
                np.testing.assert_array_equal(encoder.encode(IMAGES, TASKS), EXPECTED)
        assert 0.4 <= time.monotonic() - began_s < 4
        assert script.streams == 2
        hold.set()


def test_a_call_that_is_late_before_it_begins_holds_no_stream() -> None:
    encode = BlockingStreamEncode(lambda *_, **__: None, lambda *_, **__: None)
    for _ in range(MOST_STREAMS + 1):
        with pytest.raises(grpc.RpcError, match="over the stream"):
            encode(pb.EncodeStreamRequest(), timeout=0, metadata=())
    assert not encode.streams._in_use


@either
def test_failures_are_what_they_are_for_calls(asynchronous: bool) -> None:
    kinds = {3: UserError, 5: UserError, 16: RemoteError, 14: UnreachableError, 13: RemoteError}

    def fail(answer: pb.EncodeStreamResponse, code: int) -> None:
        answer.failure.CopyFrom(pb.Failure(code=code, message="these words."))

    for code, kind in kinds.items():
        script = Script(change_frame=lambda answer, code=code: fail(answer, code))  # type: ignore[misc]
        with scripted(script) as address, pytest.raises(UserError) as caught:
            encoded(address, asynchronous=asynchronous, retries=0)
        assert type(caught.value) is kind
        assert "these words" in str(caught.value)


@either
def test_a_stream_that_is_refused_is_the_call_s_failure(asynchronous: bool) -> None:
    script = Script(failures=[(grpc.StatusCode.UNAUTHENTICATED, "no token.", ())])
    with scripted(script) as address, pytest.raises(RemoteError, match="no token"):
        encoded(address, asynchronous=asynchronous)
    with pytest.raises(UnreachableError):
        encoded("grpc://127.0.0.1:9", asynchronous=asynchronous, retries=0)


def test_a_full_queue_s_hint_is_followed_on_the_same_stream() -> None:
    def full_at_first(answer: pb.EncodeStreamResponse) -> None:
        if answer.sequence == 1:
            answer.failure.CopyFrom(pb.Failure(code=8, message="the queue is full.", retry_after_ms=80))

    with scripted(script := Script(change_frame=full_at_first)) as address:
        began_s = time.monotonic()
        np.testing.assert_array_equal(encoded(address), EXPECTED)
        assert time.monotonic() - began_s >= 0.08
        assert script.streams == 1


@either
def test_an_answer_to_another_frame_is_not_taken(asynchronous: bool) -> None:
    def other(answer: pb.EncodeStreamResponse) -> None:
        answer.sequence += 1

    with scripted(script := Script(change_frame=other)) as address:
        with pytest.raises(RemoteError, match="frame 2 was answered"):
            encoded(address, asynchronous=asynchronous, retries=0)

        async def again() -> None:
            async with AsyncRemoteEncoder(address, transport=STREAM, retries=0) as encoder:
                for _ in range(2):
                    with pytest.raises(RemoteError, match="frame 2 was answered in place of frame 1"):
                        await encoder.encode(IMAGES, TASKS)

        asyncio.run(again())
        assert script.streams == 3


@either
def test_another_bank_is_noticed(asynchronous: bool) -> None:
    def swap(answer: pb.EncodeStreamResponse) -> None:
        script.bank = "second"
        answer.response.bank_sha256 = "second"

    script = Script(change_frame=swap)
    with scripted(script) as address:
        np.testing.assert_array_equal(encoded(address, asynchronous=asynchronous), EXPECTED)
    assert script.lists == 2


def test_closing_ends_calls_that_are_under_way() -> None:
    hold = threading.Event()
    with scripted(script := Script(meanwhile=lambda: hold.wait(20))) as address:
        encoder = RemoteEncoder(address, transport=STREAM, timeout_s=9)
        with ThreadPoolExecutor(1) as thread:
            call = thread.submit(encoder.encode, IMAGES, TASKS)
            until(lambda: len(script.requests) == 1)
            began_s = time.monotonic()
            encoder.close()
            with pytest.raises(RemoteError, match="closed during the call"):
                call.result()
        assert time.monotonic() - began_s < 2
        hold.set()


def test_a_call_that_is_cancelled_ends_its_stream() -> None:
    async def scenario() -> None:
        async with AsyncRemoteEncoder(address, transport=STREAM) as encoder:
            call = asyncio.ensure_future(encoder.encode(IMAGES, TASKS))
            while not script.requests:
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            hold.set()
            np.testing.assert_array_equal(await encoder.encode(IMAGES, TASKS), EXPECTED)

    hold = threading.Event()
    with scripted(script := Script(meanwhile=lambda: hold.wait(20))) as address:
        asyncio.run(scenario())
        assert script.streams == 2


def test_a_call_that_was_late_leaves_nothing_for_the_garbage_collector() -> None:
    hold = threading.Event()
    with scripted(Script(meanwhile=lambda: hold.wait(20))) as address:
        encoder = RemoteEncoder(address, transport=STREAM, timeout_s=0.2)
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                image = IMAGES.copy()
                gone = weakref.ref(image)
                with pytest.raises(TimedOutError):
                    encoder.encode(image, TASKS)
                del image
                assert gone() is None
            gone_encoder = weakref.ref(encoder)
            del encoder
            assert gone_encoder() is None
        finally:
            gc.enable()
            hold.set()


def test_an_encoder_that_is_forgotten_leaves_no_thread(address: str) -> None:
    before = threading.active_count()
    encoder = RemoteEncoder(address, transport=STREAM)
    encoder.encode(photos(1), TASKS)
    assert threading.active_count() > before
    del encoder
    gc.collect()
    until(lambda: threading.active_count() <= before)


def test_a_program_ends_without_closing(address: str) -> None:
    program = (
        "import sys, numpy as np; from perception import RemoteEncoder\n"
        "encoder = RemoteEncoder(sys.argv[1], transport='grpc-stream')\n"
        "print(encoder.encode(np.zeros((1, 8, 8, 3), np.uint8), ['normal']).shape)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program, address], timeout=60, cwd=root, check=True, capture_output=True, text=True
    )
    assert done.stdout == "(1, 8, 16, 16)\n"
    assert done.stderr == ""
