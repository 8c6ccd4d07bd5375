"""A real server of the protocol on loopback, and what clients send it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np

from perception.photos import Pixels
from protos.open_inference import inference_pb2 as pb
from protos.open_inference import inference_pb2_grpc
from server.listening import Address, GrpcServer
from server.open_inference import OpenInferenceService
from tests.server.fake import FakeBackend

LARGEST_MESSAGE_BYTES = 2 << 20


@dataclass(frozen=True)
class Running:
    """A server with a client.

    Args:
        address: Of the server.
        service: Its service.
        backend: Behind it.
        stub: A client's.
    """

    address: str
    service: OpenInferenceService
    backend: FakeBackend
    stub: Any


@contextlib.asynccontextmanager
async def running(backend: FakeBackend | None = None, sets: Sequence[str] = ()) -> AsyncIterator[Running]:
    backend = FakeBackend() if backend is None else backend
    service = OpenInferenceService(backend, sets, largest_message_bytes=LARGEST_MESSAGE_BYTES)
    server = GrpcServer(Address("127.0.0.1", 0), largest_message_bytes=LARGEST_MESSAGE_BYTES)
    await server.start([service])
    address = str(server.address)
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield Running(address, service, backend, inference_pb2_grpc.GRPCInferenceServiceStub(channel))
    finally:
        await server.stop(0)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine, which has to end within seconds."""
    asyncio.run(asyncio.wait_for(scenario(), 30))


def photos(count: int, height: int = 12, width: int = 16, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)


def tensor(shape: Sequence[int], **changes: Any) -> pb.ModelInferRequest.InferInputTensor:
    return pb.ModelInferRequest.InferInputTensor(**{"name": "images", "datatype": "UINT8", "shape": shape, **changes})


def raw_request(images: Pixels, model: str = "normal", **changes: Any) -> pb.ModelInferRequest:
    return pb.ModelInferRequest(
        **{"model_name": model, "inputs": [tensor(images.shape)], "raw_input_contents": [images.tobytes()], **changes}
    )


def typed_request(images: Pixels, model: str = "normal") -> pb.ModelInferRequest:
    contents = pb.InferTensorContents(uint_contents=images.reshape(-1).tolist())
    return pb.ModelInferRequest(model_name=model, inputs=[tensor(images.shape, contents=contents)])


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    """How a call fails."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call was answered")
