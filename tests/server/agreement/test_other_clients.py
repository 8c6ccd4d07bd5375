"""Whatever other clients do at the time, an answer is that of its own question."""

import contextlib
import threading
from collections.abc import Iterator

import grpc
import numpy as np
import pytest

from perception import Bank, RemoteEncoder
from perception.encoding import Features
from perception.photos import Pixels
from protos.perception.v1 import perception_pb2 as pb
from tests.server.agreement.asking import WAYS
from tests.server.agreement.conftest import SET
from tests.server.agreement.serving import FLOAT32, HALF, MAX_BATCH, Expected, Served, difference, pictures
from tests.server.service.running import raw

POOL = 24
CLIENTS = 5
ROUNDS = 6


class Others:
    """Clients that ask without end, check what they get, and some that do wrong.

    Args:
        server: That they ask.
        images: Of which they send some.
        features: Of all images and tasks.
        tasks: Of the features.
    """

    def __init__(self, server: Served, images: Pixels, features: Features, tasks: tuple[str, ...]) -> None:
        self._server = server
        self._images = images
        self._features = features.reshape(len(images), len(tasks), -1)
        self._tasks = tasks
        self._end = threading.Event()
        self.all_asked = threading.Barrier(CLIENTS + 2)
        self.answered = [0] * CLIENTS
        self.shared = 0
        self.wrong: list[str] = []

    def ask(self, client: int) -> None:
        rng = np.random.default_rng(client)
        transport = ("grpc", "shared-memory")[client % 2]
        with RemoteEncoder(f"grpc://{self._server.address}", transport=transport) as encoder:
            while not self._end.is_set():
                rows = rng.integers(0, POOL, rng.integers(1, MAX_BATCH + 1))
                tasks = rng.permutation(len(self._tasks))[: rng.integers(1, 5)]
                timed = encoder.encode_timed(self._images[rows], [self._tasks[k] for k in tasks])
                exact = self._features[rows][:, tasks].reshape(timed.features.shape)
                if difference(timed.features, exact) > FLOAT32:
                    self.wrong.append(f"client {client}: images {rows}, tasks {tasks}")
                self.shared += any(spent.batch_images > len(rows) for spent in timed.timings)
                self.answered[client] += 1
                if self.answered[client] == 1:
                    self.all_asked.wait(60)

    def misbehave(self) -> None:
        """Garbage, deadlines that cannot be met, and calls that are cancelled."""
        rng = np.random.default_rng(99)
        self.all_asked.wait(60)
        with grpc.insecure_channel(self._server.address) as channel:
            encode = type(self._server.perception)(channel).Encode
            while not self._end.is_set():
                sound = pb.EncodeRequest(images=raw(self._images[:2]), tasks=SET)
                garbage = pb.EncodeRequest(images=pb.Images(files=pb.ImageFiles(files=[rng.bytes(500)])), tasks=SET)
                with contextlib.suppress(grpc.RpcError):
                    encode(sound, timeout=0.001)
                call = encode.future(sound)
                call.cancel()
                try:
                    encode(garbage, timeout=10)
                except grpc.RpcError as error:
                    if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
                        self.wrong.append(f"garbage: {error.code()}")

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While they ask."""
        threads = [threading.Thread(target=self.ask, args=[client]) for client in range(CLIENTS)]
        threads.append(threading.Thread(target=self.misbehave))
        for thread in threads:
            thread.start()
        try:
            self.all_asked.wait(60)
            yield
        finally:
            self._end.set()
            for thread in threads:
                thread.join(60)


@pytest.fixture(scope="module")
def others(bank: Bank, server: Served, expected: Expected) -> Others:
    images = pictures(POOL, seed=7)
    return Others(server, images, expected.features(images, bank.tasks), bank.tasks)


def test_answers_are_right_while_others_ask_for_other_things_and_do_wrong(
    bank: Bank, server: Served, expected: Expected, others: Others
) -> None:
    images = pictures(MAX_BATCH, seed=8)
    rng = np.random.default_rng(8)
    with others.busy():
        for number in range(ROUNDS):
            for name, way in WAYS.items():
                count = int(rng.integers(1, MAX_BATCH + 1))
                tasks = SET if number % 2 else (bank.tasks[int(rng.integers(len(bank.tasks)))],)
                half = bool(rng.integers(2))
                exact = expected.features(way.shown(images), tasks)[:count]
                found = way.ask(server, images[:count], tasks, half)
                assert difference(found, exact, HALF if half else 0) <= FLOAT32, name
    assert others.wrong == []
    assert min(others.answered) > 1
    assert others.shared > 0
