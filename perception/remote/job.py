"""One call of `encode`: what is sent, and how answers become features. Knows nothing of connections."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perception.photos import Pixels, squares
from perception.remote.answers import Buffer, ServerTimings, TimedFeatures, feature_shape, read_features, timings_of
from perception.remote.catalogue import Catalogue
from protos.perception.v1.perception_pb2 import EncodeResponse

_ROOM_FOR_THE_REST = 64 * 2**10
"""Bytes of a message that are not pixels, at most."""


@dataclass(frozen=True)
class Plan:
    """How images of a size are sent for some tasks.

    Args:
        tasks: Canonical names.
        side_px: To which images shrink before they are sent, exactly as the server would; None to leave them.
        size: Most images of a message.
    """

    tasks: tuple[str, ...]
    side_px: int | None
    size: int


@lru_cache(maxsize=64)  # frames of a camera differ in nothing that matters here
def planned(catalogue: Catalogue, tasks: tuple[str, ...], height: int, width: int, batch_size: int) -> Plan:
    """Make a plan.

    Args:
        catalogue: Of the server.
        tasks: Names or aliases.
        height: Rows of the images.
        width: Columns.
        batch_size: Most images of a message; the server's limits may make it fewer.

    Raises:
        UserError: If tasks are not what they should be.
    """
    names = catalogue.canonical(tasks)
    side_px = catalogue.side_px(names)
    if side_px is not None and height * width > side_px**2:
        height = width = side_px
    else:
        side_px = None
    size = min(batch_size, catalogue.largest_batch or batch_size)
    if catalogue.largest_message_bytes:
        largest_image = max(3 * height * width, 4 * math.prod(feature_shape(1, len(names))))
        size = min(size, (catalogue.largest_message_bytes - _ROOM_FOR_THE_REST) // largest_image)
    return Plan(names, side_px, max(1, size))


class Job:
    """Images and tasks of one call, in parts of one message each.

    Args:
        images: As `check_images` returns them.
        tasks: Names or aliases.
        catalogue: Of the server.
        batch_size: Most images of a part; the server's limits may make it fewer.

    Raises:
        UserError: If tasks are not what they should be.
    """

    def __init__(self, images: NDArray[np.uint8], tasks: Sequence[str], catalogue: Catalogue, batch_size: int) -> None:
        self._began_s = time.perf_counter()
        plan = planned(catalogue, tuple(tasks), images.shape[1], images.shape[2], batch_size)
        self.tasks = plan.tasks
        self._images = images
        self._catalogue = catalogue
        self._side_px = plan.side_px
        self._size = plan.size
        self._features = np.empty(feature_shape(len(images), len(plan.tasks)), np.float32)
        self._timings: dict[int, ServerTimings] = {}
        self._banks: set[str] = set()

    @property
    def parts(self) -> range:
        """Where parts begin."""
        return range(0, len(self._images), self._size)

    @property
    def resizes(self) -> bool:
        """Whether `pixels` takes time."""
        return self._side_px is not None

    @property
    def bank_changed(self) -> bool:
        """Whether an answer came from another bank than the catalogue's; the job is then to be done anew."""
        return not self._banks <= {self._catalogue.bank_sha256}

    def pixels(self, start: int) -> Pixels:
        """Images of a part, as they are sent."""
        part = self._images[start : start + self._size]
        return part if self._side_px is None else squares(part, self._side_px)

    def take(self, start: int, response: EncodeResponse, data: Buffer) -> None:
        """Keep a part's answer.

        Raises:
            RemoteError: If it is not what was asked for.
        """
        self._banks.add(response.bank_sha256)
        if self.bank_changed:
            return
        rows = self._features[start : start + self._size]
        rows[:] = read_features(response, data, len(rows), self.tasks)
        self._timings[start] = timings_of(response)

    def result(self) -> TimedFeatures:
        """Features of all parts, each of which was taken."""
        timings = tuple(self._timings[start] for start in self.parts)
        took_s = time.perf_counter() - self._began_s
        return TimedFeatures(self._features, self.tasks, timings, self._catalogue.bank_sha256, took_s)
