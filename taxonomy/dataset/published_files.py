"""Single files of the published layout: whether they are whole, and what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from taxonomy.dataset.files import load_array
from taxonomy.dataset.quantisation import RGB, Quantisation

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True)
class Glance:
    """What a file shows at first sight.

    Args:
        damage: What is wrong with it; None if nothing is.
        size: Width and height of a picture; None for other files.
    """

    damage: str | None
    size: tuple[int, int] | None = None


def glance(path: Path) -> Glance:
    """Look at a file's two ends, without decoding it."""
    try:
        with path.open("rb") as file:
            start = file.read(24)
            size = file.seek(0, 2)
            file.seek(max(0, size - 8))
            end = file.read(8)
    except OSError as error:
        return Glance(error.strerror or "unreadable")
    if size == 0:
        return Glance("empty")
    if path.suffix == ".png":
        if not start.startswith(_PNG_START):
            return Glance("no PNG")
        width, height = (int.from_bytes(start[at : at + 4]) for at in (16, 20))
        return Glance(None, (width, height)) if end == _PNG_END else Glance("truncated")
    if path.suffix == ".npy":
        return Glance(None if start.startswith(b"\x93NUMPY") else "no .npy file")
    return Glance(None if start.lstrip().startswith(b"{") else "no JSON object")


def odd_size(sizes: Mapping[str, tuple[int, int]]) -> tuple[str, str] | None:
    """Which domain's picture differs in size from the view's rgb, and how; None if all agree."""
    expected = sizes.get("rgb")
    for domain, size in sizes.items():
        if expected is not None and size != expected:
            return domain, f"{size[0]} x {size[1]} pixels, its rgb has {expected[0]} x {expected[1]}"
    return None


def read_array(path: Path, stored: Quantisation) -> NDArray[np.generic]:
    """Codes that a file holds.

    Args:
        path: A PNG or .npy file.
        stored: What its domain should hold; further channels of a picture are dropped.

    Returns:
        Of `stored`'s dtype and number of channels, any size.

    Raises:
        UserError: If it is unreadable, or holds something else.
    """
    values = load_array(path) if path.suffix == ".npy" else _read_png(path, stored)
    if stored.index and not stored.per_pixel:
        return _class_code(path, values, stored)
    channels = stored.shape[2] if len(stored.shape) == 3 else 1
    if stored.unit == RGB.unit and values.ndim == 2:  # a grey picture is one all the same
        values = np.repeat(values[..., None], 3, axis=-1)
    if values.ndim == 3 and isinstance(channels, int):
        values = values[..., 0] if len(stored.shape) == 2 else values[..., :channels]
    if values.ndim != len(stored.shape) or (values.ndim == 3 and values.shape[2] != channels):
        raise UserError(f"{path} has shape {list(values.shape)}, expected {list(stored.shape)}.")
    if stored.dtype == "uint16" and values.dtype == np.uint8:
        if stored.unit == "m":
            raise UserError(f"{path} has 8 bits; depth has 16, in 1/512 m.")
        return values.astype(np.uint16) * np.uint16(1 if stored.index else 257)
    if values.dtype != stored.dtype:
        raise UserError(f"{path} holds {values.dtype}, expected {stored.dtype}.")
    return values


def _class_code(path: Path, values: NDArray[np.generic], stored: Quantisation) -> NDArray[np.generic]:
    """The class with the highest score; missing where all scores are 0."""
    if values.dtype.kind in "iu" and values.size == 1:
        return values.reshape(()).astype(stored.dtype)
    values = values.squeeze()
    if values.dtype.kind != "f" or values.ndim != 1 or not values.size:
        raise UserError(f"{path} holds {values.dtype} {list(values.shape)}, expected a vector of class scores.")
    if not np.isfinite(values).all():
        raise UserError(f"{path} holds a class score that is not finite.")
    found = int(values.argmax()) if values.any() or stored.invalid is None else stored.invalid
    return np.asarray(found, stored.dtype)


def _read_png(path: Path, stored: Quantisation) -> NDArray[np.generic]:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            plain = {"P": "P" if stored.index else "RGB", "1": "L", "LA": "L"}.get(image.mode, image.mode)
            values = np.asarray(image.convert(plain))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"cannot read {path}: {error}.") from None
    if values.dtype == np.int32 and values.min(initial=0) >= 0 and values.max(initial=0) < 1 << 16:
        values = values.astype(np.uint16)  # 16-bit grey comes as 32 from some versions
    return values
