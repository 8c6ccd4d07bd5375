"""Through a running perception server: the same pictures, and sentences where it is not there."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from perception import Predictor, UserError
from perception.photos import Pixels, read_photo
from server.backend import Caller, Predicted
from server.listening import Address, GrpcServer
from server.service import PerceptionService, ServiceLimits
from tests.server.explorer.live.asking import app_of, ask, sent
from tests.server.fake import SPENT, FakeBackend


class KeptNetworks(FakeBackend):
    """Reads each network once."""

    def __init__(self) -> None:
        super().__init__()
        self.predictors = {task: Predictor(self.bank.checkpoint(task)) for task in self.bank.tasks}

    async def predict(self, task: str, images: Sequence[Pixels], caller: Caller, *, seed: int = 0) -> Predicted:
        return Predicted(self.predictors[task].predict(images, seed=seed), SPENT, self.bank.sha256)


@contextmanager
def serving(backend: FakeBackend, port: int) -> Iterator[None]:
    """A server on an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> tuple[GrpcServer, PerceptionService]:
        service = PerceptionService(backend, (), ServiceLimits())
        server = GrpcServer(Address("127.0.0.1", port), largest_message_bytes=1 << 22)
        await server.start([service])
        return server, service

    server, service = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(0), loop).result(20)
        service.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_server_predicts_goes_away_and_comes_back(
    photos: dict[str, Path], predicted: Path, tasks: tuple[str, ...]
) -> None:
    backend, port = KeptNetworks(), free_port()
    app = app_of(server=f"grpc://127.0.0.1:{port}")
    photo = sent(photos["phone"].read_bytes())
    for _ in range(2):
        assert f"no server can be reached at grpc://127.0.0.1:{port}" in ask(app, contents=photo).message
        with serving(backend, port):
            reply = ask(app, contents=photo)
            assert reply.message == ""
            assert set(reply.pictures) == set(tasks)
            for task, picture in reply.pictures.items():
                np.testing.assert_array_equal(picture, read_photo(predicted / f"phone_{task}.png"), err_msg=task)


def test_an_address_that_is_none_is_refused_before_anything_is_served() -> None:
    with pytest.raises(UserError, match="carrier pigeon"):
        app_of(server="carrier pigeon")
