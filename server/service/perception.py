"""The service perception.v1.Perception."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray

from perception import UserError
from perception.photos import Pixels
from protos.perception.v1 import perception_pb2 as pb
from protos.perception.v1 import perception_pb2_grpc
from server.backend import Backend, Caller, Encoded
from server.errors import Draining
from server.handlers import Handlers
from server.images import ImageDecoder
from server.service.callers import caller_of
from server.service.catalogue import Catalogue, read_catalogue
from server.service.requests import (
    COPIED_IN_PLACE_BYTES,
    ImageSource,
    Shared,
    SharedMemoryAccess,
    unblocked,
    wanted_task,
)
from server.service.responses import (
    Stopwatch,
    features_bytes,
    fill_response,
    prediction_message,
    wire_features,
    wire_type,
)
from server.service.shared_memory import Segments, SharedMemory
from server.service.statuses import TooLargeError, abort, failure_of, status_of
from server.service.streaming import Frames, answer_every, answer_latest

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = pb.DESCRIPTOR.services_by_name["Perception"].full_name
"""Of health and reflection."""

R = TypeVar("R")


@dataclass(frozen=True)
class ServiceLimits:
    """What the service takes.

    Args:
        largest_message_bytes: Of requests and responses, and of what a request has in shared memory.
        most_files_waiting: PNG and JPEG files of all requests that wait to be decoded.
        decode_threads: Files decoded at the same time.
        takes_shared_memory: Whether callers on this machine may pass images and features through shared memory.
        local_socket: Name of the socket over which they may do so; empty if there is none.
    """

    largest_message_bytes: int = 64 << 20
    most_files_waiting: int = 256
    decode_threads: int = 2
    takes_shared_memory: bool = False
    local_socket: str = ""


@dataclass(frozen=True)
class _WayBack:
    """How features go to who asked for them.

    Args:
        numbers: That they travel as.
        size: Bytes.
        memory: Where they go; None for the response.
    """

    numbers: np.dtype[np.floating]
    size: int
    memory: Segments | None

    def answer(
        self, features: NDArray[np.floating], encoded: Encoded, watch: Stopwatch, response: pb.EncodeResponse
    ) -> None:
        """Write the response."""
        fill_response(response, features, encoded.tasks, encoded.bank_sha256, in_room=self.memory is not None)
        watch.write(response.timings, encoded.spent)


class PerceptionService(perception_pb2_grpc.PerceptionServicer):
    """Answers calls with what a backend computes.

    Args:
        backend: Computes.
        feature_sets: Names of the sets that are served; empty if all tasks of the bank are.
        limits: What is taken.
        on_decoded: Told the seconds that each request's images took to be ready.

    Raises:
        UserError: If a feature set or a card of the bank cannot be used.
    """

    names = (SERVICE,)

    def __init__(
        self,
        backend: Backend,
        feature_sets: Sequence[str] = (),
        limits: ServiceLimits = ServiceLimits(),  # frozen
        on_decoded: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._backend = backend
        self._feature_sets = tuple(feature_sets)
        self._limits = limits
        self._on_decoded = on_decoded
        self._decoder = ImageDecoder(threads=limits.decode_threads, most_waiting=limits.most_files_waiting)
        self._shared = SharedMemoryAccess(SharedMemory() if limits.takes_shared_memory else None)
        self._source = ImageSource(self._decoder, backend.largest_batch, limits.largest_message_bytes)
        self._catalogue = read_catalogue(backend.bank, self._feature_sets)
        self._streams: set[Frames[pb.EncodeStreamRequest]] = set()
        self._is_draining = False

    def add_to(self, handlers: Handlers) -> None:
        """Register with a server's handlers."""
        perception_pb2_grpc.add_PerceptionServicer_to_server(self, handlers)

    def drain(self) -> None:
        """Streams answer the frames that they have read, and end."""
        self._is_draining = True
        for frames in self._streams:
            frames.stop()

    def close(self) -> None:
        """End the threads."""
        self._decoder.close()

    async def Encode(self, request: pb.EncodeRequest, context: "Context") -> pb.EncodeResponse:  # noqa: N802
        """See the proto."""
        response = pb.EncodeResponse()
        await self._answered("Encode", context, self.encode(request, caller_of(context), response))
        return response

    async def EncodeStream(  # noqa: N802
        self, requests: AsyncIterator[pb.EncodeStreamRequest], context: "Context"
    ) -> None:
        """See the proto."""
        caller = caller_of(context)

        async def answer(frame: pb.EncodeStreamRequest, skipped: int) -> pb.EncodeStreamResponse:
            return await self._stream_answer(frame, skipped, caller)

        frames = Frames(requests)
        self._streams.add(frames)
        try:
            first = None if self._is_draining else await frames.next()
            if first is not None:
                answer_all = answer_latest if first.latest_only else answer_every
                await answer_all(first, frames, answer, context.write)
        finally:
            self._streams.discard(frames)
        if self._is_draining:
            await abort(context, status_of(Draining(), "EncodeStream"))

    async def Predict(self, request: pb.PredictRequest, context: "Context") -> pb.PredictResponse:  # noqa: N802
        """See the proto."""
        return await self._answered("Predict", context, self._predict(request, caller_of(context)))

    async def ListFeatures(  # noqa: N802
        self, request: pb.ListFeaturesRequest, context: "Context"
    ) -> pb.ListFeaturesResponse:
        """See the proto."""
        del request
        return await self._answered("ListFeatures", context, self._list_features())

    async def _answered(self, method: str, context: "Context", answer: Awaitable[R]) -> R:
        try:
            return await answer
        except Exception as error:
            await abort(context, status_of(error, method))

    async def _stream_answer(
        self, frame: pb.EncodeStreamRequest, skipped: int, caller: Caller
    ) -> pb.EncodeStreamResponse:
        answer = pb.EncodeStreamResponse(sequence=frame.sequence, skipped=skipped)
        if frame.timeout_us:
            caller = caller.within(frame.timeout_us / 1e6)
        try:
            await self.encode(frame.request, caller, answer.response)
        except Exception as error:
            answer.failure.CopyFrom(failure_of(status_of(error, "EncodeStream")))
        return answer

    async def encode(
        self, request: pb.EncodeRequest, caller: Caller, response: pb.EncodeResponse, shared: Shared | None = None
    ) -> None:
        """Answer what `Encode` answers, whichever way the request came.

        Args:
            request: What is asked for.
            caller: Who asks.
            response: An empty message to write to; stays empty if this fails.
            shared: The caller's, if it has its own.

        Raises:
            UserError: If the request cannot be used.
            ServerError: If the server cannot do it now.
        """
        watch = Stopwatch()
        shared = shared or self._shared_by(caller)
        try:
            while True:
                catalogue = await self._current_catalogue()
                tasks = catalogue.wanted_by(request)
                images = await self._images(request.images, catalogue.sides_px[tasks[0]], shared, watch)
                way_back = self._way_back(request, len(images), len(tasks), shared)
                encoded = await self._backend.encode(images, tasks, caller)
                if encoded.bank_sha256 == catalogue.bank.sha256:
                    break  # else another bank came meanwhile, whose sets and image sizes may differ
            features = wire_features(encoded.features, way_back.numbers)
            if way_back.memory is not None:
                write = partial(way_back.memory.write, request.room.segment, request.room.offset, features)
                await unblocked(write, features.nbytes)
            way_back.answer(features, encoded, watch, response)
        finally:
            self._tell_decoded(watch)

    def begin(
        self,
        request: pb.EncodeRequest,
        caller: Caller,
        response: pb.EncodeResponse,
        shared: Shared,
        tell: Callable[[Exception | None], None],
        end: Callable[[], None],
    ) -> Callable[[], None] | None:
        """As `encode`, for those who can be told at once; see `Backend.begin`.

        Args:
            request: As `encode`.
            caller: Likewise.
            response: Likewise.
            shared: Likewise.
            tell: Called when it is written, or with the error that there is instead; perhaps on another thread.
            end: Called after it, on the event loop.

        Returns:
            What withdraws the request; None, and nothing was begun, if something of it takes time: `encode` does that.

        Raises:
            UserError: If the request cannot be used.
            ServerError: If the server cannot do it now.
        """
        watch = Stopwatch()
        catalogue = self._catalogue
        if catalogue.bank is not self._backend.bank:
            return None
        tasks = catalogue.wanted_by(request)
        images = self._source.at_hand(request.images, shared)
        if images is None:
            return None
        watch.mark_decoded()
        way_back = self._way_back(request, len(images), len(tasks), shared)
        if way_back.size > COPIED_IN_PLACE_BYTES:
            return None

        def answer(encoded: Encoded) -> None:
            features = wire_features(encoded.features, way_back.numbers)
            if way_back.memory is not None:
                way_back.memory.write(request.room.segment, request.room.offset, features)
            way_back.answer(features, encoded, watch, response)

        def told(outcome: Encoded | Exception) -> None:
            if isinstance(outcome, Exception):
                return tell(outcome)
            try:
                answer(outcome)
            except Exception as error:
                return tell(error)
            return tell(None)

        def ended() -> None:
            self._on_decoded(watch.decode_s or 0.0)
            end()

        return self._backend.begin(images, tasks, caller, told, ended)

    def _shared_by(self, caller: Caller) -> Shared:
        return partial(self._shared.for_peer, caller.name)

    def _way_back(self, request: pb.EncodeRequest, images: int, tasks: int, shared: Shared) -> "_WayBack":
        numbers = wire_type(request.precision)
        size = features_bytes(images, tasks, numbers)
        return _WayBack(numbers, size, self._room(request, size, shared))

    async def _predict(self, request: pb.PredictRequest, caller: Caller) -> pb.PredictResponse:
        watch = Stopwatch()
        try:
            return await self._predicted(request, caller, watch)
        finally:
            self._tell_decoded(watch)

    async def _predicted(self, request: pb.PredictRequest, caller: Caller, watch: Stopwatch) -> pb.PredictResponse:
        while True:
            catalogue = await self._current_catalogue()
            task = wanted_task(request.task, catalogue.bank)
            images = await self._images(request.images, catalogue.sides_px[task], self._shared_by(caller), watch)
            predicted = await self._backend.predict(task, list(images), caller, seed=request.seed)
            if predicted.bank_sha256 == catalogue.bank.sha256:
                break
        response = await self._decoder.run(
            lambda: prediction_message(predicted.prediction, with_pictures=request.with_pictures)
        )
        response.bank_sha256 = predicted.bank_sha256
        watch.write(response.timings, predicted.spent)
        self._check_size(response.ByteSize())
        return response

    async def _list_features(self) -> pb.ListFeaturesResponse:
        catalogue = await self._current_catalogue()
        return pb.ListFeaturesResponse(
            bank=catalogue.bank.name,
            bank_sha256=catalogue.bank.sha256,
            architecture=catalogue.bank.architecture,
            tasks=catalogue.tasks,
            sets=catalogue.sets,
            precision=self._backend.precision,
            largest_batch=self._backend.largest_batch,
            largest_message_bytes=self._limits.largest_message_bytes,
            takes_shared_memory=self._limits.takes_shared_memory,
            local_socket=self._limits.local_socket,
        )

    async def _images(self, message: pb.Images, side_px: int, shared: Shared, watch: Stopwatch) -> Pixels:
        images = self._source.at_hand(message, shared)
        if images is None:
            images = await self._source.images(message, side_px, shared)
        watch.mark_decoded()
        return images

    def _tell_decoded(self, watch: Stopwatch) -> None:
        """Of whatever was decoded, once the answer is on its way."""
        if watch.decode_s is not None:
            asyncio.get_running_loop().call_soon(self._on_decoded, watch.decode_s)

    def _room(self, request: pb.EncodeRequest, size: int, shared: Shared) -> Segments | None:
        """Where the features go, if not into the response; either is known to take them before they are computed."""
        if not request.HasField("room"):
            self._check_size(size)
            return None
        memory = shared()
        if request.room.bytes < size:
            raise UserError(f"the room for features has {request.room.bytes} bytes; these features have {size}.")
        memory.check_room(request.room.segment, request.room.offset, size)
        return memory

    def _check_size(self, size: int) -> None:
        if size > self._limits.largest_message_bytes:
            raise TooLargeError("the response", size, self._limits.largest_message_bytes)

    async def _current_catalogue(self) -> Catalogue:
        bank = self._backend.bank
        if bank is not self._catalogue.bank:
            self._catalogue = await asyncio.to_thread(read_catalogue, bank, self._feature_sets)
        return self._catalogue
