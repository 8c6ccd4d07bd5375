"""Shapes drawn along lines and curves: tubes and bars. Their uv are metres; u runs along their length."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Mesh
from sim.errors import SimulatorError
from sim.shapes.blocks import grid_triangles
from sim.shapes.transforms import Floats, Vector, merged, mesh_of, require_sizes, unit


def tube(path: ArrayLike, radius: ArrayLike, *, sides: int = 8) -> Mesh:
    """A round tube along a path, closed at both ends.

    Args:
        path: Points [P, 3] of its middle, metres; round its corners with `rounded_path`.
        radius: Metres, one or [P].
        sides: Flat strips around.

    Raises:
        SimulatorError: If the path has fewer than two distinct points.
    """
    points = np.asarray(path, dtype=np.float64)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    if len(points) < 2 or not np.all(steps > 1e-9):
        raise SimulatorError(f"tube: a path of {len(points)} points, some alike; expected two or more distinct ones.")
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(points),))
    require_sizes("tube", smallest_radius=float(radii.min()))
    ways = unit(np.diff(points, axis=0))
    tangents = unit(np.vstack([ways[:1], ways[:-1] + ways[1:], ways[-1:]]))
    across = _carried_across(tangents)
    upward = np.cross(tangents, across)
    angles = np.linspace(0, 2 * np.pi, sides + 1)
    cos, sin = np.cos(angles)[None, :, None], np.sin(angles)[None, :, None]
    cos[:, -1], sin[:, -1] = 1.0, 0.0
    normals = across[:, None] * cos + upward[:, None] * sin
    vertices = points[:, None] + normals * radii[:, None, None]
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    uvs = np.stack(np.broadcast_arrays(travelled[:, None], radii[:, None] * angles), axis=-1)
    side = mesh_of(
        vertices.reshape(-1, 3),
        normals.reshape(-1, 3),
        uvs.reshape(-1, 2),
        grid_triangles(len(points), sides + 1)[:, ::-1],
    )
    first = _disc(vertices[0, :-1], points[0], -tangents[0])
    last = _disc(vertices[-1, -2::-1], points[-1], tangents[-1])
    return merged([side, first, last])


def _carried_across(tangents: Floats) -> Floats:
    """Unit vectors [P, 3] across tangents [P, 3], each carried on from the one before so that none twists."""
    helper = np.eye(3)[int(np.argmin(np.abs(tangents[0])))]
    across = np.empty_like(tangents)
    current = helper
    for index, tangent in enumerate(tangents):
        current = current - tangent * (current @ tangent)
        current = current / np.linalg.norm(current)
        across[index] = current
    return across


def _disc(ring: Floats, middle: Floats, normal: Floats) -> Mesh:
    """A fan from the middle to a ring [S, 3] that runs clockwise about the normal."""
    count = len(ring)
    index = np.arange(count)
    first = unit(ring[0] - middle)
    offsets = ring - middle
    uvs = np.column_stack([offsets @ first, offsets @ np.cross(normal, first)])
    return mesh_of(
        np.vstack([ring, middle]),
        np.tile(normal, (count + 1, 1)),
        np.vstack([uvs, (0.0, 0.0)]),
        np.column_stack([np.roll(index, -1), index, np.full(count, count)]),
    )


def rod(start: Vector, end: Vector, radius: float, end_radius: float | None = None, *, sides: int = 8) -> Mesh:
    """A straight round bar between two points; it tapers where an end radius is given."""
    return rods([start], [end], radius, end_radius, sides=sides)


def rods(starts: ArrayLike, ends: ArrayLike, radius: float, end_radius: float | None = None, *, sides: int = 8) -> Mesh:
    """Straight round bars (spokes, rungs, legs), all alike, as one mesh; 4 x sides triangles each.

    Args:
        starts: [N, 3], metres.
        ends: [N, 3].
        radius: At the start.
        end_radius: At the end; the same where it is missing.
        sides: Flat strips around.

    Raises:
        SimulatorError: If a bar has no length or thickness.
    """
    starts, ends = np.asarray(starts, dtype=np.float64), np.asarray(ends, dtype=np.float64)
    lengths = np.linalg.norm(ends - starts, axis=1)
    radii = np.array([radius, radius if end_radius is None else end_radius])
    require_sizes("rods", smallest_radius=float(radii.min()), shortest=float(lengths.min()))
    axis = (ends - starts) / lengths[:, None]
    across = unit(np.cross(axis, np.where(np.abs(axis[:, 1:2]) > 0.9, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))))
    upward = np.cross(axis, across)
    angles = np.append(np.linspace(0, 2 * np.pi, sides + 1)[:-1], 0.0)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    around = across[:, None] * cos + upward[:, None] * sin
    rings = np.stack([starts[:, None] + radii[0] * around, ends[:, None] + radii[1] * around], axis=1)
    slope = (radii[0] - radii[1]) / lengths
    side_normals = unit(around + slope[:, None, None] * axis[:, None])
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    side_uvs = np.stack(np.broadcast_arrays(np.stack([0 * lengths, lengths], 1)[..., None], radii[:, None] * turn), -1)
    disc_uvs = radii[:, None, None] * np.hstack([cos, sin])
    rings[:, :, -1] = rings[:, :, 0]
    caps = np.array(rings)
    caps[:, 0, -1], caps[:, 1, -1] = starts, ends
    disc_uvs[:, -1] = 0.0
    flat = np.broadcast_to(np.stack([-axis, axis], axis=1)[:, :, None], caps.shape)
    shape = (len(starts), 4 * (sides + 1))
    return mesh_of(
        np.concatenate([rings, caps], axis=1).reshape(-1, 3),
        np.concatenate([np.stack([side_normals] * 2, axis=1), flat], axis=1).reshape(-1, 3),
        np.concatenate([side_uvs, np.broadcast_to(disc_uvs, side_uvs.shape)], axis=1).reshape(-1, 2),
        (_rod_triangles(sides)[None] + np.arange(shape[0])[:, None, None] * shape[1]).reshape(-1, 3),
    )


def _rod_triangles(sides: int) -> NDArray[np.int32]:
    """Triangles [4 S, 3] of two rings of S + 1 vertices, then two discs of S and a middle."""
    here = np.arange(sides, dtype=np.int32)
    following = (here + 1) % sides
    first, second = 2 * (sides + 1), 3 * (sides + 1)
    low = np.column_stack([first + following, first + here, np.full_like(here, first + sides)])
    high = np.column_stack([second + here, second + following, np.full_like(here, second + sides)])
    return np.concatenate([grid_triangles(2, sides + 1)[:, ::-1], low, high])


def rounded_path(points: ArrayLike, radius: float, *, steps: int = 3) -> Floats:
    """A path [P, 3] with its inner corners replaced by bends (quadratic Bezier curves) of about a radius, metres."""
    corners = np.asarray(points, dtype=np.float64)
    pieces = [corners[:1]]
    parameters = np.linspace(0, 1, steps + 1)[:, None]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        ends = []
        for neighbour in (before, after):
            way = neighbour - corner
            length = float(np.linalg.norm(way))
            ends.append(corner + way * min(radius, 0.48 * length) / length)
        start, end = ends
        pieces.append((1 - parameters) ** 2 * start + 2 * parameters * (1 - parameters) * corner + parameters**2 * end)
    return np.concatenate([*pieces, corners[-1:]])
