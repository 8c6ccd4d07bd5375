"""Shared memory: images in and features out without a copy on the wire, and segments meant to hurt refused."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest

from perception import UserError
from protos.perception.v1 import perception_pb2 as pb
from server.service.callers import is_local_peer
from server.service.requests import SharedMemoryAccess
from server.service.shared_memory import SharedMemory
from server.service.statuses import NotAllowedError, NotEnabledError
from tests.server.fake import fake_features
from tests.server.service.running import LIMITS, photos, refusal, run, running

SHARING = replace(LIMITS, takes_shared_memory=True)
TASKS = ["normal", "reshading"]


@pytest.fixture
def segment() -> Iterator[Path]:
    """A file that goes away with the test."""
    path = Path("/dev/shm") / f"midlevel-test-{os.getpid()}"
    path.touch()
    yield path
    path.unlink(missing_ok=True)


def shared(path: Path, **changes: int | str) -> pb.SharedImages:
    result = pb.SharedImages(segment=path.name, offset=100, count=2, height=12, width=16)
    for name, value in changes.items():
        setattr(result, name, value)
    return result


def test_images_and_features_travel_through_the_segment(segment: Path) -> None:
    images = photos(2)
    segment.write_bytes(bytes(100) + images.tobytes() + bytes(40_000))
    begin = 100 + images.nbytes
    room = pb.SharedRoom(segment=segment.name, offset=begin, bytes=40_000)

    async def scenario() -> None:
        async with running(limits=SHARING) as it:
            response = await it.stub.Encode(
                pb.EncodeRequest(images=pb.Images(shared=shared(segment)), tasks=TASKS, room=room)
            )
            assert response.features.data == b""
            assert tuple(response.features.shape) == (2, 16, 16, 16)
            data = segment.read_bytes()
            expected = fake_features(images, TASKS)
            np.testing.assert_array_equal(np.frombuffer(data, "<f4", expected.size, begin), expected.ravel())
            assert data[:begin] == bytes(100) + images.tobytes()
            assert data[begin + expected.nbytes :] == bytes(40_000 - expected.nbytes)
            assert (await it.stub.ListFeatures(pb.ListFeaturesRequest())).takes_shared_memory

    run(scenario)


@pytest.mark.parametrize(
    ("images", "room", "message"),
    [
        ({"segment": "../etc/passwd"}, {}, "has no usable name"),
        ({"segment": "midlevel-"}, {}, "has no usable name"),
        ({"segment": "midlevel-a/b"}, {}, "has no usable name"),
        ({"segment": "midlevel-" + "x" * 101}, {}, "has no usable name"),
        ({"segment": "midlevel-a\n"}, {}, "has no usable name"),
        ({"segment": "midlevel-not-there"}, {}, "cannot be used: No such file"),
        ({"offset": 101}, {}, "has 1252 bytes; the request needs 1253"),
        ({"offset": 2**64 - 1}, {}, "larger than any file"),
        ({"count": 0}, {}, "has 0 images"),
        ({"count": 65}, {}, "has 65 images"),
        ({"height": 0}, {}, "at least one of 1 x 1"),
        ({"height": 2**32 - 1, "width": 2**32 - 1}, {}, "the limit is 1048576"),
        ({}, {"bytes": 32_767}, "the room for features has 32767 bytes; these features have 32768"),
        ({}, {"bytes": 40_000}, "has 1252 bytes; the request needs 32768"),
        ({}, {"bytes": 40_000, "segment": "midlevel-not-there"}, "No such file"),
        ({}, {"bytes": 40_000, "segment": ""}, "has no usable name"),
    ],
)
def test_segments_that_do_not_fit_are_refused_before_anything_is_computed(
    segment: Path, images: dict[str, int | str], room: dict[str, int | str], message: str
) -> None:
    segment.write_bytes(bytes(100 + 2 * 12 * 16 * 3))

    async def scenario() -> None:
        async with running(limits=SHARING) as it:
            request = pb.EncodeRequest(images=pb.Images(shared=shared(segment, **images)), tasks=TASKS)
            if room:
                request.room.segment = segment.name
                for name, value in room.items():
                    setattr(request.room, name, value)
            error = await refusal(it.stub.Encode(request))
            assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
            assert message in str(error.details())
            assert not it.backend.callers

    run(scenario)


def test_a_server_started_without_it_says_how_to_start_it(segment: Path) -> None:
    async def scenario() -> None:
        async with running() as it:
            by_images = pb.EncodeRequest(images=pb.Images(shared=shared(segment)), tasks=TASKS)
            error = await refusal(it.stub.Encode(by_images))
            assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
            assert "--shared-memory" in str(error.details())

    run(scenario)


def test_callers_on_other_machines_are_refused() -> None:
    with pytest.raises(NotAllowedError, match=re.escape("from ipv4:192.0.2.1:4000")):
        SharedMemoryAccess(SharedMemory()).for_peer("ipv4:192.0.2.1:4000")
    with pytest.raises(NotEnabledError):
        SharedMemoryAccess(None).for_peer("ipv4:127.0.0.1:4000")


@pytest.mark.parametrize(
    ("peer", "is_local"),
    [
        ("ipv4:127.0.0.1:50000", True), ("ipv4:127.8.0.1:50000", True), ("ipv6:%5B::1%5D:50000", True),
        ("ipv6:[::1]:50000", True), ("ipv6:%5B::ffff:127.0.0.1%5D:50000", True), ("unix:", True),
        ("unix:/run/x.sock", True), ("ipv4:10.0.0.1:50000", False), ("ipv6:%5B2001:db8::1%5D:50000", False),
        ("ipv6:%5B::ffff:10.0.0.1%5D:50000", False), ("ipv4:127.0.0.1.example:1", False), ("", False), ("ipv4:", False),
    ],
)  # fmt: skip
def test_callers_on_this_machine_are_told_from_others(peer: str, is_local: bool) -> None:
    assert is_local_peer(peer) is is_local


def test_what_is_no_regular_file_of_the_same_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SharedMemory(tmp_path)
    os.mkfifo(tmp_path / "midlevel-pipe")
    (tmp_path / "midlevel-folder").mkdir()
    (tmp_path / "midlevel-file").write_bytes(bytes(8))
    (tmp_path / "midlevel-link").symlink_to(tmp_path / "midlevel-file")
    for name in ("pipe", "folder"):
        with pytest.raises(UserError, match="is no regular file"):
            memory.read(f"midlevel-{name}", 0, (8,))
    with pytest.raises(UserError, match="cannot be used"):
        memory.read("midlevel-link", 0, (8,))
    assert memory.read("midlevel-file", 0, (2, 4)).shape == (2, 4)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(UserError, match="belongs to another user"):
        memory.read("midlevel-file", 0, (8,))


def test_a_segment_that_shrinks_while_it_is_read_is_an_error_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "midlevel-file"
    path.write_bytes(bytes(10_000))
    read = os.preadv

    def reading(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        path.write_bytes(bytes(5000))
        return read(descriptor, buffers, offset)

    monkeypatch.setattr(os, "preadv", reading)
    with pytest.raises(UserError, match="became smaller while it was read"):
        SharedMemory(tmp_path).read("midlevel-file", 0, (10_000,))
