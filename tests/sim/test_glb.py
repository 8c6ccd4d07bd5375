"""GLB files: ours give the same building again, others' are read by their node names, broken ones are refused."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from sim import Building, Cameras, Sensor, SimulatorError
from sim.glb import read_glb, write_glb
from sim.raycast import RaycastRenderer
from tests.sim.hand_made import box_room, two_rooms

ALL = (Sensor.RGB, Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC)


def test_a_building_survives_its_file(tmp_path: Path) -> None:
    building = two_rooms()
    write_glb(building, tmp_path / "b.glb")
    again = read_glb(tmp_path / "b.glb")
    assert again.name == building.name
    assert again.rooms == building.rooms
    assert again.lights == building.lights
    assert again.instances == building.instances
    assert again.ambient == building.ambient
    assert len(again.triangles) == len(building.triangles)
    cameras = Cameras.looking([(-1.5, 1.2, 0.3), (2.0, 1.4, -1.0)], [0.4, 2.0], -0.2, 75.0)
    first, second = (RaycastRenderer([b]).render(cameras, 48, 48, ALL) for b in (building, again))
    for sensor in (Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC):
        np.testing.assert_array_equal(getattr(first, sensor), getattr(second, sensor))
    assert first.rgb is not None
    assert second.rgb is not None
    assert np.abs(first.rgb.astype(int) - second.rgb).max() <= 1  # glTF rounds base colours to bytes


def test_trimesh_reads_what_we_write(tmp_path: Path) -> None:
    building = two_rooms()
    write_glb(building, tmp_path / "b.glb")
    scene = trimesh.load_scene(tmp_path / "b.glb")
    np.testing.assert_allclose(scene.bounds, building.bounds, atol=1e-6)
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == len(building.triangles)


def foreign(path: Path, *meshes: trimesh.Trimesh, names: tuple[str, ...] = ("Chair.003",), **transforms: Any) -> Path:
    scene = trimesh.Scene()
    for mesh, name in zip(meshes, names, strict=True):
        scene.add_geometry(mesh, node_name=name, geom_name=name, transform=transforms.get("transform"))
    path.write_bytes(scene.export(file_type="glb"))
    return path


def center_color(building: Building, target: tuple[float, float, float]) -> np.ndarray:
    rgb = RaycastRenderer([building]).render(Cameras.looking_at([(0, 0, 5.0)], [target], 20.0), 3, 3).rgb
    assert rgb is not None
    return np.asarray(rgb[0, 1, 1])


@pytest.mark.parametrize(
    ("node", "category"),
    [("Chair.003", "chair"), ("dining table_2", "dining table"), ("lamp", "lamp"), ("12", "unnamed"), ("TV 4-2", "tv")],
)
def test_categories_are_node_names_without_their_numbers(tmp_path: Path, node: str, category: str) -> None:
    building = read_glb(foreign(tmp_path / "f.glb", trimesh.creation.box(), names=(node,)))
    assert [instance.category for instance in building.instances] == ["nothing", category]


def test_a_texture_is_shown_the_way_up_it_was(tmp_path: Path) -> None:
    """An upright square whose picture is red above and blue below."""
    picture = Image.new("RGB", (8, 8), (255, 0, 0))
    picture.paste((0, 0, 255), (0, 4, 8, 8))
    square = trimesh.Trimesh([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2), (0, 2, 3)], process=False)
    uv = [(0, 0), (1, 0), (1, 1), (0, 1)]  # trimesh counts v from the bottom
    square.visual = trimesh.visual.TextureVisuals(
        uv, material=trimesh.visual.material.PBRMaterial(baseColorTexture=picture)
    )
    building = read_glb(foreign(tmp_path / "f.glb", square, names=("picture",)))
    np.testing.assert_array_equal(center_color(building, (0, 0.5, 0)), [255, 0, 0])
    np.testing.assert_array_equal(center_color(building, (0, -0.5, 0)), [0, 0, 255])


def test_without_textures_vertex_colours_are_shown(tmp_path: Path) -> None:
    square = trimesh.Trimesh([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2), (0, 2, 3)], process=False)
    square.visual.vertex_colors = np.tile(np.array([[10, 200, 90, 255]], np.uint8), (4, 1))
    building = read_glb(foreign(tmp_path / "f.glb", square, names=("wall",)))
    np.testing.assert_allclose(center_color(building, (0.3, 0, 0)), [10, 200, 90], atol=1)


def test_with_neither_surfaces_can_still_be_told_apart(tmp_path: Path) -> None:
    building = read_glb(foreign(tmp_path / "f.glb", trimesh.creation.icosphere(), names=("ball",)))
    rgb = RaycastRenderer([building]).render(Cameras.looking([(0, 0, 4)], 0.0, 0.0, 25.0), 16, 16).rgb
    assert rgb is not None
    assert rgb.std() > 5


def test_nodes_are_placed_by_their_transforms_even_mirrored(tmp_path: Path) -> None:
    mirror = np.diag([-2.0, 1.0, 1.0, 1.0])
    mirror[:3, 3] = 5, 1, 0
    building = read_glb(foreign(tmp_path / "f.glb", trimesh.creation.box((1, 1, 1)), transform=mirror))
    np.testing.assert_allclose(building.bounds, [[4, 0.5, -0.5], [6, 1.5, 0.5]], atol=1e-6)
    corners = building.vertices[building.triangles]
    winding = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = corners.mean(axis=1) - building.bounds.mean(axis=0)
    assert ((winding * outward).sum(axis=1) > 0).all()
    assert (np.einsum("ij,ij->i", winding, building.normals[building.triangles[:, 0]]) > 0).all()


def lying(path: Path) -> Path:
    """A flat, Z-up house: floor and ceiling across Z."""
    return foreign(path, trimesh.creation.box((8.0, 8.0, 2.5)), names=("house",))


def test_a_file_that_looks_z_up_is_refused_unless_told(tmp_path: Path) -> None:
    path = lying(tmp_path / "z.glb")
    with pytest.raises(SimulatorError, match=r"looks Z-up: it is 8\.0 m along Y and 2\.5 m along Z.*say up='z'"):
        read_glb(path)
    np.testing.assert_allclose(np.ptp(read_glb(path, up="z").bounds, axis=0), [8, 2.5, 8], atol=1e-5)
    np.testing.assert_allclose(np.ptp(read_glb(path, up="y").bounds, axis=0), [8, 8, 2.5], atol=1e-5)


def test_an_upright_file_is_not_taken_for_z_up(tmp_path: Path) -> None:
    write_glb(box_room(), tmp_path / "b.glb")
    assert read_glb(foreign(tmp_path / "y.glb", trimesh.creation.box((8, 2.5, 8)))).name == "y"


def edited(path: Path, change: Any) -> Path:
    """The GLB with its JSON chunk changed."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    document = json.loads(data[20 : 20 + length])
    change(document)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    size = 20 + len(text) + len(rest)
    path.write_bytes(struct.pack("<4sIII", b"glTF", 2, size, len(text)) + b"JSON" + text + rest)
    return path


def test_nan_vertices_are_refused(tmp_path: Path) -> None:
    mesh = trimesh.creation.box()
    path = foreign(tmp_path / "n.glb", mesh)
    data = bytearray(path.read_bytes())
    value = struct.pack("<f", 0.5)
    start = data.index(b"BIN\x00")
    data[data.index(value, start) : data.index(value, start) + 4] = struct.pack("<f", float("nan"))
    path.write_bytes(data)
    with pytest.raises(SimulatorError, match="not finite"):
        read_glb(path)


def test_no_triangles_and_too_many_are_refused_before_reading(tmp_path: Path) -> None:
    path = edited(foreign(tmp_path / "e.glb", trimesh.creation.box()), lambda d: d.update(meshes=[], nodes=[]))
    with pytest.raises(SimulatorError, match="no triangles"):
        read_glb(path)

    def inflate(document: dict[str, Any]) -> None:
        for accessor in document["accessors"]:
            accessor["count"] = 30_000_000

    with pytest.raises(SimulatorError, match="10,000,000 triangles; at most 5,000,000"):
        read_glb(edited(foreign(tmp_path / "t.glb", trimesh.creation.box()), inflate))


def test_compressed_meshes_are_refused_by_name(tmp_path: Path) -> None:
    path = foreign(tmp_path / "d.glb", trimesh.creation.box())
    edited(path, lambda d: d.update(extensionsRequired=["KHR_draco_mesh_compression"]))
    with pytest.raises(SimulatorError, match="Draco-compressed"):
        read_glb(path)


@pytest.mark.parametrize("content", [b"", b"glTF", b"solid cube", b"glTF" + b"\xff" * 60])
def test_what_is_no_glb_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.glb"
    path.write_bytes(content)
    with pytest.raises(SimulatorError, match=r"x\.glb is "):
        read_glb(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    write_glb(box_room(), tmp_path / "b.glb")
    data = (tmp_path / "b.glb").read_bytes()
    for cut in (30, 200, len(data) - 5):
        (tmp_path / "c.glb").write_bytes(data[:cut])
        with pytest.raises(SimulatorError, match="whole: was it copied to the end"):
            read_glb(tmp_path / "c.glb")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.glb", tmp_path):
        with pytest.raises(SimulatorError, match="cannot read"):
            read_glb(path)


def test_broken_building_data_is_refused(tmp_path: Path) -> None:
    write_glb(box_room(), tmp_path / "b.glb")

    def break_rooms(document: dict[str, Any]) -> None:
        holder = document["scenes"][0]["extras"]
        extras = json.loads(holder["midlevel_building"])
        del extras["rooms"][0]["lower"]
        holder["midlevel_building"] = json.dumps(extras)

    with pytest.raises(SimulatorError, match="broken building data"):
        read_glb(edited(tmp_path / "b.glb", break_rooms))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "b.glb"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SimulatorError, match="No space left"):
        write_glb(box_room(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
