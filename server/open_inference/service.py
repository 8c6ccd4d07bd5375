"""The service inference.GRPCInferenceService."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import numpy as np

from perception import UserError
from protos.open_inference import inference_pb2 as pb
from protos.open_inference import inference_pb2_grpc
from server.backend import Backend, Caller, Encoded
from server.errors import Draining
from server.handlers import Handlers
from server.open_inference.models import VERSION, configuration, listed_models, metadata, model_tasks
from server.open_inference.statistics import Statistics
from server.open_inference.tensors import OUTPUT_TYPES, output_type, queue_timeout_s, read_images, response
from server.service.callers import caller_of
from server.service.requests import unblocked
from server.service.responses import features_bytes, wire_features
from server.service.statuses import TooLargeError, abort, status_of
from server.service.streaming import Frames, answer_every

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
"""Of health and reflection."""

EXTENSIONS = ("model_configuration", "statistics", "parameters")
"""Of the protocol, by Triton's names."""

R = TypeVar("R")


class OpenInferenceService(inference_pb2_grpc.GRPCInferenceServiceServicer):
    """Answers calls with what a backend computes.

    Args:
        backend: Computes.
        feature_sets: Names of sets that are listed as models besides tasks and the bank's own sets; whatever
            `Bank.feature_set` takes is a model, listed or not.
        largest_message_bytes: Of a response.
        on_decoded: Told the seconds that each request's images took to be ready.
    """

    names = (SERVICE,)

    def __init__(
        self,
        backend: Backend,
        feature_sets: Sequence[str] = (),
        *,
        largest_message_bytes: int = 64 << 20,
        on_decoded: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._backend = backend
        self._feature_sets = tuple(feature_sets)
        self._largest_message_bytes = largest_message_bytes
        self._on_decoded = on_decoded
        self._statistics = Statistics()
        self._streams: set[Frames[pb.ModelInferRequest]] = set()
        self._is_draining = False

    def add_to(self, handlers: Handlers) -> None:
        """Register with a server's handlers."""
        inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self, handlers)

    def drain(self) -> None:
        """Say that nothing is ready; streams answer the requests that they have read, and end."""
        self._is_draining = True
        for frames in self._streams:
            frames.stop()

    async def ServerLive(  # noqa: N802
        self, request: pb.ServerLiveRequest, context: "Context"
    ) -> pb.ServerLiveResponse:
        """Whether the server answers."""
        del request, context
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(  # noqa: N802
        self, request: pb.ServerReadyRequest, context: "Context"
    ) -> pb.ServerReadyResponse:
        """Whether it takes requests."""
        del request, context
        return pb.ServerReadyResponse(ready=not self._is_draining)

    async def ModelReady(  # noqa: N802
        self, request: pb.ModelReadyRequest, context: "Context"
    ) -> pb.ModelReadyResponse:
        """Whether there is such a model; no is an answer, not an error."""
        del context
        try:
            model_tasks(request.name, request.version, self._backend.bank)
        except UserError:
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=not self._is_draining)

    async def ServerMetadata(  # noqa: N802
        self, request: pb.ServerMetadataRequest, context: "Context"
    ) -> pb.ServerMetadataResponse:
        """Who this is."""
        del request, context
        return pb.ServerMetadataResponse(name="midlevel", version=version("midlevel"), extensions=EXTENSIONS)

    async def ModelMetadata(  # noqa: N802
        self, request: pb.ModelMetadataRequest, context: "Context"
    ) -> pb.ModelMetadataResponse:
        """A model's tensors."""
        make = partial(metadata, request.name, request.version, self._backend.bank)
        return await _answered("ModelMetadata", context, make)

    async def ModelConfig(  # noqa: N802
        self, request: pb.ModelConfigRequest, context: "Context"
    ) -> pb.ModelConfigResponse:
        """A model's tensors and batching."""
        make = partial(configuration, request.name, request.version, self._backend)
        return await _answered("ModelConfig", context, make)

    async def ModelStatistics(  # noqa: N802
        self, request: pb.ModelStatisticsRequest, context: "Context"
    ) -> pb.ModelStatisticsResponse:
        """What a model has done, or all that are listed."""
        return await _answered("ModelStatistics", context, partial(self._counts, request))

    async def RepositoryIndex(  # noqa: N802
        self, request: pb.RepositoryIndexRequest, context: "Context"
    ) -> pb.RepositoryIndexResponse:
        """The models that are listed; each is ready."""
        del request, context
        index = pb.RepositoryIndexResponse.ModelIndex
        names = listed_models(self._backend.bank, self._feature_sets)
        return pb.RepositoryIndexResponse(models=[index(name=name, version=VERSION, state="READY") for name in names])

    async def ModelInfer(  # noqa: N802
        self, request: pb.ModelInferRequest, context: "Context"
    ) -> pb.ModelInferResponse:
        """Features of images."""
        try:
            return await self._infer(request, caller_of(context))
        except Exception as error:
            await abort(context, status_of(error, "ModelInfer"))

    async def ModelStreamInfer(  # noqa: N802
        self, requests: AsyncIterator[pb.ModelInferRequest], context: "Context"
    ) -> None:
        """Features of images, answered in the order they came; a request that fails does not end the stream."""
        caller = caller_of(context)

        async def answer(request: pb.ModelInferRequest, _: int) -> pb.ModelStreamInferResponse:
            return await self._stream_answer(request, caller)

        frames = Frames(requests)
        self._streams.add(frames)
        try:
            first = None if self._is_draining else await frames.next()
            if first is not None:
                await answer_every(first, frames, answer, context.write)
        finally:
            self._streams.discard(frames)
        if self._is_draining:
            await abort(context, status_of(Draining(), "ModelStreamInfer"))

    async def _stream_answer(self, request: pb.ModelInferRequest, caller: Caller) -> pb.ModelStreamInferResponse:
        try:
            answer = await self._infer(request, caller)
        except Exception as error:
            status = status_of(error, "ModelStreamInfer")
            whose = pb.ModelInferResponse(model_name=request.model_name, model_version=VERSION, id=request.id)
            return pb.ModelStreamInferResponse(error_message=status.message, infer_response=whose)
        answer.parameters["triton_final_response"].bool_param = True
        return pb.ModelStreamInferResponse(infer_response=answer)

    async def _infer(self, request: pb.ModelInferRequest, caller: Caller) -> pb.ModelInferResponse:
        began_s = time.perf_counter()
        model_tasks(request.model_name, request.model_version, self._backend.bank)
        try:
            datatype = output_type(request)
            encoded = await self._encode(request, caller, np.dtype(OUTPUT_TYPES[datatype]), began_s)
        except Exception:
            self._statistics.failed(request.model_name, time.perf_counter() - began_s)
            raise
        seconds, images = time.perf_counter() - began_s, len(encoded.features)
        self._statistics.succeeded(request.model_name, seconds, images, encoded.spent)
        features = wire_features(encoded.features, np.dtype(OUTPUT_TYPES[datatype]))
        return response(request, encoded, features, datatype)

    async def _encode(
        self, request: pb.ModelInferRequest, caller: Caller, numbers: "np.dtype[np.floating]", began_s: float
    ) -> Encoded:
        read = partial(read_images, request, self._backend.largest_batch)
        images = await unblocked(read, _typed_bytes(request))
        asyncio.get_running_loop().call_soon(self._on_decoded, time.perf_counter() - began_s)
        timeout_s = queue_timeout_s(request)
        caller = caller if timeout_s is None else caller.within(timeout_s)
        while True:
            bank = self._backend.bank
            tasks = model_tasks(request.model_name, request.model_version, bank)
            size = features_bytes(len(images), len(tasks), numbers)
            if size > self._largest_message_bytes:
                raise TooLargeError("the response", size, self._largest_message_bytes)
            encoded = await self._backend.encode(images, tasks, caller)
            if encoded.bank_sha256 == bank.sha256:
                return encoded  # else another bank came meanwhile, whose sets may differ

    def _counts(self, request: pb.ModelStatisticsRequest) -> pb.ModelStatisticsResponse:
        bank = self._backend.bank
        if not request.name:
            return self._statistics.response(listed_models(bank, self._feature_sets))
        model_tasks(request.name, request.version, bank)
        return self._statistics.response([request.name])


async def _answered(method: str, context: "Context", make: Callable[[], R]) -> R:
    try:
        return make()
    except Exception as error:
        await abort(context, status_of(error, method))


def _typed_bytes(request: pb.ModelInferRequest) -> int:
    """What reading a request's images is like copying: elements of typed contents are read one by one."""
    return 100 * sum(len(tensor.contents.uint_contents) for tensor in request.inputs[:1])
