"""A visitor's photo: kept in memory while it is looked at, and nowhere else."""

import base64
import binascii
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from threading import BoundedSemaphore

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from perception.photos import opened_photo, photo_square

LARGEST_PHOTO_MIB = 32
"""Of the file; as browsers send it, it is a third larger."""

LARGEST_PHOTO_MPX = 64
"""Million pixels; telephones have up to 50."""

MOST_AT_ONCE = 4
"""Photos of all visitors together; others are refused, so that there are always threads left for other pages."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Files that are decoded; every further decoder is one more to attack."""

_LONGEST_NAME = 60
_ROOM = BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True, eq=False)
class Square:
    """What networks see of a photo.

    Args:
        pixels: uint8 [side, side, 3].
        wait_s: Seconds until its turn came.
        decode_s: And that decoding took.
        resize_s: And resizing.
    """

    pixels: NDArray[np.uint8]
    wait_s: float = 0.0
    decode_s: float = 0.0
    resize_s: float = 0.0


@contextmanager
def admitted() -> Iterator[None]:
    """Room for one more photo.

    Raises:
        UserError: If there is none.
    """
    if not _ROOM.acquire(blocking=False):
        raise UserError(f"{MOST_AT_ONCE} photos are being looked at already; try again in a few seconds.")
    try:
        yield
    finally:
        _ROOM.release()


def uploaded(contents: str, filename: str | None) -> tuple[bytes, str]:
    """A file as a browser sends it, and what messages call it.

    Args:
        contents: "data:image/png;base64,...".
        filename: On the visitor's machine.

    Raises:
        UserError: If it is empty, too large, or not sent as it should be.
    """
    name = (filename or "the photo")[:_LONGEST_NAME]
    data = contents.partition(",")[2]
    if len(data) > (LARGEST_PHOTO_MIB << 20) * 4 // 3 + 4:
        raise UserError(f"{name} is larger than {LARGEST_PHOTO_MIB} MiB; scale it down first.")
    try:
        found = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise UserError(f"{name} did not arrive whole ({error}); try again.") from error
    if not found:
        raise UserError(f"{name} is empty; choose a photo, for example PNG or JPEG.")
    return found, name


def square_of(data: bytes, name: str, side_px: int) -> Square:
    """The central square of a photo, as `midlevel predict` cuts it.

    Args:
        data: The file's content.
        name: What messages call it.
        side_px: Rows and columns wanted.

    Raises:
        UserError: If it is no photo, broken, or has too many pixels.
    """
    return _decoder().submit(_decoded, data, name, side_px, time.perf_counter()).result()


@lru_cache(maxsize=1)
def _decoder() -> ThreadPoolExecutor:
    """One thread for everybody: a photo of many pixels takes a quarter of a gigabyte, and each thread keeps some."""
    return ThreadPoolExecutor(1, "decoder")


def _decoded(data: bytes, name: str, side_px: int, asked: float) -> Square:
    began = time.perf_counter()
    with opened_photo(data, name, formats=FORMATS, largest_mpx=LARGEST_PHOTO_MPX) as image:
        decoded = time.perf_counter()
        pixels = photo_square(image, side_px)
    return Square(pixels, began - asked, decoded - began, time.perf_counter() - decoded)


@lru_cache(maxsize=1)
def bundled() -> bytes:
    """The photo shown before there is another: a room that this project's renderer drew."""
    return files("server.explorer.pages.live").joinpath("room.jpg").read_bytes()
