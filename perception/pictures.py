"""Pictures of labels and of predictions, drawn alike, and sheets of them."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.files import write_atomically
from perception.labels.colour import decode_colour
from perception.labels.manhattan import layout_corners, vanishing_directions

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]
Values = NDArray[np.generic]
Valid = NDArray[np.bool_]

TILE_PX = 192
"""Pixels a side of one picture in a sheet."""

USUAL_HFOV_DEG = 61.0
"""Horizontal field of view where a photo's is unknown: the mean of the published data."""

_CAPTION_PX = 16
_CAPTION_LETTERS = 34
_GREY = np.uint8(96)
_COLOURS = np.random.default_rng(7).integers(40, 256, (256, 3)).astype(np.uint8)


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet.

    Args:
        picture: uint8 [H, W, 3].
        caption: What stands below it.
    """

    picture: Pixels
    caption: str


def draw(task: str, values: Values, valid: Valid, rgb: Pixels, hfov_deg: float = USUAL_HFOV_DEG) -> Pixels:
    """The picture of one label or prediction.

    Args:
        task: Canonical name, or the user's own.
        values: As the task's `OutputSpec` says: [H, W], [H, W, C], [C] or a single number.
        valid: bool [H, W], or a single one: where `values` means something; the rest is grey.
        rgb: The photo, uint8 [H', W', 3]; what describes it as a whole is drawn over it, or is left to the caption.
        hfov_deg: Its horizontal field of view, degrees.

    Returns:
        uint8 [H, W, 3], of the size of `values`, or of the photo.

    Raises:
        UserError: If the values are of no shape that can be drawn.
    """
    if values.ndim > 3 or (values.ndim >= 2 and 0 in values.shape):
        raise UserError(f"{task}: values of shape {list(values.shape)} cannot be drawn; expected one image's.")
    return _PICTURES.get(task, _any_picture)(values, valid, rgb, hfov_deg)


def caption(task: str, values: Values, *, names: Sequence[str] = (), probability: float | None = None) -> str:
    """A line about a label or prediction of a whole image: its class, or how far and how much a camera moved.

    Args:
        task: Its name, with which the line begins.
        values: [C] or a single number; of others the line says the name alone.
        names: What class indices mean.
        probability: Of the class.
    """
    if task in _POSES and values.ndim == 1 and values.size and values.size % 6 == 0:
        poses = values.reshape(-1, 2, 3).astype(np.float64)  # each a translation and a rotation vector
        lengths = np.linalg.norm(poses, axis=-1)
        return f"{task}: " + "; ".join(f"{metres:.1f} m, {np.degrees(angle):.0f} deg" for metres, angle in lengths)
    if values.ndim or values.dtype.kind not in "iu":
        return task
    index = int(values)
    names = names or _ANSWERS.get(task, ())
    name = names[index] if 0 <= index < len(names) else f"{_NUMBERED.get(task, '')} {index}".lstrip()
    return f"{task}: {name}" + ("" if probability is None else f", {100 * probability:.0f} %")


def sheet(tiles: Sequence[Tile], columns: int, side_px: int = TILE_PX) -> "Image.Image":
    """Tiles in rows, each `side_px` pixels square, captions below.

    Raises:
        UserError: If there is no tile or no column.
    """
    from PIL import Image, ImageDraw

    if not tiles or columns < 1:
        raise UserError(f"a sheet of {len(tiles)} pictures in {columns} columns cannot be drawn; expected 1 or more.")
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    result = Image.new("RGB", (columns * (side_px + 4), rows * (side_px + _CAPTION_PX + 4)), "white")
    pen = ImageDraw.Draw(result)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        x, y = column * (side_px + 4) + 2, row * (side_px + _CAPTION_PX + 4) + 2
        result.paste(enlarged(tile.picture, side_px), (x, y))
        pen.text((x + 2, y + side_px + 1), tile.caption[:_CAPTION_LETTERS], fill="black")
    return result


def feature_picture(features: NDArray[np.floating]) -> Pixels:
    """The first three channels of a feature, or all of fewer, as red, green and blue; 0 is grey.

    Args:
        features: float [C, H, W], C >= 1.

    Returns:
        uint8 [H, W, 3]; the same value has the same colour in every picture.
    """
    shown = features[:3] if len(features) >= 3 else np.repeat(features[:1], 3, axis=0)
    levels = 127.5 * (1 + np.tanh(np.asarray(shown, np.float32)))
    return np.rint(levels).astype(np.uint8).transpose(1, 2, 0)


def enlarged(picture: Pixels, side_px: int) -> "Image.Image":
    """A picture at `side_px` pixels square: pixels stay pixels where the side is a multiple, else they are blended."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    is_whole = image.width <= side_px and side_px % image.width == 0
    return image.resize((side_px, side_px), Image.Resampling.NEAREST if is_whole else Image.Resampling.LANCZOS)


def png(picture: "Pixels | Image.Image") -> bytes:
    """A picture as a PNG file's content."""
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(picture)) if isinstance(picture, np.ndarray) else picture
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write_png(path: Path, picture: "Pixels | Image.Image") -> None:
    """Write a picture, whole or not at all.

    Raises:
        UserError: If the path cannot be written to.
    """
    write_atomically(path, png(picture))


def _any_picture(values: Values, valid: Valid, rgb: Pixels, hfov_deg: float) -> Pixels:
    """By what the values look like: classes in colours, numbers from dark to bright, nothing for the rest."""
    del hfov_deg
    if values.ndim == 2 and values.dtype.kind in "iu":
        return _masked(_COLOURS[values.astype(np.int64) % 256], valid)
    if values.ndim == 2:
        return _bright(values, valid)
    if values.ndim == 3:
        return _bright(np.linalg.norm(values.astype(np.float64), axis=-1), valid)
    return rgb


def _bright(values: Values, valid: Valid) -> Pixels:
    """Smallest value dark, the 99.5th percentile bright."""
    from matplotlib import colormaps

    numbers = np.where(valid, values, 0).astype(np.float64)
    if not valid.any():
        return _masked(np.zeros((*valid.shape, 3), np.uint8), valid)
    low, high = numbers[valid].min(), np.percentile(numbers[valid], 99.5)
    scaled = np.clip((numbers - low) / max(high - low, 1e-9), 0, 1)
    return _masked((colormaps["viridis"](scaled)[..., :3] * 255).astype(np.uint8), valid)


def _masked(picture: Pixels, valid: Valid) -> Pixels:
    return np.asarray(np.where(valid[..., None], picture, _GREY))


def _photo_picture(values: Values, valid: Valid, rgb: Pixels, hfov_deg: float) -> Pixels:
    """Photos as they are; predicted ones are numbers in [0, 1]."""
    del rgb, hfov_deg
    if values.dtype == np.uint8:
        return _masked(np.asarray(values, np.uint8), valid)
    levels = np.rint(255 * np.clip(np.nan_to_num(values.astype(np.float64)), 0, 1)).astype(np.uint8)
    return _masked(levels, valid)


def _embedding_picture(values: Values, valid: Valid, rgb: Pixels, hfov_deg: float) -> Pixels:
    """Vectors by their first three principal components, as red, green and blue; segments in colours of their own."""
    if values.ndim != 3:
        return _any_picture(values, valid, rgb, hfov_deg)
    vectors = np.nan_to_num(values.reshape(-1, values.shape[-1]).astype(np.float64))
    known = valid.reshape(-1)
    if not known.any():
        return _masked(np.zeros((*valid.shape, 3), np.uint8), valid)
    centred = vectors - vectors[known].mean(axis=0)
    _, _, axes = np.linalg.svd(centred[known], full_matrices=False)
    axes = axes[:3] * np.where(axes[:3].sum(axis=1, keepdims=True) < 0, -1, 1)  # a sign is not fixed otherwise
    parts = np.zeros((len(centred), 3))
    parts[:, : len(axes)] = centred @ axes.T
    low, high = np.percentile(parts[known], (1, 99), axis=0)
    levels = np.clip((parts - low) / np.maximum(high - low, 1e-9), 0, 1).reshape(*valid.shape, 3)
    return _masked((255 * levels).astype(np.uint8), valid)


def _normal_picture(values: Values, valid: Valid, rgb: Pixels, hfov_deg: float) -> Pixels:
    del rgb, hfov_deg
    return _masked(np.nan_to_num(127.5 * (values.astype(np.float64) + 1)).astype(np.uint8), valid)


def _curvature_picture(values: Values, valid: Valid, rgb: Pixels, hfov_deg: float) -> Pixels:
    """Red and green are the two curvatures, grey none; the scale is compressed beyond 1/m."""
    del rgb, hfov_deg
    compressed = np.arcsinh(np.nan_to_num(values.astype(np.float64)))
    levels = np.clip(127 + 40 * compressed, 0, 255).astype(np.uint8)
    return _masked(np.concatenate([levels, np.full_like(levels[..., :1], 127)], axis=-1), valid)


def _colour_picture(values: Values, valid: Valid, rgb: Pixels, hfov_deg: float) -> Pixels:
    """The ab values of the bins, around a middle grey."""
    del valid, rgb, hfov_deg
    chroma = np.asarray(decode_colour(values), np.float64)
    levels = np.stack([128 + chroma[..., 0], 128 - 0.5 * chroma.sum(axis=-1), 128 + chroma[..., 1]], axis=-1)
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def _layout_picture(values: Values, valid: Valid, rgb: Pixels, hfov_deg: float) -> Pixels:
    """The room's box over the darkened picture."""
    picture = rgb // 2
    if not valid:
        return picture
    corners = np.asarray(layout_corners(values), np.float64).reshape(-1, 3)
    steps = np.linspace(0, 1, 400)[:, None]
    for a, b in combinations(range(len(corners)), 2):
        if _is_edge(corners, a, b):
            _dots(picture, corners[a] + steps * (corners[b] - corners[a]), hfov_deg, (255, 200, 0))
    return picture


def _is_edge(corners: NDArray[np.float64], a: int, b: int) -> bool:
    """Whether two corners of a box are joined by an edge: no third corner lies in the ball between them."""
    middle, radius = (corners[a] + corners[b]) / 2, np.linalg.norm(corners[a] - corners[b]) / 2
    return int((np.linalg.norm(corners - middle, axis=-1) < radius * (1 + 1e-6)).sum()) == 2


def _vanishing_picture(values: Values, valid: Valid, rgb: Pixels, hfov_deg: float) -> Pixels:
    """From a point on the optical axis, one line towards each vanishing point: red, green, blue."""
    picture = rgb // 2
    if valid:
        for direction, colour in zip(
            np.asarray(vanishing_directions(values), np.float64), np.eye(3, dtype=int) * 255, strict=True
        ):
            steps = np.linspace(0, 0.8, 400)[:, None]
            _dots(picture, np.array([0, 0, -2.0]) + steps * direction, hfov_deg, tuple(colour.tolist()))
    return picture


def _dots(picture: Pixels, points: NDArray[np.float64], hfov_deg: float, colour: tuple[int, ...]) -> None:
    height, width = picture.shape[:2]
    points = points[points[:, 2] < -0.05]
    focal = width / 2 / np.tan(np.radians(hfov_deg) / 2)
    columns = np.floor(width / 2 - focal * points[:, 0] / points[:, 2]).astype(int)
    rows = np.floor(height / 2 + focal * points[:, 1] / points[:, 2]).astype(int)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    picture[rows[inside], columns[inside]] = colour


_ANSWERS: Mapping[str, tuple[str, ...]] = {"point_matching": ("no", "yes")}
_NUMBERED: Mapping[str, str] = {"jigsaw": "permutation"}
_POSES = ("fixated_pose", "nonfixated_pose", "egomotion")
_PICTURES: Mapping[str, Callable[[Values, Valid, Pixels, float], Pixels]] = {
    **dict.fromkeys(("autoencoding", "denoising", "inpainting"), _photo_picture),
    **dict.fromkeys(("segment_unsup2d", "segment_unsup25d"), _embedding_picture),
    "normal": _normal_picture,
    "curvature": _curvature_picture,
    "colorization": _colour_picture,
    "room_layout": _layout_picture,
    "vanishing_point": _vanishing_picture,
}
