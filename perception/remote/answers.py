"""What comes back: features, and where the time went."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Features
from perception.remote.errors import RemoteError
from protos.perception.v1 import perception_pb2 as messages

Buffer: TypeAlias = bytes | memoryview

WIRE_TYPES: Mapping[messages.Precision, np.dtype[np.floating]] = {
    messages.PRECISION_UNSPECIFIED: np.dtype("<f4"),
    messages.PRECISION_FLOAT32: np.dtype("<f4"),
    messages.PRECISION_FLOAT16: np.dtype("<f2"),
}
"""Numbers of features, as they travel."""


@dataclass(frozen=True)
class ServerTimings:
    """Where one message's time went at the server, in microseconds.

    Args:
        decode_us: Reading and resizing images.
        queue_us: Waiting for its batch to begin.
        inference_us: Of its batch.
        total_us: From the message's arrival to its answer.
        batch_images: Computed together, its own included.
    """

    decode_us: int
    queue_us: int
    inference_us: int
    total_us: int
    batch_images: int


@dataclass(frozen=True, eq=False)
class TimedFeatures:
    """Features, and how they came about.

    Args:
        features: float32 [N, 8 * tasks, 16, 16].
        tasks: Canonical names, in the order of the features.
        timings: Of each message, in the order of the images.
        bank_sha256: Of the bank that made them.
        round_trip_s: Of the whole call, as the client saw it.
    """

    features: Features
    tasks: tuple[str, ...]
    timings: tuple[ServerTimings, ...]
    bank_sha256: str
    round_trip_s: float


def timings_of(response: messages.EncodeResponse) -> ServerTimings:
    """Where a message's time went."""
    spent = response.timings
    return ServerTimings(spent.decode_us, spent.queue_us, spent.inference_us, spent.total_us, spent.batch_images)


def feature_shape(images: int, tasks: int) -> tuple[int, int, int, int]:
    """Shape of the features of so many images and tasks."""
    return images, FEATURE_CHANNELS * tasks, FEATURE_SIDE, FEATURE_SIDE


def read_features(
    response: messages.EncodeResponse, data: Buffer, images: int, tasks: tuple[str, ...]
) -> NDArray[np.floating]:
    """A view of the features in a response, checked.

    Args:
        response: Of the server.
        data: Its features, wherever they were.
        images: That were sent.
        tasks: Canonical names that were asked for.

    Raises:
        RemoteError: If they are not what was asked for.
    """
    expected = feature_shape(images, len(tasks))
    dtype = WIRE_TYPES.get(response.features.precision)
    shape = tuple(response.features.shape)
    if dtype is None or shape != expected or tuple(response.tasks) != tasks:
        raise RemoteError(
            f"the server answered features {list(shape)} of {', '.join(response.tasks) or 'no task'}; expected "
            f"{list(expected)} of {', '.join(tasks)}: are client and server of the same version?"
        )
    if len(data) != dtype.itemsize * images * math.prod(expected[1:]):
        raise RemoteError(f"the server answered {len(data)} bytes for {dtype.name} features {list(shape)}.")
    return np.frombuffer(data, dtype).reshape(shape)
