"""The ray caster against closed forms and an independent caster."""

import shutil
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import trimesh

from sim import Building, BuildingBuilder, Cameras, Light, Material, Mesh, Part, Room, Sensor, SimulatorError
from sim.raycast import RaycastRenderer
from sim.shapes import boxes, sphere
from tests.sim.hand_made import box_room, inside_out, two_rooms

ALL = (Sensor.RGB, Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC)


def pixel_rays(cameras: Cameras, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """World directions [N, H, W, 3] with length 1 along the optical axis, and the same in the camera frame."""
    focal_px = width / 2 / np.tan(np.radians(cameras.hfov_deg.astype(np.float64)) / 2)
    row, column = np.mgrid[:height, :width] + 0.5
    x = (column - width / 2) / focal_px[:, None, None]
    y = (height / 2 - row) / focal_px[:, None, None]
    rays = np.stack([x, y, -np.ones_like(x)], axis=-1)
    return np.einsum("nij,nhwj->nhwi", cameras.rotations.astype(np.float64), rays), rays


def random_cameras(rng: np.random.Generator, count: int, half: tuple[float, float, float]) -> Cameras:
    return Cameras.looking(
        rng.uniform(-1, 1, (count, 3)) * np.array(half) * 0.8 + [0, half[1], 0],
        rng.uniform(-np.pi, np.pi, count),
        rng.uniform(-0.6, 0.6, count),
        rng.uniform(40, 100, count),
    )


def test_an_empty_room_matches_its_closed_form() -> None:
    """Along each ray the nearest of the six planes, in float64."""
    size = (6.0, 3.0, 4.0)
    cameras = random_cameras(np.random.default_rng(0), 12, (3.0, 1.5, 2.0))
    seen = RaycastRenderer([box_room(size)]).render(cameras, 40, 56, ALL)
    rays, _ = pixel_rays(cameras, 40, 56)
    lower, upper = np.array([-3.0, 0.0, -2.0]), np.array([3.0, 3.0, 2.0])
    origin = cameras.positions.astype(np.float64)[:, None, None]
    with np.errstate(divide="ignore"):
        distances = np.where(rays > 0, (upper - origin) / rays, (lower - origin) / rays)
    exact = distances.min(axis=-1)
    assert seen.depth is not None
    np.testing.assert_allclose(seen.depth, exact, rtol=1e-5, atol=1e-4)
    axis = distances.argmin(axis=-1)
    world = -np.sign(np.take_along_axis(rays, axis[..., None], -1)) * (np.arange(3) == axis[..., None])
    expected = np.einsum("nji,nhwj->nhwi", cameras.rotations.astype(np.float64), world)
    clear = np.sort(distances, axis=-1)[..., 1] - exact > 1e-3  # away from the room's edges
    assert seen.normal is not None
    np.testing.assert_allclose(seen.normal[clear], expected[clear], atol=1e-4)


def test_depth_and_ids_agree_with_an_independent_caster() -> None:
    building = two_rooms()
    rng = np.random.default_rng(1)
    cameras = Cameras.looking(
        rng.uniform((-3.8, 0.9, -1.8), (-0.2, 2.2, 0.4), (6, 3)), rng.uniform(-3, 3, 6), rng.uniform(-0.4, 0.4, 6), 75.0
    )
    seen = RaycastRenderer([building]).render(cameras, 48, 48, ALL)
    depth, ids = embree(building, cameras, 48, 48)
    assert seen.depth is not None
    assert seen.semantic is not None
    assert (np.abs(seen.depth - depth) < 1e-3).mean() > 0.999
    assert (seen.semantic == ids).mean() > 0.999


def embree(building: Building, cameras: Cameras, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    mesh = trimesh.Trimesh(building.vertices, building.triangles, process=False)
    caster = trimesh.ray.ray_pyembree.RayMeshIntersector(mesh)
    rays, _ = pixel_rays(cameras, height, width)
    flat = rays.reshape(-1, 3)
    origins = np.repeat(cameras.positions.astype(np.float64), height * width, axis=0)
    triangles, index, places = caster.intersects_id(origins, flat, return_locations=True, multiple_hits=False)
    depth, ids = np.zeros(len(flat)), np.zeros(len(flat), int)
    depth[index] = np.einsum("ij,ij->i", places - origins[index], flat[index]) / np.einsum(
        "ij,ij->i", flat[index], flat[index]
    )
    ids[index] = building.triangle_instance[triangles]
    shape = (len(cameras), height, width)
    return depth.reshape(shape), ids.reshape(shape)


def test_side_by_side_buildings_measure_what_each_does_alone() -> None:
    """Moving buildings apart costs float32 rounding and no more."""
    buildings = [two_rooms(), box_room(), box_room((5, 2.5, 5)), two_rooms("again"), box_room((9, 3, 4))]
    cameras = Cameras.looking([(-1.5, 1.2, 0.3)] * 5, [0.2, 0.4, 0.6, 0.8, 1.0], 0.1, 70.0, np.arange(5))
    together = RaycastRenderer(buildings).render(cameras, 32, 32, (Sensor.DEPTH, Sensor.SEMANTIC))
    for index, building in enumerate(buildings):
        lone = Cameras(
            cameras.positions[[index]], cameras.rotations[[index]], cameras.hfov_deg[[index]], np.zeros(1, np.int32)
        )
        alone = RaycastRenderer([building]).render(lone, 32, 32, (Sensor.DEPTH, Sensor.SEMANTIC))
        assert together.depth is not None
        assert alone.depth is not None
        np.testing.assert_allclose(together.depth[index], alone.depth[0], atol=2e-4)
        assert (together.semantic[index] == alone.semantic[0]).mean() > 0.995  # type: ignore[index]


def flat_wall(material: Material, lights: tuple[Light, ...], ambient: float = 0.0) -> Building:
    """A wall 4 m wide and high in the plane z = -2, seen from the origin's side."""
    builder = BuildingBuilder("wall", ambient=(ambient, ambient, ambient))
    builder.add_room(Room("room_1", "office", (-9, -9, -9), (9, 9, 9)))
    builder.add([Part(boxes([(-2, -2, -2.5)], [(2, 2, -2)]), material)], category="wall", room=0)
    for light in lights:
        builder.add_light(light)
    return builder.build()


def srgb(linear: np.ndarray | float) -> np.ndarray:
    value = np.clip(linear, 0, 1)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("grey", [0.0, 0.002, 0.2158, 0.5, 1.0])
def test_without_lights_a_colour_is_shown_as_it_is(grey: float) -> None:
    """Textured buildings are unlit then; the texture here is one white texel."""
    white = Material("m", (grey, grey, grey), texture=np.full((1, 1, 3), 255, np.uint8))
    rgb = RaycastRenderer([flat_wall(white, ())]).render(Cameras.looking([(0, 0, 0)], 0.0), 4, 4).rgb
    assert rgb is not None
    np.testing.assert_allclose(rgb, srgb(grey), atol=1.0)


def test_every_byte_of_a_texture_survives() -> None:
    """A ramp of all 256 values, seen so that each texel covers a pixel; its first row is on top."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    corners = np.array([(-2, -2, -2), (2, -2, -2), (2, 2, -2), (-2, 2, -2)], np.float32)
    uvs = np.array([(0, 4), (4, 4), (4, 0), (0, 0)], np.float32)
    mesh = Mesh(
        corners, np.tile(np.array([0, 0, 1], np.float32), (4, 1)), uvs, np.array([(0, 1, 2), (0, 2, 3)], np.int32)
    )
    builder = BuildingBuilder("ramp")
    builder.add([Part(mesh, Material("m", texture=ramp, texture_size_m=(4.0, 4.0)))], category="picture")
    rgb = RaycastRenderer([builder.build()]).render(Cameras.looking([(0, 0, 0)], 0.0, 0.0, 90.0), 16, 16).rgb
    assert rgb is not None
    np.testing.assert_allclose(rgb[0].astype(int), ramp, atol=1)


def test_a_lamp_lights_by_inverse_square_and_cosine() -> None:
    lamp = Light((1.0, 0.5, 0.0), (1.5, 1.5, 1.5), room=0)
    building = flat_wall(Material("m", (0.6, 0.5, 0.4)), (lamp,), ambient=0.1)
    cameras = Cameras.looking([(0, 0, 0)], 0.0, 0.0, 80.0)
    rgb = RaycastRenderer([building]).render(cameras, 24, 24).rgb
    rays, _ = pixel_rays(cameras, 24, 24)
    towards = np.array(lamp.position) - rays[0] * 2
    square = (towards**2).sum(-1)
    irradiance = 0.1 + 1.5 * towards[..., 2] / np.sqrt(square) / square
    assert rgb is not None
    np.testing.assert_allclose(rgb[0], srgb(irradiance[..., None] * [0.6, 0.5, 0.4]), atol=1.5)


def test_a_window_shines_with_the_cosine_to_its_direction() -> None:
    window = Light((0.0, 0.0, 0.0), (2.0, 2.0, 2.0), direction=(0.6, 0.0, -0.8), room=0)
    cameras = Cameras.looking([(0, 0, 0)], 0.0, 0.0, 80.0)
    rgb = RaycastRenderer([flat_wall(Material("m", (0.5, 0.5, 0.5)), (window,))]).render(cameras, 24, 24).rgb
    rays, _ = pixel_rays(cameras, 24, 24)
    towards = -rays[0] * 2
    square = (towards**2).sum(-1)
    shining = np.maximum(-(towards @ [0.6, 0, -0.8]) / np.sqrt(square), 0)
    assert rgb is not None
    np.testing.assert_allclose(
        rgb[0], srgb((0.5 * 2 * towards[..., 2] / square**1.5 * shining)[..., None] * [1, 1, 1]), atol=1.5
    )


def test_what_stands_in_the_light_throws_a_shadow() -> None:
    builder = BuildingBuilder("shadow", ambient=(0.2, 0.2, 0.2))
    builder.add_room(Room("room_1", "office", (-9, -9, -9), (9, 9, 9)))
    white = Material("white")
    builder.add([Part(boxes([(-2, -2, -2.5)], [(2, 2, -2)]), white)], category="wall", room=0)
    builder.add([Part(boxes([(-0.1, -0.1, -1.05)], [(0.1, 0.1, -1.0)]), white)], category="box", room=0)
    builder.add_light(Light((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), room=0))
    camera = Cameras.looking_at([(0.0, 1.5, 0.0)], [(0.0, 0.0, -2.0)], 60.0)
    seen = RaycastRenderer([builder.build()]).render(camera, 64, 64, (Sensor.RGB, Sensor.SEMANTIC))
    assert seen.rgb is not None
    assert seen.semantic is not None
    wall = seen.semantic[0] == 1
    dark = np.abs(seen.rgb[0, ..., 0] - srgb(0.2)) < 1.5
    rays, _ = pixel_rays(camera, 64, 64)
    hits = camera.positions[0] + rays[0] * ((-2 - camera.positions[0, 2]) / rays[0, ..., 2])[..., None]
    inside = (np.abs(hits[..., :2]) < 0.19).all(-1)
    outside = (np.abs(hits[..., :2]) > 0.21).any(-1)
    assert dark[wall & inside].all()
    assert not dark[wall & outside].any()
    assert (wall & inside).sum() > 20


def test_smooth_spheres_have_smooth_normals() -> None:
    builder = BuildingBuilder("ball")
    builder.add([Part(sphere(0.5), Material("m"))], category="ball", position=(0.0, 0.0, -3.0))
    cameras = Cameras.looking([(0, 0, 0)], 0.0, 0.0, 30.0)
    seen = RaycastRenderer([builder.build()]).render(cameras, 64, 64, ALL)
    assert seen.depth is not None
    assert seen.normal is not None
    rays, _ = pixel_rays(cameras, 64, 64)
    hit = seen.depth[0] > 0
    outward = rays[0] * seen.depth[0][..., None] - [0, 0, -3]
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip((outward * seen.normal[0]).sum(-1), -1, 1)))[hit]
    assert np.median(angle) < 2.0
    np.testing.assert_allclose(np.linalg.norm(seen.normal[0][hit], axis=-1), 1, atol=1e-5)
    assert ((seen.normal[0] * rays[0]).sum(-1)[hit] < 1e-3).all()
    assert (seen.normal[0][~hit] == 0).all()


def test_with_more_samples_an_edge_pixel_shows_the_share_that_is_covered() -> None:
    renderer = RaycastRenderer([flat_wall(Material("m", texture=np.full((1, 1, 3), 255, np.uint8)), ())])
    half_px = 4.0
    for covered in (0.2, 0.5, 0.85):
        hfov = np.degrees(2 * np.arctan(half_px / (2 + covered)))  # a pixel is 1 / (2 + covered) of half the wall
        rgb = renderer.render(Cameras.looking([(0, 0, 0)], 0.0, 0.0, hfov), 1, 8, samples=512).rgb
        assert rgb is not None
        np.testing.assert_allclose(rgb[0, 0, :, 0], srgb(np.array([0, covered, 1, 1, 1, 1, covered, 0])), atol=4)


def test_a_path_traced_furnace_glows_as_the_series_says() -> None:
    """In a shut room of albedo a under ambient light A alone, b bounces leave A a^(b + 1)."""
    builder = BuildingBuilder("furnace", ambient=(0.8, 0.8, 0.8))
    builder.add_room(Room("room_1", "office", (-2, 0, -2), (2, 3, 2)))
    shell = inside_out(boxes([(-2, 0, -2)], [(2, 3, 2)]))
    builder.add([Part(shell, Material("m", (0.7, 0.7, 0.7)))], category="wall", room=0)
    builder.add_light(Light((0.0, 1.5, 0.0), (1e-6, 1e-6, 1e-6), room=0))
    renderer = RaycastRenderer([builder.build()])
    camera = Cameras.looking([(0.5, 1.0, 0.5)], 0.7, 0.1, 60.0)
    for bounces in (1, 2, 3):
        rgb = renderer.render(camera, 16, 16, samples=32, bounces=bounces).rgb
        assert rgb is not None
        np.testing.assert_allclose(rgb.mean(), srgb(0.8 * 0.7 ** (bounces + 1)), atol=3.0)


def test_path_traced_pictures_repeat_and_do_not_depend_on_the_batch() -> None:
    renderer = RaycastRenderer([two_rooms()])
    cameras = Cameras.looking([(-1.0, 1.25, -1.5), (-2.0, 1.3, 1.0)], [2.2, 0.4], -0.2, 70.0)
    both = renderer.render(cameras, 24, 24, samples=4, bounces=2).rgb
    alone = renderer.render(cameras[1:], 24, 24, samples=4, bounces=2).rgb
    assert both is not None
    assert alone is not None
    np.testing.assert_array_equal(both[1], alone[0])


@pytest.mark.parametrize(("samples", "bounces"), [(0, 0), (-3, 0), (10**6, 0), (1.5, 0), (1, -1), (1, 50)])
def test_impossible_qualities_are_refused(samples: Any, bounces: int) -> None:
    renderer = RaycastRenderer([box_room()])
    with pytest.raises(SimulatorError, match="samples"):
        renderer.render(Cameras.looking([(0, 1, 0)], 0.0), 4, 4, samples=samples, bounces=bounces)


def test_an_unknown_device_and_no_building_are_refused() -> None:
    with pytest.raises(SimulatorError, match="unknown device 'gpu'"):
        RaycastRenderer([box_room()], device="gpu")
    with pytest.raises(SimulatorError, match="at least one building"):
        RaycastRenderer([])


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="with a GPU there is no error to see")
def test_cuda_without_a_driver_says_what_is_missing() -> None:
    with pytest.raises(SimulatorError, match="an NVIDIA GPU with driver 535 or later is needed"):
        RaycastRenderer([box_room()], device="cuda")


def test_far_from_the_origin_and_beside_the_huge_a_building_looks_the_same() -> None:
    camera = Cameras.looking([(-1.5, 1.2, 0.3)], 0.4, 0.1, 70.0)
    near = RaycastRenderer([two_rooms()]).render(camera, 32, 32, ALL)
    away = np.array([1000, 0, 1000], np.float32)
    building = replace(
        two_rooms(), lights=(), rooms=(), instances=tuple(replace(i, room=-1) for i in two_rooms().instances)
    )
    far = RaycastRenderer([replace(building, vertices=building.vertices + away)])
    there = far.render(replace(camera, positions=camera.positions + away), 32, 32, ALL)
    crowd = RaycastRenderer([box_room((400, 100, 400), "hall"), *(two_rooms(f"house_{i}") for i in range(63))])
    among = crowd.render(replace(camera, buildings=np.array([63])), 32, 32, ALL)
    for seen in (there, among):
        assert seen.depth is not None
        assert near.depth is not None
        np.testing.assert_allclose(seen.depth, near.depth, atol=2e-4)
        assert seen.semantic is not None
        assert near.semantic is not None
        assert np.mean(seen.semantic == near.semantic) > 0.995


def test_triangles_without_area_or_normals_show_no_nonsense() -> None:
    corners = np.array([(-1, 0, -2), (1, 0, -2), (0, 2, -2)], np.float32)
    mesh = Mesh(
        corners,
        np.zeros((3, 3), np.float32),
        np.zeros((3, 2), np.float32),
        np.array([(0, 1, 2), (0, 0, 1), (2, 2, 2)], np.int32),
    )
    builder = BuildingBuilder("sliver")
    builder.add([Part(mesh, Material("m"))], category="sliver")
    seen = RaycastRenderer([builder.build()]).render(Cameras.looking([(0, 1, 0)], 0.0), 16, 16, ALL)
    assert seen.depth is not None
    assert seen.normal is not None
    hit = seen.depth[0] > 0
    assert hit.any()
    np.testing.assert_allclose(seen.depth[0][hit], 2, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(seen.normal[0][hit], axis=-1), 1, atol=1e-4)


def test_path_traced_noise_does_not_depend_on_the_type_of_the_pose() -> None:
    renderer = RaycastRenderer([two_rooms()])
    camera = Cameras.looking([(-1.0, 1.25, -1.5)], 2.2)
    wide = replace(camera, **{name: getattr(camera, name).astype(np.float64) for name in ("positions", "rotations")})
    first, second = (renderer.render(c, 16, 16, samples=2, bounces=1).rgb for c in (camera, wide))
    np.testing.assert_array_equal(first, second)


_ENDS_WHILE_RECORDING = """
import gc
import numpy as np
from sim import Cameras
from sim.raycast.device import activate
activate("cpu")  # before Dr.Jit is imported
from sim.raycast import kernels
from sim.raycast.renderer import RaycastRenderer
from tests.sim.hand_made import box_room

gc.set_threshold(10**8)
cameras = Cameras.looking(np.array([[0, 1.2, 0]], np.float32), np.zeros(1), 0.0, 90.0, np.zeros(1, int))
old = RaycastRenderer([box_room()])
old.render(cameras, 16, 16)
held = [[old]]
held[0].append(held[0])  # a cycle: only the collector finds it
del old
sense = kernels.sense

def sense_while_collecting(*arguments):
    held.clear()
    gc.set_threshold(10, 1, 1)
    [[] for _ in range(5000)]
    return sense(*arguments)

kernels.sense = sense_while_collecting
RaycastRenderer([box_room((5.0, 3.0, 4.0))]).render(cameras, 16, 16)
"""


def test_a_scene_that_nobody_needs_any_more_does_not_end_while_another_is_recorded() -> None:
    done = subprocess.run([sys.executable, "-c", _ENDS_WHILE_RECORDING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


_RESTS = """
import time
import numpy as np
from sim import Cameras
from sim.raycast.renderer import RaycastRenderer
from tests.sim.hand_made import box_room

cameras = Cameras.looking(np.tile([[0, 1.2, 0]], (16, 1)), np.arange(16), 0.0, 90.0)
renderer = RaycastRenderer([box_room()], threads=2)
renderer.render(cameras, 64, 64)
spent = []
for _ in range(9):
    renderer.render(cameras, 64, 64)
    begin = time.process_time()
    time.sleep(0.02)
    spent.append(time.process_time() - begin)
print(sorted(spent)[4])
"""


def test_its_threads_are_at_rest_once_it_has_rendered() -> None:
    """Encoders and policies come next; a thread that looks for work takes 4 ms of CPU time from them."""
    done = subprocess.run([sys.executable, "-c", _RESTS], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1e-3
