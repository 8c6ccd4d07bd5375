"""Buildings as GLB files: ours with rooms and lights, anyone's with node names as categories."""

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sim.building import MOST_TRIANGLES, NOTHING, Building, Instance, Light, Material, Room
from sim.errors import SimulatorError
from sim.files import replacing

Up = Literal["auto", "y", "z"]

_EXTRAS = "midlevel_building"
_LARGEST_FILE_MIB = 2048
_ROOM_HEIGHT_M = 1.8
_UNREADABLE = {
    "KHR_draco_mesh_compression": "Draco-compressed meshes",
    "EXT_meshopt_compression": "meshopt-compressed meshes",
    "KHR_texture_basisu": "Basis-compressed textures",
}


def write_glb(building: Building, path: Path) -> None:
    """Write a building as binary glTF 2.0, Y up: one node for each thing and material, rooms and lights in `extras`.

    Args:
        building: Any.
        path: Of the file; replaced as a whole or left as it was.

    Raises:
        SimulatorError: If it cannot be written.
    """
    import trimesh

    scene = trimesh.Scene()
    materials = [_to_pbr(material, index) for index, material in enumerate(building.materials)]
    for instance_id, material_id, chosen in _groups(building):
        vertices, triangles = np.unique(building.triangles[chosen], return_inverse=True)
        uvs = building.uvs[vertices] * [1, -1] + [0, 1]  # trimesh counts v from the bottom
        name = f"{building.instances[instance_id].name}#{material_id}"
        mesh = trimesh.Trimesh(
            building.vertices[vertices],
            triangles.reshape(-1, 3),
            vertex_normals=building.normals[vertices],
            visual=trimesh.visual.TextureVisuals(uv=uvs, material=materials[material_id]),
            process=False,
        )
        scene.add_geometry(mesh, node_name=name, geom_name=name)
    scene.metadata[_EXTRAS] = json.dumps(_extras(building))
    data = trimesh.exchange.gltf.export_glb(scene, include_normals=True)
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(data)


def read_glb(path: Path, up: Up = "auto") -> Building:
    """Read binary glTF as a building.

    A file that `write_glb` wrote gives the same building again. In any other, every node with a mesh is a thing whose
    category is the node's name without its number, and textures are shown as they are, unlit.

    Args:
        path: Of the file.
        up: The axis that points up. glTF says Y, but scans are often Z-up: "auto" takes Y and refuses a file that
            looks Z-up.

    Raises:
        SimulatorError: If the file is missing, no GLB, broken, uses compression that cannot be read, has no triangles,
            too many, or ones that are not finite, or looks Z-up while `up` is "auto".
    """
    path = Path(path)
    document = _document(path)
    _check_document(path, document)
    scene = _load(path)
    try:
        extras = json.loads(scene.metadata[_EXTRAS]) if _EXTRAS in scene.metadata else None
        building = _joined(path.stem, scene)
        building = building if extras is None else _with_extras(building, extras)
    except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
        raise SimulatorError(f"{path} has broken building data ({error!r}); write it again.") from error
    if up == "z":
        return _turned_upright(building)
    if up == "auto" and extras is None and _looks_z_up(building):
        height, depth = (building.bounds[1] - building.bounds[0])[1:]
        raise SimulatorError(
            f"{path} looks Z-up: it is {height:.1f} m along Y and {depth:.1f} m along Z, with its floors across Z; "
            "say up='z', or up='y' to keep it as it is."
        )
    return building


def _groups(building: Building) -> list[tuple[int, int, NDArray[np.intp]]]:
    """Triangles by instance and material."""
    keys = building.triangle_instance.astype(np.int64) * len(building.materials) + building.triangle_material
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    return [
        (int(key) // len(building.materials), int(key) % len(building.materials), chosen)
        for key, chosen in zip(found, np.split(order, starts[1:]), strict=True)
    ]


def _to_pbr(material: Material, index: int) -> Any:
    from PIL import Image
    from trimesh.visual.material import PBRMaterial

    return PBRMaterial(
        name=str(index),
        baseColorFactor=[*material.base_color, 1.0],
        baseColorTexture=None if material.texture is None else Image.fromarray(material.texture),
        metallicFactor=material.metallic,
        roughnessFactor=material.roughness,
        emissiveFactor=list(np.clip(material.emission, 0, 1)),
    )


def _extras(building: Building) -> dict[str, Any]:
    return {
        "name": building.name,
        "ambient": building.ambient,
        "rooms": [vars(room) for room in building.rooms],
        "lights": [vars(light) for light in building.lights],
        "instances": {i.name: [i.category, i.room] for i in building.instances[1:]},
        "materials": [{"name": m.name, "base_color": m.base_color, "emission": m.emission} for m in building.materials],
    }


def _with_extras(building: Building, extras: Mapping[str, Any]) -> Building:
    """Put back what glTF has no place for."""
    instances: list[Instance] = [NOTHING, *(Instance(n, c, r) for n, (c, r) in extras["instances"].items())]
    index = {instance.name: i for i, instance in enumerate(instances)}
    order = np.array([0, *(index[instance.name.rpartition("#")[0]] for instance in building.instances[1:])])
    materials = []
    for material in building.materials:
        kept = extras["materials"][int(material.name)]
        materials.append(
            replace(
                material,
                name=kept["name"],
                base_color=tuple(kept["base_color"]),
                emission=tuple(kept["emission"]),
            )
        )
    return replace(
        building,
        name=extras["name"],
        triangle_instance=order[building.triangle_instance].astype(np.int32),
        instances=tuple(instances),
        materials=tuple(materials),
        rooms=tuple(Room(r["name"], r["kind"], tuple(r["lower"]), tuple(r["upper"])) for r in extras["rooms"]),
        lights=tuple(
            Light(
                tuple(light["position"]),
                tuple(light["intensity"]),
                None if light["direction"] is None else tuple(light["direction"]),
                light["radius_m"],
                light["room"],
            )
            for light in extras["lights"]
        ),
        ambient=tuple(extras["ambient"]),
    )


def _document(path: Path) -> dict[str, Any]:
    """The JSON chunk of a GLB."""
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE_MIB << 20:
            raise SimulatorError(f"{path} is {size >> 20} MiB; at most {_LARGEST_FILE_MIB} MiB are read.")
        with path.open("rb") as file:
            header = file.read(20)
            if len(header) < 20 or header[:4] != b"glTF":
                raise SimulatorError(f"{path} is no GLB: it does not start with 'glTF'; export binary glTF 2.0.")
            version, length, json_length = struct.unpack("<4xIII4x", header)
            if version != 2 or length != size:
                raise SimulatorError(
                    f"{path} is glTF {version} of {length:,} bytes in a file of {size:,}; "
                    "expected glTF 2, whole: was it copied to the end?"
                )
            document = json.loads(file.read(json_length))
    except OSError as error:
        raise SimulatorError(f"cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        if isinstance(error, SimulatorError):
            raise
        raise SimulatorError(f"{path} is no GLB: its description is broken; export it again.") from error
    return dict(document)


def _check_document(path: Path, document: Mapping[str, Any]) -> None:
    for extension in document.get("extensionsRequired", []):
        if extension in _UNREADABLE:
            raise SimulatorError(
                f"{path} uses {_UNREADABLE[extension]} ({extension}), which cannot be read; export it without."
            )
    accessors = document.get("accessors", [])
    try:
        count = sum(
            accessors[primitive["indices"] if "indices" in primitive else primitive["attributes"]["POSITION"]]["count"]
            for mesh in document.get("meshes", [])
            for primitive in mesh["primitives"]
            if primitive.get("mode", 4) == 4
        )
    except (KeyError, IndexError, TypeError) as error:
        raise SimulatorError(f"{path} is broken: a mesh names data that is not there; export it again.") from error
    if count == 0:
        raise SimulatorError(f"{path} has no triangles; a building needs some.")
    if count > 3 * MOST_TRIANGLES:
        raise SimulatorError(f"{path} has {count // 3:,} triangles; at most {MOST_TRIANGLES:,} are read: simplify it.")


def _load(path: Path) -> Any:
    import trimesh

    try:
        return trimesh.load_scene(path, file_type="glb", process=False)
    except Exception as error:  # whatever a broken file makes of a parser
        raise SimulatorError(f"{path} cannot be read as GLB ({type(error).__name__}: {error}).") from error


def _joined(name: str, scene: Any) -> Building:
    instances, materials = [NOTHING], list[Material]()
    material_index: dict[tuple[int, bool], int] = {}
    textures: dict[tuple[bytes, tuple[int, ...]], NDArray[np.uint8]] = {}
    arrays: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], int, int]] = []
    for node in scene.graph.nodes_geometry:
        transform, geometry_name = scene.graph[node]
        mesh = scene.geometry[geometry_name]
        if not hasattr(mesh, "faces") or len(mesh.faces) == 0:
            continue
        instances.append(Instance(str(node), _category(str(node))))
        material, uvs, triangles = _appearance(mesh, len(materials))
        owner = getattr(mesh.visual, "material", None)
        key = (id(mesh if owner is None else owner), material.texture is None)
        if key not in material_index:
            material_index[key] = len(materials)
            materials.append(_sharing(material, textures))
        vertices, normals = _placed(mesh, transform, triangles)
        if np.linalg.det(transform[:3, :3]) < 0:
            triangles = triangles[:, ::-1]
        arrays.append((vertices, normals, uvs, triangles, len(instances) - 1, material_index[key]))
    if not arrays:
        raise SimulatorError(f"{name}.glb has no triangles; a building needs some.")
    starts = np.cumsum([0, *(len(a[0]) for a in arrays)])
    lengths = [len(a[3]) for a in arrays]
    return Building(
        name=name,
        vertices=np.concatenate([a[0] for a in arrays]).astype(np.float32),
        normals=np.concatenate([a[1] for a in arrays]).astype(np.float32),
        uvs=np.concatenate([a[2] for a in arrays]).astype(np.float32),
        triangles=np.concatenate([a[3] + s for a, s in zip(arrays, starts, strict=False)]).astype(np.int32),
        triangle_instance=np.repeat([a[4] for a in arrays], lengths).astype(np.int32),
        triangle_material=np.repeat([a[5] for a in arrays], lengths).astype(np.int32),
        instances=tuple(instances),
        materials=tuple(materials),
    )


def _sharing(material: Material, textures: dict[tuple[bytes, tuple[int, ...]], NDArray[np.uint8]]) -> Material:
    """The material with one array for every picture, however often the file repeats it."""
    texture = material.texture
    if texture is None:
        return material
    key = (hashlib.sha256(texture.tobytes()).digest(), texture.shape)
    return replace(material, texture=textures.setdefault(key, texture))


def _category(node: str) -> str:
    """What a node shows: `Chair.003`, `chair_3` and `chair 3` are chairs."""
    return re.sub(r"([#._\-\s]*\d+)+$", "", node).strip().lower() or "unnamed"


def _placed(mesh: Any, transform: NDArray[Any], triangles: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """World vertices and unit normals, flat where the file has none."""
    used = np.arange(len(mesh.vertices)) if triangles is mesh.faces else mesh.faces.ravel()
    vertices = np.asarray(mesh.vertices, dtype=np.float64)[used] @ transform[:3, :3].T + transform[:3, 3]
    normals = np.asarray(mesh.vertex_normals)[used] @ np.linalg.inv(transform[:3, :3])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return vertices, np.divide(normals, length, out=np.tile([0.0, 1.0, 0.0], (len(normals), 1)), where=length > 1e-12)


def _appearance(mesh: Any, number: int) -> tuple[Material, NDArray[Any], NDArray[Any]]:
    """Material, uvs and triangles of a mesh; where only its vertices are coloured, every triangle gets a texel."""
    visual = mesh.visual
    pbr = getattr(visual, "material", None)
    uv = getattr(visual, "uv", None)
    if pbr is not None:
        pbr = pbr.to_pbr() if hasattr(pbr, "to_pbr") else pbr
        image = getattr(pbr, "baseColorTexture", None)
        material = Material(
            name=str(pbr.name or number),
            base_color=_factor(pbr.baseColorFactor, 1.0),
            texture=None if image is None or uv is None else np.asarray(image.convert("RGB")),
            emission=_factor(pbr.emissiveFactor, 0.0),
            roughness=1.0 if pbr.roughnessFactor is None else float(pbr.roughnessFactor),
            metallic=0.0 if pbr.metallicFactor is None else float(pbr.metallicFactor),
        )
        uvs = np.zeros((len(mesh.vertices), 2)) if uv is None else np.asarray(uv) * [1, -1] + [0, 1]
        return material, uvs, mesh.faces
    colors = getattr(visual, "vertex_colors", None) if visual.kind == "vertex" else None
    if colors is None:
        return Material(str(number), base_color=(0.6, 0.6, 0.6)), np.zeros((len(mesh.vertices), 2)), mesh.faces
    count = len(mesh.faces)
    side = 1 << int(np.ceil(np.log2(np.sqrt(count))))
    texture = np.zeros((side * side, 3), np.uint8)
    texture[:count] = np.asarray(colors)[mesh.faces][..., :3].mean(axis=1)
    index = np.repeat(np.arange(count), 3)
    uvs = (np.stack([index % side, index // side], axis=1) + 0.5) / side
    return Material(str(number), texture=texture.reshape(side, side, 3)), uvs, np.arange(3 * count).reshape(-1, 3)


def _factor(values: Any, default: float) -> tuple[float, float, float]:
    """A colour factor: trimesh gives base colours as bytes, others as numbers."""
    if values is None:
        return (default, default, default)
    array = np.asarray(values)
    scaled = array / 255 if array.dtype == np.uint8 else array
    red, green, blue = (float(value) for value in scaled[:3])
    return (red, green, blue)


def _looks_z_up(building: Building) -> bool:
    """Whether far more surface lies across Z than across Y, in something room-high along Z and longer along Y."""
    points = building.vertices[building.triangles]
    across = np.abs(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]))
    length = np.linalg.norm(across, axis=1, keepdims=True)
    area = np.where(across > 0.99 * length, across, 0).sum(axis=0)
    extent = building.bounds[1] - building.bounds[0]
    return bool(area[2] > 1.5 * area[1] and extent[1] > 1.5 * extent[2] and extent[2] > _ROOM_HEIGHT_M)


def _turned_upright(building: Building) -> Building:
    """Z up to Y up: x stays, y becomes z, -z becomes y's place."""
    turn = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=np.float32)
    return replace(
        building,
        vertices=np.ascontiguousarray(building.vertices @ turn.T),
        normals=np.ascontiguousarray(building.normals @ turn.T),
    )
