"""What of the habitat backend needs no habitat-sim."""

import sys

import numpy as np
import pytest
import trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from sim import Cameras, SimulatorError
from sim.habitat import library
from sim.habitat.facets import facet_normals, write_facets
from sim.habitat.library import choose_device, load_habitat
from tests.sim.glb_parts import colored_mesh
from tests.sim.hand_made import two_rooms


def test_without_habitat_sim_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "habitat_sim", None)
    load_habitat.cache_clear()
    with pytest.raises(SimulatorError, match="conda install habitat-sim headless -c conda-forge -c aihabitat"):
        load_habitat()
    load_habitat.cache_clear()


def test_asking_egl_for_its_devices_is_safe_on_any_machine() -> None:
    assert all(device is None or device >= 0 for device in library.egl_devices())


@pytest.mark.parametrize(("devices", "asked", "given"), [((None,), None, -1), ((None, 0, 1), 1, 1), ((3,), None, -1)])
def test_a_device_that_egl_has_is_chosen(
    monkeypatch: pytest.MonkeyPatch, devices: tuple[int | None, ...], asked: int | None, given: int
) -> None:
    monkeypatch.setattr(library, "egl_devices", lambda: devices)
    assert choose_device(asked) == given


def test_a_device_that_egl_lacks_is_refused_before_habitat_sim_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(library, "egl_devices", lambda: (None, 1))
    with pytest.raises(SimulatorError, match=r"EGL knows no CUDA device 0 \(found: 1\)"):
        choose_device(0)
    monkeypatch.setattr(library, "egl_devices", lambda: ())
    with pytest.raises(SimulatorError, match="EGL has no device"):
        choose_device(None)


def test_normals_come_from_the_triangles_that_pixels_name() -> None:
    """Against an independent ray caster: its hits give the colours, its triangles the normals."""
    building, height, width = two_rooms(), 24, 32
    cameras = Cameras.looking([(-2, 1.25, 0.2), (2, 1.4, -1)], [0.4, 2.2], [-0.3, 0.2], [70.0, 95.0])
    mesh = trimesh.Trimesh(building.vertices, building.triangles, process=False)
    rgba = np.zeros((2, height, width, 4), np.uint8)
    expected = np.zeros((2, height, width, 3))
    for index in range(2):
        size = 2 * np.tan(np.radians(cameras.hfov_deg[index]) / 2) / width
        row, column = np.indices((height, width))
        rays = np.stack(
            [(column + 0.5 - width / 2) * size, (height / 2 - row - 0.5) * size, -np.ones((height, width))], axis=-1
        )
        world = rays.reshape(-1, 3) @ cameras.rotations[index].astype(np.float64).T
        hit = RayMeshIntersector(mesh).intersects_first(np.tile(cameras.positions[index], (len(world), 1)), world)
        assert (hit >= 0).all()
        rgba[index, ..., 0] = ((hit + 1) & 255).reshape(height, width)
        rgba[index, ..., 1] = ((hit + 1) >> 8).reshape(height, width)
        normal = mesh.face_normals[hit]
        normal = normal * -np.sign((normal * world).sum(axis=1, keepdims=True))
        expected[index] = (normal @ cameras.rotations[index]).reshape(height, width, 3)
    np.testing.assert_allclose(facet_normals(building, cameras, rgba), expected, atol=1e-5)


def test_where_no_triangle_is_named_the_normal_is_zero() -> None:
    building = two_rooms()
    cameras = Cameras.looking([(-2, 1.25, 0.2)], 0.0)
    rgba = np.zeros((1, 2, 2, 4), np.uint8)
    rgba[0, 0, 0, :3] = 255  # more than there are triangles
    assert not facet_normals(building, cameras, rgba).any()


def test_facets_are_numbered_on_both_sides() -> None:
    building = two_rooms()
    with write_facets(building) as config:
        vertices, colors, triangles = colored_mesh(config.parent / "facets.glb")
    assert not config.exists()
    numbers = colors[:, :3].astype(int) @ (1, 256, 65536)
    count = len(building.triangles)
    np.testing.assert_array_equal(numbers[triangles[:count]], np.tile(np.arange(1, count + 1)[:, None], 3))
    np.testing.assert_array_equal(vertices[triangles[:count]], building.vertices[building.triangles])
    np.testing.assert_array_equal(triangles[count:], triangles[:count, ::-1])
