"""Pictures of a dataset: sheets of views, and all labels of one view."""

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
from perception.labels.view import Label
from taxonomy.dataset.best_views import best_views
from taxonomy.dataset.dataset import Dataset, Sample

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]

TILE = 192
"""Pixels a side of one picture in a sheet."""

_CAPTION = 16
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


def view_sheet(dataset: Dataset, path: Path, *, count: int = 40, columns: int = 8, seed: int = 0) -> None:
    """Write a PNG of views drawn at random, with the room each was taken in.

    Args:
        dataset: Where the views come from.
        path: The picture.
        count: How many views.
        columns: In a row.
        seed: Of the draw.

    Raises:
        UserError: If a view or the picture's path cannot be used.
    """
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:count]
    tasks = [name for name in ("class_scene", "class_object") if name in dataset.tasks]
    samples = [dataset.sample(int(index), tasks) for index in np.sort(chosen)]
    tiles = [Tile(sample.rgb, _scene_caption(sample, dataset)) for sample in samples]
    _write(path, _sheet(tiles, columns))


def best_sheet(dataset: Dataset, path: Path, *, columns: int = 4) -> None:
    """Write a PNG of one view of each kind of room: the one that shows best what it is.

    Args:
        dataset: Where the views come from.
        path: The picture.
        columns: In a row.

    Raises:
        UserError: If the dataset lacks the labels that tell, or the picture's path cannot be used.
    """
    chosen = best_views(dataset)
    tiles = [Tile(dataset.sample(index, []).rgb, kind.replace("_", " ")) for kind, index in chosen.items()]
    if not tiles:
        raise UserError(f"{dataset.root} has no view with a known kind of room.")
    _write(path, _sheet(tiles, columns, max(TILE, tiles[0].picture.shape[1])))


def label_sheet(dataset: Dataset, path: Path, *, index: int = 0, columns: int = 6) -> None:
    """Write a PNG of all labels of one view.

    Args:
        dataset: Where the view comes from.
        path: The picture.
        index: Which view.
        columns: In a row.

    Raises:
        UserError: If the view or the picture's path cannot be used.
    """
    sample = dataset.sample(index)
    hfov_deg = float(dataset.index.views.hfov_deg[index])
    tiles = [Tile(sample.rgb, f"rgb, {sample.building}")]
    for name, label in sample.labels.items():
        if name in ("autoencoding", "denoising", "inpainting"):
            continue
        draw = _PICTURES.get(name, _any_picture)
        names = dataset.classes.get(name, ())
        tiles.append(Tile(draw(label, sample.rgb, hfov_deg), f"{name}{_class_caption(label, names)}"))
    _write(path, _sheet(tiles, columns))


def _scene_caption(sample: Sample, dataset: Dataset) -> str:
    words = [_class_caption(label, dataset.classes.get(name, ())) for name, label in sample.labels.items()]
    return f"{sample.building[-4:]}.{sample.point}.{sample.view}{''.join(words)}"


def _class_caption(label: Label, names: Sequence[str]) -> str:
    if label.values.ndim or label.values.dtype.kind not in "iu":
        return ""
    if not label.valid:
        return ": none"
    index = int(label.values)
    return f": {names[index] if index < len(names) else index}"


def _sheet(tiles: Sequence[Tile], columns: int, side: int = TILE) -> "Image.Image":
    """Tiles in rows, each `side` pixels square."""
    from PIL import Image, ImageDraw

    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (side + 4), rows * (side + _CAPTION + 4)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        x, y = column * (side + 4) + 2, row * (side + _CAPTION + 4) + 2
        picture = Image.fromarray(np.ascontiguousarray(tile.picture))
        whole = picture.width <= side and side % picture.width == 0
        how = Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS
        sheet.paste(picture.resize((side, side), how), (x, y))
        draw.text((x + 2, y + side + 1), tile.caption[:34], fill="black")
    return sheet


def _write(path: Path, picture: "Image.Image") -> None:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())


def _any_picture(label: Label, rgb: Pixels, hfov_deg: float) -> Pixels:
    """By what the values look like: classes in colours, numbers from dark to bright, nothing for the rest."""
    del hfov_deg
    values = label.values
    if values.ndim == 2 and values.dtype.kind in "iu":
        return _masked(_COLOURS[values % 256], label.valid)
    if values.ndim == 2:
        return _bright(values, label.valid)
    if values.ndim == 3:
        return _bright(np.linalg.norm(values.astype(np.float64), axis=-1), label.valid)
    return rgb


def _bright(values: NDArray[np.generic], valid: NDArray[np.bool_]) -> Pixels:
    """Smallest value dark, the 99.5th percentile bright."""
    from matplotlib import colormaps

    numbers = np.where(valid, values, 0).astype(np.float64)
    if not valid.any():
        return _masked(np.zeros((*valid.shape, 3), np.uint8), valid)
    low, high = numbers[valid].min(), np.percentile(numbers[valid], 99.5)
    scaled = np.clip((numbers - low) / max(high - low, 1e-9), 0, 1)
    return _masked((colormaps["viridis"](scaled)[..., :3] * 255).astype(np.uint8), valid)


def _masked(picture: Pixels, valid: NDArray[np.bool_]) -> Pixels:
    return np.asarray(np.where(valid[..., None], picture, _GREY))


def _normal_picture(label: Label, rgb: Pixels, hfov_deg: float) -> Pixels:
    del rgb, hfov_deg
    return _masked(np.nan_to_num(127.5 * (label.values.astype(np.float64) + 1)).astype(np.uint8), label.valid)


def _curvature_picture(label: Label, rgb: Pixels, hfov_deg: float) -> Pixels:
    """Red and green are the two curvatures, grey none; the scale is compressed beyond 1/m."""
    del rgb, hfov_deg
    values = np.arcsinh(np.nan_to_num(label.values.astype(np.float64)))
    levels = np.clip(127 + 40 * values, 0, 255).astype(np.uint8)
    return _masked(np.concatenate([levels, np.full_like(levels[..., :1], 127)], axis=-1), label.valid)


def _colour_picture(label: Label, rgb: Pixels, hfov_deg: float) -> Pixels:
    """The ab values of the bins, around a middle grey."""
    del rgb, hfov_deg
    chroma = np.asarray(decode_colour(label.values), np.float64)
    levels = np.stack([128 + chroma[..., 0], 128 - 0.5 * chroma.sum(axis=-1), 128 + chroma[..., 1]], axis=-1)
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def _layout_picture(label: Label, rgb: Pixels, hfov_deg: float) -> Pixels:
    """The room's box over the darkened picture."""
    picture = rgb // 2
    if not label.valid:
        return picture
    corners = np.asarray(layout_corners(label.values), np.float64).reshape(-1, 3)
    steps = np.linspace(0, 1, 400)[:, None]
    for a, b in combinations(range(len(corners)), 2):
        if _is_edge(corners, a, b):
            _dots(picture, corners[a] + steps * (corners[b] - corners[a]), hfov_deg, (255, 200, 0))
    return picture


def _is_edge(corners: NDArray[np.float64], a: int, b: int) -> bool:
    """Whether two corners of a box are joined by an edge: no third corner lies in the ball between them."""
    middle, radius = (corners[a] + corners[b]) / 2, np.linalg.norm(corners[a] - corners[b]) / 2
    return int((np.linalg.norm(corners - middle, axis=-1) < radius * (1 + 1e-6)).sum()) == 2


def _vanishing_picture(label: Label, rgb: Pixels, hfov_deg: float) -> Pixels:
    """From a point on the optical axis, one line towards each vanishing point: red, green, blue."""
    picture = rgb // 2
    if label.valid:
        for direction, colour in zip(
            np.asarray(vanishing_directions(label.values), np.float64), np.eye(3, dtype=int) * 255, strict=True
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


_PICTURES: Mapping[str, Callable[[Label, Pixels, float], Pixels]] = {
    "normal": _normal_picture,
    "curvature": _curvature_picture,
    "colorization": _colour_picture,
    "room_layout": _layout_picture,
    "vanishing_point": _vanishing_picture,
}
