"""EncodeStream: in order, failures by themselves, the latest alone if asked, bounded, with a clean end."""

import asyncio
import time
from typing import Any

import grpc
import numpy as np

from perception.photos import Pixels
from protos.perception.v1 import perception_pb2 as pb
from server.service.streaming import FRAMES_IN_FLIGHT
from tests.server.fake import FakeBackend, fake_features
from tests.server.service.running import features_of, photos, raw, refusal, run, running

TASK = ("normal",)
END: Any = grpc.aio.EOF  # type: ignore[attr-defined]  # the stubs lack it


def frame(sequence: int, image: Pixels | None = None, *, latest_only: bool = False, **wrong: Any) -> Any:
    image = photos(1, seed=sequence) if image is None else image
    given: dict[str, Any] = {"images": raw(image), "tasks": TASK} | wrong
    request = pb.EncodeRequest(**given)
    return pb.EncodeStreamRequest(request=request, sequence=sequence, latest_only=latest_only)


class Stepwise(FakeBackend):
    """Takes requests at once and answers each when it is told to, or from then on."""

    def __init__(self) -> None:
        super().__init__()
        self.sums: list[int] = []
        self.gates: list[asyncio.Event] = []
        self.is_open = False
        self.arrived = asyncio.Condition()

    async def encode(self, images: Any, *rest: Any) -> Any:
        gate = asyncio.Event()
        if self.is_open:
            gate.set()
        async with self.arrived:
            self.sums.append(int(images.astype(int).sum()))
            self.gates.append(gate)
            self.arrived.notify_all()
        await gate.wait()
        return await super().encode(images, *rest)

    async def wait_for(self, requests: int) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.gates) >= requests)

    def open(self) -> None:
        self.is_open = True
        for gate in self.gates:
            gate.set()


def test_frames_are_answered_in_their_order_though_later_ones_are_ready_first() -> None:
    async def scenario() -> None:
        backend = Stepwise()
        async with running(backend) as it:
            stream = it.stub.EncodeStream()
            for number in range(4):
                await stream.write(frame(10 + number))
            await backend.wait_for(4)
            for gate in reversed(backend.gates):
                gate.set()
            for number in range(4):
                answer = await stream.read()
                assert answer.sequence == 10 + number
                expected = fake_features(photos(1, seed=10 + number), TASK)
                np.testing.assert_array_equal(features_of(answer.response.features), expected)
            await stream.done_writing()
            assert await stream.read() is END
            assert await stream.code() is grpc.StatusCode.OK

    run(scenario)


def test_a_frame_that_cannot_be_encoded_fails_by_itself() -> None:
    async def scenario() -> None:
        async with running() as it:
            wrong = [frame(1), frame(2, tasks=["norml"]), frame(3, images=pb.Images()), frame(4)]
            answers = [answer async for answer in it.stub.EncodeStream(iter(wrong))]
            assert [answer.WhichOneof("outcome") for answer in answers] == [
                "response",
                "failure",
                "failure",
                "response",
            ]
            assert [answer.sequence for answer in answers] == [1, 2, 3, 4]
            assert answers[1].failure.code == grpc.StatusCode.NOT_FOUND.value[0]
            assert "did you mean 'normal'" in answers[1].failure.message
            assert answers[2].failure.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]

    run(scenario)


def test_a_stream_without_frames_ends_well() -> None:
    async def scenario() -> None:
        async with running() as it:
            assert [answer async for answer in it.stub.EncodeStream(iter(()))] == []

    run(scenario)


def test_the_latest_frame_alone_is_encoded_of_those_that_waited() -> None:
    async def scenario() -> None:
        backend = Stepwise()
        async with running(backend) as it:
            stream = it.stub.EncodeStream()
            await stream.write(frame(0, latest_only=True))
            await backend.wait_for(1)
            for number in range(1, 6):
                await stream.write(frame(number))
            await stream.done_writing()
            # That all have arrived shows in the reader's end alone.
            while any(not frames.is_at_end for frames in it.service._streams):
                await asyncio.sleep(0)
            backend.open()
            answers = [answer async for answer in stream]
            assert [(answer.sequence, answer.skipped) for answer in answers] == [(0, 0), (5, 4)]
            assert len(backend.sums) == 2
            expected = fake_features(photos(1, seed=5), TASK)
            np.testing.assert_array_equal(features_of(answers[1].response.features), expected)

    run(scenario)


def test_a_caller_who_does_not_outrun_the_server_loses_no_frame_in_latest_mode() -> None:
    async def scenario() -> None:
        async with running() as it:
            stream = it.stub.EncodeStream()
            for number in range(20):
                await stream.write(frame(number, latest_only=True))
                answer = await stream.read()
                assert (answer.sequence, answer.skipped) == (number, 0)
            await stream.done_writing()
            assert await stream.read() is END

    run(scenario)


def test_a_reader_who_is_slow_bounds_what_the_server_takes_from_it() -> None:
    async def scenario() -> None:
        backend = Stepwise()
        async with running(backend) as it:
            stream = it.stub.EncodeStream()

            async def write() -> None:
                for number in range(30):
                    await stream.write(frame(number))
                await stream.done_writing()

            writing = asyncio.ensure_future(write())
            await backend.wait_for(FRAMES_IN_FLIGHT)
            await it.stub.ListFeatures(pb.ListFeaturesRequest())
            assert len(backend.gates) == FRAMES_IN_FLIGHT
            backend.open()
            assert [answer.sequence async for answer in stream] == list(range(30))
            await writing

    run(scenario)


def test_a_reader_who_reads_nothing_does_not_fill_the_servers_memory() -> None:
    large, answers = photos(1, 64, 64), 3000  # of 213 KB each, 640 MB in all

    async def scenario() -> None:
        backend = FakeBackend()
        tasks = list(backend.bank.tasks)
        async with running(backend) as it:
            stream = it.stub.EncodeStream()
            progress = asyncio.Event()

            async def write() -> None:
                for number in range(answers):
                    await stream.write(frame(number, large, tasks=tasks))
                    progress.set()

            writing = asyncio.ensure_future(write())
            try:
                while True:  # until nothing moves any more
                    progress.clear()
                    await asyncio.wait_for(progress.wait(), 1)
            except TimeoutError:
                pass
            assert len(backend.callers) < 200
            other = it.stub.Encode(pb.EncodeRequest(images=raw(photos(1)), tasks=TASK))
            assert tuple((await other).tasks) == TASK
            writing.cancel()
            stream.cancel()

    run(scenario)


def test_a_client_that_dies_takes_its_frames_with_it_and_nothing_else() -> None:
    async def scenario() -> None:
        backend = Stepwise()
        async with running(backend) as it:
            for latest_only in (False, True):
                async with grpc.aio.insecure_channel(str(it.server.address)) as channel:
                    stream = type(it.stub)(channel).EncodeStream()
                    await stream.write(frame(1, latest_only=latest_only))
                    await backend.wait_for(1 + latest_only)
                while it.service._streams:
                    await asyncio.sleep(0)
            backend.open()
            await it.stub.Encode(pb.EncodeRequest(images=raw(photos(1)), tasks=TASK))

    run(scenario)


def test_a_stopping_server_answers_the_frames_it_has_read_and_ends_the_stream() -> None:
    async def scenario() -> None:
        for latest_only in (False, True):
            backend = Stepwise()
            async with running(backend) as it:
                stream, idle = it.stub.EncodeStream(), it.stub.EncodeStream()
                await idle.write(frame(1, latest_only=latest_only))
                await backend.wait_for(1)
                backend.gates[0].set()
                assert (await idle.read()).sequence == 1
                await stream.write(frame(7, latest_only=latest_only))
                await backend.wait_for(2)
                began_s = time.monotonic()
                stopping = asyncio.ensure_future(it.server.stop(15))
                assert await idle.code() is grpc.StatusCode.UNAVAILABLE
                backend.open()
                assert (await stream.read()).response.features.shape == [1, 8, 16, 16]
                error = await refusal(stream.read())
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                assert "try another replica" in str(error.details())
                await stopping
                assert time.monotonic() - began_s < 10, "no call was waited for to the end of the grace"

    run(scenario)
