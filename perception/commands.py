"""What `midlevel encode` and `midlevel predict` do."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.bank import load_bank
from perception.encoding import LocalEncoder
from perception.errors import UserError
from perception.files import write_atomically
from perception.photos import Pixels, read_photo, squares
from perception.pictures import Tile, png, sheet

_COLUMNS = 7
_AT_ONCE = 256


def encode_photos(paths: Sequence[Path], out: Path, features: str, bank: str, **how: Any) -> dict[str, Any]:
    """Write the features of photos as a compressed-free .npz; see `midlevel encode`.

    Args:
        paths: Photos.
        out: The file: `features` float32 [N, 8k, 16, 16], `tasks` and `images` with the names.
        features: Feature set.
        bank: Name or folder.
        how: Arguments of `LocalEncoder`.

    Returns:
        The result as JSON.

    Raises:
        UserError: If a photo, the feature set or the bank cannot be used, or `out` cannot be written.
    """
    if out.suffix != ".npz":
        raise UserError(f"--out is {str(out)!r}; expected a name that ends in .npz.")
    opened = load_bank(bank)
    tasks = opened.feature_set(features)
    encoder = LocalEncoder(opened, **how)
    side_px = opened.card(tasks[0]).preprocessing.side_px
    parts = []
    for start in range(0, len(paths), _AT_ONCE):
        photos = [squares([read_photo(path)], side_px)[0] for path in paths[start : start + _AT_ONCE]]
        parts.append(encoder.encode(np.stack(photos), tasks))
    found = np.concatenate(parts)
    buffer = io.BytesIO()
    np.savez(buffer, features=found, tasks=np.array(tasks), images=np.array([str(path) for path in paths]))
    write_atomically(out, buffer.getvalue())
    return {
        "file": str(out), "bank": opened.name, "tasks": list(tasks), "images": [str(path) for path in paths],
        "shape": list(found.shape), "runtime": encoder.runtime.name, "device": encoder.device,
    }  # fmt: skip


def predict_photos(
    paths: Sequence[Path], tasks: str, out: Path, bank: str, *, hfov_deg: float, seed: int
) -> list[dict[str, Any]]:
    """Write pictures and arrays of predictions, after all of them were made; see `midlevel predict`.

    Returns:
        One row for each file pair, as JSON.

    Raises:
        UserError: If a photo, a task or the bank cannot be used, or the folder cannot be written to.
    """
    from perception.bank import Predictor

    opened = load_bank(bank)
    names = opened.feature_set(tasks)
    side_px = opened.card(names[0]).preprocessing.side_px
    labels = _labels(paths)
    photos = [squares([read_photo(path)], side_px)[0] for path in paths]
    files: dict[str, bytes] = {}
    rows: list[dict[str, Any]] = []
    drawn: dict[tuple[str, str], Tile] = {}
    for task in names:
        checkpoint = opened.checkpoint(task)
        prediction = Predictor(checkpoint).predict(photos, seed=seed)
        views = checkpoint.card.views
        for index in range(len(prediction)):
            label = "+".join(labels[index * views : (index + 1) * views])
            tile = Tile(prediction.picture(index, hfov_deg=hfov_deg), prediction.caption(index))
            stem = f"{label}_{task}"
            files |= {f"{stem}.png": png(tile.picture), f"{stem}.npy": _npy(np.asarray(prediction.values[index]))}
            drawn[labels[index * views], task] = tile
            rows.append(
                {
                    "photo": label,
                    "task": task,
                    "caption": tile.caption,
                    "picture": f"{stem}.png",
                    "array": f"{stem}.npy",
                }
            )
    files["sheet.png"] = png(_sheet(dict(zip(labels, photos, strict=True)), names, drawn))
    for name, content in files.items():
        write_atomically(out / name, content)
    return rows


def _labels(paths: Sequence[Path]) -> list[str]:
    """The photos' names without their endings, numbered where two are the same."""
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    return [f"{number}-{stem}" for number, stem in enumerate(stems, start=1)]


def _npy(values: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _sheet(photos: Mapping[str, Pixels], tasks: Sequence[str], drawn: Mapping[tuple[str, str], Tile]) -> Any:
    """Each photo, from a new row on, before its predictions; those of a group of views stand by the first."""
    blank = Tile(np.full((1, 1, 3), 255, np.uint8), "")
    columns = min(_COLUMNS, len(tasks) + 1)
    tiles: list[Tile] = []
    for label, photo in photos.items():
        own = [Tile(photo, label), *(drawn.get((label, task), blank) for task in tasks)]
        tiles += [*own, *[blank] * (-len(own) % columns)]
    return sheet(tiles, columns)
