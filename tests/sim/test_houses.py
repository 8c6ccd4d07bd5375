from functools import cache

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from scipy import ndimage

from sim.building import Building
from sim.furniture import CATALOGUE
from sim.houses import HouseSpec, generate_house
from sim.houses.clutter import IN_ROOM, THINGS
from sim.houses.hangings import Hung
from sim.houses.house import House, draw_house
from sim.houses.recipes import RECIPES
from sim.houses.room_types import ROOM_TYPES
from sim.houses.space import Placed
from sim.houses.strategies import Along, Fill, Scatter

SEEDS = range(10)
FLAT_M = 0.06
SHELL = {"wall", "floor", "ceiling", "door", "door_frame", "window", "baseboard", "moulding"}


@cache
def house(seed: int) -> House:
    return draw_house(seed, HouseSpec())


@cache
def caster(seed: int) -> trimesh.Trimesh:
    building = house(seed).building
    return trimesh.Trimesh(building.vertices, building.triangles, process=False)


def things(seed: int) -> list[list[tuple[int, Placed]]]:
    """For each room, instance ids and what was placed."""
    drawn = house(seed)
    rooms = drawn.building.instance_room
    found = []
    for index, space in enumerate(drawn.spaces):
        ids = np.flatnonzero(rooms == index)
        found.append(list(zip(ids[len(ids) - len(space.placed) :].tolist(), space.placed, strict=True)))
    return found


def vertices_of(building: Building, instance: int) -> NDArray[np.float64]:
    used = np.unique(building.triangles[building.triangle_instance == instance])
    corners: NDArray[np.float64] = building.vertices[used].astype(np.float64)
    return corners


def first_hits(seed: int, origins: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances to what rays hit first, inf where they hit nothing."""
    mesh = caster(seed)
    triangles = mesh.ray.intersects_first(origins, directions)
    normals = mesh.face_normals[triangles]
    corners = mesh.triangles[triangles, 0]
    slope = (directions * normals).sum(1)
    distances = ((corners - origins) * normals).sum(1) / np.where(slope == 0, 1.0, slope)
    return np.where(triangles >= 0, distances, np.inf)


def test_the_same_seed_gives_the_same_house() -> None:
    first, second = generate_house(4), house(4).building
    for name in ("vertices", "normals", "uvs", "triangles", "triangle_instance", "triangle_material"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert (first.instances, first.rooms, first.lights) == (second.instances, second.rooms, second.lights)
    for a, b in zip(first.materials, second.materials, strict=True):
        assert {**vars(a), "texture": None} == {**vars(b), "texture": None}
        np.testing.assert_array_equal(a.texture, b.texture)


def test_houses_of_other_seeds_and_specs_differ() -> None:
    shapes = {house(seed).building.vertices.shape for seed in SEEDS}
    assert len(shapes) == len(SEEDS)
    assert generate_house(4, HouseSpec(rooms=(2, 2))).vertices.shape not in shapes


@pytest.mark.parametrize("seed", SEEDS)
def test_triangles_are_within_budget(seed: int) -> None:
    assert 20_000 <= len(house(seed).building.triangles) <= 150_000


def test_there_are_many_categories_and_every_thing_has_one_and_a_room() -> None:
    seen: set[str] = set()
    for seed in SEEDS:
        building = house(seed).building
        seen |= {instance.category for instance in building.instances[1:]}
        assert all(0 <= instance.room < len(building.rooms) for instance in building.instances[1:])
        assert len({instance.name for instance in building.instances}) == len(building.instances)
    assert SHELL - {"moulding"} < seen
    assert len(seen) >= 60


@pytest.mark.parametrize("seed", SEEDS)
def test_no_ray_from_inside_escapes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for room in house(seed).building.rooms:
        origins = rng.uniform(np.add(room.lower, 0.02), np.subtract(room.upper, 0.02), (1500, 3))
        directions = rng.normal(size=origins.shape)
        assert (caster(seed).ray.intersects_first(origins, directions) >= 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_surfaces_of_the_shell_never_flicker(seed: int) -> None:
    """No two faces of the shell that look the same way lie within a millimetre of each other."""
    drawn, mesh = house(seed).building, caster(seed)
    names = np.array([instance.category in SHELL for instance in drawn.instances])
    shell = names[drawn.triangle_instance]
    rng = np.random.default_rng(seed)
    origins = np.concatenate([rng.uniform(room.lower, room.upper, (300, 3)) for room in drawn.rooms])
    directions = rng.normal(size=origins.shape)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points, rays, faces = mesh.ray.intersects_location(origins, directions, multiple_hits=True)
    facing = ((mesh.face_normals[faces] * directions[rays]).sum(1) < -0.05) & shell[faces]
    points, rays, faces = points[facing], rays[facing], faces[facing]
    distance = np.linalg.norm(points - origins[rays], axis=1)
    order = np.lexsort((distance, rays))
    near = (np.diff(rays[order]) == 0) & (np.diff(distance[order]) < 1e-3)
    first, second = faces[order][:-1][near], faces[order][1:][near]
    parallel = (mesh.face_normals[first] * mesh.face_normals[second]).sum(1) > 0.999
    other = drawn.triangle_instance[first] != drawn.triangle_instance[second]
    assert not (parallel & other).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_doors_are_at_least_80_cm_wide(seed: int) -> None:
    drawn = house(seed)
    for room in drawn.plan.rooms:
        for wall in room.walls:
            for hole in wall.openings:
                if hole.other < 0:
                    continue
                x, z = wall.at(hole.middle, -drawn.plan.wall_m / 2)
                across = np.subtract(wall.at(1.0), wall.at(0.0))
                heights = np.array([0.15, 1.0, 1.8])
                origins = np.column_stack([np.full(3, x), heights, np.full(3, z)])
                direction = np.tile([across[0], 0.0, across[1]], (3, 1))
                width = first_hits(seed, origins, direction) + first_hits(seed, origins, -direction)
                assert width.min() >= 0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_stays_within_its_room(seed: int) -> None:
    building = house(seed).building
    for room, found in zip(building.rooms, things(seed), strict=True):
        for instance, placed in found:
            corners = vertices_of(building, instance)
            assert (corners >= np.subtract(room.lower, 2e-3)).all(), placed.piece.category
            assert (corners <= np.add(room.upper, 2e-3)).all(), placed.piece.category


def _local(points: NDArray[np.float64], yaw_rad: float) -> NDArray[np.float64]:
    cos, sin = float(np.cos(yaw_rad)), float(np.sin(yaw_rad))
    x, y, z = points.T
    return np.column_stack([cos * x - sin * z, y, sin * x + cos * z])


@pytest.mark.parametrize("seed", SEEDS)
def test_things_do_not_run_into_each_other(seed: int) -> None:
    """Oriented boxes of the triangles, compared by points in them."""
    building = house(seed).building
    grid = np.stack(np.meshgrid(*[np.linspace(0.02, 0.98, 9)] * 3), axis=-1).reshape(-1, 3)
    for found in things(seed):
        bounds = {}
        for instance, placed in found:
            corners = _local(vertices_of(building, instance), placed.yaw_rad)
            bounds[instance] = (corners.min(axis=0), corners.max(axis=0), placed)
        for a, (low_a, high_a, first) in bounds.items():
            if first.box.low < 0.01 and high_a[1] < FLAT_M:
                continue
            points = _local(low_a + grid * (high_a - low_a), -first.yaw_rad)
            for b, (low_b, high_b, second) in bounds.items():
                if a == b or first.parent is second or second.parent is first or high_b[1] < FLAT_M:
                    continue
                inside = _local(points, second.yaw_rad)
                deep = (inside > low_b + 4e-3) & (inside < high_b - 4e-3)
                assert not deep.all(axis=1).any(), (first.piece.category, second.piece.category)


@pytest.mark.parametrize("seed", SEEDS)
def test_small_things_stand_on_what_carries_them(seed: int) -> None:
    building = house(seed).building
    every = [pair for found in things(seed) for pair in found]
    ids = {id(placed): instance for instance, placed in every}
    carried = [placed for _, placed in every if placed.parent is not None]
    above = np.add([placed.position for placed in carried], (0.0, 0.06, 0.0))
    down = np.tile([0.0, -1.0, 0.0], (len(carried), 1))
    points, rays, triangles = caster(seed).ray.intersects_location(above, down, multiple_hits=True)
    for index, placed in enumerate(carried):
        carrier = ids[id(placed.parent)]
        tops = points[(rays == index) & (building.triangle_instance[triangles] == carrier), 1]
        gap = placed.position[1] - tops.max(initial=-np.inf)
        assert -0.06 < gap < 0.06, (placed.piece.category, building.instances[carrier].name, gap)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_stands_in_a_doorway_or_hangs_before_a_window(seed: int) -> None:
    drawn = house(seed)
    for room, found in zip(drawn.plan.rooms, things(seed), strict=True):
        for wall in room.walls:
            normal = np.subtract(wall.at(0.0, 1.0), wall.at(0.0))
            for instance, placed in found:
                corners = vertices_of(drawn.building, instance)
                corners = corners[:: max(1, len(corners) // 400)]
                out = (corners[:, [0, 2]] - wall.at(0.0)) @ normal
                along = np.array([wall.along(float(x), float(z)) for x, _, z in corners])
                height = corners[:, 1]
                for hole in wall.openings:
                    window = hole.kind == "window"
                    if (window and placed.piece.category == "curtain") or height.max() < FLAT_M or placed.parent:
                        continue
                    low = max(hole.bottom, 1.3) if window else 0.0
                    before = (along > hole.left) & (along < hole.right) & (out < (0.1 if window else 0.6))
                    assert not (before & (height > low) & (height < hole.top)).any(), placed.piece.category


@pytest.mark.parametrize("seed", SEEDS)
def test_an_agent_can_walk_to_every_room(seed: int) -> None:
    """What a vertical ray from 1.5 m hits first is rastered at 5 cm, and obstacles grow by the agent's radius."""
    building = house(seed).building
    lower = np.min([room.lower for room in building.rooms], axis=0)
    upper = np.max([room.upper for room in building.rooms], axis=0)
    xs, zs = np.arange(lower[0] - 0.3, upper[0] + 0.3, 0.05), np.arange(lower[2] - 0.3, upper[2] + 0.3, 0.05)
    px, pz = np.meshgrid(xs, zs)
    origins = np.column_stack([px.ravel(), np.full(px.size, 1.5), pz.ravel()])
    depth = first_hits(seed, origins, np.tile([0.0, -1.0, 0.0], (len(origins), 1))).reshape(px.shape)
    free = np.abs(depth - 1.5) < 0.1
    grown = ndimage.distance_transform_edt(free) * 0.05 > 0.18 + 0.025
    islands, _ = ndimage.label(grown)
    main = islands == np.argmax(np.bincount(islands.ravel())[1:]) + 1
    for room in building.rooms:
        inside = (px > room.lower[0]) & (px < room.upper[0]) & (pz > room.lower[2]) & (pz < room.upper[2])
        assert (main & inside).sum() * 0.0025 > 0.4, room.name
        assert (main & inside).sum() >= 0.6 * (grown & inside).sum(), room.name


@pytest.mark.parametrize("seed", SEEDS)
def test_every_room_has_lights_of_its_own_that_reach_its_floor(seed: int) -> None:
    building = house(seed).building
    rng = np.random.default_rng(seed)
    for index, room in enumerate(building.rooms):
        lights = [light for light in building.lights if light.room == index]
        assert lights
        reached = np.zeros(200, dtype=bool)
        low, high = np.array(room.lower), np.array(room.upper)
        points = rng.uniform(low + 0.05, high - 0.05, (200, 3))
        points[:, 1] = 1.2
        for light in lights:
            assert building.room_at(light.position) == index
            rays = points - light.position
            reached |= first_hits(seed, np.tile(light.position, (200, 1)), rays) > 0.999
        assert reached.mean() > 0.55, room.name


def test_a_large_house_is_furnished_in_every_room() -> None:
    drawn = draw_house(1, HouseSpec(rooms=(16, 16)))
    assert all(len(space.placed) >= 3 for space in drawn.spaces)


def test_recipes_name_things_that_the_catalogue_has_for_that_place() -> None:
    assert set(RECIPES) == set(ROOM_TYPES)
    for recipe in RECIPES.values():
        for strategy in recipe:
            for value in vars(strategy).values():
                names = [name for name in value if isinstance(name, str)] if isinstance(value, tuple) else []
                mounts = {CATALOGUE[name].mount for name in names}
                above = isinstance(strategy, Along) and names == list(strategy.above)
                if above or isinstance(strategy, Hung):
                    assert mounts <= {"wall"}
                elif isinstance(strategy, (Along, Fill, Scatter)):
                    assert mounts <= {"floor", "surface"}


def test_what_stands_on_furniture_can_stand() -> None:
    assert set(IN_ROOM) <= set(ROOM_TYPES)
    carriers = [item for table in (THINGS, *IN_ROOM.values()) for item in table.items()]
    for carrier, (names, _) in carriers:
        assert CATALOGUE[carrier].mount in ("floor", "wall", "surface")
        assert {CATALOGUE[name].mount for name in names} <= {"floor", "surface"}
