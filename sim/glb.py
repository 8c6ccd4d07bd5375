"""Buildings as GLB files: ours with rooms and lights, anyone's with node names as categories."""

import hashlib
import json
import re
import struct
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sim.building import MOST_TRIANGLES, NOTHING, Building, Instance, Light, Material, Room
from sim.errors import SimulatorError, unknown_name
from sim.files import replacing

Up = Literal["auto", "y", "z"]

_EXTRAS = "midlevel_building"
_LARGEST_FILE_MIB = 2048
_ROOM_HEIGHT_M = 1.8
_DEEPEST = 64
_FACES, _STRIP = 4, 5
_UNREADABLE = {
    "KHR_draco_mesh_compression": "Draco-compressed meshes",
    "EXT_meshopt_compression": "meshopt-compressed meshes",
    "KHR_texture_basisu": "Basis-compressed textures",
    "KHR_texture_transform": "moved or scaled textures",
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
            too many, or ones that are not finite, or looks Z-up while `up` is "auto"; if `up` is "z" for a file of
            ours, which is Y-up.
    """
    if up not in get_args(Up):
        raise unknown_name("up axis", up, get_args(Up))
    path = Path(path)
    document = _document(path)
    _check_document(path, document)
    scene = _load(path)
    building = _joined(path.stem, scene, {str(n.get("name", i)) for i, n in enumerate(document.get("nodes", []))})
    if _EXTRAS in scene.metadata:
        if up == "z":
            raise SimulatorError(f"{path} says of itself that it is Y-up; leave out up='z'.")
        try:
            return _with_extras(building, json.loads(scene.metadata[_EXTRAS]))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            reason = str(error).rstrip(".") if isinstance(error, SimulatorError) else repr(error)
            raise SimulatorError(f"{path} has broken building data ({reason}); write it again.") from error
    if up == "z":
        return _turned_upright(building)
    if up == "auto" and _looks_z_up(building):
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
    except SimulatorError:
        raise
    except (ValueError, RecursionError) as error:
        raise SimulatorError(f"{path} is no GLB: its description is broken; export it again.") from error
    if not isinstance(document, dict):
        raise SimulatorError(f"{path} is no GLB: its description is no JSON object; export it again.")
    return document


def _check_document(path: Path, document: Mapping[str, Any]) -> None:
    required = document.get("extensionsRequired") or []
    for extension in _UNREADABLE:
        if extension in required:
            raise SimulatorError(
                f"{path} uses {_UNREADABLE[extension]} ({extension}), which cannot be read; export it without."
            )
    accessors = document.get("accessors", [])
    try:
        count = sum(
            accessors[primitive["indices"] if "indices" in primitive else primitive["attributes"]["POSITION"]]["count"]
            for mesh in document.get("meshes", [])
            for primitive in mesh["primitives"]
            if primitive.get("mode", _FACES) in (_FACES, _STRIP)
        )
        depth = _depth(document.get("nodes", []))
    except (LookupError, TypeError, AttributeError) as error:
        raise SimulatorError(
            f"{path} is broken: a mesh or node names data that is not there; export it again."
        ) from error
    if depth > _DEEPEST:
        raise SimulatorError(f"{path} nests nodes more than {_DEEPEST} deep, or in a circle; flatten it.")
    if count == 0:
        raise SimulatorError(f"{path} has no triangles; a building needs some.")
    if count > 3 * MOST_TRIANGLES:
        raise SimulatorError(f"{path} has {count // 3:,} triangles; at most {MOST_TRIANGLES:,} are read: simplify it.")


def _depth(nodes: Sequence[Mapping[str, Any]]) -> int:
    """How many levels of nodes hang below each other, counted up to one more than are read."""
    level, depth = set(range(len(nodes))), 0
    while level and depth <= _DEEPEST:
        level = {child for index in level for child in nodes[index].get("children", [])}
        depth += 1
    return depth


def _load(path: Path) -> Any:
    import trimesh

    try:
        return trimesh.load_scene(path, file_type="glb", process=False)
    except Exception as error:  # whatever a broken file makes of a parser
        raise SimulatorError(f"{path} cannot be read as GLB ({type(error).__name__}: {error}).") from error


def _joined(name: str, scene: Any, node_names: Set[str]) -> Building:
    ids: dict[str, int] = {}
    materials: list[Material] = []
    material_index: dict[tuple[int, bool], int] = {}
    textures: dict[tuple[bytes, tuple[int, ...]], NDArray[np.uint8]] = {}
    arrays: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], int, int]] = []
    for node in scene.graph.nodes_geometry:
        transform, geometry_name = scene.graph[node]
        if not np.isfinite(transform).all():
            raise SimulatorError(f"{name}.glb: the place of node {str(node)!r} is not finite; repair the file.")
        mesh = scene.geometry[geometry_name]
        if not hasattr(mesh, "faces") or len(mesh.faces) == 0:
            continue
        if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
            raise SimulatorError(f"{name}.glb: triangles of node {str(node)!r} name vertices that are not there.")
        thing = _thing(str(node), scene, node_names)
        instance = ids.setdefault(thing, len(ids) + 1)
        material, uvs, triangles = _appearance(mesh, len(materials))
        owner = getattr(mesh.visual, "material", None) if triangles is mesh.faces else None
        key = (id(mesh if owner is None else owner), material.texture is None)
        if key not in material_index:
            material_index[key] = len(materials)
            materials.append(_sharing(material, textures))
        vertices, normals = _placed(mesh, transform, triangles)
        if np.linalg.det(transform[:3, :3]) < 0:
            triangles = triangles[:, ::-1]
        arrays.append((vertices, normals, uvs, triangles, instance, material_index[key]))
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
        instances=(NOTHING, *(Instance(thing, _category(thing)) for thing in ids)),
        materials=tuple(materials),
    )


def _sharing(material: Material, textures: dict[tuple[bytes, tuple[int, ...]], NDArray[np.uint8]]) -> Material:
    """The material with one array for every picture, however often the file repeats it."""
    texture = material.texture
    if texture is None:
        return material
    key = (hashlib.sha256(texture.tobytes()).digest(), texture.shape)
    return replace(material, texture=textures.setdefault(key, texture))


def _thing(node: str, scene: Any, node_names: Set[str]) -> str:
    """The node of the file that a mesh belongs to: trimesh makes one more for each material of a node, named by lot."""
    parent = str(scene.graph.transforms.parents.get(node))
    return parent if node not in node_names and re.fullmatch(re.escape(parent) + r"_\w{6}", node) else node


def _category(node: str) -> str:
    """What a node shows: `Chair.003`, `chair_3` and `chair 3` are chairs."""
    shown = re.sub(r"([#._\-\s]*\d+)+$", "", node).strip().lower()
    return shown if shown not in ("", NOTHING.category) else "unnamed"


def _placed(mesh: Any, transform: NDArray[Any], triangles: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """World vertices and unit normals, flat where the file has none."""
    used = np.arange(len(mesh.vertices)) if triangles is mesh.faces else mesh.faces.ravel()
    vertices = np.asarray(mesh.vertices, dtype=np.float64)[used] @ transform[:3, :3].T + transform[:3, 3]
    normals = np.asarray(mesh.vertex_normals)[used] @ _cofactors(transform[:3, :3]).T
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return vertices, np.divide(normals, length, out=np.tile([0.0, 1.0, 0.0], (len(normals), 1)), where=length > 1e-12)


def _cofactors(matrix: NDArray[Any]) -> NDArray[Any]:
    """What turns normals as a matrix [3, 3] turns surfaces, up to a positive factor, flattened ones too."""
    x, y, z = matrix
    cofactors = np.stack([np.cross(y, z), np.cross(z, x), np.cross(x, y)])
    return -cofactors if np.linalg.det(matrix) < 0 else cofactors


def _appearance(mesh: Any, number: int) -> tuple[Material, NDArray[Any], NDArray[Any]]:
    """Material, uvs and triangles of a mesh; where only its vertices are coloured, every triangle gets a texel."""
    visual = mesh.visual
    pbr = getattr(visual, "material", None)
    uv = getattr(visual, "uv", None)
    uvs = np.zeros((len(mesh.vertices), 2)) if uv is None else np.asarray(uv) * [1, -1] + [0, 1]
    if pbr is None:
        material = Material(str(number), base_color=(0.6, 0.6, 0.6))
        colors = getattr(visual, "vertex_colors", None) if visual.kind == "vertex" else None
        material = material if colors is None else Material(str(number))
    else:
        pbr = pbr.to_pbr() if hasattr(pbr, "to_pbr") else pbr
        image = getattr(pbr, "baseColorTexture", None)
        material = Material(
            name=str(pbr.name or number),
            base_color=_factor(pbr.baseColorFactor, 1.0),
            texture=None if image is None or uv is None else _pixels(image),
            emission=_factor(pbr.emissiveFactor, 0.0),
            roughness=1.0 if pbr.roughnessFactor is None else float(pbr.roughnessFactor),
            metallic=0.0 if pbr.metallicFactor is None else float(pbr.metallicFactor),
        )
        colors = visual.vertex_attributes.get("color") if material.texture is None else None
    if colors is None:
        return material, uvs, mesh.faces
    count = len(mesh.faces)
    side = 1 << int(np.ceil(np.log2(np.sqrt(count))))
    texture = np.zeros((side * side, 3), np.uint8)
    texture[:count] = _bytes(np.asarray(colors))[mesh.faces][..., :3].mean(axis=1)
    index = np.repeat(np.arange(count), 3)
    uvs = (np.stack([index % side, index // side], axis=1) + 0.5) / side
    return replace(material, texture=texture.reshape(side, side, 3)), uvs, np.arange(3 * count).reshape(-1, 3)


def _pixels(image: Any) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] of a picture of any kind; of 16 bits the upper 8."""
    if image.mode.startswith("I"):
        grey: NDArray[np.uint8] = (np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.asarray(image.convert("RGB"), dtype=np.uint8)


def _bytes(colors: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours as bytes, from bytes, 16 bits or fractions of 1."""
    if colors.dtype.kind == "f":
        return np.asarray(np.rint(np.clip(colors, 0, 1) * 255), dtype=np.uint8)
    return np.asarray(colors >> 8 if colors.dtype == np.uint16 else colors, dtype=np.uint8)


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
