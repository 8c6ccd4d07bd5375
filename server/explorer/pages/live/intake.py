"""A visitor's photo: kept in memory while it is looked at, and nowhere else."""

import base64
import binascii
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from threading import BoundedSemaphore

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from perception.photos import decode_photo, squares

LARGEST_PHOTO_MIB = 32
"""Of the file; as browsers send it, it is a third larger."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Files that are decoded; every further decoder is one more to attack."""

_LONGEST_NAME = 60
_DECODING = BoundedSemaphore(2)
"""A photo of many pixels takes a gigabyte while it is decoded; so many visitors may do that at once."""


@dataclass(frozen=True, eq=False)
class Square:
    """What networks see of a photo.

    Args:
        pixels: uint8 [side, side, 3].
        decode_s: Seconds that decoding took.
        resize_s: And resizing.
    """

    pixels: NDArray[np.uint8]
    decode_s: float = 0.0
    resize_s: float = 0.0


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
    with _DECODING:
        began = time.perf_counter()
        photo = decode_photo(data, name, formats=FORMATS)
        decoded = time.perf_counter()
        pixels = squares([photo], side_px)[0].copy()
    return Square(pixels, decoded - began, time.perf_counter() - decoded)


@lru_cache(maxsize=1)
def bundled() -> bytes:
    """The photo shown before there is another: a room that this project's renderer drew."""
    return files("server.explorer.pages.live").joinpath("room.jpg").read_bytes()
