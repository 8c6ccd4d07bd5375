from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import shapes
from sim.building import Mesh
from sim.errors import SimulatorError
from tests.sim.meshes import area, face_normals, unpaired_edges, uv_area, volume

_GRID = np.stack(
    np.broadcast_arrays(
        np.linspace(0, 1, 20)[None], -np.linspace(0, 1, 5)[:, None], 0.05 * np.sin(np.linspace(0, 20, 20))[None]
    ),
    axis=-1,
)
_HOLLOW = [(0, 0), (1, 0), (1, 1), (0.9, 1), (0.8, 0.2), (0, 0.15)]

SOLIDS: dict[str, Callable[[], Mesh]] = {
    "box": lambda: shapes.box(1, 2, 3),
    "block": lambda: shapes.block(1, 0.1, 3, (1, 2, 3)),
    "boxes": lambda: shapes.boxes([(0, 0, 0), (2, 0, 0)], [(1, 1, 1), (3, 1, 0.1)]),
    "rounded_box": lambda: shapes.rounded_box(1, 0.2, 3, 0.05),
    "rounded_box, finer": lambda: shapes.rounded_box(1, 2, 3, 0.4, steps=3),
    "cylinder": lambda: shapes.cylinder(0.5, 2),
    "cone": lambda: shapes.frustum(1, 0, 2),
    "frustum": lambda: shapes.frustum(1, 0.5, 2),
    "pipe": lambda: shapes.pipe(1, 0.9, 2),
    "sphere": lambda: shapes.sphere(1),
    "ellipsoid": lambda: shapes.ellipsoid(1, 0.5, 0.2),
    "torus": lambda: shapes.torus(1, 0.2),
    "bowl": lambda: shapes.lathe(_HOLLOW),
    "square bowl": lambda: shapes.lathe(_HOLLOW, squareness=5, sides=40),
    "tube": lambda: shapes.tube(shapes.rounded_path([(0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1)], 0.2), 0.05),
    "rod": lambda: shapes.rod((0, 0, 0), (1, 1, 1), 0.1, 0.02),
    "rods": lambda: shapes.rods([(0, 0, 0), (1, 0, 0)], [(0, 1, 0), (1, 1, 1)], 0.1),
    "extrusion": lambda: shapes.extrude([(0, 0), (2, 0), (2, 2), (1, 0.5), (0, 2)], 0.3),
    "smooth extrusion": lambda: shapes.extrude([(0, 0), (2, 0), (2, 2), (1, 2.5), (0, 2)], 0.3, smooth=True),
    "sheet": lambda: shapes.sheet(_GRID, 0.01),
    "pillow": lambda: shapes.pillow(0.5, 0.15, 0.4),
    "leaves": lambda: shapes.leaves([(0, 0, 0), (0, 1, 0)], [(1, 0, 0), (0, 1, 0)], [0.3, 0.2]),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_a_solid_is_closed_faces_outward_and_has_unit_normals_on_the_outer_side(name: str) -> None:
    mesh = SOLIDS[name]()
    assert unpaired_edges(mesh) == 0
    assert volume(mesh) > 0
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    faces = face_normals(mesh)
    assert np.all(np.linalg.norm(faces, axis=1) > 0)
    assert np.all(np.einsum("ti,tki->tk", faces, mesh.normals[mesh.triangles]) > 0)


@pytest.mark.parametrize("name", SOLIDS)
def test_a_mesh_has_the_documented_types_and_shapes(name: str) -> None:
    mesh = SOLIDS[name]()
    count = len(mesh.vertices)
    assert all(array.dtype == np.float32 for array in (mesh.vertices, mesh.normals, mesh.uvs))
    assert mesh.triangles.dtype == np.int32
    assert (mesh.vertices.shape, mesh.normals.shape, mesh.uvs.shape) == ((count, 3), (count, 3), (count, 2))
    assert mesh.triangles.min() == 0
    assert mesh.triangles.max() == count - 1


@given(st.tuples(*[st.floats(0.01, 5)] * 3))
@settings(max_examples=20, deadline=None)
def test_a_box_has_its_volume_its_area_and_as_much_uv(size: tuple[float, float, float]) -> None:
    w, h, d = size
    mesh = shapes.box(w, h, d, (0.3, -0.2, 0.1))
    assert volume(mesh) == pytest.approx(w * h * d, rel=1e-3)
    assert area(mesh) == pytest.approx(2 * (w * h + h * d + d * w), rel=1e-3)
    assert uv_area(mesh) == pytest.approx(area(mesh), rel=1e-3)


def test_u_runs_along_the_longer_side_of_every_face_of_a_box() -> None:
    mesh = shapes.box(2.0, 0.1, 0.5)
    for face in range(6):
        corners = slice(4 * face, 4 * face + 4)
        sides = np.sort(np.ptp(mesh.vertices[corners], axis=0))[1:]
        u, v = np.ptp(mesh.uvs[corners], axis=0)
        assert (v, u) == pytest.approx(tuple(sides), rel=1e-5)


def test_u_runs_along_a_turned_leg() -> None:
    mesh = shapes.cylinder(0.03, 0.7)
    side = np.abs(mesh.normals[:, 1]) < 0.5
    height, u = mesh.vertices[side, 1], mesh.uvs[side, 0]
    np.testing.assert_allclose(u - height, (u - height)[0], atol=1e-5)


def test_a_sphere_approaches_its_area_and_volume_and_its_normals_point_from_its_centre() -> None:
    mesh = shapes.sphere(0.5, (1, 2, 3), sides=64, rings=48)
    assert area(mesh) == pytest.approx(4 * np.pi * 0.25, rel=5e-3)
    assert volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.125, rel=5e-3)
    np.testing.assert_allclose(mesh.normals, (mesh.vertices - (1, 2, 3)) / 0.5, atol=1e-5)


def test_a_cylinder_has_the_area_and_volume_of_its_prism() -> None:
    sides, r, h = 24, 0.4, 1.5
    mesh = shapes.cylinder(r, h, sides=sides)
    base = sides / 2 * r * r * np.sin(2 * np.pi / sides)
    rim = 2 * sides * r * np.sin(np.pi / sides) * h
    assert volume(mesh) == pytest.approx(base * h, rel=1e-5)
    assert area(mesh) == pytest.approx(2 * base + rim, rel=1e-5)
    assert uv_area(mesh) == pytest.approx(area(mesh), rel=0.02)


def test_a_lathe_agrees_with_pappus() -> None:
    # volume = area of the profile x path of its centroid; surface = length of the profile x path of its centroid
    ring = np.array([(1.0, 0.0), (1.4, 0.1), (1.2, 0.6), (1.0, 0.0)])
    mesh = shapes.lathe(ring, sides=400)
    (ax, ay), (bx, by), (cx, cy) = ring[:3]
    profile_area = abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) / 2
    assert volume(mesh) == pytest.approx(2 * np.pi * (ax + bx + cx) / 3 * profile_area, rel=1e-3)
    lengths = np.linalg.norm(np.diff(ring, axis=0), axis=1)
    middles = (ring[:-1, 0] + ring[1:, 0]) / 2
    assert area(mesh) == pytest.approx(2 * np.pi * (lengths * middles).sum(), rel=1e-3)


def test_a_torus_agrees_with_pappus() -> None:
    mesh = shapes.torus(1.0, 0.3, sides=200, tube_sides=100)
    assert volume(mesh) == pytest.approx(2 * np.pi**2 * 0.09, rel=3e-3)
    assert area(mesh) == pytest.approx(4 * np.pi**2 * 0.3, rel=3e-3)


def test_a_hollow_bowl_lacks_the_frustum_and_the_cone_that_its_inside_takes_away() -> None:
    hollow, filled = shapes.lathe(_HOLLOW, sides=100), shapes.cylinder(1, 1, sides=100)
    frustum = 0.8 * np.pi * (0.8**2 + 0.8 * 0.9 + 0.9**2) / 3
    cone = 0.05 * np.pi * 0.8**2 / 3
    assert volume(filled) - volume(hollow) == pytest.approx(frustum + cone, rel=2e-3)


@pytest.mark.parametrize(("squareness", "exact"), [(2.0, np.pi), (4.0, 3.7081493546)])
def test_a_squarish_lathe_covers_the_superellipse(squareness: float, exact: float) -> None:
    # area of |x|^n + |y|^n = 1 is 4 gamma(1 + 1/n)^2 / gamma(1 + 2/n)
    mesh = shapes.lathe([(0, 0), (1, 0), (1, 1), (0, 1)], sides=400, squareness=squareness)
    assert volume(mesh) == pytest.approx(exact, rel=1e-3)


def test_normals_of_a_squarish_lathe_are_those_of_the_superellipse() -> None:
    mesh = shapes.lathe([(0, 0), (1, 0), (1, 1), (0, 1)], sides=40, squareness=5)
    side = np.abs(mesh.normals[:, 1]) < 0.5
    x, z = mesh.vertices[side][:, [0, 2]].T.astype(np.float64)
    gradient = np.stack([np.sign(x) * np.abs(x) ** 4, np.sign(z) * np.abs(z) ** 4], axis=1)
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    np.testing.assert_allclose(mesh.normals[side][:, [0, 2]], gradient, atol=1e-4)


def test_an_extruded_outline_with_a_notch_has_its_shoelace_area() -> None:
    outline = np.array([(0, 0), (3, 0), (3, 2), (2, 2), (2, 1), (1, 1), (1, 2), (0, 2)])
    mesh = shapes.extrude(outline, 0.5)
    assert volume(mesh) == pytest.approx(5 * 0.5, rel=1e-6)
    assert area(mesh) == pytest.approx(2 * 5 + 0.5 * 12, rel=1e-6)
    assert uv_area(mesh) == pytest.approx(area(mesh), rel=1e-6)


@given(st.integers(0, 10_000), st.integers(3, 14))
@settings(max_examples=30, deadline=None)
def test_any_star_shaped_outline_is_filled_exactly(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    angles = (np.arange(count) + rng.uniform(0, 0.8, count)) * 2 * np.pi / count
    outline = np.column_stack([np.cos(angles), np.sin(angles)]) * rng.uniform(0.3, 1, (count, 1))
    x, y = outline.T
    shoelace = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
    if np.any(np.diff(np.append(angles, angles[0] + 2 * np.pi)) >= np.pi):
        return
    assert volume(shapes.extrude(outline, 1.0)) == pytest.approx(shoelace, rel=1e-4)


def test_bars_in_one_call_are_the_bars_one_by_one() -> None:
    starts, ends = [(0, 0, 0), (1, 0, 0), (0, 0, 1)], [(0, 1, 0), (1, 1, 1), (2, 0, 1)]
    together = shapes.rods(starts, ends, 0.1, 0.05, sides=7)
    single = shapes.merged(shapes.rod(a, b, 0.1, 0.05, sides=7) for a, b in zip(starts, ends, strict=True))
    np.testing.assert_array_equal(together.vertices, single.vertices)
    np.testing.assert_array_equal(together.triangles, single.triangles)


def test_every_point_of_a_straight_tube_keeps_its_radius() -> None:
    mesh = shapes.tube([(0, 0, 0), (1, 1, 0), (2, 2, 0)], 0.1, sides=12)
    axis = np.array([1, 1, 0]) / np.sqrt(2)
    off = mesh.vertices - np.outer(mesh.vertices @ axis, axis)
    reach = np.linalg.norm(off, axis=1)
    assert np.all(np.isclose(reach, 0.1, atol=1e-6) | np.isclose(reach, 0, atol=1e-6))


def test_a_rounded_path_keeps_its_ends_and_leaves_its_corner() -> None:
    path = shapes.rounded_path([(0, 0, 0), (0, 1, 0), (1, 1, 0)], 0.2, steps=4)
    assert path[0] == pytest.approx((0, 0, 0))
    assert path[-1] == pytest.approx((1, 1, 0))
    assert np.linalg.norm(path - (0, 1, 0), axis=1).min() == pytest.approx(np.hypot(0.05, 0.05))


@pytest.mark.parametrize(("axis", "expected"), [("x", (0, -1, 0)), ("y", (1, 0, 0)), ("z", (0, 0, 1))])
def test_a_turn_is_counter_clockwise_seen_from_the_tip_of_its_axis(axis: str, expected: tuple[int, int, int]) -> None:
    turned = shapes.rotated(shapes.quad(1, 2), axis, np.pi / 2)  # type: ignore[arg-type]
    np.testing.assert_allclose(turned.normals[0], expected, atol=1e-6)
    assert np.all(face_normals(turned) @ expected > 0)


def test_a_quad_shows_a_picture_upright_with_row_0_on_top() -> None:
    mesh = shapes.quad(3, 2)
    top_left = np.argmin(mesh.vertices[:, 0] - mesh.vertices[:, 1])
    assert tuple(mesh.uvs[top_left]) == (0, 0)
    assert tuple(mesh.uvs.max(axis=0)) == (3, 2)


def test_a_stretched_mesh_keeps_normals_across_its_surface() -> None:
    mesh = shapes.scaled(shapes.sphere(1, sides=24, rings=16), (2, 1, 0.5))
    gradient = mesh.vertices / np.array([4, 1, 0.25])
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    np.testing.assert_allclose(mesh.normals, gradient, atol=1e-5)


def test_copies_stand_where_they_are_put() -> None:
    mesh = shapes.repeated(shapes.box(1, 1, 1), [(0, 0, 0), (5, 0, 0)])
    np.testing.assert_allclose(shapes.bounds([mesh]), [(-0.5, -0.5, -0.5), (5.5, 0.5, 0.5)])
    assert volume(mesh) == pytest.approx(2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shapes.box(0, 1, 1), "box of 0 x 1 x 1 m; expected every side above 0"),
        (lambda: shapes.cylinder(1, -2), "height is -2"),
        (lambda: shapes.sphere(float("nan")), "radius_x is nan"),
        (lambda: shapes.torus(0.1, 0.2), "hole is -0.1"),
        (lambda: shapes.rod((0, 0, 0), (0, 0, 0), 0.1), "shortest is 0"),
        (lambda: shapes.tube([(0, 0, 0), (0, 0, 0)], 0.1), "expected two or more distinct"),
        (lambda: shapes.lathe([(0, 0), (1, 0), (1, 1)]), "the profile is open"),
        (lambda: shapes.lathe([(0, 0), (-1, 0), (0, 1)]), "radius -1"),
        (lambda: shapes.extrude([(0, 0), (0, 1), (1, 1), (1, 0)], 1), "counter-clockwise"),
        (lambda: shapes.extrude([(0, 0), (1, 1)], 1), "expected at least 3"),
        (lambda: shapes.merged([]), "nothing to merge"),
        (lambda: shapes.scaled(shapes.box(1, 1, 1), 0), "smallest_factor is 0"),
    ],
)
def test_an_impossible_shape_is_refused_with_the_value(make: Callable[[], Mesh], message: str) -> None:
    with pytest.raises(SimulatorError, match=message):
        make()
