"""Pictures of a dataset: sheets of views, and all labels of one view."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from perception.errors import UserError
from perception.labels.view import Label
from perception.pictures import TILE_PX, Tile, caption, draw, sheet, write_png
from taxonomy.dataset.best_views import best_views
from taxonomy.dataset.dataset import Dataset, Sample


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
    write_png(path, sheet(tiles, columns))


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
    write_png(path, sheet(tiles, columns, max(TILE_PX, tiles[0].picture.shape[1])))


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
        picture = draw(name, label.values, label.valid, sample.rgb, hfov_deg)
        tiles.append(Tile(picture, f"{name}{_class_caption(label, dataset.classes.get(name, ()))}"))
    write_png(path, sheet(tiles, columns))


def _scene_caption(sample: Sample, dataset: Dataset) -> str:
    words = [_class_caption(label, dataset.classes.get(name, ())) for name, label in sample.labels.items()]
    return f"{sample.building[-4:]}.{sample.point}.{sample.view}{''.join(words)}"


def _class_caption(label: Label, names: Sequence[str]) -> str:
    if label.values.ndim or label.values.dtype.kind not in "iu":
        return ""
    return caption("", label.values, names=names) if label.valid else ": none"
