"""How calls end."""

import asyncio
import gc
import weakref
from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from perception.photos import Pixels
from protos.perception.v1 import perception_pb2 as pb
from server.backend import Caller, Encoded
from server.errors import Draining, Overloaded
from server.service.statuses import abort, status_of
from tests.server.fake import FakeBackend
from tests.server.service.running import photos, raw, refusal, run, running


class Context:
    """Of a call: ends it as gRPC does.

    Args:
        problem: What gRPC raises.
    """

    def __init__(self, problem: Exception) -> None:
        self._problem = problem
        self.told: tuple[Any, ...] = ()

    async def abort(self, *told: Any) -> None:
        self.told = told
        raise self._problem

    def add_done_callback(self, _: Any) -> None:
        pass


def _end(context: Any) -> None:
    asyncio.run(abort(context, status_of(Draining(), "Encode")))


def test_a_caller_is_told_in_words() -> None:
    context = Context(grpc.aio.AbortError())
    with pytest.raises(grpc.aio.AbortError):
        _end(context)
    assert context.told[:2] == (grpc.StatusCode.UNAVAILABLE, str(Draining()))


def test_a_caller_who_has_gone_meanwhile_is_no_fault() -> None:
    # gRPC logs any other error of a handler, with its trace.
    with pytest.raises(asyncio.CancelledError):
        _end(Context(grpc.aio.InternalError("Failed execute_batch")))


class Watching(FakeBackend):
    """Refuses requests, and knows whether their images are still there."""

    seen: weakref.ref[Any] | None = None

    async def encode(self, images: Sequence[Pixels] | Pixels, tasks: Sequence[str], caller: Caller) -> Encoded:
        self.seen = weakref.ref(images)
        raise Overloaded(0.1, len(images))


def test_a_refused_request_is_gone_from_memory_when_its_call_has_ended() -> None:
    # Each was there until Python's next search for garbage: overload, or a stranger, could fill the memory.
    async def scenario() -> None:
        backend = Watching()
        gc.disable()
        try:
            async with running(backend) as it:
                request = pb.EncodeRequest(images=raw(photos(1)), tasks=["normal"])
                assert (await refusal(it.stub.Encode(request))).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                assert backend.seen is not None
                while backend.seen() is not None:
                    await asyncio.sleep(0.01)  # the server's side of the call ends after the client's
        finally:
            gc.enable()

    run(scenario)
