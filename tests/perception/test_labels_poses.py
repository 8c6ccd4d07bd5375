"""Projection, visibility, relative poses and matching centres."""

import dataclasses
import math

import numpy as np
import pytest

from perception import UserError
from perception.labels import (
    View,
    back_project,
    centres_meet,
    compose,
    compute_label,
    focal_px,
    overlap,
    pixel_rays,
    pose_matrix,
    project,
    relative_pose,
    visible,
)
from tests.perception.analytic_views import Sphere, exact_rays, furnished_room, looking_at, trace, turned

TARGET = np.array([0.0, 1.6, -2.98])
"""The middle of the picture on the far wall."""


def views_of(
    target: np.ndarray[tuple[int], np.dtype[np.float64]], *positions: tuple[float, float, float]
) -> list[View]:
    return [furnished_room(position, looking_at(position, target)) for position in positions]


def test_focal_length_and_rays_are_those_of_a_pinhole() -> None:
    assert focal_px(128, 90) == pytest.approx(64)
    np.testing.assert_allclose(pixel_rays(96, 130, 61.0), exact_rays(96, 130, 61.0), atol=1e-6)
    for hfov in (0, 1, 179, math.nan):
        with pytest.raises(UserError, match="field of view"):
            focal_px(128, hfov)
    with pytest.raises(UserError, match="width of at least 1"):
        focal_px(0, 60)


@pytest.mark.parametrize("size", [(128, 128), (5, 8), (1, 1)])
def test_projecting_what_was_back_projected_gives_the_pixel_and_depth(size: tuple[int, int]) -> None:
    view = furnished_room(rotation=turned(33, 12, -7), size=size)
    pixels, depth = project(back_project(view), view)
    rows, columns = np.indices(size) + 0.5
    np.testing.assert_allclose(pixels, np.stack([columns, rows], axis=-1), atol=1e-3)
    np.testing.assert_allclose(depth, view.depth_m, rtol=1e-5)


def test_points_behind_the_camera_have_no_pixel() -> None:
    view = furnished_room(rotation=turned())
    pixels, depth = project(view.position + np.array([0, 0, 1.0]), view)
    assert depth < 0
    assert np.isnan(pixels).all()
    assert not visible(view.position + np.array([0, 0, 1.0]), view)


def test_visibility_agrees_with_tracing_the_ray() -> None:
    """Points of one view in another, against whether the segment to them meets the ball, column or table."""
    ball = Sphere((0, 0, -3), 0.5)
    room = trace([ball, Sphere((0, 0, -3), 3.0)], rotation=turned(10, 0))
    points = np.random.default_rng(0).normal(size=(4000, 3))
    points = np.array([0, 0, -3]) + 3.0 * points / np.linalg.norm(points, axis=1, keepdims=True)
    start = np.array([0.0, 0, 0.0]) + 1e-6
    hidden = ball.hit(start, points - start)[0] < 0.999
    pixels, depth = project(points, room)
    inside = (depth > 0) & (np.nan_to_num(pixels, nan=-1) >= 0).all(-1) & (np.nan_to_num(pixels, nan=999) < 128).all(-1)
    answer = visible(points, room)
    assert not answer[~inside].any()
    assert (answer == ~hidden)[inside].mean() > 0.985  # all but pixels that straddle the outline
    assert answer[inside & ~hidden].sum() > 100
    assert hidden[inside].sum() > 10


def test_the_labelled_pose_reprojects_a_shared_point_within_half_a_pixel() -> None:
    first, second = furnished_room((0.6, 1.4, 1.8)), furnished_room((-1.2, 1.1, 1.2), turned(-25, -8))
    label = compute_label("nonfixated_pose", first, second)
    assert label.valid
    rotation, translation = pose_matrix(label.values)
    world = back_project(first).reshape(-1, 3)
    shared = visible(world, second)
    assert shared.mean() > 0.2
    in_second = (first.points.reshape(-1, 3)[shared] - translation) @ rotation
    focal = focal_px(128, 60)
    pixel = 64 + in_second[:, :2] * [focal, -focal] / -in_second[:, 2:]
    expected, depth = project(world[shared], second)
    assert np.abs(pixel - expected).max() < 0.05
    seen = second.points[expected[:, 1].astype(int), expected[:, 0].astype(int)]
    again = 64 + seen[:, :2] * [focal, -focal] / -seen[:, 2:]
    assert np.abs(again - pixel).max() <= 0.5 + 0.05
    assert (depth > 0).all()


def test_poses_compose_and_the_egomotion_cycle_is_the_identity() -> None:
    a, b, c = views_of(TARGET, (0.6, 1.4, 1.8), (-1.2, 1.1, 1.2), (1.8, 2.0, 0.4))
    label = compute_label("egomotion", a, b, c)
    assert label.valid
    ab, bc, ca = label.values.reshape(3, 6)
    np.testing.assert_array_equal(ab, relative_pose(a, b))
    np.testing.assert_allclose(compose(ab, bc), relative_pose(a, c), atol=1e-5)
    np.testing.assert_allclose(compose(compose(ab, bc), ca), np.zeros(6), atol=1e-5)


def test_a_pose_is_the_second_cameras_place_in_the_firsts_frame() -> None:
    first = furnished_room((0, 1.5, 1), turned(90))  # looks along -x
    second = furnished_room((-0.5, 1.5, 1), turned(120))
    np.testing.assert_allclose(relative_pose(first, second), [0, 0, -0.5, 0, math.radians(30), 0], atol=1e-6)


def test_fixated_views_meet_and_a_hidden_centre_does_not() -> None:
    free = [(0.6, 1.4, 1.8), (-0.9, 1.9, 1.0)]
    a, b = views_of(TARGET, *free)
    assert compute_label("fixated_pose", a, b).valid
    assert compute_label("point_matching", a, b).values == 1
    behind_the_column = tuple(TARGET + 2 * (np.array([1.2, 1.5, -1.5]) - TARGET))
    hidden = furnished_room(behind_the_column, looking_at(behind_the_column, TARGET))
    assert not centres_meet(a, hidden)
    assert not compute_label("fixated_pose", a, hidden).valid
    other = furnished_room(free[1], looking_at(free[1], TARGET + np.array([0.3, 0, 0])))
    label = compute_label("point_matching", a, other)
    assert label.valid
    assert label.values == 0


@pytest.mark.parametrize("size", [(1, 1), (4, 5), (65, 64)])
def test_centres_of_any_size_of_image_meet_where_the_axes_do(size: tuple[int, int]) -> None:
    a, b = (furnished_room(p, looking_at(p, TARGET), size) for p in ((0.6, 1.4, 1.8), (-0.9, 1.9, 1.0)))
    assert centres_meet(a, b)


def test_views_that_share_nothing_give_no_valid_pose() -> None:
    a, b = furnished_room(rotation=turned(0)), furnished_room(rotation=turned(180))
    assert overlap(a, b) == 0
    assert overlap(a, a) == 1
    assert not compute_label("nonfixated_pose", a, b).valid
    blind = dataclasses.replace(a, depth_m=np.zeros_like(a.depth_m), normal=np.zeros_like(a.normal))
    assert overlap(blind, a) == 0
    assert overlap(a, blind) == 0
    assert not compute_label("point_matching", a, blind).valid
