"""Labels of rendered houses agree with each other and with the mesh, computed anew from poses and triangles."""

import numpy as np
import pytest
import trimesh

from perception.labels import View, compute_label, pose_matrix
from sim import Building, Cameras, Sensor
from sim.houses import HouseSpec, generate_house
from sim.raycast import RaycastSimulator
from taxonomy.dataset.labelling import views_of
from taxonomy.dataset.views import ViewTable

SIZE = 96


@pytest.fixture(scope="module")
def house() -> Building:
    return generate_house(11, HouseSpec(rooms=(3, 4)))


@pytest.fixture(scope="module")
def views(house: Building) -> list[View]:
    """Pairs of cameras that look at one point, in all rooms."""
    simulator = RaycastSimulator([house])
    rng = np.random.default_rng(0)
    stations = simulator.random_navigable_points(40, rng) + np.array([0, 1.4, 0], np.float32)
    first = Cameras.looking(stations, rng.uniform(-3, 3, 40), rng.uniform(-0.3, 0.1, 40), 60.0)
    depth = simulator.render(first, SIZE + 1, SIZE + 1, (Sensor.DEPTH,)).depth
    assert depth is not None
    targets = stations - first.rotations[:, :, 2] * depth[:, SIZE // 2, SIZE // 2, None]
    beside = simulator.random_navigable_points(40, rng) + np.array([0, 1.3, 0], np.float32)
    second = Cameras.looking_at(beside, targets, 60.0)
    reached = simulator.render(second, SIZE + 1, SIZE + 1, (Sensor.DEPTH,)).depth
    assert reached is not None
    distance = np.linalg.norm(targets - beside, axis=1)
    seen = np.flatnonzero((np.abs(reached[:, SIZE // 2, SIZE // 2] - distance) < 0.02) & (distance > 0.8))
    assert len(seen) >= 3
    index = np.array([(i, i + 40) for i in seen[:5]]).ravel()
    position = np.concatenate([first.positions, second.positions])[index]
    rotation = np.concatenate([first.rotations, second.rotations])[index]
    target = np.concatenate([targets, targets])[index]
    count = len(index)
    table = ViewTable(
        point=np.repeat(np.arange(count // 2), 2).astype(np.int32),
        view=np.tile([0, 1], count // 2).astype(np.int32),
        position=position.astype(np.float32),
        rotation=rotation.astype(np.float32),
        hfov_deg=np.full(count, 60.0, np.float32),
        room=np.array([house.room_at(p) for p in position], np.int32),
        target=target.astype(np.float32),
    )
    cameras = Cameras(table.position, table.rotation, table.hfov_deg, np.zeros(count, np.int32))
    return views_of(house, table, simulator.render(cameras, SIZE, SIZE, tuple(Sensor)))


def rays(view: View) -> np.ndarray:
    """Camera-frame directions [H, W, 3] with z = -1."""
    focal_px = SIZE / 2 / np.tan(np.radians(view.hfov_deg) / 2)
    row, column = np.mgrid[:SIZE, :SIZE] + 0.5
    return np.stack([(column - SIZE / 2) / focal_px, (SIZE / 2 - row) / focal_px, -np.ones((SIZE, SIZE))], axis=-1)


def test_finite_differences_of_points_agree_with_normals(views: list[View]) -> None:
    """Where four neighbours show the same thing and lie as near as a surface allows."""
    angles = []
    for view in views:
        points = rays(view) * view.depth_m[..., None].astype(np.float64)
        across, down = points[1:-1, 2:] - points[1:-1, :-2], points[2:, 1:-1] - points[:-2, 1:-1]
        normal = np.cross(down, across)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        ids = view.instance
        same = np.ones((SIZE - 2, SIZE - 2), bool)
        for shifted in (ids[1:-1, 2:], ids[1:-1, :-2], ids[2:, 1:-1], ids[:-2, 1:-1]):
            same &= shifted == ids[1:-1, 1:-1]
        cosine = np.clip(np.abs((normal * view.normal[1:-1, 1:-1]).sum(-1)), -1, 1)
        angles.append(np.degrees(np.arccos(cosine))[same])
    assert np.median(np.concatenate(angles)) < 1.0


def test_a_point_of_one_view_reprojects_into_the_other_by_the_labelled_pose(views: list[View]) -> None:
    """Both cameras look at one point, so by the labelled pose the first's centre lands on the second's."""
    focal_px = SIZE / 2 / np.tan(np.radians(60.0) / 2)
    for first, second in zip(views[::2], views[1::2], strict=True):
        label = compute_label("fixated_pose", first, second)
        assert label.valid
        rotation, translation = pose_matrix(label.values)
        distance = np.linalg.norm(_target(first, second) - first.position)
        in_second = rotation.T @ (np.array([0, 0, -distance]) - translation)
        pixel = in_second[:2] / -in_second[2] * focal_px
        assert np.abs(pixel).max() < 0.5
        np.testing.assert_array_equal(compute_label("nonfixated_pose", first, second).values, label.values)


def _target(first: View, second: View) -> np.ndarray:
    """Where the two optical axes meet, by least squares."""
    a, b = -first.rotation[:, 2].astype(np.float64), -second.rotation[:, 2].astype(np.float64)
    apart = second.position.astype(np.float64) - first.position
    along = np.linalg.lstsq(np.stack([a, -b], axis=1), apart, rcond=None)[0]
    return np.asarray(first.position + a * along[0])


def test_euclidean_depth_is_depth_times_the_length_of_the_ray(views: list[View]) -> None:
    for view in views:
        flat, radial = (compute_label(name, view) for name in ("depth_zbuffer", "depth_euclidean"))
        expected = np.squeeze(np.asarray(flat.values, dtype=np.float64))
        found = np.squeeze(np.asarray(radial.values, dtype=np.float64))
        np.testing.assert_allclose(found, expected * np.linalg.norm(rays(view), axis=-1), rtol=1e-5)


def test_occlusion_edges_lie_on_jumps_of_depth(views: list[View]) -> None:
    """Every strong edge has a neighbour that is nearer or farther by more than 5 cm."""
    strong_count = 0
    for view in views:
        edges = np.squeeze(np.nan_to_num(compute_label("edge_occlusion", view).values))
        strong = edges > 0.5
        strong_count += int(strong.sum())
        depth = np.pad(view.depth_m, 1, mode="edge")
        window = [depth[i : i + SIZE, j : j + SIZE] for i in range(3) for j in range(3)]
        jump = np.max(window, axis=0) - np.min(window, axis=0)
        assert (jump[strong] > 0.05).mean() > 0.99
    assert strong_count > 100


def test_ids_are_those_of_the_triangles_hit(house: Building, views: list[View]) -> None:
    caster = trimesh.ray.ray_pyembree.RayMeshIntersector(
        trimesh.Trimesh(house.vertices, house.triangles, process=False)
    )
    for view in views[:4]:
        directions = (rays(view) @ view.rotation.T.astype(np.float64)).reshape(-1, 3)
        origins = np.tile(view.position.astype(np.float64), (len(directions), 1))
        triangle = caster.intersects_first(origins, directions)
        instance = np.where(triangle >= 0, house.triangle_instance[triangle], 0).reshape(SIZE, SIZE)
        assert (instance == view.instance).mean() > 0.995
        named = [house.instances[i].category for i in view.instance[::16, ::16].ravel()]
        assert named == [view.categories[c] for c in view.category[::16, ::16].ravel()]
