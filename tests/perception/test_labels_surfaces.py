"""Depth, normals, reshading, curvature, occlusion edges and 3D keypoints against closed forms."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from perception.labels import View, compute_label, compute_labels
from tests.perception.analytic_views import (
    Cylinder,
    Patch,
    Plane,
    Sphere,
    Surface,
    box_room,
    exact_rays,
    furnished_room,
    numbers,
    trace,
    turned,
)

SIZES = [(128, 128), (96, 161), (1, 1), (3, 7)]
EYE = (0.4, 1.3, 0.7)
ROOM = box_room((-2, 0, -3), (2.5, 2.6, 2))
OBLIQUE = turned(25, -14, 3)


def distances_in_the_room(rays: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Depth and normals (world) of the empty room by slabs: the nearest of the walls ahead."""
    world = rays @ OBLIQUE.T
    low, high = np.array([-2, 0, -3.0]), np.array([2.5, 2.6, 2])
    per_axis = np.where(world > 0, high - EYE, low - EYE) / world
    axis = per_axis.argmin(axis=-1)
    normals = -np.sign(np.take_along_axis(world, axis[..., None], -1)) * np.eye(3)[axis]
    return per_axis.min(axis=-1), normals


@pytest.mark.parametrize("size", SIZES)
def test_an_empty_room_has_the_depth_normals_and_shading_of_the_closed_form(size: tuple[int, int]) -> None:
    view = trace(ROOM, position=EYE, rotation=OBLIQUE, size=size)
    rays = exact_rays(*size, 60.0)
    depth, normals = distances_in_the_room(rays)
    length = np.linalg.norm(rays, axis=-1)
    labels = compute_labels(view, ["depth_zbuffer", "depth_euclidean", "normal", "reshading"])
    assert all(label.valid.all() for label in labels.values())
    np.testing.assert_allclose(numbers(labels["depth_zbuffer"]), depth, rtol=1e-5)
    np.testing.assert_allclose(numbers(labels["depth_euclidean"]), depth * length, rtol=1e-5)
    np.testing.assert_allclose(numbers(labels["normal"]), normals @ OBLIQUE, atol=1e-5)
    cosine = -(normals @ OBLIQUE * rays).sum(axis=-1) / length
    np.testing.assert_allclose(numbers(labels["reshading"]), cosine * 25 / (25 + (depth * length) ** 2), atol=1e-5)


def test_what_was_not_hit_or_lies_too_far_is_marked() -> None:
    view = trace([Sphere((0, 0, -3), 1.0), Plane((0, 0, -200), (0, 0, 1))], size=(32, 32))
    far = view.depth_m > 128
    assert far.any()
    assert not far.all()
    assert (compute_label("depth_zbuffer", view).valid == ~far).all()
    assert np.isnan(compute_label("depth_euclidean", view).values[far]).all()
    alone = trace([Sphere((0, 0, -3), 1.0)], size=(32, 32))
    for task in ("depth_zbuffer", "normal", "reshading", "curvature", "edge_occlusion", "keypoints3d"):
        label = compute_label(task, alone)
        assert not label.valid[alone.depth_m == 0].any()
        assert np.isnan(label.values[~label.valid]).all()
        assert np.isfinite(label.values[label.valid]).all()


def test_finite_differences_of_points_agree_with_normals() -> None:
    view = furnished_room()
    points = view.points.astype(np.float64)
    across, down = points[1:-1, 2:] - points[1:-1, :-2], points[2:, 1:-1] - points[:-2, 1:-1]
    normal = np.cross(down, across)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    cosine = np.clip((normal * view.normal[1:-1, 1:-1]).sum(axis=-1), -1, 1)
    same = ndimage.maximum_filter(view.instance, 3) == ndimage.minimum_filter(view.instance, 3)
    assert np.degrees(np.median(np.arccos(cosine[same[1:-1, 1:-1]]))) < 0.1


@pytest.mark.parametrize("radius", [0.1, 0.4, 2.0])
def test_a_ball_has_the_curvature_of_its_radius(radius: float) -> None:
    view = trace([Sphere((0.2 * radius, 0.1, -4 * radius), radius)])
    label = compute_label("curvature", view)
    assert label.valid[view.hit].mean() > 0.9
    np.testing.assert_allclose(numbers(label)[label.valid], 1 / radius, rtol=0.01)


def test_a_hollow_ball_is_concave() -> None:
    label = compute_label("curvature", trace([Sphere((0, 0, 0), 2.0)], position=(0.5, 0.3, 0.2)))
    assert label.valid.all()
    np.testing.assert_allclose(numbers(label), -0.5, rtol=0.01)


@pytest.mark.parametrize("axis", [(0, 1, 0), (1, 0.3, 0.2)])
def test_a_cylinder_is_curved_one_way_only(axis: tuple[float, float, float]) -> None:
    view = trace([Cylinder((0.1, 0, -1.5), axis, 0.5)], hfov_deg=50)
    label = compute_label("curvature", view)
    assert label.valid[view.hit].mean() > 0.85
    k1, k2 = numbers(label)[label.valid].T
    assert np.percentile(np.abs(k1 * 0.5 - 1), 99) < 0.02
    assert np.percentile(np.abs(k2), 99) < 0.04
    assert (k1 >= k2).all()


def test_a_ring_is_a_saddle_inside_and_convex_outside() -> None:
    """A torus has 1 / r across the tube and cos(phi) / (R + r cos(phi)) along it, phi the angle about the tube."""
    ring, tube = 1.0, 0.4
    rays = exact_rays(128, 128, 50.0)
    depth = np.zeros(rays.shape[:2])
    for _ in range(300):  # sphere tracing
        x, y, z = np.moveaxis(rays * depth[..., None] + [0, 0, 4], -1, 0)
        off = np.hypot(np.hypot(x, y) - ring, z) - tube
        depth += 0.9 * np.minimum(off, 1) / np.linalg.norm(rays, axis=-1)
    hit = (np.abs(off) < 1e-6) & (depth < 20)
    reach = np.hypot(x, y)
    normal = np.stack([(reach - ring) * x / reach, (reach - ring) * y / reach, z], axis=-1) / tube
    cosine = (reach - ring) / tube
    exact = np.stack([np.full_like(reach, 1 / tube), cosine / reach], axis=-1)
    ids = hit.astype(np.int32)
    view = dataclasses.replace(
        trace([Plane((0, 0, -3), (0, 0, 1))], position=(0, 0, 4), hfov_deg=50.0),
        depth_m=np.where(hit, depth, 0).astype(np.float32),
        normal=np.where(hit[..., None], normal, 0).astype(np.float32),
        instance=ids,
        category=ids,
    )
    label = compute_label("curvature", view)
    assert label.valid[hit].mean() > 0.98
    saddle = label.valid & (cosine < -0.3)
    assert saddle.sum() > 300
    assert (label.values[saddle, 1] < 0).all()
    error = np.abs(label.values - exact)[label.valid]
    assert np.percentile(error, 99) < 0.03 / tube
    assert error.max() < 0.1 / tube


def test_walls_are_flat_and_corners_have_no_curvature() -> None:
    view = trace(ROOM, position=EYE, rotation=OBLIQUE)
    label = compute_label("curvature", view)
    assert label.valid.mean() > 0.95
    assert np.abs(label.values[label.valid]).max() < 1e-3
    joined = dataclasses.replace(view, instance=np.ones_like(view.instance))
    label = compute_label("curvature", joined)
    assert np.abs(label.values[label.valid]).max() < 1e-3


def jumps(view: View) -> NDArray[np.bool_]:
    """Pixels with a neighbour of another instance."""
    edge = np.zeros(view.instance.shape, bool)
    for axis in (0, 1):
        differs = np.diff(view.instance, axis=axis) != 0
        head = (slice(None),) * axis
        edge[(*head, slice(None, -1))] |= differs
        edge[(*head, slice(1, None))] |= differs
    return edge


@pytest.mark.parametrize(
    "thing",
    [
        Sphere((0.2, 1.2, -1.2), 0.4),
        Cylinder((0.2, 0, -1.2), (0.1, 1, 0), 0.2),
        Patch((0.3, 1.2, -1.0), (0.2, 1, 1), 0.4),
    ],
    ids=["ball", "column", "board"],
)  # fmt: skip
def test_occlusion_edges_are_the_silhouettes(thing: Surface) -> None:
    """The thing hangs a metre or more before the far wall; its outline is an edge and nothing else is."""
    wall = Plane((0, 0, -3), (0.2, 0, 1))
    view = trace([wall, thing], position=EYE, rotation=turned(3, -2))
    label = compute_label("edge_occlusion", view)
    edge = jumps(view)
    assert label.valid.all()
    assert edge.sum() > 100
    np.testing.assert_array_equal(numbers(label) > 0, edge)
    assert (label.values[edge] == 1).all()


@pytest.mark.parametrize("rotation", [turned(25, -14, 3), turned(140, 30), turned(-80, -40)])
def test_slanted_walls_and_creases_are_no_occlusion(rotation: NDArray[np.float64]) -> None:
    view = trace(ROOM, position=EYE, rotation=rotation, hfov_deg=90)
    assert compute_label("edge_occlusion", view).values.max() == 0


def test_a_step_has_its_height_as_response() -> None:
    near, far = Patch((-2, 0, -2.0), (0, 0, 1), 2.0), Plane((0, 0, -2.1), (0, 0, 1))
    label = compute_label("edge_occlusion", trace([near, far], size=(64, 64)))
    edge = numbers(label) > 0
    np.testing.assert_allclose(numbers(label)[edge], 0.1 / 0.25, rtol=1e-3)
    assert np.unique(np.nonzero(edge)[1]).tolist() == [31, 32]


def test_a_grazing_sliver_of_a_surface_hides_nothing() -> None:
    """A rounded rim in two rows of pixels: its planes, continued over a pixel, would lead far behind the front."""
    view = trace([Plane((0, 0, -3.3), (0, 0, 1))], size=(96, 96))
    normal = view.normal.copy()
    normal[60:62] = (0, math.sqrt(1 - 0.13**2), 0.13)
    label = compute_label("edge_occlusion", dataclasses.replace(view, normal=normal))
    assert label.values.max() < 0.01


def test_occlusion_edges_do_not_depend_on_colour() -> None:
    view = furnished_room()
    grey = dataclasses.replace(view, rgb=np.full_like(view.rgb, 9))
    for task in ("edge_occlusion", "keypoints3d", "curvature"):
        np.testing.assert_array_equal(compute_label(task, view).values, compute_label(task, grey).values)


def test_3d_keypoints_lie_near_corners_not_on_walls_or_along_edges() -> None:
    view = trace(ROOM, position=(0.2, 1.3, 0.5), rotation=turned(20, 25), size=(128, 128))
    response = compute_label("keypoints3d", view).values
    corner = np.array([-2, 2.6, -3]) - np.array([0.2, 1.3, 0.5])
    local = corner @ turned(20, 25)
    focal = 64 / math.tan(math.radians(30))
    column, row = 64 - local[0] / local[2] * focal, 64 + local[1] / local[2] * focal
    rows, columns = np.indices(response.shape) + 0.5
    metres = np.hypot(rows - row, columns - column) * -local[2] / focal
    assert metres.flat[response.argmax()] < 0.3
    assert response[metres > 0.8].max() < 0.3 * response.max()


@pytest.mark.parametrize("position", [(0.2, 1.3, 0.5), (-1.2, 1.9, -1.9), (-1.6, 2.25, -2.5)])
def test_3d_keypoints_agree_with_the_literal_sum_over_the_support(position: tuple[float, float, float]) -> None:
    """The sampled support against every pixel of it, area for area, from afar and near."""
    from perception.labels.range_keypoints import SUPPORT_M, _diversity, _surface_change

    view = trace(ROOM, position=position, rotation=turned(20, 25), size=(64, 64))
    w, cos, sin = _surface_change(view)
    sampled = _diversity(view, w, cos, sin)
    literal = np.zeros_like(sampled)
    for row, column in np.ndindex(literal.shape):
        away = np.linalg.norm(view.points - view.points[row, column], axis=-1) / SUPPORT_M
        lateral = np.linalg.norm(view.points[..., :2] - view.points[row, column, :2], axis=-1) / SUPPORT_M
        weight = np.maximum(1 - np.abs(2 * away - 0.5), 0) / np.maximum(lateral, 0.1)
        parts = [(weight * w * f).sum() for f in (1, cos, sin)]
        literal[row, column] = parts[0] - math.hypot(*parts[1:])
    assert np.corrcoef(sampled.ravel(), literal.ravel())[0, 1] > 0.95


TASKS_OF_THE_IMAGE = [
    "edge_texture", "keypoints2d", "depth_zbuffer", "depth_euclidean", "curvature", "edge_occlusion", "keypoints3d",
    "reshading", "colorization",
]  # fmt: skip


@pytest.mark.parametrize("task", TASKS_OF_THE_IMAGE)
def test_the_label_of_a_mirrored_or_turned_view_is_the_label_mirrored_or_turned(task: str) -> None:
    view = furnished_room(size=(96, 96))

    def moved(move: Callable[[NDArray[Any]], NDArray[Any]], turn: NDArray[np.float32]) -> View:
        return dataclasses.replace(
            view,
            rgb=move(view.rgb),
            depth_m=move(view.depth_m),
            normal=move(view.normal) @ turn.T,
            instance=move(view.instance),
            category=move(view.category),
        )

    mirror, quarter = np.diag([-1, 1, 1]).astype(np.float32), np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    for move, turn in ((np.fliplr, mirror), (np.rot90, quarter)):
        here, there = compute_label(task, view), compute_label(task, moved(move, turn))
        np.testing.assert_array_equal(move(here.valid), there.valid)
        differs = np.abs(move(numbers(here)) - numbers(there))[there.valid] > 1e-3
        assert differs.mean() < 0.002  # a sample may fall on the border of two pixels


@pytest.mark.parametrize("radius", [0.015, 0.03, 0.2])
@pytest.mark.parametrize("axis", [(0, 1, 0), (1, 0, 0)])
def test_a_pole_has_no_3d_keypoints_along_it_however_thin(radius: float, axis: tuple[float, float, float]) -> None:
    """Its two borders run in one direction; that they face opposite ways does not make it two."""
    view = trace([Plane((0, 0, -4), (0, 0, 1)), Cylinder((0.013, 0.011, -2.0), axis, radius)])
    assert (view.instance == 2).sum() >= 128
    assert compute_label("keypoints3d", view).values.max() < 0.02


def test_a_plane_has_no_3d_keypoints() -> None:
    view = trace([Plane((0, 0, -3), (0.3, 0.4, 1))])
    assert compute_label("keypoints3d", view).values.max() < 1e-5
