"""Buildings as a Habitat scene dataset.

A dataset is a folder with `NAME.scene_dataset_config.json`, a stage for each building (GLB, semantic GLB, its text
file, a stage config) and a scene instance that puts the stage into a scene; the format is habitat-sim's.
"""

import json
import os
import shutil
import struct
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.building import Building, Material
from sim.errors import SimulatorError
from sim.scene_files import DATASET_SUFFIX, INSTANCE_SUFFIX, STAGE_SUFFIX

MOST_INSTANCES = 65_535
"""habitat-sim keeps semantic ids in 16 bits."""


def export_habitat(buildings: Building | Sequence[Building], folder: Path, *, name: str = "buildings") -> Path:
    """Write buildings as one Habitat scene dataset; the folder appears whole or not at all.

    The stages are made for how habitat-sim draws them: what can be seen from behind is there twice, as only fronts are
    drawn, and colours hold for drawing without light. `sim.glb.write_glb` writes a building for other programs.

    Args:
        buildings: At least one; their names differ.
        folder: Where to; must not exist, or be empty.
        name: Of the dataset.

    Returns:
        The scene dataset config.

    Raises:
        SimulatorError: If the folder is not empty or cannot be written, names clash, or a building has more instances
            than habitat-sim can tell apart.
    """
    buildings = (buildings,) if isinstance(buildings, Building) else tuple(buildings)
    stems = [_check_name(building) for building in buildings]
    if not buildings or len(set(stems)) < len(stems):
        raise SimulatorError(f"a scene dataset needs buildings of different names, not {stems}; rename them.")
    try:
        folder = folder.resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SimulatorError(f"{folder} is there already and not empty; name a new folder.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            _write_dataset(buildings, temporary, name)
            temporary.chmod(0o777 & ~_umask())
            temporary.replace(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    except OSError as error:
        raise SimulatorError(f"cannot write {folder}: {error.strerror}.") from error
    return folder / f"{name}{DATASET_SUFFIX}"


def two_sided(building: Building) -> Building:
    """The building with every open surface doubled, so that it can be seen from both sides.

    A thing whose surface is closed (each edge is shared by two triangles that turn alike) shows no backs and is left.
    """
    backs = ~_closed_instances(building)[building.triangle_instance]
    front = building.triangles[backs]
    used, inverse = np.unique(front, return_inverse=True)
    flipped = (len(building.vertices) + inverse.reshape(-1, 3)[:, ::-1]).astype(np.int32)
    return replace(
        building,
        vertices=np.concatenate([building.vertices, building.vertices[used]]),
        normals=np.concatenate([building.normals, -building.normals[used]]),
        uvs=np.concatenate([building.uvs, building.uvs[used]]),
        triangles=np.concatenate([building.triangles, flipped]),
        triangle_instance=np.concatenate([building.triangle_instance, building.triangle_instance[backs]]),
        triangle_material=np.concatenate([building.triangle_material, building.triangle_material[backs]]),
    )


def _closed_instances(building: Building) -> NDArray[np.bool_]:
    """Whose every directed edge is met by its reverse as often, bool [I]; vertices count as one within 10 um."""
    _, point = np.unique(np.round(building.vertices * 1e5).astype(np.int64), axis=0, return_inverse=True)
    corners = point.reshape(-1)[building.triangles]
    starts, ends = corners.ravel(), np.roll(corners, -1, axis=1).ravel()
    owners = np.repeat(building.triangle_instance, 3)
    lower, upper = np.minimum(starts, ends), np.maximum(starts, ends)
    order = np.lexsort((upper, lower, owners))
    keys = np.stack([owners, lower, upper], axis=1)[order]
    first = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)])
    balance = np.add.reduceat(np.sign(ends - starts)[order], first)
    closed = np.ones(len(building.instances), dtype=bool)
    closed[keys[first[balance != 0], 0]] = False
    return closed


def _write_dataset(buildings: tuple[Building, ...], folder: Path, name: str) -> None:
    stages, scenes = folder / "stages", folder / "scenes"
    stages.mkdir()
    scenes.mkdir()
    for building in buildings:
        _write_stage(building, stages)
        # lights are left out: with them habitat-sim shades without shadows, several times slower
        instance = {
            "stage_instance": {"template_name": building.name},
            "default_lighting": "no_lights",
            "semantic_scene_instance": f"{building.name}_semantics",
        }
        write_json(scenes / f"{building.name}{INSTANCE_SUFFIX}", instance)
    config = {
        "stages": {"paths": {".json": ["stages"]}},
        "scene_instances": {"paths": {".json": ["scenes"]}},
        "semantic_scene_descriptor_instances": {
            f"{building.name}_semantics": f"stages/{building.name}.semantic.txt" for building in buildings
        },
    }
    write_json(folder / f"{name}{DATASET_SUFFIX}", config)


def _write_stage(building: Building, folder: Path) -> None:
    from sim.glb import write_glb

    name, doubled = building.name, two_sided(building)
    colors = instance_colors(len(building.instances))
    shown = replace(doubled, materials=tuple(_as_shown(material) for material in building.materials))
    write_glb(shown, folder / f"{name}.glb")
    (folder / f"{name}.semantic.glb").write_bytes(_colored_glb(doubled, colors.linear))
    (folder / f"{name}.semantic.txt").write_text(_descriptor(building, colors.srgb), encoding="utf-8")
    stage = {
        "render_asset": f"{name}.glb",
        "up": [0, 1, 0],
        "front": [0, 0, -1],
        "origin": [0, 0, 0],
        "force_flat_shading": True,
        "semantic_asset": f"{name}.semantic.glb",
        "semantic_up": [0, 1, 0],
        "semantic_front": [0, 0, -1],
        "has_semantic_textures": False,
        "semantic_descriptor_filename": f"{name}.semantic.txt",
    }
    write_json(folder / f"{name}{STAGE_SUFFIX}", stage)


def _as_shown(material: Material) -> Material:
    """What gives the material's own colour where it is drawn unlit, as bytes of colour times bytes of texture."""
    shines = np.clip(np.add(material.base_color, material.emission), 0, 1)
    red, green, blue = (float(value) for value in _srgb(shines))
    return replace(material, base_color=(red, green, blue), emission=(0.0, 0.0, 0.0))


@dataclass(frozen=True, eq=False)
class InstanceColors:
    """One colour for each instance id: uint8 [I, 3], as stored in the mesh and as listed in the descriptor."""

    linear: NDArray[np.uint8]
    srgb: NDArray[np.uint8]


def instance_colors(count: int) -> InstanceColors:
    """Colours that stay apart when habitat-sim turns the mesh's linear bytes into sRGB bytes.

    Each channel takes one of the linear levels whose sRGB value lies nearest to a whole number.

    Args:
        count: How many, at most MOST_INSTANCES.
    """
    encoded = 255 * _srgb(np.arange(256) / 255.0)
    error = np.abs(encoded - np.round(encoded))
    _, group = np.unique(np.round(encoded), return_inverse=True)
    best = np.array([np.flatnonzero(group == g)[np.argmin(error[group == g])] for g in range(group.max() + 1)])
    steady = best[error[best] < 0.3]
    digits = np.arange(count)[:, None] // (len(steady) ** np.arange(3)) % len(steady)
    linear = steady[digits].astype(np.uint8)
    return InstanceColors(linear, np.round(encoded)[linear].astype(np.uint8))


def _srgb(linear: NDArray[np.floating]) -> NDArray[np.float64]:
    """From linear to sRGB, both in [0, 1] (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)


def _colored_glb(building: Building, colors: NDArray[np.uint8]) -> bytes:
    """A GLB of all triangles whose vertices have the colours [I, 3] of their instances."""
    instance = np.repeat(building.triangle_instance, 3).astype(np.int64)
    keys, corners = np.unique(
        building.triangles.ravel() * np.int64(len(colors)) + instance, return_inverse=True
    )  # a vertex that two instances share becomes two
    vertices = building.vertices[keys // len(colors)]
    return colored_glb(vertices, corners.reshape(-1, 3), colors[keys % len(colors)])


def colored_glb(vertices: NDArray[np.floating], triangles: NDArray[np.integer], colors: NDArray[np.uint8]) -> bytes:
    """A GLB (glTF 2.0) with one unlit mesh of coloured vertices and nothing else.

    Args:
        vertices: [V, 3], metres.
        triangles: [T, 3].
        colors: uint8 [V, 3], stored as they are (glTF reads them as linear).
    """
    points = np.ascontiguousarray(vertices, dtype="<f4")
    opaque = np.concatenate([colors, np.full((len(colors), 1), 255, np.uint8)], axis=1)
    chunks = [points.tobytes(), opaque.tobytes(), np.ascontiguousarray(triangles, dtype="<u4").tobytes()]
    starts = np.cumsum([0, *(len(chunk) for chunk in chunks)]).tolist()
    vertex = {"count": len(points)}
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "extensionsUsed": ["KHR_materials_unlit"],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0.0}, "extensions": {"KHR_materials_unlit": {}}}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "COLOR_0": 1}, "indices": 2, "material": 0}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "type": "VEC3", **vertex}
            | {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()},
            {"bufferView": 1, "componentType": 5121, "type": "VEC4", "normalized": True, **vertex},
            {"bufferView": 2, "componentType": 5125, "type": "SCALAR", "count": triangles.size},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": start, "byteLength": len(chunk)}
            for start, chunk in zip(starts, chunks, strict=False)
        ],
        "buffers": [{"byteLength": starts[-1]}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    header = struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + starts[-1])
    return b"".join(
        [header, struct.pack("<I4s", len(text), b"JSON"), text, struct.pack("<I4s", starts[-1], b"BIN\0"), *chunks]
    )


def _descriptor(building: Building, colors: NDArray[np.uint8]) -> str:
    """habitat-sim's reading of HM3D's text format: id, colour, "category", region."""
    lines = ["HM3D Semantic Annotations"]
    for index, (instance, color) in enumerate(zip(building.instances[1:], colors[1:], strict=True), start=1):
        category = " ".join(instance.category.replace('"', "'").split()) or "unknown"
        lines.append(f'{index},{bytes(color).hex().upper()},"{category}",{instance.room}')
    return "\n".join(lines) + "\n"


def _check_name(building: Building) -> str:
    name = building.name
    if not name or name.startswith(".") or not all(letter.isalnum() or letter in "_-." for letter in name):
        raise SimulatorError(f"building name {name!r} makes no file name; use letters, digits, '_', '-' and '.'.")
    if len(building.instances) > MOST_INSTANCES:
        raise SimulatorError(
            f"building {name!r} has {len(building.instances):,} instances; habitat-sim tells {MOST_INSTANCES:,} apart."
        )
    return name


def write_json(path: Path, content: object) -> None:
    """Write what a config file holds."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
