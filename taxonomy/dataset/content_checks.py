"""What a file of a dataset must hold, apart from being the bytes that were written."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from taxonomy.dataset import published, store
from taxonomy.dataset.files import load_array
from taxonomy.dataset.manifest import Manifest
from taxonomy.dataset.published_files import read_array
from taxonomy.dataset.quantisation import Quantisation
from taxonomy.dataset.store import named_classes
from taxonomy.dataset.views import ARRAYS

_CAMERA_NUMBERS = ("camera_location", "camera_rotation_final_quaternion", "point_location", "field_of_view_rads")


def fault_in_codes(codes: NDArray[np.generic], stored: Quantisation, class_count: int | None) -> str | None:
    """What is wrong with codes of one domain; None if nothing is."""
    if codes.dtype != stored.dtype:
        return f"holds {codes.dtype}, expected {stored.dtype}"
    if stored.is_float:
        return "holds infinite values" if np.isinf(codes).any() else None
    highest = stored.highest if class_count is None else class_count - 1
    numbers = codes.astype(np.int64)
    bad = (numbers < stored.lowest) | (numbers > highest)
    if stored.invalid is not None:
        bad &= numbers != stored.invalid
    if bad.any():
        return f"holds {numbers[bad].max()}, outside the range {stored.lowest} to {highest}"
    return None


def fault_in_store_file(path: Path, manifest: Manifest, views: int) -> str | None:
    """What is wrong with one file of the compact layout."""
    name = path.stem
    codes = load_array(path)
    size = manifest.spec.size
    stored = manifest.quantisation.get(name)
    if stored is None:
        return _fault_in_table(name, codes, views)
    shape = (views, *stored.array_shape(size, size))
    if codes.shape != shape:
        return f"has shape {list(codes.shape)}, expected {list(shape)}"
    return fault_in_codes(codes, stored, _class_count(manifest, name))


def _fault_in_table(name: str, values: NDArray[np.generic], views: int) -> str | None:
    if name not in ARRAYS:
        return "belongs to no domain of the manifest"
    dtype, row = ARRAYS[name]
    if values.dtype != dtype:
        return f"holds {values.dtype}, expected {dtype}"
    if values.shape[1:] != row or (name.startswith("camera_") and len(values) != views):
        return f"has shape {list(values.shape)}, expected {[views, *row]}"
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return "holds values that are not finite"
    limit = 2 if name == "group_matching" else views
    if name.startswith("group_") and values.size and not (values.min() >= 0 and values.max() < limit):
        return f"holds {values.min()} to {values.max()}, expected 0 to {limit - 1}"
    return None


def fault_in_published_file(path: Path, manifest: Manifest, views: int) -> str | None:
    """What is wrong with one file of the published layout."""
    if path.name == published.GROUPS:
        return _fault_in_groups(path, views)
    match = published.FILE_NAME.fullmatch(path.name)
    if match is None:
        return "is not named as the layout says"
    folder = match.group(3)
    if folder != path.parent.name:
        return f"is named {folder}, but lies in {path.parent.name}"
    if folder == published.CAMERAS:
        return _fault_in_camera(path)
    names = {published.folder_of(name): name for name in manifest.quantisation}
    if folder not in names:
        return "belongs to no domain of the manifest"
    stored = manifest.quantisation[names[folder]]
    codes = read_array(path, stored)
    shape = stored.array_shape(manifest.spec.size, manifest.spec.size)
    if codes.shape != shape:
        return f"has shape {list(codes.shape)}, expected {list(shape)}"
    return fault_in_codes(codes, stored, _class_count(manifest, names[folder]))


def _fault_in_camera(path: Path) -> str | None:
    document = _object(path)
    for name in _CAMERA_NUMBERS:
        values = np.atleast_1d(np.array(document.get(name, np.nan), dtype=object)).tolist()
        if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in values):
            return f"has no finite {name}"
    return None


def _fault_in_groups(path: Path, views: int) -> str | None:
    document = _object(path)
    for name, (_, row) in ARRAYS.items():
        if not name.startswith("group_"):
            continue
        try:
            rows = np.array(document[name.removeprefix("group_")], dtype=np.int32).reshape(-1, *row)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            return f"is malformed: {type(error).__name__}: {error}"
        reason = _fault_in_table(name, rows, views)
        if reason:
            return f"{name.removeprefix('group_')} {reason}"
    return None


def _object(path: Path) -> Mapping[str, object]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no JSON object")
    return document


def _class_count(manifest: Manifest, name: str) -> int | None:
    names = named_classes(manifest.classes).get(name)
    return None if names is None else len(names)


FAULTS: Mapping[str, Callable[[Path, Manifest, int], str | None]] = {
    store.LAYOUT: fault_in_store_file,
    published.LAYOUT: fault_in_published_file,
}
"""What looks at a file, by layout."""
