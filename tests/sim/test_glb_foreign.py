"""GLB files as other programs write them, put together byte by byte; and ours, tampered with."""

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sim import Cameras, SimulatorError
from sim.building import Building
from sim.glb import read_glb, write_glb
from sim.raycast import RaycastRenderer
from tests.sim.hand_made import two_rooms
from tests.sim.test_glb import edited

POINTS = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], np.float32)
CORNERS = np.array([0, 1, 2, 0, 2, 3], np.uint16)
UVS = np.array([(0, 1), (1, 1), (1, 0), (0, 0)], np.float32)
SQUARE = {"attributes": {"POSITION": 0}, "indices": 1}
TYPES = {"float32": 5126, "uint16": 5123, "uint8": 5121}


def glb(path: Path, document: dict[str, Any], *more: tuple[Any, str]) -> Path:
    """A file with one square, accessor 0 its corners and 1 its triangles, and what else is given."""
    views, accessors, data = [], [], b""
    for values, kind in ((POINTS, "VEC3"), (CORNERS, "SCALAR"), *more):
        content = values if isinstance(values, bytes) else values.tobytes()
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(content)})
        if not isinstance(values, bytes):
            entry = {"bufferView": len(views) - 1, "componentType": TYPES[str(values.dtype)], "count": len(values)}
            accessors.append({**entry, "type": kind})
        data += content + bytes(-len(content) % 4)
    whole = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Wall.001"}],
        "meshes": [{"primitives": [SQUARE]}],
        "buffers": [{"byteLength": len(data)}],
        "bufferViews": views,
        "accessors": accessors,
        **document,
    }
    text = json.dumps(whole).encode()
    text += b" " * (-len(text) % 4)
    header = struct.pack("<4sIII", b"glTF", 2, 28 + len(text) + len(data), len(text))
    path.write_bytes(header + b"JSON" + text + struct.pack("<I4s", len(data), b"BIN\0") + data)
    return path


def textured(path: Path, picture: np.ndarray) -> Path:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    primitive = {"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 1, "material": 0}
    document = {
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 3, "mimeType": "image/png"}],
    }
    return glb(path, document, (UVS, "VEC2"), (file.getvalue(), ""))


def color(building: Building) -> list[int]:
    rgb = RaycastRenderer([building]).render(Cameras.looking([(0, 0, 3)], 0.0, 0.0, 20.0), 1, 1).rgb
    assert rgb is not None
    return list(map(int, rgb[0, 0, 0]))


def test_a_node_of_several_materials_is_one_thing_with_its_own_name(tmp_path: Path) -> None:
    materials = [{"name": "a"}, {"name": "b"}]
    primitives = [{**SQUARE, "material": 0}, {**SQUARE, "material": 1}]
    path = glb(tmp_path / "m.glb", {"meshes": [{"primitives": primitives}], "materials": materials})
    building, again = read_glb(path), read_glb(path)
    assert [(i.name, i.category) for i in building.instances[1:]] == [("Wall.001", "wall")]
    assert building.instances == again.instances
    assert len(building.triangles) == 4


def test_a_child_that_is_named_like_its_parent_stays_a_thing_of_its_own(tmp_path: Path) -> None:
    nodes = [{"name": "Table", "mesh": 0, "children": [1]}, {"name": "Table_drawer", "mesh": 0}]
    building = read_glb(glb(tmp_path / "c.glb", {"nodes": nodes}))
    assert {i.category for i in building.instances[1:]} == {"table", "table_drawer"}


def test_lines_and_points_are_passed_over_and_strips_read(tmp_path: Path) -> None:
    others = [{**SQUARE, "mode": 1}, {"attributes": {"POSITION": 0}, "mode": 0}]
    building = read_glb(glb(tmp_path / "p.glb", {"meshes": [{"primitives": [SQUARE, *others]}]}))
    assert (len(building.triangles), building.instances[1].category) == (2, "wall")
    strip = {"attributes": {"POSITION": 0}, "indices": 2, "mode": 5}
    path = glb(tmp_path / "s.glb", {"meshes": [{"primitives": [strip]}]}, (np.array([0, 1, 3, 2], np.uint16), "SCALAR"))
    assert len(read_glb(path).triangles) == 2
    with pytest.raises(SimulatorError, match="no triangles"):
        read_glb(glb(tmp_path / "o.glb", {"meshes": [{"primitives": others}]}))


def test_a_picture_of_16_bits_keeps_its_greys(tmp_path: Path) -> None:
    grey = np.full((2, 2), 0x6450, np.uint16)
    np.testing.assert_allclose(color(read_glb(textured(tmp_path / "g.glb", grey))), 0x64, atol=1)


def test_colours_of_vertices_are_shown_beside_a_material_without_texture(tmp_path: Path) -> None:
    colors = np.tile(np.array([[200, 50, 10, 255]], np.uint8), (4, 1))
    primitive = {"attributes": {"POSITION": 0, "COLOR_0": 2}, "indices": 1, "material": 0}
    path = glb(tmp_path / "v.glb", {"meshes": [{"primitives": [primitive]}], "materials": [{}]}, (colors, "VEC4"))
    np.testing.assert_allclose(color(read_glb(path)), [200, 50, 10], atol=1)


def test_a_node_that_is_flattened_to_nothing_is_read(tmp_path: Path) -> None:
    building = read_glb(glb(tmp_path / "f.glb", {"nodes": [{"mesh": 0, "name": "rug", "scale": [1, 1, 0]}]}))
    np.testing.assert_allclose(np.abs(building.normals), np.tile([0, 0, 1], (4, 1)), atol=1e-6)


def test_a_thing_called_nothing_is_not_what_is_seen_where_there_is_nothing(tmp_path: Path) -> None:
    building = read_glb(glb(tmp_path / "n.glb", {"nodes": [{"mesh": 0, "name": "nothing"}]}))
    assert building.instance_category.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"nodes": [{"children": [i + 1]} for i in range(300)] + [{"mesh": 0}]}, "more than 64 deep"),
        ({"nodes": [{"mesh": 0, "children": [0]}]}, "in a circle"),
        ({"nodes": [{"mesh": 0, "matrix": [float("nan")] * 16}]}, "not finite"),
        ({"meshes": [{"primitives": [None]}]}, "is broken"),
        ({"extensionsRequired": ["KHR_texture_transform"]}, "moved or scaled textures"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(SimulatorError, match=message):
        read_glb(glb(tmp_path / "b.glb", document))


def test_triangles_that_name_missing_vertices_are_refused(tmp_path: Path) -> None:
    primitive = {"attributes": {"POSITION": 0}, "indices": 2}
    path = glb(tmp_path / "i.glb", {"meshes": [{"primitives": [primitive]}]}, (CORNERS + np.uint16(2), "SCALAR"))
    with pytest.raises(SimulatorError, match=r"'Wall\.001' name vertices that are not there"):
        read_glb(path)


@pytest.mark.parametrize("text", [b"[1, 2] ", b"[" * 400_000], ids=["list", "nested"])
def test_a_description_that_is_no_object_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "j.glb").write_bytes(struct.pack("<4sIII", b"glTF", 2, 20 + len(text), len(text)) + b"JSON" + text)
    with pytest.raises(SimulatorError, match="is no GLB: its description"):
        read_glb(tmp_path / "j.glb")


def tampered(path: Path, *keys: Any, value: Any) -> Path:
    """One of our files with one value of its building data changed."""
    write_glb(two_rooms(), path)

    def change(document: dict[str, Any]) -> None:
        holder = document["scenes"][0]["extras"]
        data = json.loads(holder["midlevel_building"])
        place = data
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        holder["midlevel_building"] = json.dumps(data)

    return edited(path, change)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("ambient",), ["a", "b", "c"]),
        (("ambient",), [1, 2]),
        (("name",), 5),
        (("rooms",), {}),
        (("rooms", 0, "lower"), ["1", "2", "3"]),
        (("rooms", 0, "kind"), None),
        (("lights", 0, "position"), ["a", 1, 2]),
        (("lights", 0, "radius_m"), "wide"),
        (("lights", 0, "room"), 99),
        (("lights", 0, "room"), "kitchen"),
        (("instances",), []),
        (("instances", "floor_1"), ["floor", "x"]),
        (("instances", "floor_1"), ["floor", 99]),
        (("instances", "floor_1"), [None, 0]),
        (("instances", "floor_1"), [1, 2, 3]),
        (("materials",), []),
        (("materials", 0, "base_color"), [float("nan"), 0, 0]),
    ],
)
def test_tampered_building_data_is_refused_in_one_sentence(tmp_path: Path, keys: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(SimulatorError, match=r"t\.glb has broken building data"):
        read_glb(tampered(tmp_path / "t.glb", *keys, value=value))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: [material.update(name="foo") for material in d["materials"]],
        lambda d: d["scenes"][0]["extras"].update(midlevel_building={"a": 1}),
        lambda d: d["scenes"][0]["extras"].update(midlevel_building="[" * 100_000),
    ],
    ids=["renamed materials", "no text", "nested"],
)
def test_building_data_that_is_out_of_step_is_refused(tmp_path: Path, change: Callable[[Any], Any]) -> None:
    write_glb(two_rooms(), tmp_path / "t.glb")
    with pytest.raises(SimulatorError, match=r"t\.glb has broken building data"):
        read_glb(edited(tmp_path / "t.glb", change))


def test_our_files_are_upright_and_unknown_axes_refused(tmp_path: Path) -> None:
    write_glb(two_rooms(), tmp_path / "u.glb")
    with pytest.raises(SimulatorError, match="Y-up; leave out"):
        read_glb(tmp_path / "u.glb", up="z")
    with pytest.raises(SimulatorError, match="unknown up axis 'x'"):
        read_glb(tmp_path / "u.glb", up="x")  # type: ignore[arg-type]
