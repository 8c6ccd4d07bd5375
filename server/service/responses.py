"""Results as messages."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perception import TASKS, UserError
from perception.bank.predictor import Prediction
from perception.encoding import FEATURE_CHANNELS, FEATURE_SIDE
from perception.encoding import Features as FeatureArray
from perception.pictures import png
from protos.perception.v1 import perception_pb2 as pb
from server.backend import Spent

WIRE_TYPES: Mapping[int, str] = {
    pb.PRECISION_UNSPECIFIED: "<f4",
    pb.PRECISION_FLOAT32: "<f4",
    pb.PRECISION_FLOAT16: "<f2",
}
"""Little endian numbers that features travel as."""


def wire_type(precision: int) -> np.dtype[np.floating]:
    """The numbers asked for.

    Raises:
        UserError: If there are none of that kind.
    """
    if precision not in WIRE_TYPES:
        raise UserError(f"the precision {precision} is unknown; use PRECISION_FLOAT32 or PRECISION_FLOAT16.")
    return np.dtype(WIRE_TYPES[precision])


def features_bytes(images: int, tasks: int, numbers: np.dtype[np.floating]) -> int:
    """Size of a request's features on the wire."""
    return images * tasks * FEATURE_CHANNELS * FEATURE_SIDE**2 * numbers.itemsize


def wire_features(features: FeatureArray, numbers: np.dtype[np.floating]) -> NDArray[np.floating]:
    """Features as they travel; numbers beyond float16's range (65504) become infinite."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(features, numbers)


def fill_response(
    response: pb.EncodeResponse,
    features: NDArray[np.floating],
    tasks: Sequence[str],
    bank_sha256: str,
    *,
    in_room: bool,
) -> None:
    """Write an answer into an empty message, or into the part for it of a larger one: made apart, it would be copied.

    Args:
        response: The message.
        features: As they travel.
        tasks: Of the features.
        bank_sha256: Of the bank that made them.
        in_room: Whether the numbers are left out, since they lie in shared memory.
    """
    response.tasks.extend(tasks)
    response.bank_sha256 = bank_sha256
    message = response.features
    message.shape.extend(features.shape)
    message.precision = pb.PRECISION_FLOAT16 if features.dtype.itemsize == 2 else pb.PRECISION_FLOAT32
    if not in_room:
        message.data = features.tobytes()


class Stopwatch:
    """Times of one request."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.decode_s: float | None = None
        """Until the images were there; None as long as they are not."""

    def mark_decoded(self) -> None:
        """The images are there."""
        self.decode_s = time.perf_counter() - self._began

    def write(self, timings: pb.Timings, spent: Spent) -> None:
        """Say them, with the time up to now as the total."""
        timings.decode_us = _us(self.decode_s or 0.0)
        timings.queue_us = spent.queue_us
        timings.inference_us = spent.inference_us
        timings.total_us = _us(time.perf_counter() - self._began)
        timings.batch_images = spent.batch_images


def _us(seconds: float) -> int:
    return round(1e6 * seconds)


def prediction_message(prediction: Prediction, *, with_pictures: bool) -> pb.PredictResponse:
    """Values, captions and perhaps pictures; takes time, so belongs into a thread."""
    values = np.ascontiguousarray(prediction.values)
    values = values.astype(values.dtype.newbyteorder("<"), copy=False)
    task = prediction.card.task
    output = TASKS[task].output if task in TASKS else None
    indices = range(len(prediction))
    return pb.PredictResponse(
        values=pb.Array(shape=values.shape, dtype=values.dtype.str, data=values.tobytes()),
        pictures=[png(prediction.picture(index)) for index in indices] if with_pictures else (),
        captions=[prediction.caption(index) for index in indices],
        task=task,
        unit=output.unit if output is not None else "",
    )
