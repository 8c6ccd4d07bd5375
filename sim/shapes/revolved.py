"""Shapes of revolution about a vertical axis: cylinders, cones, spheres, vases, bowls, lamp shades, rings.

Their uv are metres: u along the profile (so wood has its grain along a turned leg), v around; level parts have x and z.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Mesh
from sim.errors import SimulatorError
from sim.shapes.transforms import Floats, Vector, mesh_of, require_sizes, scaled, translated, unit

_SHARP_COSINE = np.cos(np.radians(46))
"""Bends of a profile sharper than this are edges; gentler ones are shaded round."""


def lathe(profile: ArrayLike, base: Vector = (0.0, 0.0, 0.0), *, sides: int = 16, squareness: float = 2.0) -> Mesh:
    """A profile turned about the vertical axis.

    Args:
        profile: Points [P, 2] (radius, height), metres, walked with the solid on the left: outward along the
            underside, up the outside, and for a hollow thing over the rim and down the inside. It starts and ends
            on the axis, or comes back to its first point.
        base: Where the profile's origin goes.
        sides: Flat strips around.
        squareness: Exponent of the superellipse that is seen from above: 2 is a circle, 5 a square with round corners.

    Raises:
        SimulatorError: If a radius is negative or the profile leaves the surface open.
    """
    points = _distinct(np.asarray(profile, dtype=np.float64))
    _require_closed(points)
    angles = np.linspace(-np.pi, np.pi, sides + 1)
    outline, turn = _outline(angles, squareness)
    ends, slopes, lengths = _bands(points)
    radius, height = ends[..., 0, None], ends[..., 1, None]
    outward, upward = slopes[..., 0, None], slopes[..., 1, None]
    vertices = np.stack(np.broadcast_arrays(radius * outline[0], height, radius * outline[1]), axis=-1)
    level_area = turn[0] * outline[1] - turn[1] * outline[0]
    normals = np.stack(np.broadcast_arrays(-outward * turn[1], upward * level_area, outward * turn[0]), axis=-1)
    uvs = np.stack(np.broadcast_arrays(lengths[..., None], radius * angles), axis=-1)
    rise, run = np.abs(np.diff(ends, axis=1))[:, 0].T[::-1]
    level = rise < 0.35 * run
    uvs[level] = vertices[level][..., [0, 2]]
    triangles = _band_triangles(ends[..., 0], sides)
    return mesh_of(
        vertices.reshape(-1, 3) + np.asarray(base), unit(normals).reshape(-1, 3), uvs.reshape(-1, 2), triangles
    )


def _outline(angles: Floats, squareness: float) -> tuple[Floats, Floats]:
    """A superellipse of radius 1 seen from above: its x and z [2, S] and their derivatives by the angle."""
    cos, sin = np.cos(angles), -np.sin(angles)
    cos[-1], sin[-1] = cos[0], sin[0]
    total = np.abs(cos) ** squareness + np.abs(sin) ** squareness
    reach = total ** (-1 / squareness)
    change = np.abs(cos) ** (squareness - 2) * cos * sin - np.abs(sin) ** (squareness - 2) * sin * cos
    growth = -reach / total * change
    place = np.stack([reach * cos, reach * sin])
    return place, np.stack([growth * cos + reach * sin, growth * sin - reach * cos])


def _distinct(points: Floats) -> Floats:
    """A profile without points that repeat the one before."""
    keep = np.concatenate([[True], np.abs(np.diff(points, axis=0)).max(axis=1) > 1e-7])
    return np.asarray(points[keep])


def _require_closed(points: Floats) -> None:
    if points[:, 0].min() < 0:
        raise SimulatorError(f"lathe: radius {points[:, 0].min():g} in the profile; expected none below 0.")
    on_axis = points[0, 0] == 0 and points[-1, 0] == 0
    if not on_axis and np.abs(points[0] - points[-1]).max() > 1e-9:
        raise SimulatorError("lathe: the profile is open; start and end it on the axis, or return to its first point.")


def _bands(points: Floats) -> tuple[Floats, Floats, Floats]:
    """The strips between profile points: their ends [B, 2, 2], normals at them [B, 2, 2], lengths so far [B, 2]."""
    steps = np.diff(points, axis=0)
    flat = np.stack([steps[:, 1], -steps[:, 0]], axis=1)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    before, after = np.roll(flat, 1, axis=0), np.roll(flat, -1, axis=0)
    closed = points[0, 0] > 0
    if not closed:  # at the axis the neighbour is the strip's own mirror image
        before[0], after[-1] = flat[0] * (-1, 1), flat[-1] * (-1, 1)
    normals = np.empty((len(flat), 2, 2))
    for end, neighbour in enumerate((before, after)):
        gentle = (flat * neighbour).sum(axis=1) > _SHARP_COSINE
        mean = flat + neighbour
        mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
        normals[:, end] = np.where(gentle[:, None], mean, flat)
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps, axis=1))])
    return (
        np.stack([points[:-1], points[1:]], axis=1),
        normals,
        np.stack([travelled[:-1], travelled[1:]], axis=1),
    )


def _band_triangles(radii: Floats, sides: int) -> NDArray[np.int32]:
    """Triangles of strips with end radii [B, 2], of 2 (sides + 1) vertices each; none where a radius is 0."""
    low = np.arange(sides, dtype=np.int32)
    high = low + sides + 1
    wide_low = np.stack([low, low + 1, high + 1], axis=1)
    wide_high = np.stack([low, high + 1, high], axis=1)
    starts = np.arange(len(radii), dtype=np.int32)[:, None, None] * 2 * (sides + 1)
    return np.concatenate(
        [
            (wide_low + starts[radii[:, 0] > 0]).reshape(-1, 3),
            (wide_high + starts[radii[:, 1] > 0]).reshape(-1, 3),
        ]
    )


def cylinder(radius: float, height: float, base: Vector = (0.0, 0.0, 0.0), *, sides: int = 16) -> Mesh:
    """An upright cylinder with its foot's middle at base; 4 x sides triangles."""
    return frustum(radius, radius, height, base, sides=sides)


def frustum(
    lower_radius: float, upper_radius: float, height: float, base: Vector = (0.0, 0.0, 0.0), *, sides: int = 16
) -> Mesh:
    """A cone cut level, with its foot's middle at base; either radius may be 0."""
    require_sizes("frustum", height=height, larger_radius=max(lower_radius, upper_radius))
    return lathe([(0, 0), (lower_radius, 0), (upper_radius, height), (0, height)], base, sides=sides)


def pipe(outer_radius: float, inner_radius: float, height: float, base: Vector = (0, 0, 0), *, sides: int = 16) -> Mesh:
    """An upright pipe, open at both ends, with its foot's middle at base."""
    require_sizes("pipe", inner_radius=inner_radius, wall=outer_radius - inner_radius, height=height)
    low_in, low_out = (inner_radius, 0.0), (outer_radius, 0.0)
    return lathe([low_in, low_out, (outer_radius, height), (inner_radius, height), low_in], base, sides=sides)


@cache
def _unit_sphere(sides: int, rings: int) -> Mesh:
    angles = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    profile = np.column_stack([np.cos(angles), np.sin(angles)])
    profile[[0, -1], 0] = 0.0
    mesh = lathe(profile, sides=sides)
    return mesh_of(mesh.vertices, mesh.vertices, mesh.uvs, mesh.triangles)


def sphere(radius: float, center: Vector = (0.0, 0.0, 0.0), *, sides: int = 14, rings: int = 8) -> Mesh:
    """A sphere about its centre; 2 x sides x (rings - 1) triangles."""
    return ellipsoid(radius, radius, radius, center, sides=sides, rings=rings)


def ellipsoid(
    radius_x: float,
    radius_y: float,
    radius_z: float,
    center: Vector = (0.0, 0.0, 0.0),
    *,
    sides: int = 14,
    rings: int = 8,
) -> Mesh:
    """An ellipsoid of three radii about its centre."""
    require_sizes("ellipsoid", radius_x=radius_x, radius_y=radius_y, radius_z=radius_z)
    return translated(scaled(_unit_sphere(sides, rings), (radius_x, radius_y, radius_z)), center)


def torus(
    ring_radius: float, tube_radius: float, center: Vector = (0.0, 0.0, 0.0), *, sides: int = 18, tube_sides: int = 8
) -> Mesh:
    """A level ring about its centre; 2 x sides x tube_sides triangles."""
    require_sizes("torus", tube_radius=tube_radius, hole=ring_radius - tube_radius)
    angles = np.linspace(0, 2 * np.pi, tube_sides + 1)
    profile = np.column_stack([ring_radius + tube_radius * np.cos(angles), tube_radius * np.sin(angles)])
    profile[-1] = profile[0]
    return lathe(profile, center, sides=sides)
