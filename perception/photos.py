"""Photos: read from files as people have them, checked, and cut to what an encoder takes."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.files import read_bytes

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]

LARGEST_PHOTO_MPX = 100
"""Larger ones are refused: they are rarely photos, and take gigabytes to decode."""

_LARGEST_FILE_MIB = 256
_PART_PX = 1 << 20
"""Of what is converted at once."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)
"""What Pillow's decoders raise on broken files."""


def read_photo(path: Path) -> Pixels:
    """Read a photo as a person sees it: turned as its EXIF says, transparency over white, 16 bits scaled to 8.

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        UserError: If the file is missing, no image, broken, or larger than `LARGEST_PHOTO_MPX`.
    """
    return decode_photo(read_bytes(path, limit_mib=_LARGEST_FILE_MIB), str(path))


def decode_photo(
    data: bytes, name: str, *, formats: tuple[str, ...] | None = None, largest_mpx: int = LARGEST_PHOTO_MPX
) -> Pixels:
    """What `read_photo` makes of a file's content.

    Args:
        data: The content.
        name: What messages call it.
        formats: Pillow's names of the formats accepted; all that it reads by default.
        largest_mpx: Images whose header says more million pixels are refused before they are decoded.

    Raises:
        UserError: If it is no image of these formats, broken, or larger.
    """
    with opened_photo(data, name, formats=formats, largest_mpx=largest_mpx) as image:
        pixels = np.empty((image.height, image.width, 3), np.uint8)
        for top, part in _rgb_parts(image, (0, 0, *image.size)):
            pixels[top : top + part.height] = np.asarray(part)
        return pixels


@contextmanager
def opened_photo(
    data: bytes, name: str, *, formats: tuple[str, ...] | None = None, largest_mpx: int = LARGEST_PHOTO_MPX
) -> "Iterator[Image.Image]":
    """A decoded photo in the file's own mode, upright, for `decode_photo` and `photo_square`; arguments are the same.

    Raises:
        UserError: As `decode_photo`.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=formats) as image:
            if image.width * image.height > largest_mpx * 10**6:
                raise UserError(_too_large(name, f"{image.width} x {image.height} pixels", largest_mpx))
            image.load()
            if image.mode == "F":
                raise UserError(
                    f"{name} has floating numbers for pixels; photos have whole ones: save it with 8 or 16 bits."
                )
            ImageOps.exif_transpose(image, in_place=True)
            yield image
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(_too_large(name, "far more pixels", largest_mpx)) from error
    except UnidentifiedImageError as error:
        kinds = " or ".join(formats) if formats else "for example PNG or JPEG"
        raise UserError(
            f"{name} is no image that {'is taken here' if formats else 'Pillow reads'}; use {kinds}."
        ) from error
    except _BROKEN as error:
        raise UserError(f"{name} is a broken image ({error}); get it again.") from error


def photo_square(image: "Image.Image", side_px: int) -> Pixels:
    """What `squares` makes of a photo's pixels, with little more memory than the photo has itself.

    Args:
        image: Of `opened_photo`.
        side_px: Rows and columns wanted.

    Returns:
        uint8 [side_px, side_px, 3].
    """
    from PIL import Image

    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    narrow = Image.new("RGB", (side_px, side))
    for row, part in _rgb_parts(image, (left, top, left + side, top + side)):
        narrow.paste(part.resize((side_px, part.height), Image.Resampling.BILINEAR), (0, row))
    return np.array(narrow.resize((side_px, side_px), Image.Resampling.BILINEAR))  # columns first, as Pillow does


def _too_large(name: str, found: str, largest_mpx: int) -> str:
    return f"{name} has {found}; photos have at most {largest_mpx} million; scale it down first."


def _rgb_parts(image: "Image.Image", box: tuple[int, int, int, int]) -> "Iterator[tuple[int, Image.Image]]":
    """Some rows after the other of a box, as RGB, each with its first row's number: whole copies take gigabytes."""
    left, top, right, bottom = box
    rows = max(1, _PART_PX // (right - left))
    for first in range(top, bottom, rows):
        yield first - top, _as_rgb(image.crop((left, first, right, min(first + rows, bottom))))


def _as_rgb(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits, perhaps in 32
        levels = np.asarray(image).astype(np.int64)
        return Image.fromarray(np.clip((levels + 128) // 257, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def check_images(images: object) -> Pixels:
    """Images as a contiguous uint8 [N, H, W, 3].

    Raises:
        UserError: If they are anything else: floats, channels in front, alpha, grey, a single image.
    """
    if not isinstance(images, np.ndarray):
        raise UserError(f"images are a {type(images).__name__}; expected a numpy array, uint8 [N, H, W, 3], RGB.")
    shape = list(images.shape)
    if images.dtype != np.uint8:
        raise UserError(
            f"images are {images.dtype}; expected uint8 from 0 to 255: normalisation is the checkpoint's part "
            "(from floats in [0, 1]: (255 * images).round().astype('uint8'))."
        )
    if images.ndim != 4 or images.shape[3] != 3:
        raise UserError(f"images have shape {shape}; expected [N, H, W, 3], RGB{_hint(images)}.")
    if 0 in images.shape[1:]:
        raise UserError(f"images have shape {shape}; expected at least one pixel.")
    return np.ascontiguousarray(images)


def _hint(images: NDArray[Any]) -> str:
    if images.ndim == 3 and images.shape[2] == 3:
        return ": for one image, images[None]"
    if images.ndim == 4 and images.shape[1] == 3:
        return ": channels go last, images.transpose(0, 2, 3, 1)"
    if images.ndim == 4 and images.shape[3] == 4:
        return " without alpha: images[..., :3]"
    if images.ndim == 4 and images.shape[3] == 1:
        return ": grey in all three, images.repeat(3, axis=3)"
    return ""


def squares(images: Sequence[Pixels] | Pixels, side_px: int) -> Pixels:
    """The central square of each image, resized with antialiasing.

    Args:
        images: Each uint8 [H, W, 3], of any size.
        side_px: Rows and columns wanted.

    Returns:
        uint8 [N, side_px, side_px, 3]; images that have that size already are passed on bit by bit.
    """
    if isinstance(images, np.ndarray) and images.shape[1:3] == (side_px, side_px):
        return images
    result = np.empty((len(images), side_px, side_px, 3), np.uint8)
    for row, image in zip(result, images, strict=True):
        row[:] = _square(image, side_px)
    return result


def _square(image: Pixels, side_px: int) -> Pixels:
    """Bilinear over as many pixels as fall on one (Pillow's BILINEAR), so that fine texture does not alias."""
    from PIL import Image

    height, width = image.shape[:2]
    if height == width == side_px:
        return image
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    picture = Image.fromarray(np.ascontiguousarray(image[top : top + side, left : left + side]))
    return np.asarray(picture.resize((side_px, side_px), Image.Resampling.BILINEAR))
