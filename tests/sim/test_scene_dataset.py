"""Buildings as Habitat scene datasets."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from sim import Building, BuildingBuilder, Material, Mesh, Part, SimulatorError
from sim.building import Instance
from sim.glb import read_glb
from sim.scene_dataset import export_habitat, instance_colors, two_sided
from sim.scene_files import SceneFile, find_scene, scenes_of
from sim.shapes import boxes
from tests.sim.glb_parts import colored_mesh
from tests.sim.hand_made import box_room, two_rooms


def content(path: Path) -> dict[str, object]:
    return dict(json.loads(path.read_text()))


def magnum_srgb(linear: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As habitat-sim turns a mesh's linear bytes into those that it looks up, in its single precision."""
    x = linear.astype(np.float32) / np.float32(255)
    low = x <= np.float32(0.0031308)
    encoded = np.where(low, x * np.float32(12.92), np.float32(1.055) * x ** np.float32(1 / 2.4) - np.float32(0.055))
    return np.round(encoded * np.float32(255)).astype(np.uint8)


def test_a_dataset_has_the_files_that_its_configs_name(tmp_path: Path) -> None:
    config = export_habitat([two_rooms(), box_room()], tmp_path / "out", name="mine")
    assert config == tmp_path / "out" / "mine.scene_dataset_config.json"
    dataset = content(config)
    assert dataset["stages"] == {"paths": {".json": ["stages"]}}
    for name in ("two_rooms", "box_room"):
        stage = content(tmp_path / "out" / "stages" / f"{name}.stage_config.json")
        for key in ("render_asset", "semantic_asset", "semantic_descriptor_filename"):
            assert (tmp_path / "out" / "stages" / str(stage[key])).is_file()
        assert (stage["up"], stage["front"]) == ([0, 1, 0], [0, 0, -1])
        scene = content(tmp_path / "out" / "scenes" / f"{name}.scene_instance.json")
        assert scene["stage_instance"] == {"template_name": name}
        descriptors = dataset["semantic_scene_descriptor_instances"]
        assert isinstance(descriptors, dict)
        assert (tmp_path / "out" / descriptors[scene["semantic_scene_instance"]]).is_file()
    assert [scene.name for scene in scenes_of(config)] == ["box_room", "two_rooms"]


def test_the_stage_holds_the_building(tmp_path: Path) -> None:
    building = two_rooms()
    export_habitat(building, tmp_path / "out")
    stage = read_glb(tmp_path / "out" / "stages" / "two_rooms.glb")
    np.testing.assert_allclose(stage.bounds, building.bounds, atol=1e-6)
    assert [instance.category for instance in stage.instances] == [i.category for i in building.instances]
    area = trimesh.Trimesh(building.vertices, building.triangles, process=False).area
    assert trimesh.Trimesh(stage.vertices, stage.triangles, process=False).area == pytest.approx(area)


def test_every_triangle_has_the_colour_that_its_instance_is_listed_with(tmp_path: Path) -> None:
    building = two_rooms()
    export_habitat(building, tmp_path / "out")
    header, *lines = (tmp_path / "out" / "stages" / "two_rooms.semantic.txt").read_text().splitlines()
    assert header == "HM3D Semantic Annotations"
    listed = {}
    for line in lines:
        number, color, category, room = line.split(",")
        instance = building.instances[int(number)]
        assert (category, int(room)) == (f'"{instance.category}"', instance.room)
        listed[tuple(bytes.fromhex(color))] = int(number)
    assert len(listed) == len(building.instances) - 1
    vertices, colors, triangles = colored_mesh(tmp_path / "out" / "stages" / "two_rooms.semantic.glb")
    listed_colors = magnum_srgb(colors[:, :3])[triangles]
    assert (listed_colors == listed_colors[:, :1]).all()
    ids = [listed[tuple(color)] for color in listed_colors[:, 0].tolist()]
    expected = dict(zip(map(tuple, middles(building)), building.triangle_instance, strict=True))
    np.testing.assert_array_equal(ids, [expected[tuple(m)] for m in rounded(vertices[triangles].mean(axis=1))])


def middles(building: Building) -> NDArray[np.float64]:
    return rounded(building.vertices[building.triangles].mean(axis=1))


def rounded(points: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(np.round(points, 3) + 0.0, dtype=np.float64)


@pytest.mark.parametrize("count", [2, 300, 65_535])
def test_instance_colours_stay_apart_in_srgb(count: int) -> None:
    colors = instance_colors(count)
    np.testing.assert_array_equal(magnum_srgb(colors.linear), colors.srgb)
    assert len(np.unique(colors.srgb, axis=0)) == count


def test_a_surface_that_is_open_is_doubled_and_a_closed_one_is_not() -> None:
    solid = boxes([(0, 0, 0)], [(1, 1, 1)])
    plate = Mesh(solid.vertices, solid.normals, solid.uvs, solid.triangles[:2])
    builder = BuildingBuilder("both")
    material = Material("grey")
    builder.add([Part(solid, material)], category="box")
    builder.add([Part(plate, material)], category="plate", position=(3, 0, 0))
    doubled = two_sided(builder.build())
    counts = np.bincount(doubled.triangle_instance)
    assert counts.tolist() == [0, 12, 4]
    corners = doubled.vertices[doubled.triangles[doubled.triangle_instance == 2]].astype(np.float64)
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    np.testing.assert_allclose(areas.sum(axis=0), 0, atol=1e-6)  # as much looks one way as the other
    normals = doubled.normals[doubled.triangles[doubled.triangle_instance == 2]].mean(axis=1)
    assert (np.einsum("ij,ij->i", areas, normals) > 0).all()


def test_a_box_whose_faces_turn_against_each_other_is_not_closed() -> None:
    solid = boxes([(0, 0, 0)], [(1, 1, 1)])
    triangles = solid.triangles.copy()
    triangles[0] = triangles[0, ::-1]
    builder = BuildingBuilder("torn")
    builder.add([Part(Mesh(solid.vertices, solid.normals, solid.uvs, triangles), Material("grey"))], category="box")
    assert len(two_sided(builder.build()).triangles) == 24


def test_what_shines_is_shown_shining(tmp_path: Path) -> None:
    builder = BuildingBuilder("lamp")
    lamp = Material("bulb", base_color=(0.0, 0.0, 0.0), emission=(8.0, 4.0, 0.2))
    builder.add([Part(boxes([(0, 0, 0)], [(1, 1, 1)]), lamp)], category="lamp")
    export_habitat(builder.build(), tmp_path / "out")
    (material,) = read_glb(tmp_path / "out" / "stages" / "lamp.glb").materials
    assert material.base_color == pytest.approx((1.0, 1.0, 0.4845), abs=0.005)  # 0.2 in sRGB


def test_the_same_building_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        export_habitat(two_rooms(), tmp_path / name)
    first, second = (sorted((tmp_path / name).rglob("*.*")) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(SimulatorError, match="there already and not empty"):
        export_habitat(two_rooms(), tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "thesis.tex"]


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sim.scene_dataset.write_json", full)
    with pytest.raises(SimulatorError, match="No space left on device"):
        export_habitat(two_rooms(), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_names_that_clash_or_make_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="different names"):
        export_habitat([two_rooms(), two_rooms()], tmp_path / "out")
    with pytest.raises(SimulatorError, match="makes no file name"):
        export_habitat(replace(two_rooms(), name="../up"), tmp_path / "out")
    with pytest.raises(SimulatorError, match="different names"):
        export_habitat([], tmp_path / "out")


def test_more_instances_than_can_be_told_apart_are_refused(tmp_path: Path) -> None:
    building = two_rooms()
    many = tuple(Instance(f"thing_{i}", "thing") for i in range(70_000))
    with pytest.raises(SimulatorError, match=r"65,535"):
        export_habitat(replace(building, instances=many), tmp_path / "out")


def test_a_category_cannot_break_the_descriptor(tmp_path: Path) -> None:
    building = two_rooms()
    odd = (*building.instances[:-1], Instance("odd_1", 'a "very\n odd", thing', 1))
    export_habitat(replace(building, instances=odd), tmp_path / "out")
    last = (tmp_path / "out" / "stages" / "two_rooms.semantic.txt").read_text().splitlines()[-1]
    assert last.split('"')[1:] == ["a 'very odd', thing", ",1"]


def test_a_scene_is_found_with_its_dataset(tmp_path: Path) -> None:
    config = export_habitat(two_rooms(), tmp_path / "out")
    scene = tmp_path / "out" / "scenes" / "two_rooms.scene_instance.json"
    assert find_scene(scene) == SceneFile(scene, config)
    assert find_scene(tmp_path / "out") == find_scene(config) == find_scene(scene)
    assert find_scene(tmp_path / "out" / "stages" / "two_rooms.glb").dataset == config
    assert find_scene(scene).name == "two_rooms"


def test_a_mesh_may_stand_alone(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    path = tmp_path / "a" / "b" / "c" / "Cantwell.glb"
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12))
    assert find_scene(path) == SceneFile(path, None)


def test_what_is_no_scene_is_refused(tmp_path: Path) -> None:
    export_habitat([two_rooms(), box_room()], tmp_path / "out")
    (tmp_path / "notes.txt").write_text("x")
    for path, message in (
        (tmp_path / "absent.glb", "there is no scene file"),
        (tmp_path / "notes.txt", "is no scene file; expected one that ends in"),
        (tmp_path / "out", "has 2 scenes; name one of its scene files: box_room, two_rooms"),
        (tmp_path, "holds 0 scene dataset configs"),
        (tmp_path / "x.scene_dataset_config.json", "no scene dataset config"),
    ):
        with pytest.raises(SimulatorError, match=message):
            find_scene(path)
    with pytest.raises(SimulatorError, match="is no scene dataset config"):
        find_scene(tmp_path / "out" / "stages" / "box_room.glb", tmp_path / "absent.json")
