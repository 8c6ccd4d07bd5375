"""A real server of the Perception service on loopback, and real clients of it."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perception.photos import Pixels
from protos.perception.v1 import perception_pb2 as pb
from protos.perception.v1 import perception_pb2_grpc
from server.listening import Address, GrpcServer, Service
from server.service import PerceptionService, ServiceLimits
from tests.server.fake import FakeBackend

LIMITS = ServiceLimits(largest_message_bytes=1 << 20)
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass(frozen=True)
class Running:
    """A server with a client.

    Args:
        server: The server.
        service: Its service.
        backend: Behind it.
        channel: To it.
        stub: On the channel.
    """

    server: GrpcServer
    service: PerceptionService
    backend: FakeBackend
    channel: grpc.aio.Channel
    stub: Any


@contextlib.asynccontextmanager
async def running(
    backend: FakeBackend | None = None,
    limits: ServiceLimits = LIMITS,
    *,
    sets: Sequence[str] = (),
    host: str = "127.0.0.1",
    also: Sequence[Service] = (),
) -> AsyncIterator[Running]:
    backend = FakeBackend() if backend is None else backend
    service = PerceptionService(backend, sets, limits)
    server = GrpcServer(Address(host, 0), largest_message_bytes=limits.largest_message_bytes)
    await server.start([service, *also])
    try:
        async with grpc.aio.insecure_channel(str(server.address), options=UNLIMITED) as channel:
            yield Running(server, service, backend, channel, perception_pb2_grpc.PerceptionStub(channel))
    finally:
        await server.stop(0)
        service.close()


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine, which has to end within ten seconds."""

    async def limited() -> None:
        await asyncio.wait_for(scenario(), 20)

    asyncio.run(limited())


def photos(count: int, height: int = 12, width: int = 16, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)


def raw(images: Pixels) -> pb.Images:
    count, height, width, _ = images.shape
    return pb.Images(raw=pb.RawImages(count=count, height=height, width=width, pixels=images.tobytes()))


def files(images: Sequence[Pixels], kind: str = "PNG", **how: Any) -> pb.Images:
    return pb.Images(files=pb.ImageFiles(files=[encoded(image, kind, **how) for image in images]))


def encoded(image: Pixels, kind: str = "PNG", **how: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **how)
    return buffer.getvalue()


def features_of(message: pb.Features) -> NDArray[np.floating]:
    numbers = {pb.PRECISION_FLOAT32: "<f4", pb.PRECISION_FLOAT16: "<f2"}[message.precision]
    result: NDArray[np.floating] = np.frombuffer(message.data, numbers).reshape(tuple(message.shape))
    return result


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    """How a call fails."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call was answered")
