"""The unix socket for processes on this machine: real connections to it, and everything that may come over them."""

import asyncio
import contextlib
import gc
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from perception import UserError
from perception.photos import Pixels
from perception.remote.shared_memory import Segment
from protos.perception.v1 import perception_pb2 as pb
from server.errors import Overloaded
from server.local_socket import METHOD, LocalSocket, new_name
from server.observability import Metrics
from server.security import TokenFile
from server.service import PerceptionService, ServiceLimits
from tests.server.fake import FakeBackend, fake_features
from tests.server.service.running import photos, raw, run

FOLDER = Path("/dev/shm")
TASKS = ["normal", "reshading"]
GOOD = pb.LocalRequest(request=pb.EncodeRequest(images=raw(photos(1)), tasks=TASKS))
TOKEN = "a-token-of-sixteen-letters"


class Caller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, message: bytes) -> None:
        self.writer.write(len(message).to_bytes(4, "little") + message)

    async def receive(self) -> pb.LocalResponse:
        size = int.from_bytes(await self.reader.readexactly(4), "little")
        return pb.LocalResponse.FromString(await self.reader.readexactly(size))

    async def ask(self, request: pb.LocalRequest) -> pb.LocalResponse:
        self.send(request.SerializeToString())
        return await self.receive()

    async def is_closed(self) -> bool:
        with contextlib.suppress(ConnectionError):
            return await self.reader.read() == b""
        return True


class Served:
    """A socket, what is behind it, and its callers."""

    def __init__(self, backend: FakeBackend, tokens: TokenFile | None) -> None:
        self.backend = backend
        self.metrics = Metrics()
        self.name = new_name()
        self.path = FOLDER / self.name
        self.service = PerceptionService(backend, (), ServiceLimits(takes_shared_memory=True))
        self.local = LocalSocket(self.name, self.service, self.metrics, tokens)
        self._callers: list[Caller] = []

    async def caller(self) -> Caller:
        self._callers.append(Caller(*await asyncio.open_unix_connection(str(self.path))))
        return self._callers[-1]

    async def close(self) -> None:
        for caller in self._callers:
            caller.writer.close()
        await self.local.stop(5)
        self.service.close()

    def counted(self, code: str) -> float:
        found = self.metrics.registry.get_sample_value("midlevel_requests_total", {"method": METHOD, "code": code})
        return found or 0.0


@contextlib.asynccontextmanager
async def served(backend: FakeBackend | None = None, tokens: TokenFile | None = None) -> AsyncIterator[Served]:
    it = Served(FakeBackend() if backend is None else backend, tokens)
    await it.local.start()
    try:
        yield it
    finally:
        await it.close()
    assert not it.path.exists()


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


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


def test_a_process_is_one_caller_however_many_connections_it_has_and_deadlines_are_each_call_s() -> None:
    async def scenario() -> None:
        async with served() as it:
            first, second = await it.caller(), await it.caller()
            await first.ask(GOOD)
            await second.ask(pb.LocalRequest(request=GOOD.request, timeout_us=5_000_000))
            assert {caller.name for caller in it.backend.callers} == {f"unix:{os.getpid()}"}
            without, limited = it.backend.callers
            assert without.deadline_s is None
            assert limited.deadline_s is not None
            assert 4 < limited.deadline_s - asyncio.get_running_loop().time() <= 5

    run(scenario)


def test_requests_in_pieces_and_several_at_once_are_answered_in_order() -> None:
    async def scenario() -> None:
        async with served() as it:
            caller = await it.caller()
            messages = [
                pb.LocalRequest(request=pb.EncodeRequest(images=raw(photos(k)), tasks=TASKS)).SerializeToString()
                for k in (1, 2, 3)
            ]
            for byte in len(messages[0]).to_bytes(4, "little") + messages[0][:5]:
                caller.writer.write(bytes([byte]))
                await asyncio.sleep(0)
            caller.writer.write(messages[0][5:])
            for message in messages[1:]:
                caller.send(message)
            shapes = [(await caller.receive()).response.features.shape[0] for _ in messages]
            assert shapes == [1, 2, 3]

    run(scenario)


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (b"\xff" * 40, 3, "the 40 bytes are no LocalRequest"),
        (pb.LocalRequest().SerializeToString() + b"\x0a\x00", 3, "neither tasks nor a feature set"),
        (
            pb.LocalRequest(request=pb.EncodeRequest(images=raw(photos(1)), tasks=["normals"])).SerializeToString(),
            5,
            "did you mean",
        ),
    ],
    ids=["garbage", "empty", "unknown"],
)
def test_what_cannot_be_used_is_refused_in_a_sentence_and_the_next_request_is_answered(
    message: bytes, code: int, words: str
) -> None:
    async def scenario() -> None:
        async with served() as it:
            caller = await it.caller()
            caller.send(message)
            failure = (await caller.receive()).failure
            assert failure.code == code
            assert words in failure.message
            assert (await caller.ask(GOOD)).HasField("response")

    run(scenario)


def test_thousands_of_bad_requests_at_once_are_each_refused() -> None:
    async def scenario() -> None:
        async with served() as it:
            caller = await it.caller()
            for _ in range(3000):
                caller.send(b"\x12\x00")
            for _ in range(3000):
                assert (await caller.receive()).failure.code == 3
            assert (await caller.ask(GOOD)).HasField("response")

    run(scenario)


@pytest.mark.parametrize("size", [0, (1 << 16) + 1, 0xFFFFFFFF])
def test_a_length_that_no_client_sends_ends_the_connection_alone(size: int) -> None:
    async def scenario() -> None:
        async with served() as it:
            stranger, caller = await it.caller(), await it.caller()
            stranger.writer.write(size.to_bytes(4, "little"))
            assert await stranger.is_closed()
            assert (await caller.ask(GOOD)).HasField("response")

    run(scenario)


def test_who_sends_on_without_reading_is_cut_off_before_memory_fills() -> None:
    async def scenario() -> None:
        hold = asyncio.Event()
        async with served(FakeBackend(hold=hold)) as it:
            flood = await it.caller()
            for _ in range(400):
                flood.send(GOOD.SerializeToString())
            assert await flood.is_closed()
            assert len(it.backend.callers) <= 1
            hold.set()

    run(scenario)


def test_answers_that_nobody_reads_do_not_pile_up() -> None:
    images = raw(photos(60, 1, 1))
    request = pb.LocalRequest(request=pb.EncodeRequest(images=images, tasks=TASKS)).SerializeToString()

    async def scenario() -> None:
        async with served() as it:
            lazy, caller = await it.caller(), await it.caller()
            for _ in range(12):  # each is answered with a megabyte
                lazy.send(request)
            for _ in range(5):
                await caller.ask(GOOD)
                await asyncio.sleep(0.02)
            assert len(it.backend.callers) <= 5 + 2
            for _ in range(12):
                assert (await lazy.receive()).response.features.shape[0] == 60

    run(scenario)


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.local_socket.MOST_CONNECTIONS", 2)

    async def scenario() -> None:
        async with served() as it:
            first, second = await it.caller(), await it.caller()
            assert (await second.ask(GOOD)).HasField("response")
            assert await (await it.caller()).is_closed()
            first.writer.close()
            while True:  # until the server has heard
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    assert (await (await it.caller()).ask(GOOD)).HasField("response")
                    break
            assert (await second.ask(GOOD)).HasField("response")

    run(scenario)


def test_an_answer_that_cannot_be_made_ends_the_connection_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with served(FakeBackend(error=UserError("\ud800"))) as it:
            caller = await it.caller()
            caller.send(GOOD.SerializeToString())
            assert await caller.is_closed()
            assert it.counted("INTERNAL") == 1

    run(scenario)
    assert "no answer could be made" in caplog.text


def test_a_full_queue_says_when_to_come_back() -> None:
    async def scenario() -> None:
        async with served(FakeBackend(error=Overloaded(0.25, 256))) as it:
            failure = (await (await it.caller()).ask(GOOD)).failure
            assert (failure.code, failure.retry_after_ms) == (8, 250)
            assert it.counted("RESOURCE_EXHAUSTED") == 1

    run(scenario)


def test_our_own_mistakes_stay_in_the_log() -> None:
    async def scenario() -> None:
        async with served(FakeBackend(error=ZeroDivisionError("secret"))) as it:
            failure = (await (await it.caller()).ask(GOOD)).failure
            assert failure.code == 13
            assert "secret" not in failure.message

    run(scenario)


def test_tokens_are_asked_for_here_too(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(f"{TOKEN}\n")

    async def scenario() -> None:
        async with served(tokens=TokenFile(tmp_path / "tokens")) as it:
            caller = await it.caller()
            for token in ("", TOKEN[:-1]):
                failure = (await caller.ask(pb.LocalRequest(request=GOOD.request, token=token))).failure
                assert failure.code == 16
                assert TOKEN[:-1] not in failure.message
            assert not it.backend.callers
            assert (await caller.ask(pb.LocalRequest(request=GOOD.request, token=TOKEN))).HasField("response")

    run(scenario)


def test_who_leaves_is_no_longer_computed_for() -> None:
    async def scenario() -> None:
        hold = asyncio.Event()
        async with served(FakeBackend(hold=hold)) as it:
            caller = await it.caller()
            caller.send(GOOD.SerializeToString())
            await until(lambda: it.backend.callers)
            caller.writer.close()
            await until(lambda: it.counted("CANCELLED"))
            late = await it.caller()
            late.send(pb.LocalRequest(request=GOOD.request, timeout_us=1000).SerializeToString())
            await until(lambda: len(it.backend.callers) == 2)
            await asyncio.sleep(0.002)
            late.writer.close()
            await until(lambda: it.counted("DEADLINE_EXCEEDED"))
            hold.set()

    run(scenario)


def test_a_call_that_is_cancelled_leaves_nothing_for_the_garbage_collector() -> None:
    """Which leaves alone what was there when a bank was exchanged."""

    def connections() -> int:
        return sum(type(one).__name__ == "_Connection" for one in gc.get_objects())

    async def scenario() -> None:
        async with served(FakeBackend(hold=asyncio.Event())) as it:
            before = connections()
            callers = [await it.caller() for _ in range(3)]
            for caller in callers:
                caller.send(GOOD.SerializeToString())
            await until(lambda: len(it.backend.callers) == len(callers))
            for caller in callers:
                caller.writer.close()
            await until(lambda: it.counted("CANCELLED") == len(callers))
            await until(lambda: connections() == before)

    gc.collect()
    gc.disable()
    try:
        run(scenario)
    finally:
        gc.enable()


def test_stopping_answers_what_is_under_way_and_closes() -> None:
    async def scenario() -> None:
        hold = asyncio.Event()
        async with served(FakeBackend(hold=hold)) as it:
            busy, idle = await it.caller(), await it.caller()
            busy.send(GOOD.SerializeToString())
            busy.send(GOOD.SerializeToString())
            await until(lambda: it.backend.callers)
            stopping = asyncio.ensure_future(it.local.stop(5))
            await asyncio.sleep(0.05)
            assert not stopping.done()
            with pytest.raises(FileNotFoundError):
                await it.caller()
            hold.set()
            await stopping
            assert (await busy.receive()).HasField("response")
            assert await idle.is_closed()
            assert (await busy.receive()).failure.code == 14  # what came behind it
            assert await busy.is_closed()
            assert len(it.backend.callers) == 1

    run(scenario)


def test_stopping_has_a_limit_and_can_be_cut_short() -> None:
    async def scenario() -> None:
        async with served(FakeBackend(hold=asyncio.Event())) as it:
            callers = [await it.caller() for _ in range(3)]
            for caller in callers:
                caller.send(GOOD.SerializeToString())
            await until(lambda: len(it.backend.callers) == 3)
            stopping = asyncio.ensure_future(it.local.stop(60))
            await asyncio.sleep(0.05)
            assert not stopping.done()
            await it.local.stop(0)
            await stopping
            assert [await caller.is_closed() for caller in callers] == [True] * 3
            assert it.counted("CANCELLED") == 3

    run(scenario)


def test_the_socket_is_private_and_other_users_get_no_word(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("to be another user takes root")
    program = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.settimeout(5)\n"
        "try:\n    s.connect(sys.argv[1]); print(s.recv(9))\nexcept OSError as error:\n    print(error.strerror)"
    )

    async def heard(path: Path) -> str:
        command = [sys.executable, "-c", program, str(path)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    async def scenario() -> None:
        async with served() as it:
            assert stat.S_IMODE(it.path.stat().st_mode) == 0o600
            assert await heard(it.path) == "Permission denied"
            it.path.chmod(0o666)
            assert await heard(it.path) in ("b''", "Connection reset by peer")

    run(scenario)


def test_sockets_of_killed_servers_are_removed_and_others_stay() -> None:
    orphan, alive, file = FOLDER / new_name(), FOLDER / new_name(), FOLDER / new_name()
    file.touch()
    program = (
        "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for path in (orphan, alive)]

    async def scenario() -> None:
        await until(lambda: orphan.exists() and alive.exists())
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        async with served():
            assert not orphan.exists()
            assert alive.exists()
            assert file.exists()

    try:
        run(scenario)
    finally:
        processes[1].kill()
        processes[1].wait()
        alive.unlink(missing_ok=True)
        file.unlink()


def test_a_machine_without_the_folder_is_told_to_do_without(tmp_path: Path) -> None:
    async def scenario() -> None:
        service = PerceptionService(FakeBackend())
        local = LocalSocket(new_name(), service, Metrics(), folder=tmp_path / "missing")
        with pytest.raises(UserError, match="without --shared-memory"):
            await local.start()
        service.close()

    run(scenario)
