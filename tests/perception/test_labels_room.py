"""The room's box and the vanishing directions."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception.labels import RoomBox, View, compute_label, layout_corners, project, vanishing_directions
from tests.perception.analytic_views import Plane, box_room, furnished_room, numbers_of, trace, turned

LOWER, UPPER = (-2.0, 0.0, -3.0), (2.5, 2.6, 2.0)
angles = st.tuples(st.floats(-180, 180), st.floats(-80, 80), st.floats(-30, 30))


def room_view(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> View:
    box = RoomBox("office", LOWER, UPPER)
    rotation = turned(yaw, pitch, roll)
    return trace(box_room(LOWER, UPPER), position=(0.5, 1.2, 0.3), rotation=rotation, size=(8, 8), room=box)


def corners_in_camera(view: View) -> set[tuple[float, ...]]:
    """The world's box corners by plain arithmetic, rounded."""
    corners = np.array([[x, y, z] for x in (-2.0, 2.5) for y in (0.0, 2.6) for z in (-3.0, 2.0)])
    local = (corners - view.position) @ view.rotation
    return {tuple(corner) for corner in local.round(3) + 0.0}


@settings(max_examples=40, deadline=None)
@given(angles)
def test_the_layout_is_the_box_whatever_the_camera(angle: tuple[float, float, float]) -> None:
    view = room_view(*angle)
    label = compute_label("room_layout", view)
    assert label.valid
    found = layout_corners(label.values)
    for corner in corners_in_camera(view):
        assert np.linalg.norm(found - corner, axis=1).min() < 2e-3
    assert abs(label.values[6]) <= math.pi / 4 + 1e-3


def test_the_layout_is_written_out_for_a_camera_turned_left() -> None:
    values = numbers_of("room_layout", room_view(20, -10))
    centre = (np.array([0.25, 1.3, -0.5]) - [0.5, 1.2, 0.3]) @ turned(20, -10)
    np.testing.assert_allclose(values, [*centre, 4.5, 2.6, 5.0, math.radians(20), math.radians(-10), 0], atol=1e-4)


@pytest.mark.parametrize(("yaw", "left"), [(90, 0), (100, 10), (-70, 20), (180, 0), (200, 20), (46, -44)])
def test_a_quarter_turn_names_the_walls_anew(yaw: float, left: float) -> None:
    values = numbers_of("room_layout", room_view(yaw))
    assert math.degrees(values[6]) == pytest.approx(left, abs=1e-3)
    sides = np.array([4.5, 5.0] if round((yaw - left) / 90) % 2 == 0 else [5.0, 4.5])
    np.testing.assert_allclose(values[[3, 5]], sides, rtol=1e-5)


def test_an_unknown_room_has_no_layout() -> None:
    assert not compute_label("room_layout", dataclasses.replace(room_view(0), room=None)).valid


@settings(max_examples=40, deadline=None)
@given(angles)
def test_vanishing_directions_are_the_axes_of_the_world(angle: tuple[float, float, float]) -> None:
    view = room_view(*angle)
    values = compute_label("vanishing_point", view).values
    assert np.abs(values).max() <= 1
    found = vanishing_directions(values)
    expected = view.rotation  # row k is world axis k in the camera frame
    cosine = np.abs(found @ expected.T)
    assert (np.sort(cosine, axis=1)[:, 2] > 1 - 1e-5).all()
    assert (np.argmax(cosine, axis=1)[1]) == 1


def test_vanishing_directions_name_right_up_and_forward() -> None:
    view = room_view(20, -10)
    right, up, forward = turned(20, -10)[0], turned(20, -10)[1], -turned(20, -10)[2]
    found = vanishing_directions(numbers_of("vanishing_point", view))
    np.testing.assert_allclose(found, np.array([right, up, forward]), atol=1e-4)
    np.testing.assert_allclose(numbers_of("vanishing_point", room_view(-90)), np.zeros(6), atol=1e-6)


def test_parallel_edges_of_the_room_run_to_the_vanishing_point() -> None:
    view = room_view(20, -10, 4)
    right, up, forward = vanishing_directions(compute_label("vanishing_point", view).values)
    for direction, start, end in (
        (right, (-2, 2.6, -3), (2.5, 2.6, -3)),
        (up, (-2, 0, -3), (-2, 2.6, -3)),
        (forward, (-2, 2.6, -1), (-2, 2.6, -3)),
    ):
        (a, b), _ = project([start, end], view)
        v = project(view.position + direction @ view.rotation.T.astype(float) * np.sign(-direction[2]), view)[0]
        across = np.cross([*(b - a), 0], [*(v - a), 0])[2] / np.linalg.norm(b - a) / np.linalg.norm(v - a)
        assert abs(across) < 1e-4


def test_directions_are_valid_only_where_something_shows_them() -> None:
    assert compute_label("vanishing_point", furnished_room()).valid
    assert not compute_label("vanishing_point", furnished_room(rotation=turned(0, -89.5))).valid
    oblique = trace([Plane((0, 0, -3), (0.4, 0.1, 1))], size=(16, 16))
    assert not compute_label("vanishing_point", oblique).valid
