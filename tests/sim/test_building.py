"""A building checks what it is given, and its builder puts parts where they were asked for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim import BuildingBuilder, Cameras, Material, Mesh, Part, SimulatorError
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
