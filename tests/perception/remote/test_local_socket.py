"""The client's side of the unix socket: what it sends, and what it does when the other side goes, lags or lies."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from perception import AsyncRemoteEncoder, RemoteEncoder, UnknownNameError, UserError
from perception.remote import RemoteError, TimedOutError, UnreachableError
from perception.remote.local_socket import MOST_CONNECTIONS, Connection, Sockets
from perception.remote.shared_memory import FOLDER
from protos.perception.v1 import perception_pb2 as pb
from tests.perception.remote.scripted import Script, answer, mean_features, scripted
from tests.perception.remote.serving import served
from tests.server.fake import fake_features
from tests.server.service.running import photos

TASKS = ("normal", "reshading")
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)

Answer = Callable[[socket.socket, pb.LocalRequest], None]


@dataclass
class Listener:
    """A socket that answers as a test says.

    Args:
        answers: What is done with the next requests; the last goes on.
        script: Of the server that names it, to which calls go that do not go over the socket.
        requests: That came.
        connections: How many there were.
        ends: Of connections that the client ended.
    """

    answers: list[Answer]
    script: Script
    requests: list[pb.LocalRequest] = field(default_factory=list)
    connections: int = 0
    ends: int = 0

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while size := int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "little"):
                request = pb.LocalRequest.FromString(connection.recv(size, socket.MSG_WAITALL))
                self.requests.append(request)
                do = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                do(connection, request)
        self.ends += 1


def send(connection: socket.socket, response: pb.LocalResponse) -> None:
    data = response.SerializeToString()
    connection.sendall(len(data).to_bytes(4, "little") + data)


def features(connection: socket.socket, request: pb.LocalRequest) -> None:
    """Answer rightly, in small pieces."""
    data = pb.LocalResponse(response=answer(request.request, "first")).SerializeToString()
    for byte in len(data).to_bytes(4, "little") + data:
        connection.sendall(bytes([byte]))


def failing(code: int, words: str, retry_after_ms: int = 0) -> Answer:
    failure = pb.Failure(code=code, message=words, retry_after_ms=retry_after_ms)
    return lambda connection, _: send(connection, pb.LocalResponse(failure=failure))


def saying(data: bytes) -> Answer:
    return lambda connection, _: connection.sendall(data)


def leaving(connection: socket.socket, _: pb.LocalRequest) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def silent(connection: socket.socket, _: pb.LocalRequest) -> None:
    """Until the client ends the connection."""
    assert connection.recv(1) == b""


@contextmanager
def listening(*answers: Answer) -> Iterator[tuple[Listener, str]]:
    """A listener, and the address of a server that names it."""
    path = FOLDER / f"midlevel-test-{os.getpid()}.sock"
    listener = Listener(list(answers), Script(local_socket=path.name))
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        made.listen()
        thread = threading.Thread(target=listener.serve, args=(made,), daemon=True)
        thread.start()
        try:
            with scripted(listener.script) as address:
                yield listener, address
        finally:
            made.shutdown(socket.SHUT_RDWR)
            path.unlink()
            thread.join()


def until(condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.005)


def encoded(address: str, *, asynchronous: bool = False, calls: int = 1, **options: float) -> np.ndarray:
    """Features of `IMAGES`, by a client of either kind, the last of some calls."""
    if not asynchronous:
        with RemoteEncoder(address, transport="shared-memory", **options) as encoder:  # type: ignore[arg-type]
            return [encoder.encode(IMAGES, TASKS) for _ in range(calls)][-1]

    async def scenario() -> np.ndarray:
        async with AsyncRemoteEncoder(address, transport="shared-memory", **options) as encoder:  # type: ignore[arg-type]
            return [await encoder.encode(IMAGES, TASKS) for _ in range(calls)][-1]

    return asyncio.run(scenario())


EXPECTED = mean_features(IMAGES, TASKS)
either = pytest.mark.parametrize("asynchronous", [False, True])


@either
def test_one_connection_serves_call_after_call_and_ends_with_the_encoder(asynchronous: bool) -> None:
    with listening(features) as (listener, address):
        found = encoded(address, asynchronous=asynchronous, calls=3, timeout_s=7)
        np.testing.assert_array_equal(found, EXPECTED)
        until(lambda: listener.ends == 1)
        assert (listener.connections, len(listener.requests)) == (1, 3)
        assert (listener.script.lists, listener.script.requests) == (1, [])
        assert all(6e6 < request.timeout_us <= 7e6 for request in listener.requests)


def test_tokens_go_along() -> None:
    with (
        listening(features) as (listener, address),
        RemoteEncoder(address, transport="shared-memory", token="abc") as encoder,
    ):
        encoder.encode(IMAGES, TASKS)
        assert [request.token for request in listener.requests] == ["abc"]


def test_an_encoder_that_is_forgotten_leaves_no_connection() -> None:
    with listening(features) as (listener, address):
        encoder = RemoteEncoder(address, transport="shared-memory")
        encoder.encode(IMAGES, TASKS)
        del encoder
        until(lambda: listener.ends == 1)


def test_calls_at_the_same_time_have_connections_of_their_own_and_others_go_over_grpc(address: str) -> None:
    images = [photos(1, seed=k) for k in range(40)]
    with RemoteEncoder(address, transport="shared-memory") as encoder:
        found: dict[int, np.ndarray] = {}
        threads = [
            threading.Thread(target=lambda k=k: found.update({k: encoder.encode(images[k], TASKS)})) for k in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for k in range(40):
        np.testing.assert_array_equal(found[k], fake_features(images[k], TASKS))


@either
def test_no_more_than_so_many_connections_are_made(asynchronous: bool) -> None:
    calls = MOST_CONNECTIONS + 9

    def held(connection: socket.socket, request: pb.LocalRequest) -> None:
        until(lambda: len(listener.requests) >= MOST_CONNECTIONS)  # so many are under way at once
        features(connection, request)

    async def asked(address: str) -> list[np.ndarray]:
        async with AsyncRemoteEncoder(address, transport="shared-memory") as encoder:
            await encoder.catalogue()
            return list(await asyncio.gather(*(encoder.encode(IMAGES, TASKS) for _ in range(calls))))

    with listening(held) as (listener, address):
        if asynchronous:
            results = asyncio.run(asked(address))
        else:
            with (
                RemoteEncoder(address, transport="shared-memory") as encoder,
                ThreadPoolExecutor(calls) as threads,
            ):
                encoder.catalogue()
                results = list(threads.map(lambda _: encoder.encode(IMAGES, TASKS), range(calls)))
        assert listener.connections == MOST_CONNECTIONS
        assert len(listener.requests) + len(listener.script.requests) == calls
    for found in results:
        np.testing.assert_array_equal(found, EXPECTED)


def test_a_server_without_a_socket_is_asked_over_grpc() -> None:
    with served("--no-socket") as place, RemoteEncoder(f"grpc://{place}", transport="shared-memory") as encoder:
        np.testing.assert_array_equal(encoder.encode(IMAGES, TASKS), fake_features(IMAGES, TASKS))


@either
def test_a_connection_that_the_server_has_closed_is_no_failure(asynchronous: bool) -> None:
    with listening(features, leaving, features) as (listener, address):
        found = encoded(address, asynchronous=asynchronous, calls=2, retries=0)
        np.testing.assert_array_equal(found, EXPECTED)
        assert (listener.connections, listener.script.requests) == (2, [])


@either
def test_a_server_that_closes_every_connection_is_asked_over_grpc(asynchronous: bool) -> None:
    with listening(leaving) as (listener, address):
        np.testing.assert_array_equal(encoded(address, asynchronous=asynchronous, retries=0), EXPECTED)
        assert (listener.connections, len(listener.script.requests)) == (2, 1)


@either
def test_who_waits_too_long_says_so_and_lets_go(asynchronous: bool) -> None:
    with listening(silent) as (listener, address):
        began_s = time.monotonic()
        with pytest.raises(TimedOutError, match=r"within 0.3 s .*local socket"):
            encoded(address, asynchronous=asynchronous, timeout_s=0.3)
        assert 0.3 <= time.monotonic() - began_s < 2
        until(lambda: listener.ends == 1)


@either
def test_an_answer_that_trickles_in_is_not_waited_for_longer_than_a_whole_one(asynchronous: bool) -> None:
    def trickling(connection: socket.socket, request: pb.LocalRequest) -> None:
        data = pb.LocalResponse(response=answer(request.request, "first")).SerializeToString()
        for byte in len(data).to_bytes(4, "little") + data:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with listening(trickling) as (_, address):
        began_s = time.monotonic()
        with pytest.raises(TimedOutError):
            encoded(address, asynchronous=asynchronous, timeout_s=0.3, retries=0)
        assert time.monotonic() - began_s < 3, "all of it takes six seconds or more"


@either
def test_the_time_that_a_list_takes_is_the_call_s_too(asynchronous: bool) -> None:
    with listening(leaving, silent) as (listener, address):
        listener.script.list_s = 0.25  # asked for before the call, and again after the server has left
        began_s = time.monotonic()
        with pytest.raises(TimedOutError):
            encoded(address, asynchronous=asynchronous, timeout_s=0.5)
        assert time.monotonic() - began_s < 0.25 + 0.5 + 0.2
        assert listener.requests[-1].timeout_us < 300_000


def test_a_call_that_is_cancelled_ends_its_connection_also_if_a_child_was_forked_meanwhile() -> None:
    async def scenario(listener: Listener, address: str) -> None:
        async with AsyncRemoteEncoder(address, transport="shared-memory") as encoder:
            call = asyncio.ensure_future(encoder.encode(IMAGES, TASKS))
            while not listener.requests:
                await asyncio.sleep(0.01)
            child = os.fork()
            if not child:
                time.sleep(3)
                os._exit(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.to_thread(until, lambda: listener.ends == 1)
            os.kill(child, 9)
            os.waitpid(child, 0)

    with listening(silent) as (listener, address):
        asyncio.run(scenario(listener, address))


def test_closing_ends_calls_that_are_under_way() -> None:
    with listening(silent) as (listener, address):
        encoder = RemoteEncoder(address, transport="shared-memory", timeout_s=9)
        with ThreadPoolExecutor(1) as thread:
            call = thread.submit(encoder.encode, IMAGES, TASKS)
            until(lambda: len(listener.requests) == 1)
            began_s = time.monotonic()
            encoder.close()
            with pytest.raises(RemoteError, match="closed during the call"):
                call.result()
        assert time.monotonic() - began_s < 2


def test_connections_of_a_server_that_is_gone_are_not_kept() -> None:
    sockets = Sockets(blocking=True)
    mine = [Connection(socket.AF_UNIX) for _ in range(2)]
    for name, connection in zip(("midlevel-old.sock", "midlevel-new.sock"), mine, strict=True):
        sockets.name = "midlevel-new.sock"
        sockets.keep(name, connection)
    assert mine[0].fileno() == -1
    assert sockets.connected("midlevel-new.sock") is mine[1]
    mine[1].close()


@either
def test_failures_are_what_they_are_over_grpc(asynchronous: bool) -> None:
    kinds = {3: UserError, 5: UserError, 16: RemoteError, 14: UnreachableError, 13: RemoteError, 99: RemoteError}
    for code, kind in kinds.items():
        with listening(failing(code, "these words.")) as (_, address), pytest.raises(UserError) as caught:
            encoded(address, asynchronous=asynchronous, retries=0)
        assert type(caught.value) is kind
        assert "these words" in str(caught.value)


def test_a_full_queue_s_hint_is_followed() -> None:
    with listening(failing(8, "the queue is full.", 80), features) as (listener, address):
        began_s = time.monotonic()
        encoded(address)
        assert time.monotonic() - began_s >= 0.08
        assert listener.connections == 1  # a refusal is an answer


@either
@pytest.mark.parametrize(
    "data",
    [b"\x05\0\0\0\xff\xff\xff\xff\xff", b"\x02\0\0\0\x0a\x00more", b"\x02\0\0\0\x1a\x00"],
    ids=["garbage", "more than it says", "nothing of both"],
)
def test_what_is_no_response_is_a_sentence(data: bytes, asynchronous: bool) -> None:
    with listening(saying(data)) as (_, address), pytest.raises(RemoteError, match="no response"):
        encoded(address, asynchronous=asynchronous, retries=0)


@either
def test_a_socket_that_is_not_here_is_told_of_and_calls_go_over_grpc(
    asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(local_socket="midlevel-missing.sock")
    with scripted(script) as address:
        np.testing.assert_array_equal(encoded(address, asynchronous=asynchronous, calls=4, retries=0), EXPECTED)
    assert (len(script.requests), script.lists) == (4, 2)
    assert [record.getMessage() for record in caplog.records if record.name == "perception.remote.local_socket"] == [
        "calls go over gRPC, which takes longer: /dev/shm/midlevel-missing.sock: No such file or directory"
    ]


@pytest.mark.parametrize("name", ["/tmp/midlevel-1.sock", "../tmp/midlevel-1.sock", "midlevel-1", "x" * 200])
def test_a_name_that_no_server_of_ours_gives_is_not_connected_to(name: str) -> None:
    script = Script(local_socket=name)
    with scripted(script) as address:
        np.testing.assert_array_equal(encoded(address, retries=0), EXPECTED)
    assert len(script.requests) == 1


def test_another_user_s_socket_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    uid = os.geteuid()
    with listening(features) as (listener, address):
        monkeypatch.setattr("perception.remote.local_socket.os.geteuid", lambda: uid + 1)
        np.testing.assert_array_equal(encoded(address, retries=0), EXPECTED)
        assert (listener.requests, len(listener.script.requests)) == ([], 1)


def test_a_server_that_was_started_anew_is_found_at_its_new_socket(tmp_path: Path) -> None:
    place = f"unix:{tmp_path / 'server'}"
    with RemoteEncoder(place, transport="shared-memory", retries=9) as encoder:
        for _ in range(2):
            with served("--address", place):
                np.testing.assert_array_equal(encoder.encode(IMAGES, TASKS), fake_features(IMAGES, TASKS))


def test_unknown_tasks_are_found_before_anything_is_sent(address: str) -> None:
    with RemoteEncoder(address, transport="shared-memory") as encoder, pytest.raises(UnknownNameError):
        encoder.encode(IMAGES, ["normals"])
