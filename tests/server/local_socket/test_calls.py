"""Requests over real connections, and everything else that may come over them."""

import asyncio
import contextlib
import gc
import os
from pathlib import Path

import pytest

from perception import UserError
from protos.perception.v1 import perception_pb2 as pb
from server.errors import Overloaded
from server.security import TokenFile
from tests.server.fake import FakeBackend
from tests.server.local_socket.calling import GOOD, TASKS, TOKEN, served, until
from tests.server.service.running import photos, raw, run


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


class Unspeakable(UserError):
    def __str__(self) -> str:
        raise ValueError("no words")


def test_an_answer_that_cannot_be_made_ends_the_connection_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with served(FakeBackend(error=Unspeakable())) as it:
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
