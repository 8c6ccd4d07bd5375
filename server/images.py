"""Images of requests that nobody vouches for: sizes that may lie, files that may be made to break decoders."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from perception import UserError
from perception.photos import Pixels, decode_photo, squares
from server.errors import Overloaded

LARGEST_IMAGE_MPX = 25
"""Million pixels of one PNG or JPEG file; a frame has a few."""

FORMATS = ("PNG", "JPEG")
"""Files that are decoded; every further decoder is one more to attack."""

_MOST_SCANS = 40
"""Of a JPEG file; cameras write 1, progressive files have about 10, and each is a pass over all pixels."""

_CHANNELS = 3

T = TypeVar("T")


def check_count(count: int, largest_batch: int) -> None:
    """Refuse requests of no images, or of too many.

    Raises:
        UserError: If `count` is not 1 to `largest_batch`.
    """
    if not 1 <= count <= largest_batch:
        raise UserError(
            f"the request has {count} images; this server takes 1 to {largest_batch} at a time (--max-batch)."
        )


def raw_bytes(count: int, height: int, width: int) -> int:
    """Bytes of raw RGB images.

    Raises:
        UserError: If they have no pixel.
    """
    if not (count and height and width):
        raise UserError(f"the images are {count} of {height} x {width} pixels; expected at least one of 1 x 1.")
    return count * height * width * _CHANNELS


def raw_images(pixels: bytes, *, count: int, height: int, width: int, largest_batch: int) -> Pixels:
    """Raw images as an array, without a copy.

    Args:
        pixels: uint8 RGB, row by row, one image after the other.
        count: Images.
        height: Rows of each.
        width: Pixels of each row.
        largest_batch: Most images.

    Returns:
        uint8 [count, height, width, 3].

    Raises:
        UserError: If the sizes are zero or too large, or do not go with the bytes.
    """
    check_count(count, largest_batch)
    expected = raw_bytes(count, height, width)
    if len(pixels) != expected:
        raise UserError(
            f"the request has {len(pixels)} bytes of pixels; {count} images of {height} x {width} RGB pixels have "
            f"{expected}."
        )
    return np.frombuffer(pixels, np.uint8).reshape(count, height, width, _CHANNELS)


def decode_square(data: bytes, name: str, side_px: int) -> Pixels:
    """The central square of a PNG or JPEG file, all of it decoded, then resized.

    Args:
        data: The file's content.
        name: What messages call it.
        side_px: Rows and columns wanted.

    Returns:
        uint8 [side_px, side_px, 3].

    Raises:
        UserError: If it is no such file, broken, or larger than `LARGEST_IMAGE_MPX`.
    """
    if data.startswith(b"\xff\xd8\xff") and data.count(b"\xff\xda") > _MOST_SCANS:
        raise UserError(
            f"{name} is a JPEG of {data.count(bytes((0xFF, 0xDA)))} scans; at most {_MOST_SCANS} are decoded: save it "
            "again."
        )
    image = decode_photo(data, name, formats=FORMATS, largest_mpx=LARGEST_IMAGE_MPX)
    square: Pixels = squares([image], side_px)[0]
    return square


class ImageDecoder:
    """Decodes files in a few threads of its own.

    A request has as many files under way as there are threads, so that requests take turns; and what it keeps is
    squares, so that images that are large once decoded do not pile up before inference.

    Args:
        threads: Files decoded at the same time.
        most_waiting: Files of all requests together; further requests are refused.
    """

    def __init__(self, *, threads: int, most_waiting: int) -> None:
        self._threads = threads
        self._most_waiting = most_waiting
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._waiting = 0
        self._mean_s = 0.005

    async def decode(self, files: Sequence[bytes], side_px: int) -> Pixels:
        """The central squares of files.

        Args:
            files: PNG or JPEG.
            side_px: Rows and columns wanted.

        Returns:
            uint8 [N, side_px, side_px, 3].

        Raises:
            UserError: If one is no such file, broken or too large.
            Overloaded: If too many files wait already.
        """
        if self._waiting and self._waiting + len(files) > self._most_waiting:
            raise Overloaded(self._waiting * self._mean_s / self._threads, self._waiting)
        self._waiting += len(files)
        try:
            return np.stack(await self._decoded(files, side_px))
        finally:
            self._waiting -= len(files)

    async def _decoded(self, files: Sequence[bytes], side_px: int) -> list[Pixels]:
        decoded: list[Pixels] = []
        for start in range(0, len(files), self._threads):
            part = list(enumerate(files[start : start + self._threads], start=start + 1))
            decoded += await asyncio.gather(
                *(self.run(self._timed, data, f"image {number} of {len(files)}", side_px) for number, data in part)
            )
        return decoded

    def _timed(self, data: bytes, name: str, side_px: int) -> Pixels:
        began = time.perf_counter()
        try:
            return decode_square(data, name, side_px)
        finally:
            self._mean_s += 0.1 * (time.perf_counter() - began - self._mean_s)

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in one of the threads; if the caller is cancelled before, it is not called."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def close(self) -> None:
        """End the threads once they have nothing to do."""
        self._pool.shutdown(wait=False, cancel_futures=True)
