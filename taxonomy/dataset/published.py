"""The published on-disk layout: names of files, and how each domain is put into one.

`<building>/<domain>/point_<P>_view_<V>_domain_<domain>.png`: depth in 1/512 m as 16-bit PNG with 65535 where missing,
normals and curvature centred on 127, class vectors as .npy, cameras as .json. Cameras have Z up there, as in the
published files: (x, y, z) here is (x, -z, y) there, and the camera frame is the same.
"""

import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.tasks import TASKS
from taxonomy.dataset.files import FolderWriter
from taxonomy.dataset.manifest import Manifest
from taxonomy.dataset.quantisation import Quantisation
from taxonomy.dataset.shard import Shard
from taxonomy.dataset.store import named_classes
from taxonomy.dataset.views import GroupTable, ViewTable

LAYOUT = "published"
CAMERAS = "point_info"
"""Domain of the camera's metadata."""

GROUPS = "groups.json"

FILE_NAME = re.compile(r"point_(\d+)_view_(\d+)_domain_(\w+)\.(png|npy|json)")

_FOLDER_OF_TASK = {"curvature": "principal_curvature"}
_DOMAINS = {
    "rgb": "rgb",
    **{name: task.name for task in TASKS.values() for name in (task.name, *task.aliases)},
    # as in the sample building and in Omnidata's folders
    "depth": "depth_zbuffer",
    "mist": "depth_euclidean",
    "edge": "edge_occlusion",
    "keypoint": "keypoints3d",
    "places": "class_scene",
    "softmax1000": "class_object",
    "point_info": CAMERAS,
    "points": CAMERAS,
    "fixatedpose": CAMERAS,
}

Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Takes vectors from Y up, as here, to Z up, as in the published files."""


def folder_of(task: str) -> str:
    """Name of a task's folder, which is also its domain."""
    return _FOLDER_OF_TASK.get(task, task)


def domain_named(name: str) -> str | None:
    """Canonical domain of a name found in a file's name; None for one that holds no label."""
    return _DOMAINS.get(name)


def file_name(point: int, view: int, domain: str, suffix: str) -> str:
    """Path of a file below its building's folder."""
    return f"{domain}/point_{point}_view_{view}_domain_{domain}.{suffix}"


def write_shard(root: Path, shard: Shard, manifest: Manifest) -> str:
    """Write one building.

    Args:
        root: The dataset's folder.
        shard: The building.
        manifest: Says how each domain is quantised.

    Returns:
        SHA-256 of its index.

    Raises:
        UserError: If the folder cannot be written; nothing is left then.
    """
    class_counts = {task: len(names) for task, names in named_classes(manifest.classes).items()}
    quantised = {name: shard.codes_in(name, stored) for name, stored in manifest.quantisation.items()}
    with FolderWriter(root / shard.building) as writer:
        writer.write(GROUPS, _json({f.name: getattr(shard.groups, f.name).tolist() for f in fields(GroupTable)}))
        for index in range(len(shard.views)):
            point, view = int(shard.views.point[index]), int(shard.views.view[index])
            metadata = camera_document(shard.views, index, shard.size)
            for name, published in manifest.quantisation.items():
                codes = quantised[name][index]
                if is_in_metadata(published):
                    metadata[name] = None if np.isnan(codes).any() else [float(value) for value in codes]
                    continue
                suffix, content = _encoded(codes, published, class_counts.get(name))
                writer.write(file_name(point, view, folder_of(name), suffix), content)
            writer.write(file_name(point, view, CAMERAS, "json"), _json(metadata))
        return writer.finish(shard.facts())


def camera_document(views: ViewTable, index: int, size: int) -> dict[str, object]:
    """A view's metadata, under the names that the published files use.

    Args:
        views: The cameras of a building.
        index: Which of them.
        size: Pixels a side.
    """
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_matrix(Z_UP @ views.rotation[index])
    x, y, z, w = turn.as_quat(canonical=True).tolist()
    hfov_rad = math.radians(float(views.hfov_deg[index]))
    return {
        "point_uuid": str(int(views.point[index])),
        "view_id": int(views.view[index]),
        "camera_location": (Z_UP @ views.position[index]).tolist(),
        "camera_rotation_final": turn.as_euler("xyz").tolist(),
        "camera_rotation_final_quaternion": [w, x, y, z],
        "field_of_view_rads": hfov_rad,
        "resolution": size,
        "point_location": (Z_UP @ views.target[index]).tolist(),
        "camera_distance": float(views.distance_m[index]),
        "room": int(views.room[index]),
        "row": index,
    }


def is_in_metadata(stored: Quantisation) -> bool:
    """Whether a label is a vector, which the camera's JSON carries."""
    return stored.is_float and not stored.per_pixel


def suffix_of(stored: Quantisation) -> str:
    """How the files of a domain end: integers per pixel in up to three channels are pictures, all else arrays."""
    fits = stored.per_pixel and (
        (stored.dtype == "uint8" and stored.shape[2:] in ((), (2,), (3,)))
        or (stored.dtype == "uint16" and not stored.shape[2:])
    )
    return "png" if fits else "npy"


def _encoded(codes: NDArray[np.generic], stored: Quantisation, class_count: int | None) -> tuple[str, bytes]:
    suffix = suffix_of(stored)
    buffer = io.BytesIO()
    if suffix == "npy":
        np.save(buffer, codes if class_count is None else _one_hot(codes, class_count), allow_pickle=False)
        return suffix, buffer.getvalue()
    from PIL import Image

    if stored.shape[2:] == (2,):  # the third channel is empty, as in the published curvatures
        codes = np.concatenate([codes, np.zeros((*codes.shape[:2], 1), codes.dtype)], axis=-1)
    Image.fromarray(np.ascontiguousarray(codes)).save(buffer, "PNG", compress_level=4)
    return suffix, buffer.getvalue()


def _one_hot(codes: NDArray[np.generic], count: int) -> NDArray[np.float32]:
    """Scores of each class, as the published files have them: 1 for the one, all 0 where there is none."""
    scores = np.zeros(count + 1, np.float32)
    scores[min(int(codes), count)] = 1
    return scores[:count]


def _json(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, allow_nan=False) + "\n").encode()
