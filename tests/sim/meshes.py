"""Measures of meshes, taken independently of how the shapes are made."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sim.building import Mesh

Floats = NDArray[np.float64]


def corners(mesh: Mesh) -> Floats:
    """float64 [T, 3 corners, 3]."""
    return mesh.vertices[mesh.triangles].astype(np.float64)


def face_normals(mesh: Mesh) -> Floats:
    """Normals [T, 3] of twice the triangles' areas."""
    a, b, c = np.moveaxis(corners(mesh), 1, 0)
    return np.asarray(np.cross(b - a, c - a))


def area(mesh: Mesh) -> float:
    return float(np.linalg.norm(face_normals(mesh), axis=1).sum() / 2)


def uv_area(mesh: Mesh) -> float:
    """What the triangles cover in uv, each counted as positive."""
    a, b, c = np.moveaxis(mesh.uvs[mesh.triangles].astype(np.float64), 1, 0)
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    return float(np.abs(ux * vy - uy * vx).sum() / 2)


def volume(mesh: Mesh) -> float:
    """By the divergence theorem; right for closed meshes that face outward."""
    a, b, c = np.moveaxis(corners(mesh), 1, 0)
    return float(np.einsum("ti,ti->", a, np.cross(b, c)) / 6)


def unpaired_edges(mesh: Mesh) -> int:
    """Directed edges without as many the other way, once vertices in one place are one (to 0.01 mm)."""
    _, welded = np.unique(np.round(mesh.vertices.astype(np.float64), 5), axis=0, return_inverse=True)
    triangles = welded.ravel()[mesh.triangles]
    edges = Counter(
        map(tuple, np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).tolist())
    )
    return sum(count != edges.get((end, start), 0) for (start, end), count in edges.items())
