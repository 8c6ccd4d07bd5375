"""Buildings of boxes, and a slow, separate answer to what the shortest walk is."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from sim.building import Building, BuildingBuilder, Material, Mesh, Part

Span = tuple[float, float]
Box = tuple[Span, Span, Span]
Grid = NDArray[np.bool_]

_PLAIN = Material("plain")


def box_mesh(x: Span, y: Span, z: Span) -> Mesh:
    """A box whose faces look outwards."""
    corners = np.array([[i, j, k] for i in x for j in y for k in z], dtype=np.float32)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    vertices = np.concatenate([corners[quad] for quad in quads])
    triangles = np.concatenate([[[4 * i, 4 * i + 1, 4 * i + 2], [4 * i, 4 * i + 2, 4 * i + 3]] for i in range(6)])
    a, b, c = (vertices[triangles[::2, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Mesh(
        vertices,
        np.repeat(normals, 4, axis=0).astype(np.float32),
        np.zeros((24, 2), dtype=np.float32),
        triangles.astype(np.int32),
    )


def boxes(*spans: Box, yaw_rad: float = 0.0) -> Building:
    """A building of boxes, each given by its x, y and z from and to, metres."""
    builder = BuildingBuilder("boxes")
    for x, y, z in spans:
        builder.add([Part(box_mesh(x, y, z), _PLAIN)], category="box", yaw_rad=yaw_rad)
    return builder.build()


def room(width: float, depth: float, *more: Box, yaw_rad: float = 0.0) -> Building:
    """A walled room with a floor at 0 and a ceiling of 2.5 m, and boxes in it."""
    return boxes(
        ((0, width), (-0.1, 0), (0, depth)),
        ((0, width), (2.5, 2.6), (0, depth)),
        ((0, width), (0, 2.5), (0, 0.1)),
        ((0, width), (0, 2.5), (depth - 0.1, depth)),
        ((0, 0.1), (0, 2.5), (0, depth)),
        ((width - 0.1, width), (0, 2.5), (0, depth)),
        *more,
        yaw_rad=yaw_rad,
    )


def exact_distances(free: Grid, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """All distances between points (column, row) of a grid, by a visibility graph over every corner of every cell."""
    rows, columns = np.nonzero(~np.pad(free, 1))
    lattice = {(c + i - 1, r + j - 1) for r, c in zip(rows, columns, strict=True) for i in (0, 1) for j in (0, 1)}
    inside = [(c, r) for c, r in lattice if 0 <= c <= free.shape[1] and 0 <= r <= free.shape[0]]
    nodes = np.concatenate([points, np.array(sorted(inside), dtype=np.float64).reshape(-1, 2)])
    edges = np.zeros((len(nodes), len(nodes)))
    for i in range(len(nodes)):
        for j in range(i):
            if sees(free, nodes[i], nodes[j]):
                edges[i, j] = np.hypot(*(nodes[i] - nodes[j]))
    found = dijkstra(csr_array(edges), directed=False, indices=np.arange(len(points)))
    return np.asarray(found[:, : len(points)])


def sees(free: Grid, start: NDArray[np.float64], end: NDArray[np.float64]) -> bool:
    """Whether every piece of a line, cut where it crosses the grid, has a free cell on one side at least."""
    cuts = [0.0, 1.0]
    for axis in (0, 1):
        low, high = sorted((start[axis], end[axis]))
        if high - low > 1e-12:
            cuts += [(k - start[axis]) / (end[axis] - start[axis]) for k in range(int(np.ceil(low)), int(high) + 1)]
    padded = np.pad(free, 1)
    for before, after in pairwise(sorted(cuts)):
        if after - before < 1e-12:
            continue
        middle = start + (before + after) / 2 * (end - start)
        around = {
            (int(np.floor(middle[1] + j)), int(np.floor(middle[0] + i))) for i in (-1e-7, 1e-7) for j in (-1e-7, 1e-7)
        }
        if not any(padded[r + 1, c + 1] for r, c in around):
            return False
    return True


MAZE = """
..........
.########.
.#......#.
.#.####.#.
.#.#..#.#.
.#.#.##.#.
.#.#....#.
.#.######.
.#........
##########
"""

U_SHAPE = """
...........
..#######..
..#.....#..
..#.....#..
..#.....#..
...........
"""


def drawn(picture: str) -> Grid:
    """A grid from a picture, "." free."""
    return np.array([[mark == "." for mark in line] for line in picture.split()])


@st.composite
def random_grids(draw: st.DrawFn, side: int = 9) -> Grid:
    """Grids of random rectangles, single cells among them."""
    free = np.ones((side, draw(st.integers(3, side))), dtype=bool)
    for _ in range(draw(st.integers(0, 7))):
        r, c = draw(st.integers(0, side - 1)), draw(st.integers(0, free.shape[1] - 1))
        free[r : r + draw(st.integers(1, 4)), c : c + draw(st.integers(1, 4))] = False
    if draw(st.booleans()):
        free &= ~draw(hnp.arrays(bool, free.shape, elements=st.integers(0, 5).map(lambda value: value == 0)))
    free[0, 0] = True
    return free
