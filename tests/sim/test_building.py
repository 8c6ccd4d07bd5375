"""A building checks what it is given, and its builder puts parts where they were asked for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim import AgentSpec, BuildingBuilder, Cameras, Instance, Light, Material, Mesh, Part, Room, SimulatorError
from sim.building import NOTHING
from sim.shapes import boxes
from tests.sim.hand_made import box_room, two_rooms


def test_ids_lead_to_categories_and_rooms() -> None:
    building = two_rooms()
    table = next(i for i, instance in enumerate(building.instances) if instance.category == "table")
    assert building.categories[building.instance_category[table]] == "table"
    assert building.rooms[building.instance_room[table]].kind == "kitchen"
    assert building.categories[0] == building.instances[0].category == "nothing"


@pytest.mark.parametrize(
    ("point", "kind"), [((-2, 1, 0), "kitchen"), ((2, 1, 0), "bedroom"), ((2, 9, 0), None), ((9, 1, 0), None)]
)
def test_the_room_at_a_point_is_the_one_around_it(point: tuple[float, float, float], kind: str | None) -> None:
    building = two_rooms()
    index = building.room_at(point)
    assert (building.rooms[index].kind if index >= 0 else None) == kind


def test_parts_are_turned_then_moved() -> None:
    """A quarter turn to the left takes +x to -z."""
    builder = BuildingBuilder("b")
    part = Part(boxes([(1, 0, 0)], [(2, 1, 0.5)]), Material("m"))
    builder.add([part], category="bar", position=(10.0, 0.0, 20.0), yaw_rad=np.pi / 2)
    bounds = builder.build().bounds
    np.testing.assert_allclose(bounds, np.array([[10, 0, 18], [10.5, 1, 19]]), atol=1e-5)


def test_uvs_become_repeats_of_the_texture() -> None:
    builder = BuildingBuilder("b")
    mesh = boxes([(0, 0, 0)], [(3, 1, 2)])
    builder.add([Part(mesh, Material("m", texture_size_m=(0.5, 0.25)))], category="box")
    np.testing.assert_allclose(builder.build().uvs, mesh.uvs * [2, 4], atol=1e-5)


def test_names_count_within_a_category_and_materials_are_shared() -> None:
    builder = BuildingBuilder("b")
    material = Material("m")
    for category in ("cup", "cup", "plate"):
        builder.add([Part(boxes([(0, 0, 0)], [(1, 1, 1)]), material)], category=category)
    building = builder.build()
    assert [i.name for i in building.instances] == ["nothing", "cup_1", "cup_2", "plate_1"]
    assert len(building.materials) == 1


def test_an_empty_builder_is_refused() -> None:
    with pytest.raises(SimulatorError, match="no triangles"):
        BuildingBuilder("b").build()


def _with_nan(values: np.ndarray) -> np.ndarray:
    broken = values.copy()
    broken[3] = np.nan
    return broken


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: {"triangles": b.triangles[:0]}, "no triangles"),
        (lambda b: {"vertices": _with_nan(b.vertices)}, "1 of .* vertices are not finite"),
        (lambda b: {"normals": _with_nan(b.normals)}, "normals are not finite"),
        (lambda b: {"uvs": b.uvs[:-1]}, "uvs have shape"),
        (lambda b: {"triangles": b.triangles + 10_000}, r"triangles must lie in \[0"),
        (lambda b: {"triangle_instance": b.triangle_instance * 0}, r"triangle_instance must lie in \[1"),
        (lambda b: {"triangle_material": b.triangle_material + 9}, "triangle_material must lie"),
        (lambda _: {"triangles": np.zeros((5_000_001, 3), np.int32)}, "at most 5,000,000"),
        (lambda b: {"triangles": b.triangles.astype(np.float64)}, "triangles are float64; int32 is expected"),
        (lambda b: {"vertices": b.vertices * 1e20}, r"reaches 3e\+20 m .*scale it to metres"),
        (
            lambda b: {"instances": (NOTHING, *(Instance("x", "wall") for _ in b.instances[1:]))},
            "several instances 'x'",
        ),
        (lambda b: {"instances": (NOTHING, *(replace(i, room=5) for i in b.instances[1:]))}, "has 1 rooms.*5 is not"),
        (lambda b: {"instances": (NOTHING, *(replace(i, category=None) for i in b.instances[1:]))}, "the name None"),
        (lambda b: {"lights": (replace(b.lights[0], room=1),)}, "has 1 rooms.*1 is not"),
        (lambda _: {"ambient": (np.nan, 0, 0)}, "ambient is .*3 finite numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: Any, message: str) -> None:
    building = box_room()
    with pytest.raises(SimulatorError, match=message):
        replace(building, **change(building))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hfov_deg": 0.0}, "field of view"),
        ({"hfov_deg": 180.0}, "field of view"),
        ({"positions": (np.nan, 0, 0)}, "not finite"),
        ({"yaw_rad": np.inf}, "not finite"),
    ],
)
def test_impossible_cameras_are_refused(fields: dict[str, Any], message: str) -> None:
    with np.errstate(invalid="ignore"), pytest.raises(SimulatorError, match=message):
        Cameras.looking(**{"positions": (0, 0, 0), "yaw_rad": 0.0, **fields})


def test_cameras_look_at_their_targets() -> None:
    rng = np.random.default_rng(0)
    positions, targets = rng.normal(size=(2, 20, 3))
    cameras = Cameras.looking_at(positions, targets)
    forward = -cameras.rotations[:, :, 2]
    expected = (targets - positions) / np.linalg.norm(targets - positions, axis=1, keepdims=True)
    np.testing.assert_allclose(forward, expected, atol=1e-5)
    np.testing.assert_allclose(
        cameras.rotations @ cameras.rotations.transpose(0, 2, 1), np.eye(3)[None].repeat(20, 0), atol=1e-6
    )
    np.testing.assert_allclose(cameras.rotations[:, 1, 0], 0, atol=1e-7)  # no roll: right stays level
    assert (np.linalg.det(cameras.rotations) > 0).all()


def test_a_mesh_is_not_changed_by_being_placed() -> None:
    mesh = boxes([(0, 0, 0)], [(1, 1, 1)])
    before = Mesh(mesh.vertices.copy(), mesh.normals.copy(), mesh.uvs.copy(), mesh.triangles.copy())
    builder = BuildingBuilder("b")
    builder.add([Part(mesh, Material("m"))], category="box", position=(5.0, 0.0, 0.0), yaw_rad=1.0)
    builder.build()
    for field in ("vertices", "normals", "uvs", "triangles"):
        np.testing.assert_array_equal(getattr(mesh, field), getattr(before, field))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_color": (np.nan, 0, 0)}, "base_color is .*3 finite numbers"),
        ({"base_color": (2.0, 0, 0)}, r"within \[0, 1\]"),
        ({"base_color": (1, 0)}, "base_color is .*3 finite numbers"),
        ({"emission": (0, -1, 0)}, "emission is"),
        ({"roughness": np.nan}, "roughness and metallic"),
        ({"texture_size_m": (0.0, 1.0)}, "texture_size_m is"),
        ({"texture": np.zeros((8, 8), np.uint8)}, r"texture is uint8 \(8, 8\); uint8 \[H, W, 3\]"),
        ({"texture": np.zeros((8, 8, 4), np.uint8)}, "texture is uint8"),
        ({"texture": np.zeros((8, 8, 3), np.float32)}, "texture is float32"),
        ({"texture": np.zeros((0, 8, 3), np.uint8)}, "texture is uint8"),
    ],
)
def test_materials_that_cannot_be_shown_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SimulatorError, match=message):
        Material("m", **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"position": (0, np.nan, 0)}, "position is"),
        ({"intensity": (np.nan, 1, 1)}, "intensity is"),
        ({"intensity": (-1, 1, 1)}, "intensity is"),
        ({"direction": (0, 0, -5)}, "a unit vector or None"),
        ({"radius_m": -0.1}, "radius_m is"),
    ],
)
def test_lights_that_cannot_shine_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SimulatorError, match=message):
        Light(**{"position": (0, 2, 0), "intensity": (1, 1, 1), **fields})


@pytest.mark.parametrize("upper", [(0, 1, 1), (1, np.inf, 1), (1, 1)])
def test_rooms_without_inside_are_refused(upper: Any) -> None:
    with pytest.raises(SimulatorError, match="room 'r'"):
        Room("r", "office", (0, 0, 0), upper)


def test_arrays_of_wider_types_become_those_of_the_contract() -> None:
    building = box_room()
    wide = replace(
        building, vertices=building.vertices.astype(np.float64), triangles=building.triangles.astype(np.int64)
    )
    assert (str(wide.vertices.dtype), str(wide.triangles.dtype)) == ("float32", "int32")
    np.testing.assert_array_equal(wide.vertices, building.vertices)
    cameras = Cameras(np.zeros((1, 3)), np.eye(3)[None], np.array([60]), np.array([0], np.int64))  # type: ignore[arg-type]
    kept = (cameras.positions, cameras.rotations, cameras.hfov_deg, cameras.buildings)
    assert [str(array.dtype) for array in kept] == ["float32", "float32", "float32", "int32"]


@pytest.mark.parametrize("rotation", [np.eye(3) * 2, np.diag([-1, 1, 1]), np.ones((3, 3)), np.zeros((3, 3))])
def test_a_matrix_that_does_not_turn_is_no_camera(rotation: np.ndarray) -> None:
    with pytest.raises(SimulatorError, match="is no rotation"):
        Cameras(np.zeros((1, 3)), rotation[None], np.array([60.0]), np.array([0]))  # type: ignore[arg-type]


def test_cameras_of_unequal_numbers_are_refused_and_none_are_none() -> None:
    with pytest.raises(SimulatorError, match="got 2 and 3 values"):
        Cameras.looking(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(SimulatorError, match="buildings are float64"):
        Cameras.looking(np.zeros(3), 0.0, buildings=0.5)
    assert len(Cameras.looking(np.zeros((0, 3)), 0.0)) == 0


@pytest.mark.parametrize(
    "fields", [{"step_height_m": np.nan}, {"step_height_m": -1}, {"hfov_deg": 200}, {"radius_m": "a"}, {"height": 16.5}]
)
def test_impossible_agents_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(SimulatorError, match=next(iter(fields))):
        AgentSpec(**fields)
