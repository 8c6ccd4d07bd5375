"""How images and features travel: inside gRPC messages, or through shared memory beside them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from perception.photos import Pixels
from perception.remote.answers import WIRE_TYPES, Buffer, feature_shape
from perception.remote.options import SHARED_MEMORY
from perception.remote.shared_memory import SegmentPool
from protos.perception.v1 import perception_pb2 as messages

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALIGNMENT = 64

_PRECISIONS: Mapping[str, messages.Precision] = {
    "float32": messages.PRECISION_FLOAT32,
    "float16": messages.PRECISION_FLOAT16,
}


@dataclass(frozen=True)
class Parcel:
    """A message that is ready to be sent.

    Args:
        request: The message.
        features_of: The features that its response brings; valid while the parcel is out.
    """

    request: messages.EncodeRequest
    features_of: Callable[[messages.EncodeResponse], Buffer]


class Carrier(Protocol):
    """Takes images to the server and features back."""

    def pack(self, images: Pixels, tasks: Sequence[str], precision: str) -> AbstractContextManager[Parcel]:
        """Make a message; the context ends when its features have been read, or with the error that stopped it."""

    def close(self) -> None:
        """Let go of what is held."""


class MessageCarrier:
    """Images and features inside messages."""

    @contextmanager
    def pack(self, images: Pixels, tasks: Sequence[str], precision: str) -> "Iterator[Parcel]":
        """See `Carrier.pack`."""
        count, height, width = images.shape[:3]
        raw = messages.RawImages(count=count, height=height, width=width, pixels=images.tobytes())
        request = messages.EncodeRequest(images=messages.Images(raw=raw), tasks=tasks, precision=_PRECISIONS[precision])
        yield Parcel(request, lambda response: response.features.data)

    def close(self) -> None:
        """See `Carrier.close`."""


class SharedMemoryCarrier:
    """Images and features in files under /dev/shm that both sides open; messages only say where."""

    def __init__(self) -> None:
        self._pool = SegmentPool()

    @contextmanager
    def pack(self, images: Pixels, tasks: Sequence[str], precision: str) -> "Iterator[Parcel]":
        """See `Carrier.pack`."""
        begin = -(-images.nbytes // _ALIGNMENT) * _ALIGNMENT
        count, channels, rows, columns = feature_shape(len(images), len(tasks))
        room = WIRE_TYPES[_PRECISIONS[precision]].itemsize * count * channels * rows * columns
        with self._pool.lent(begin + room) as segment:
            segment.write(0, images)
            request = _request(segment.name, images.shape[:3], tuple(tasks), precision, begin, room)
            yield Parcel(request, lambda _: segment.view(begin, room))

    def close(self) -> None:
        """See `Carrier.close`."""
        self._pool.close()


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


TRANSPORTS: Mapping[str, Callable[[], Carrier]] = {"grpc": MessageCarrier, SHARED_MEMORY: SharedMemoryCarrier}
"""By the name that users give."""
