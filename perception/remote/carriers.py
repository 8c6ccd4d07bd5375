"""How images and features travel: inside gRPC messages, or through shared memory beside them."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from perception.photos import Pixels
from perception.remote.answers import WIRE_TYPES, Buffer, feature_shape
from perception.remote.options import SHARED_MEMORY, STREAM
from perception.remote.shared_memory import Segment, SegmentPool
from protos.perception.v1 import perception_pb2 as messages

_ALIGNMENT = 64

_PRECISIONS: Mapping[str, messages.Precision] = {
    "float32": messages.PRECISION_FLOAT32,
    "float16": messages.PRECISION_FLOAT16,
}


Message = TypeVar("Message", messages.EncodeRequest, messages.EncodeStreamRequest)


class Parcel(Generic[Message]):
    """A message that is ready to be sent, with its images; its context ends when its features have been read.

    Args:
        request: The message.
    """

    def __init__(self, request: Message) -> None:
        self.request: Message = request

    def features_of(self, response: messages.EncodeResponse) -> Buffer:
        """The features that a response brings; valid while the context lasts."""
        return response.features.data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Carrier(Protocol):
    """Takes images to the server and features back."""

    def pack(self, images: Pixels, tasks: tuple[str, ...], precision: str) -> Parcel[Any]:
        """Make a message."""

    def close(self) -> None:
        """Let go of what is held."""


class MessageCarrier:
    """Images and features inside messages."""

    def pack(self, images: Pixels, tasks: tuple[str, ...], precision: str) -> Parcel[messages.EncodeRequest]:
        """See `Carrier.pack`."""
        request = messages.EncodeRequest()
        _fill(request, images, tasks, precision)
        return Parcel(request)

    def close(self) -> None:
        """See `Carrier.close`."""


class StreamCarrier:
    """As `MessageCarrier`, for streams."""

    def pack(self, images: Pixels, tasks: tuple[str, ...], precision: str) -> Parcel[messages.EncodeStreamRequest]:
        """See `Carrier.pack`."""
        frame = messages.EncodeStreamRequest()
        _fill(frame.request, images, tasks, precision)
        return Parcel(frame)

    def close(self) -> None:
        """See `Carrier.close`."""


def _fill(request: messages.EncodeRequest, images: Pixels, tasks: tuple[str, ...], precision: str) -> None:
    """Write where the message is: one made apart would be copied."""
    request.tasks.extend(tasks)
    request.precision = _PRECISIONS[precision]
    raw = request.images.raw
    raw.count, raw.height, raw.width = images.shape[:3]
    raw.pixels = images.tobytes()


class SharedMemoryCarrier:
    """Images and features in files under /dev/shm that both sides open; messages only say where."""

    def __init__(self) -> None:
        self._pool = SegmentPool()

    def pack(self, images: Pixels, tasks: tuple[str, ...], precision: str) -> Parcel[messages.EncodeRequest]:
        """See `Carrier.pack`."""
        begin = -(-images.nbytes // _ALIGNMENT) * _ALIGNMENT
        count, channels, rows, columns = feature_shape(len(images), len(tasks))
        room = WIRE_TYPES[_PRECISIONS[precision]].itemsize * count * channels * rows * columns
        segment = self._pool.take(begin + room)
        segment.write(0, images)
        request = _request(segment.name, images.shape[:3], tasks, precision, begin, room)
        return _SharedParcel(request, self._pool, segment)

    def close(self) -> None:
        """See `Carrier.close`."""
        self._pool.close()


class _SharedParcel(Parcel[messages.EncodeRequest]):
    """A message whose images and features are in a segment."""

    def __init__(self, request: messages.EncodeRequest, pool: SegmentPool, segment: Segment) -> None:
        super().__init__(request)
        self._pool = pool
        self._segment = segment

    def features_of(self, response: messages.EncodeResponse) -> Buffer:
        del response
        return self._segment.view(self.request.room.offset, self.request.room.bytes)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._pool.put_back(self._segment)
        else:
            self._segment.close()  # the server may still write to it


@lru_cache(maxsize=64)  # frames of a camera differ in nothing that is said here
def _request(
    segment: str, shape: tuple[int, ...], tasks: tuple[str, ...], precision: str, begin: int, room: int
) -> messages.EncodeRequest:
    count, height, width = shape
    shared = messages.SharedImages(segment=segment, offset=0, count=count, height=height, width=width)
    return messages.EncodeRequest(
        images=messages.Images(shared=shared),
        tasks=tasks,
        precision=_PRECISIONS[precision],
        room=messages.SharedRoom(segment=segment, offset=begin, bytes=room),
    )


TRANSPORTS: Mapping[str, Callable[[], Carrier]] = {
    "grpc": MessageCarrier,
    STREAM: StreamCarrier,
    SHARED_MEMORY: SharedMemoryCarrier,
}
"""By the name that users give."""
