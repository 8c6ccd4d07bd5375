"""A socket that is served, and callers who are connected to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from protos.perception.v1 import perception_pb2 as pb
from server.local_socket import METHOD, LocalSocket, new_name
from server.observability import Metrics
from server.security import TokenFile
from server.service import PerceptionService, ServiceLimits
from tests.server.fake import FakeBackend
from tests.server.service.running import photos, raw

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
