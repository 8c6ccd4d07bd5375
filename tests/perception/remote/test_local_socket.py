"""The client's side of the unix socket: what it sends, and what it does when the other side goes, lags or lies."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from perception import AsyncRemoteEncoder, RemoteEncoder, UnknownNameError
from perception.remote import RemoteError, TimedOutError, UnreachableError
from perception.remote.shared_memory import FOLDER
from protos.perception.v1 import perception_pb2 as pb
from tests.perception.remote.scripted import Script, scripted
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
        requests: That came.
        connections: How many there were.
    """

    answers: list[Answer]
    requests: list[pb.LocalRequest] = field(default_factory=list)
    connections: int = 0

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
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                answer(connection, request)


def send(connection: socket.socket, response: pb.LocalResponse) -> None:
    data = response.SerializeToString()
    connection.sendall(len(data).to_bytes(4, "little") + data)


def features(connection: socket.socket, request: pb.LocalRequest) -> None:
    """Answer rightly, in small pieces."""
    asked = request.request
    path = FOLDER / asked.images.shared.segment
    count = asked.images.shared.count * 16 * 3
    images = np.frombuffer(path.read_bytes()[:count], np.uint8).reshape(-1, 4, 4, 3)
    found = fake_features(images, list(asked.tasks))
    with path.open("r+b") as file:
        file.seek(asked.room.offset)
        file.write(found.tobytes())
    response = pb.EncodeResponse(
        features=pb.Features(shape=found.shape, precision=pb.PRECISION_FLOAT32), tasks=asked.tasks, bank_sha256="first"
    )
    data = pb.LocalResponse(response=response).SerializeToString()
    for byte in len(data).to_bytes(4, "little") + data:
        connection.sendall(bytes([byte]))


def failing(code: int, words: str, retry_after_ms: int = 0) -> Answer:
    failure = pb.Failure(code=code, message=words, retry_after_ms=retry_after_ms)
    return lambda connection, _: send(connection, pb.LocalResponse(failure=failure))


def leaving(connection: socket.socket, _: pb.LocalRequest) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def silent(*_: object) -> None:
    time.sleep(0.6)


@contextmanager
def listening(*answers: Answer) -> Iterator[tuple[Listener, str]]:
    """A listener, and the address of a server that names it."""
    listener = Listener(list(answers))
    path = FOLDER / f"midlevel-test-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        made.listen()
        thread = threading.Thread(target=listener.serve, args=(made,), daemon=True)
        thread.start()
        try:
            with scripted(Script(local_socket=path.name)) as address:
                yield listener, address
        finally:
            made.shutdown(socket.SHUT_RDWR)
            path.unlink()
            thread.join()


def test_one_connection_serves_call_after_call() -> None:
    with (
        listening(features) as (listener, address),
        RemoteEncoder(address, transport="shared-memory", token="abc", timeout_s=7) as encoder,
    ):
        for k in range(3):
            images = IMAGES + np.uint8(k)
            np.testing.assert_array_equal(encoder.encode(images, TASKS), fake_features(images, TASKS))
        assert listener.connections == 1
        assert [request.token for request in listener.requests] == ["abc"] * 3
        assert all(6e6 < request.timeout_us <= 7e6 for request in listener.requests)


def test_calls_at_the_same_time_have_connections_of_their_own(address: str) -> None:
    images = [photos(1, seed=k) for k in range(24)]
    with RemoteEncoder(address, transport="shared-memory") as encoder:
        found: dict[int, np.ndarray] = {}
        threads = [
            threading.Thread(target=lambda k=k: found.update({k: encoder.encode(images[k], TASKS)})) for k in range(24)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for k in range(24):
        np.testing.assert_array_equal(found[k], fake_features(images[k], TASKS))


def test_asyncio_calls_at_the_same_time_too(address: str) -> None:
    async def scenario() -> None:
        async with AsyncRemoteEncoder(address, transport="shared-memory") as encoder:
            images = [photos(2, seed=k) for k in range(24)]
            for _ in range(2):
                found = await asyncio.gather(*(encoder.encode(one, TASKS) for one in images))
                for one, features_found in zip(images, found, strict=True):
                    np.testing.assert_array_equal(features_found, fake_features(one, TASKS))

    asyncio.run(scenario())


def test_a_server_without_a_socket_is_asked_over_grpc() -> None:
    with served("--no-socket") as place, RemoteEncoder(f"grpc://{place}", transport="shared-memory") as encoder:
        np.testing.assert_array_equal(encoder.encode(IMAGES, TASKS), fake_features(IMAGES, TASKS))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_connection_that_ends_is_made_anew(asynchronous: bool) -> None:
    with listening(leaving, features, leaving, features) as (listener, address):
        for _ in range(2):
            np.testing.assert_array_equal(encoded(address, asynchronous), fake_features(IMAGES, TASKS))
        assert listener.connections == 4


def encoded(address: str, asynchronous: bool, **options: float) -> np.ndarray:
    """Features of `IMAGES`, by a client of either kind."""
    if not asynchronous:
        with RemoteEncoder(address, transport="shared-memory", **options) as encoder:  # type: ignore[arg-type]
            return encoder.encode(IMAGES, TASKS)

    async def scenario() -> np.ndarray:
        async with AsyncRemoteEncoder(address, transport="shared-memory", **options) as encoder:  # type: ignore[arg-type]
            return await encoder.encode(IMAGES, TASKS)

    return asyncio.run(scenario())


@pytest.mark.parametrize("asynchronous", [False, True])
def test_who_waits_too_long_says_so_and_lets_go(asynchronous: bool) -> None:
    with (
        listening(silent, features) as (listener, address),
        pytest.raises(TimedOutError, match=r"within 0.3 s .*local socket"),
    ):
        encoded(address, asynchronous, timeout_s=0.3)
    assert len(listener.requests) == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_failures_are_what_they_are_over_grpc(asynchronous: bool) -> None:
    kinds = {3: ValueError, 5: ValueError, 16: RemoteError, 14: UnreachableError, 13: RemoteError, 99: RemoteError}
    for code, kind in kinds.items():
        with listening(failing(code, "these words.")) as (_, address), pytest.raises(kind, match="these words"):
            encoded(address, asynchronous, retries=0)


def test_a_full_queue_s_hint_is_followed() -> None:
    with listening(failing(8, "the queue is full.", 80), features) as (listener, address):
        began_s = time.monotonic()
        encoded(address, asynchronous=False)
        assert time.monotonic() - began_s >= 0.08
        assert listener.connections == 1  # a refusal is an answer


def test_a_socket_that_is_not_here_is_named() -> None:
    with (
        scripted(Script(local_socket="midlevel-missing.sock")) as address,
        pytest.raises(UnreachableError, match=r"/dev/shm/midlevel-missing\.sock cannot be used: No such file"),
    ):
        encoded(address, asynchronous=False, retries=1)


def test_another_user_s_socket_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    uid = os.geteuid()
    with listening(features) as (listener, address):
        monkeypatch.setattr("perception.remote.local_socket.os.geteuid", lambda: uid + 1)
        with pytest.raises(UnreachableError, match="belongs to another user"):
            encoded(address, asynchronous=False, retries=0)
        assert not listener.requests


def test_a_server_that_was_started_anew_is_found_at_its_new_socket(tmp_path: Path) -> None:
    place = f"unix:{tmp_path / 'server'}"
    with RemoteEncoder(place, transport="shared-memory", retries=9) as encoder:
        for _ in range(2):
            with served("--address", place):
                np.testing.assert_array_equal(encoder.encode(IMAGES, TASKS), fake_features(IMAGES, TASKS))


def test_unknown_tasks_are_found_before_anything_is_sent(address: str) -> None:
    with RemoteEncoder(address, transport="shared-memory") as encoder, pytest.raises(UnknownNameError):
        encoder.encode(IMAGES, ["normals"])
