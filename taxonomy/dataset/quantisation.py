"""How each label is stored: integer codes with a scale, an offset and a code that marks what is missing.

The compact store and the published layout share these tables, so that a label read from either is the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import reduce
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.view import Label
from perception.tasks import OutputKind, OutputSpec, Task

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class Quantisation:
    """How numbers become codes: `value = (code - offset) * scale`.

    Args:
        dtype: Of the codes; a floating type stores the values themselves, and NaN where there is none.
        shape: Of one label: "H" and "W" stand for the image's size; () is a single number.
        scale: Value of one step.
        offset: Code of the value 0.
        invalid: Code that marks a missing value (in all channels); None where nothing can be missing.
        lowest: Smallest code of a valid value; smaller values are stored as this.
        highest: Largest code of a valid value; larger values are stored as this.
        index: Whether the values are class indices, which decode to int32, -1 where missing.
        unit_length: Whether a value's channels are a unit vector, which decoding makes it again.
        unit: Of the values.
    """

    dtype: str
    shape: tuple[str | int, ...] = ("H", "W")
    scale: float = 1.0
    offset: int = 0
    invalid: int | None = None
    lowest: int = 0
    highest: int = 0
    index: bool = False
    unit_length: bool = False
    unit: str = ""

    @property
    def is_float(self) -> bool:
        """Whether values are stored as they are."""
        return np.dtype(self.dtype).kind == "f"

    @property
    def per_pixel(self) -> bool:
        """Whether there is a value for every pixel."""
        return "H" in self.shape

    def array_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of one label of an image of this size."""
        sizes = {"H": height, "W": width}
        return tuple(sizes[side] if isinstance(side, str) else side for side in self.shape)

    def encode(self, label: Label) -> NDArray[np.generic]:
        """Codes of a label, or of a stack of them.

        Raises:
            UserError: If a class index does not fit, or a value that counts as valid is not finite.
        """
        values, valid = np.asarray(label.values), np.asarray(label.valid, dtype=bool)
        mask = self._over_channels(valid)
        if not np.isfinite(np.where(mask, values, 0)).all():
            raise UserError("a label holds a value that is not finite where it is marked as valid; mark it invalid.")
        if self.is_float:
            largest = float(np.finfo(self.dtype).max)
            return np.asarray(np.where(mask, np.clip(values, -largest, largest), np.nan).astype(self.dtype))
        if self.index and (np.where(mask, values, 0).max(initial=0) > self.highest or values[mask].min(initial=0) < 0):
            raise UserError(f"a class index is outside 0 to {self.highest}, the range that can be stored.")
        codes = np.rint(np.where(mask, values, 0).astype(np.float64) / self.scale) + self.offset
        codes = np.clip(codes, self.lowest, self.highest)
        if self.invalid is None:
            if not valid.all():
                raise UserError("a label marks values as invalid, but its task declares no value that stands for that.")
            return np.asarray(codes.astype(self.dtype))
        return np.asarray(np.where(mask, codes, self.invalid).astype(self.dtype))

    def decode(self, codes: NDArray[np.generic]) -> Label:
        """The label, or stack of labels, that codes stand for; NaN (-1 for class indices) where missing."""
        if self.is_float:
            values = codes.astype(np.float32)
            return Label(values, self._present(values))
        valid = self._present(codes)
        if self.index:
            return Label(np.where(valid, codes.astype(np.int32), np.int32(-1)), valid)
        values = codes.astype(np.float32)
        values -= np.float32(self.offset)
        values *= np.float32(self.scale)
        if self.unit_length:
            values /= np.sqrt(sum(channel * channel for channel in _channels(values)) + np.float32(1e-20))[..., None]
        if not valid.all():
            values[~valid] = np.nan
        return Label(values, valid)

    def _present(self, codes: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Where there is a value: any channel that is not the mark of a missing one; with floats, all of them."""
        channels = _channels(codes) if self._has_channels else [codes]
        if self.invalid is None and not self.is_float:
            return np.ones(channels[0].shape, dtype=bool)
        found = [~np.isnan(c) if self.is_float else c != self.invalid for c in channels]  # one by one: much faster
        join = np.logical_and if self.is_float else np.logical_or
        return np.asarray(reduce(join, found))

    @property
    def _has_channels(self) -> bool:
        return any(isinstance(side, int) for side in self.shape)

    def _over_channels(self, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return valid[..., None] if self._has_channels else valid

    def to_json(self) -> dict[str, object]:
        """As the manifest has it."""
        return {**asdict(self), "shape": list(self.shape)}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> "Quantisation":
        """As read from a manifest.

        Raises:
            UserError: If it is none.
        """
        try:
            fields = dict(document)
            shape = fields.pop("shape")
            return cls(shape=tuple(shape), **fields)  # type: ignore[arg-type]
        except (TypeError, KeyError) as error:
            raise UserError(f"a manifest's quantisation is malformed ({error}); the file is damaged.") from None


def _channels(values: NDArray[_Scalar]) -> list[NDArray[_Scalar]]:
    return [values[..., channel] for channel in range(values.shape[-1])]


RGB = Quantisation("uint8", ("H", "W", 3), highest=255, unit="sRGB")
_DEPTH = Quantisation("uint16", scale=1 / 512, invalid=65535, highest=65534, unit="m")
_RESPONSE = Quantisation("uint16", scale=1 / 65534, invalid=65535, highest=65534, unit="response, largest = 1")
_PIXEL_CLASS = Quantisation("uint8", invalid=255, highest=254, index=True, unit="class")
_SEGMENT = Quantisation("uint8", invalid=255, highest=254, index=True, unit="segment")
_CLASS = Quantisation("uint16", (), invalid=65535, highest=65534, index=True, unit="class")

STORED: Mapping[str, Quantisation] = {
    "edge_texture": _RESPONSE,
    "keypoints2d": _RESPONSE,
    "segment_unsup2d": _SEGMENT,
    "depth_zbuffer": _DEPTH,
    "depth_euclidean": _DEPTH,
    # Of a unit vector not every component can be 0, so that code is free to mark what is missing.
    "normal": Quantisation(
        "uint8", ("H", "W", 3), scale=1 / 127, offset=127, invalid=127, highest=254, unit_length=True, unit="1"
    ),
    "curvature": Quantisation("float16", ("H", "W", 2), unit="1/m"),
    "edge_occlusion": _RESPONSE,
    "keypoints3d": _RESPONSE,
    "reshading": Quantisation("uint8", scale=1 / 254, invalid=255, highest=254, unit="relative radiance"),
    "segment_unsup25d": _SEGMENT,
    "room_layout": Quantisation("float32", (9,), unit="m, rad"),
    "vanishing_point": Quantisation("float32", (6,), unit="direction"),
    "class_object": _CLASS,
    "class_selected": _CLASS,
    "class_scene": _CLASS,
    "segment_semantic": _PIXEL_CLASS,
}
"""Of every task with a label of its own for each view; the others derive theirs from the image or from poses."""

PUBLISHED: Mapping[str, Quantisation] = {
    "curvature": Quantisation("uint8", ("H", "W", 2), scale=0.25, offset=127, invalid=255, highest=254, unit="1/m"),
}
"""What the published layout stores otherwise: its curvature has 8 bits, centred on 127."""

FOREIGN: Mapping[str, Quantisation] = {
    **STORED,
    "normal": replace(STORED["normal"], highest=255),
    "curvature": Quantisation("uint8", ("H", "W", 2), scale=1 / 127, offset=127, highest=255, unit="relative"),
    "reshading": Quantisation("uint8", scale=1 / 255, highest=255, unit="relative radiance"),
    "segment_semantic": Quantisation("uint8", invalid=0, lowest=1, highest=255, index=True, unit="class"),
    "segment_unsup2d": Quantisation("uint16", highest=65535, index=True, unit="segment"),
    "segment_unsup25d": Quantisation("uint16", highest=65535, index=True, unit="segment"),
    **{
        name: Quantisation("uint16", scale=1 / 65535, highest=65535, unit="response")
        for name in ("edge_texture", "keypoints2d", "edge_occlusion", "keypoints3d")
    },
}
"""For folders that this program did not write: Taskonomy's and Omnidata's own."""


def quantisation_for(task: Task) -> Quantisation:
    """How a task's label is stored: from the table, or for a task of the user's own from what it puts out.

    Raises:
        UserError: If the task says nothing about its output.
    """
    if task.name in STORED:
        return STORED[task.name]
    if task.output is None:
        raise UserError(f"the task {task.name!r} has no output specification; give it one, so that it can be stored.")
    return _OF_KIND[task.output.kind](task.output)


def _image(output: OutputSpec) -> Quantisation:
    channels = output.channels or 1
    shape: tuple[str | int, ...] = ("H", "W") if channels == 1 else ("H", "W", channels)
    if output.minimum == 0 and output.maximum is not None and np.isfinite(output.maximum):
        return replace(_RESPONSE, shape=shape, scale=output.maximum / 65534, unit=output.unit)
    return Quantisation("float32", shape, unit=output.unit)


_OF_KIND: Mapping[OutputKind, Callable[[OutputSpec], Quantisation]] = {
    OutputKind.IMAGE: _image,
    OutputKind.EMBEDDING: lambda output: replace(_CLASS, shape=("H", "W"), unit=output.unit),
    OutputKind.PIXEL_CLASSES: lambda output: replace(_CLASS, shape=("H", "W"), unit=output.unit),
    OutputKind.VECTOR: lambda output: Quantisation("float32", (output.channels or 1,), unit=output.unit),
    OutputKind.CLASSES: lambda output: replace(_CLASS, unit=output.unit),
}
