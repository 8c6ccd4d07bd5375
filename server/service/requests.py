"""What requests ask for, checked before any work is done."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from perception import Bank, UserError
from perception.bank.bank import check_distinct
from perception.photos import Pixels
from protos.perception.v1 import perception_pb2 as pb
from server.images import ImageDecoder, check_count, raw_bytes, raw_images
from server.service.callers import is_local_peer
from server.service.shared_memory import Segments
from server.service.statuses import NotAllowedError, NotEnabledError, TooLargeError

_LONGEST_NAME = 200
_LONGEST_SET = 4096
COPIED_IN_PLACE_BYTES = 1 << 20
"""A thread's detour costs more."""

T = TypeVar("T")

Shared = Callable[[], Segments]
"""Of a caller: the shared memory, or the error that says why there is none for it."""


async def unblocked(copy: Callable[[], T], size: int) -> T:
    """Call a function that copies `size` bytes, in a thread if that would hold up the event loop."""
    return copy() if size <= COPIED_IN_PLACE_BYTES else await asyncio.to_thread(copy)


def wanted_tasks(tasks: Sequence[str], feature_set: str, bank: Bank) -> tuple[str, ...]:
    """The tasks that a request names one by one or as a set.

    Returns:
        Canonical names, in their order.

    Raises:
        UserError: If both are there or neither, a task is named twice, or the bank lacks a task or set; names are
            bounded first, for looking up one of megabytes takes seconds.
    """
    if bool(tasks) == bool(feature_set):
        found = "both tasks and a feature set" if tasks else "neither tasks nor a feature set"
        raise UserError(f"the request has {found}; expected one of them.")
    if len(feature_set) > _LONGEST_SET:
        raise UserError(f"the feature set's name has {len(feature_set)} letters; at most {_LONGEST_SET} are read.")
    if feature_set:
        return bank.feature_set(feature_set)
    if len(tasks) > len(bank.tasks):
        raise UserError(f"the request names {len(tasks)} tasks; the bank {bank.name} has {len(bank.tasks)}.")
    return check_distinct([wanted_task(task, bank) for task in tasks])


def wanted_task(task: str, bank: Bank) -> str:
    """A task's canonical name.

    Raises:
        UserError: If it is empty, or the bank lacks it.
    """
    if not 1 <= len(task) <= _LONGEST_NAME:
        raise UserError(f"a task's name has {len(task)} letters; expected 1 to {_LONGEST_NAME}.")
    return bank.task_named(task)


@dataclass(frozen=True)
class SharedMemoryAccess:
    """Who may use shared memory.

    Args:
        memory: None if the server was started without it.
    """

    memory: Segments | None

    def for_peer(self, peer: str) -> Segments:
        """The memory.

        Raises:
            NotEnabledError: If the server was started without it.
            NotAllowedError: If the peer is on another machine.
        """
        if self.memory is None:
            raise NotEnabledError(
                "this server takes no shared memory; start it with --shared-memory, or send the images."
            )
        if not is_local_peer(peer):
            raise NotAllowedError(f"shared memory is for callers on the server's machine; the call came from {peer}.")
        return self.memory


@dataclass(frozen=True)
class ImageSource:
    """Turns the images of requests into arrays.

    Args:
        decoder: For files.
        largest_batch: Most images of a request.
        largest_bytes: Most bytes read from shared memory for a request; messages have their own limit.
    """

    decoder: ImageDecoder
    largest_batch: int
    largest_bytes: int

    def at_hand(self, message: pb.Images, shared: Shared) -> Pixels | None:
        """The images of a request where that takes no time; None for `images` to be awaited.

        Raises:
            UserError: As `images`.
            ServerError: Likewise.
        """
        kind = message.WhichOneof("kind")
        if kind == "raw":
            raw = message.raw
            return raw_images(
                raw.pixels, count=raw.count, height=raw.height, width=raw.width, largest_batch=self.largest_batch
            )
        if kind == "shared":
            read, size = self._reading(message.shared, shared)
            return read() if size <= COPIED_IN_PLACE_BYTES else None
        return None

    async def images(self, message: pb.Images, side_px: int, shared: Shared) -> Pixels:
        """The images of a request that are not at hand.

        Args:
            message: Of the request.
            side_px: What files are resized to; other images stay as they are.
            shared: Of who sent it.

        Returns:
            uint8 [N, H, W, 3].

        Raises:
            UserError: If there is none, or they are not what their sizes say.
            ServerError: If files queue up, or shared memory is not for this caller.
        """
        kind = message.WhichOneof("kind")
        if kind == "files":
            check_count(len(message.files.files), self.largest_batch)
            return await self.decoder.decode(message.files.files, side_px)
        if kind == "shared":
            return await asyncio.to_thread(self._reading(message.shared, shared)[0])
        raise UserError("the request has no images; expected raw pixels, PNG or JPEG files, or shared memory.")

    def _reading(self, message: pb.SharedImages, shared: Shared) -> tuple[Callable[[], Pixels], int]:
        """What reads the images, and how many bytes that copies."""
        segments = shared()
        check_count(message.count, self.largest_batch)
        shape = message.count, message.height, message.width, 3
        size = raw_bytes(*shape[:3])
        if size > self.largest_bytes:
            raise TooLargeError("the shared memory of a request", size, self.largest_bytes)
        return partial(segments.read, message.segment, message.offset, shape), size
