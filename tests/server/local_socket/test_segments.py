"""Shared memory of callers: what goes through it, and how long it stays open."""

import contextlib
import os
from pathlib import Path

import numpy as np

from perception.photos import Pixels
from perception.remote.shared_memory import Segment
from protos.perception.v1 import perception_pb2 as pb
from tests.server.fake import fake_features
from tests.server.local_socket.calling import FOLDER, TASKS, served, until
from tests.server.service.running import photos, run


def test_features_come_through_shared_memory_and_say_what_grpc_s_answer_says() -> None:
    images = photos(2)
    segment = Segment(1 << 18)
    segment.write(64, images)
    begin = 64 + images.nbytes
    request = pb.EncodeRequest(
        images=pb.Images(shared=pb.SharedImages(segment=segment.name, offset=64, count=2, height=12, width=16)),
        tasks=TASKS,
        room=pb.SharedRoom(segment=segment.name, offset=begin, bytes=1 << 16),
    )

    async def scenario() -> None:
        async with served() as it:
            caller = await it.caller()
            for _ in range(3):
                answer = (await caller.ask(pb.LocalRequest(request=request))).response
                expected = fake_features(images, TASKS)
                found = np.frombuffer(segment.view(begin, expected.nbytes), "<f4")
                np.testing.assert_array_equal(found, expected.ravel())
                assert list(answer.features.shape) == list(expected.shape)
                assert (answer.features.data, list(answer.tasks)) == (b"", TASKS)
                assert (answer.timings.batch_images, answer.bank_sha256) == (3, it.backend.bank.sha256)
                segment.write(begin, np.zeros(expected.nbytes, np.uint8))
            assert it.counted("OK") == 3
            assert it.metrics.registry.get_sample_value("midlevel_calls_in_flight") == 0

    run(scenario)
    segment.close()


def through(segment: Segment, images: Pixels) -> pb.LocalRequest:
    """A request whose images are written into a segment, and whose features go behind them."""
    segment.write(0, images)
    count, height, width = images.shape[:3]
    return pb.LocalRequest(
        request=pb.EncodeRequest(
            images=pb.Images(
                shared=pb.SharedImages(segment=segment.name, offset=0, count=count, height=height, width=width)
            ),
            tasks=TASKS,
            room=pb.SharedRoom(segment=segment.name, offset=images.nbytes, bytes=1 << 16),
        )
    )


def opened() -> list[str]:
    """Names of the segments that this process has open, as often as it has."""
    names = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            names.append(descriptor.readlink().name.removesuffix(" (deleted)"))
    return sorted(name for name in names if name.startswith("midlevel-") and not name.endswith(".sock"))


def test_of_a_caller_s_segments_the_last_one_stays_open_and_none_once_it_has_left() -> None:
    first, second = Segment(1 << 18), Segment(1 << 19)
    own = opened()

    async def scenario() -> None:
        async with served() as it:
            caller, other = await it.caller(), await it.caller()
            for segment in (first, first, second, first, second):
                images = photos(1, seed=segment.size)
                answer = await caller.ask(through(segment, images))
                expected = fake_features(images, TASKS)
                found = np.frombuffer(segment.view(images.nbytes, expected.nbytes), "<f4")
                np.testing.assert_array_equal(found, expected.ravel())
                assert answer.WhichOneof("outcome") == "response"
                assert opened() == sorted([*own, segment.name, segment.name])  # to read from and to write to
            assert (await other.ask(through(first, photos(1)))).WhichOneof("outcome") == "response"
            assert opened() == sorted([*own, *2 * [first.name], *2 * [second.name]])
            caller.writer.close()
            await until(lambda: opened() == sorted([*own, *2 * [first.name]]))
        await until(lambda: opened() == own)

    run(scenario)
    first.close()
    second.close()


def test_a_segment_that_is_open_may_grow_and_one_that_shrank_or_is_gone_or_new_is_noticed() -> None:
    segment, room = Segment(1 << 18), Segment(1 << 18)
    path, path_of_room = FOLDER / segment.name, FOLDER / room.name
    images, others = photos(2), photos(2, seed=1)
    size = fake_features(images, TASKS).nbytes
    request = through(segment, images)
    request.request.room.segment = room.name

    async def scenario() -> None:
        async with served() as it:
            caller = await it.caller()

            async def refused(needs: int, has: int) -> None:
                message = (await caller.ask(request)).failure.message
                assert f"has {has} bytes; the request needs {needs}" in message

            for changed, needs in ((path, images.nbytes), (path_of_room, images.nbytes + size)):
                os.truncate(changed, needs - 1)
                await refused(needs, needs - 1)
                assert changed.stat().st_size == needs - 1
                os.truncate(changed, 1 << 18)
                path.write_bytes(images.tobytes())
                assert (await caller.ask(request)).WhichOneof("outcome") == "response"
                os.truncate(changed, 10)
                await refused(needs, 10)
                os.truncate(changed, needs)
            for changed in (path, path_of_room):
                changed.unlink()
                assert "No such file" in (await caller.ask(request)).failure.message
                changed.write_bytes(others.tobytes() + bytes(1 << 16))
            path.write_bytes(others.tobytes())
            assert (await caller.ask(request)).WhichOneof("outcome") == "response"
            found = np.frombuffer(path_of_room.read_bytes(), "<f4", size // 4, images.nbytes)
            np.testing.assert_array_equal(found, fake_features(others, TASKS).ravel())
            assert opened() == sorted([*own, segment.name, room.name])

    own = opened()
    run(scenario)
    segment.close()
    room.close()
