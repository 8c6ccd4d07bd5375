"""Soft and thin shapes: draped cloth, pillows, leaves. Their uv are metres along the surface."""

import numpy as np
from numpy.typing import ArrayLike

from sim.building import Mesh
from sim.shapes.blocks import grid_triangles
from sim.shapes.transforms import Floats, Vector, merged, mesh_of, require_sizes, unit


def sheet(points: ArrayLike, thickness: float) -> Mesh:
    """A bent sheet (curtain, blanket, chair shell) given by a grid of points on its middle, closed at the rim.

    Args:
        points: [R, C, 3], metres; the front faces the rows' direction x the columns'.
        thickness: Metres.
    """
    require_sizes("sheet", thickness=thickness)
    middle = np.asarray(points, dtype=np.float64)
    rows, columns = middle.shape[:2]
    offset = _grid_normals(middle).reshape(middle.shape) * thickness / 2
    front, back = middle + offset, middle - offset
    uvs = _grid_uvs(middle)
    triangles = grid_triangles(rows, columns)
    faces = [
        mesh_of(front.reshape(-1, 3), _grid_normals(front), uvs, triangles),
        mesh_of(back.reshape(-1, 3), -_grid_normals(back), uvs, triangles[:, ::-1]),
    ]
    index = np.arange(rows * columns).reshape(rows, columns)
    around = np.concatenate([index[:-1, 0], index[-1, :-1], index[:0:-1, -1], index[0, :0:-1]])
    return merged([*faces, _band(front.reshape(-1, 3)[around], back.reshape(-1, 3)[around])])


def _band(front: Floats, back: Floats) -> Mesh:
    """The rim between two closed loops [N, 3], counter-clockwise seen from the front, flat from edge to edge."""
    following = np.roll(np.arange(len(front)), -1)
    edges = front[following] - front
    normals = unit(np.cross(edges, front - back))
    lengths = np.linalg.norm(edges, axis=1)
    ends = np.cumsum(lengths)
    width = np.linalg.norm(front - back, axis=1)
    zero = np.zeros_like(ends)
    index = np.arange(4 * len(front), dtype=np.int32).reshape(-1, 4)
    return mesh_of(
        np.stack([front, front[following], back[following], back], axis=1).reshape(-1, 3),
        np.repeat(normals, 4, axis=0),
        np.stack(
            [
                np.stack([ends - lengths, ends, ends, ends - lengths], axis=1),
                np.stack([zero, zero, width, width], axis=1),
            ],
            axis=-1,
        ).reshape(-1, 2),
        np.concatenate([index[:, [0, 2, 1]], index[:, [0, 3, 2]]]),
    )


def _grid_uvs(points: Floats) -> Floats:
    """The uv [R x C, 2] of a grid [R, C, 3]: metres along the columns and down the rows."""
    along = np.linalg.norm(np.diff(points, axis=1), axis=2).cumsum(axis=1)
    down = np.linalg.norm(np.diff(points, axis=0), axis=2).cumsum(axis=0)
    u = np.pad(along, ((0, 0), (1, 0)))
    v = np.pad(down, ((1, 0), (0, 0)))
    return np.stack([u, v], axis=-1).reshape(-1, 2)


def pillow(width: float, height: float, depth: float, base: Vector = (0.0, 0.0, 0.0), *, steps: int = 6) -> Mesh:
    """A pillow lying on base: thick in the middle, sewn together at a pinched rim; 4 x steps^2 triangles.

    Args:
        width: Along x, metres.
        height: Thickness along y.
        depth: Along z.
        base: Middle of its underside.
        steps: Cells of its grid each way.
    """
    require_sizes("pillow", width=width, height=height, depth=depth)
    ticks = np.sin(np.linspace(-np.pi / 2, np.pi / 2, steps + 1))
    z, x = np.meshgrid(ticks, ticks, indexing="ij")
    thick = ((1 - x**2) * (1 - z**2)) ** 0.45
    pinch_x, pinch_z = 1 - 0.09 * (1 - z**2) * x**2, 1 - 0.09 * (1 - x**2) * z**2
    top = np.stack([x * pinch_x * width / 2, thick * height / 2, z * pinch_z * depth / 2], axis=-1)
    under = top * (1, -1, 1)
    # the rim is one crease: both sides meet it level, so the shading turns there and nowhere else
    top_normals, uvs, triangles = _grid_normals(top), _grid_uvs(top), grid_triangles(steps + 1, steps + 1)
    place = np.add(base, (0, height / 2, 0))
    return merged(
        [
            mesh_of(top.reshape(-1, 3) + place, top_normals, uvs, triangles),
            mesh_of(under.reshape(-1, 3) + place, top_normals * (1, -1, 1), uvs, triangles[:, ::-1]),
        ]
    )


def _grid_normals(points: Floats) -> Floats:
    """Unit normals [R x C, 3] of a grid as means of its triangles' normals, weighted by area."""
    flat = points.reshape(-1, 3)
    triangles = grid_triangles(*points.shape[:2])
    a, b, c = (flat[triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    sums = np.zeros_like(flat)
    for k in range(3):
        np.add.at(sums, triangles[:, k], faces)
    return unit(sums)


_LEAF = np.array(
    [(0, 0, 0), (0.35, 0, 0), (0.75, 0, 0), (1, 0, 0), (0.3, 0, 0.5), (0.7, 0, 0.4), (0.3, 0, -0.5), (0.7, 0, -0.4)]
)
"""A leaf of length and width 1: four points along its rib, two on each side."""
_LEAF_TOP = np.array([(0, 4, 1), (1, 4, 5), (1, 5, 2), (2, 5, 3), (0, 1, 6), (1, 7, 6), (1, 2, 7), (2, 3, 7)])


def leaves(
    starts: ArrayLike, directions: ArrayLike, lengths: ArrayLike, *, width: float = 0.35, droop: float = 0.25
) -> Mesh:
    """Leaves: thin, pointed, folded along the rib and drooping; 16 triangles each.

    Args:
        starts: Where each grows from [N, 3], metres.
        directions: Where it points [N, 3].
        lengths: Metres [N].
        width: Of a leaf, in parts of its length.
        droop: How far its tip hangs, in parts of its length.
    """
    starts, forward = np.asarray(starts, dtype=np.float64), unit(directions)
    lengths = np.asarray(lengths, dtype=np.float64)
    helper = np.where(np.abs(forward[:, 1:2]) > 0.95, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    side = unit(np.cross(forward, helper))
    upward = np.cross(side, forward)
    along, across = _LEAF[:, 0], _LEAF[:, 2] * width
    rise = np.where(across == 0, 0.0, 0.12 * width) - droop * along**2
    thickness = np.where((across == 0) & (along > 0) & (along < 1), 0.02, 0.0)
    shapes = []
    for sign in (1, -1):
        local = rise + sign * thickness
        offsets = along[:, None] * forward[:, None] + across[:, None] * side[:, None] + local[:, None] * upward[:, None]
        shapes.append(starts[:, None] + offsets * lengths[:, None, None])
    corners = np.concatenate([shapes[0][:, _LEAF_TOP], shapes[1][:, _LEAF_TOP[:, ::-1]]], axis=1)
    edges_a, edges_b = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    normals = np.repeat(unit(np.cross(edges_a, edges_b))[:, :, None], 3, axis=2)
    flat_uvs = np.concatenate([_LEAF[_LEAF_TOP], _LEAF[_LEAF_TOP[:, ::-1]]])[..., [0, 2]] * (1, width)
    uvs = flat_uvs[None] * lengths[:, None, None, None]
    count = len(starts) * 48
    return mesh_of(
        corners.reshape(-1, 3),
        normals.reshape(-1, 3),
        uvs.reshape(-1, 2),
        np.arange(count).reshape(-1, 3),
    )
