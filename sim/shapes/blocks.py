"""Flat-sided shapes: boxes, rounded boxes, plates, and outlines given a thickness.

Their uv are metres along the surface. On a box u runs along the longer side of each face, so that wood has
its grain along the board, and the place of the face shifts v, so that two boards do not look alike.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Mesh
from sim.errors import SimulatorError
from sim.shapes.transforms import Floats, Vector, merged, mesh_of, require_sizes, translated, unit

_FACE_AXES = np.array([(0, 1, 2), (0, 2, 1), (1, 2, 0), (1, 0, 2), (2, 0, 1), (2, 1, 0)])
"""For each face of a box: its normal's axis and two axes along it, so that second x third points along the first,
or against it (every other face)."""
_FACE_SIGNS = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
_CORNERS = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])


@cache
def _cube() -> tuple[Floats, Floats, NDArray[np.int32]]:
    """Corners in [-1, 1] [24, 3], normals [24, 3] and triangles [12, 3] of a cube, four corners to a face."""
    vertices, normals = np.zeros((6, 4, 3)), np.zeros((6, 4, 3))
    for face, (normal, first, second) in enumerate(_FACE_AXES):
        vertices[face, :, normal] = normals[face, :, normal] = _FACE_SIGNS[face]
        vertices[face, :, first], vertices[face, :, second] = _CORNERS.T
    quads = np.arange(24, dtype=np.int32).reshape(6, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return vertices.reshape(24, 3), normals.reshape(24, 3), triangles


def boxes(lower: ArrayLike, upper: ArrayLike) -> Mesh:
    """Boxes between corners lower [N, 3] and upper [N, 3], metres: 12 triangles each.

    Raises:
        SimulatorError: If one has no width, height or depth.
    """
    lower = np.asarray(lower, dtype=np.float64).reshape(-1, 3)
    upper = np.asarray(upper, dtype=np.float64).reshape(-1, 3)
    sizes, centers = upper - lower, (upper + lower) / 2
    if not np.all(sizes > 0):
        worst = sizes[np.argmin(sizes.min(axis=1))]
        raise SimulatorError(f"box of {worst[0]:g} x {worst[1]:g} x {worst[2]:g} m; expected every side above 0.")
    corners, normals, triangles = _cube()
    count = len(lower)
    vertices = centers[:, None] + corners * sizes[:, None] / 2
    starts = np.arange(count, dtype=np.int32)[:, None, None] * 24
    return mesh_of(
        vertices.reshape(-1, 3),
        np.tile(normals, (count, 1)),
        _box_uvs(vertices.reshape(count, 6, 4, 3), sizes).reshape(-1, 2),
        (triangles + starts).reshape(-1, 3),
    )


def _box_uvs(vertices: Floats, sizes: Floats) -> Floats:
    """The uv [N, 6, 4, 2] of vertices [N, 6, 4, 3] of boxes: u along the longer side of each face."""
    along = np.take_along_axis(sizes[:, None], _FACE_AXES[None, :, 1:], axis=2)
    swapped = along[..., 1] > along[..., 0]
    u_axis = np.where(swapped, _FACE_AXES[:, 2], _FACE_AXES[:, 1])
    v_axis = np.where(swapped, _FACE_AXES[:, 1], _FACE_AXES[:, 2])
    normal_axis = np.broadcast_to(_FACE_AXES[:, 0], u_axis.shape)
    u, v, shift = (
        np.take_along_axis(vertices, axis[:, :, None, None], axis=3)[..., 0] for axis in (u_axis, v_axis, normal_axis)
    )
    return np.stack([u + 0.37 * shift, v + shift], axis=-1)


def box(width: float, height: float, depth: float, center: Vector = (0.0, 0.0, 0.0)) -> Mesh:
    """A box of width (x), height (y) and depth (z), metres, about its centre; 12 triangles."""
    middle, half = np.asarray(center, dtype=np.float64), np.array([width, height, depth]) / 2
    return boxes(middle - half, middle + half)


def block(width: float, height: float, depth: float, base: Vector = (0.0, 0.0, 0.0)) -> Mesh:
    """A box that stands with the middle of its underside at base."""
    return box(width, height, depth, (base[0], base[1] + height / 2, base[2]))


def rounded_box(
    width: float, height: float, depth: float, radius: float, base: Vector = (0.0, 0.0, 0.0), *, steps: int = 1
) -> Mesh:
    """A box with round edges (cushions, mattresses, bathtubs), standing with its underside's middle at base.

    Args:
        width: Along x, metres.
        height: Along y.
        depth: Along z.
        radius: Of the edges; cut to just below half the least side.
        base: Where it stands.
        steps: Flat strips in an eighth of a turn of an edge; 1 gives 108 triangles, 2 gives 300.
    """
    require_sizes("rounded_box", width=width, height=height, depth=depth, radius=radius)
    half = np.array([width, height, depth]) / 2
    radius = min(radius, 0.98 * float(half.min()))
    rises = radius * np.tan(np.linspace(0, np.pi / 4, steps + 1))
    ticks = [np.concatenate([-(side - radius + rises)[::-1], side - radius + rises]) for side in half]
    count = 2 * (steps + 1)
    triangles = grid_triangles(count, count)
    vertices, uvs, indices = [], [], []
    for face, (normal, first, second) in enumerate(_FACE_AXES):
        surface = np.zeros((count, count, 3))
        surface[..., normal] = _FACE_SIGNS[face] * half[normal]
        surface[..., first], surface[..., second] = ticks[first][:, None], ticks[second][None, :]
        vertices.append(surface.reshape(-1, 3))
        longer, shorter = (first, second) if half[first] >= half[second] else (second, first)
        uvs.append(vertices[-1][:, [longer, shorter]] + vertices[-1][:, [normal]] * (0.37, 1.0))
        indices.append(triangles + face * count * count)
    points = np.concatenate(vertices)
    core = np.clip(points, radius - half, half - radius)
    normals = unit(points - core)
    place = np.add(base, (0, height / 2, 0))
    return mesh_of(core + radius * normals + place, normals, np.concatenate(uvs), np.concatenate(indices))


def grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """Triangles [2 (R - 1) (C - 1), 3] of a grid of R x C vertices; they face rows' direction x columns'."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def quad(width: float, height: float, center: Vector = (0.0, 0.0, 0.0)) -> Mesh:
    """An upright rectangle that faces +z; u runs from its left edge, v down from its top, as pictures are stored."""
    require_sizes("quad", width=width, height=height)
    x, y = width / 2, height / 2
    corners = np.array([(-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)])
    uvs = np.array([(0, height), (width, height), (width, 0), (0, 0)])
    return mesh_of(corners + np.asarray(center), np.tile((0, 0, 1), (4, 1)), uvs, [(0, 1, 2), (0, 2, 3)])


def extrude(outline: ArrayLike, depth: float, center: Vector = (0.0, 0.0, 0.0), *, smooth: bool = False) -> Mesh:
    """A flat outline given a thickness along z.

    Args:
        outline: Corners [N, 2] (x, y) of a simple polygon, counter-clockwise seen from +z, metres.
        depth: Thickness along z, half on either side of the centre.
        center: Where the outline's origin goes.
        smooth: Whether the rim is shaded as a curve.

    Raises:
        SimulatorError: If the outline is not a simple, counter-clockwise polygon.
    """
    require_sizes("extrude", depth=depth)
    corners = np.asarray(outline, dtype=np.float64)
    faces = _triangulated(corners)
    count = len(corners)
    front = np.column_stack([corners, np.full(count, depth / 2)])
    back = front * (1, 1, -1)
    longer = int(np.ptp(corners[:, 1]) > np.ptp(corners[:, 0]))
    flat_uvs = corners[:, [longer, 1 - longer]]
    caps = mesh_of(
        np.concatenate([front, back]),
        np.repeat([(0.0, 0.0, 1.0), (0.0, 0.0, -1.0)], count, axis=0),
        np.concatenate([flat_uvs, np.add(flat_uvs, (0.37 * depth, depth))]),
        np.concatenate([faces, faces[:, ::-1] + count]),
    )
    return translated(merged([caps, _rim(front, back, smooth)]), center)


def _rim(front: Floats, back: Floats, smooth: bool) -> Mesh:
    """The side of an extrusion between its front and back outlines [N, 3], four vertices to an edge."""
    count = len(front)
    following = np.roll(np.arange(count), -1)
    edges = front[following] - front
    lengths = np.linalg.norm(edges, axis=1)
    normals = unit(np.column_stack([edges[:, 1], -edges[:, 0], np.zeros(count)]))
    corner_normals = unit(normals + np.roll(normals, 1, axis=0))
    start, end = (corner_normals, corner_normals[following]) if smooth else (normals, normals)
    ends = np.cumsum(lengths)
    depth = float(front[0, 2] - back[0, 2])
    u = np.stack([ends - lengths, ends, ends, ends - lengths], axis=1)
    v = np.tile((0.0, 0.0, depth, depth), (count, 1))
    index = np.arange(4 * count, dtype=np.int32).reshape(count, 4)
    return mesh_of(
        np.stack([front, front[following], back[following], back], axis=1).reshape(-1, 3),
        np.stack([start, end, end, start], axis=1).reshape(-1, 3),
        np.stack([u, v], axis=-1).reshape(-1, 2),
        np.concatenate([index[:, [0, 2, 1]], index[:, [0, 3, 2]]]),
    )


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def _triangulated(corners: Floats) -> NDArray[np.int32]:
    """Triangles [N - 2, 3] of a simple counter-clockwise polygon [N, 2], by clipping ears (Meisters 1975)."""
    steps = np.roll(corners, -1, axis=0) - corners
    if np.all(_cross(steps, np.roll(steps, -1, axis=0)) > 0) and len(corners) < 100:  # convex: a fan does
        apexes = np.arange(1, len(corners) - 1, dtype=np.int32)
        return np.column_stack([np.zeros_like(apexes), apexes, apexes + 1])
    left = list(range(len(corners)))
    triangles: list[tuple[int, int, int]] = []
    while len(left) > 3:
        ear = _ear(corners, left)
        triangles.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
    if len(left) < 3:
        raise SimulatorError(f"extrude: an outline of {len(corners)} corners; expected at least 3.")
    return np.array([*triangles, tuple(left)], dtype=np.int32)


def _ear(corners: Floats, left: list[int]) -> int:
    """Position of a corner that can be cut off: it turns left and its triangle holds no other corner."""
    points = corners[left]
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    turns = _cross(points - before, after - points)
    for ear in np.argsort(-turns):
        if turns[ear] <= 0:
            break
        triangle = np.stack([before[ear], points[ear], after[ear]])
        others = np.delete(points, [(ear - 1) % len(left), ear, (ear + 1) % len(left)], axis=0)
        sides = [_cross(triangle[(k + 1) % 3] - triangle[k], others - triangle[k]) for k in range(3)]
        if not np.any(np.min(sides, axis=0) >= 0):
            return int(ear)
    raise SimulatorError("extrude: the outline crosses itself or runs clockwise; list its corners counter-clockwise.")
