"""Meshes moved, turned, stretched, repeated and joined."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Mesh
from sim.errors import SimulatorError

Vector = tuple[float, float, float]
Axis = Literal["x", "y", "z"]
Floats = NDArray[np.float64]


def mesh_of(vertices: ArrayLike, normals: ArrayLike, uvs: ArrayLike, triangles: ArrayLike) -> Mesh:
    """A `Mesh` of its four arrays, in the types it holds."""
    return Mesh(
        vertices=np.asarray(vertices, dtype=np.float32),
        normals=np.asarray(normals, dtype=np.float32),
        uvs=np.asarray(uvs, dtype=np.float32),
        triangles=np.asarray(triangles, dtype=np.int32),
    )


def require_sizes(shape: str, **sizes_m: float) -> None:
    """Check that every size of a shape is a finite number above 0.

    Raises:
        SimulatorError: If one is not.
    """
    for label, value in sizes_m.items():
        if not 0 < value < np.inf:
            raise SimulatorError(f"{shape}: {label} is {value:g}; expected metres above 0.")


def unit(vectors: ArrayLike) -> Floats:
    """Vectors [..., 3] at length 1; those of length 0 become +y."""
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found = lengths > 1e-12
    return np.where(found, vectors / np.where(found, lengths, 1.0), (0.0, 1.0, 0.0))


def rotation(axis: Axis, angle_rad: float) -> Floats:
    """The matrix [3, 3] that turns columns about an axis, counter-clockwise seen from its tip."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    first = {"x": 0, "y": 1, "z": 2}[axis]
    second, third = (first + 1) % 3, (first + 2) % 3
    matrix = np.eye(3)
    matrix[second, second] = matrix[third, third] = cos
    matrix[third, second], matrix[second, third] = sin, -sin
    return matrix


def translated(mesh: Mesh, offset: ArrayLike) -> Mesh:
    """A mesh moved by an offset (x, y, z)."""
    return Mesh(mesh.vertices + np.asarray(offset, dtype=np.float32), mesh.normals, mesh.uvs, mesh.triangles)


def rotated(mesh: Mesh, axis: Axis, angle_rad: float) -> Mesh:
    """A mesh turned about an axis through the origin, counter-clockwise seen from the axis' tip."""
    turn = rotation(axis, angle_rad).T
    return mesh_of(mesh.vertices @ turn, mesh.normals @ turn, mesh.uvs, mesh.triangles)


def scaled(mesh: Mesh, factors: ArrayLike) -> Mesh:
    """A mesh stretched from the origin by one factor or three, all above 0; its uv stretch by their mean.

    Raises:
        SimulatorError: If a factor is not above 0.
    """
    three = np.broadcast_to(np.asarray(factors, dtype=np.float64), (3,))
    require_sizes("scaled", smallest_factor=float(three.min()))
    mean = float(np.prod(three) ** (1 / 3))
    return mesh_of(mesh.vertices * three, unit(mesh.normals / three), mesh.uvs * mean, mesh.triangles)


def merged(meshes: Iterable[Mesh]) -> Mesh:
    """Several meshes as one.

    Raises:
        SimulatorError: If there is none.
    """
    parts = list(meshes)
    if not parts:
        raise SimulatorError("nothing to merge; at least one mesh is needed.")
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    return Mesh(
        vertices=np.concatenate([part.vertices for part in parts]),
        normals=np.concatenate([part.normals for part in parts]),
        uvs=np.concatenate([part.uvs for part in parts]),
        triangles=np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=True)]).astype(
            np.int32
        ),
    )


def repeated(mesh: Mesh, offsets: Sequence[Vector] | Floats) -> Mesh:
    """Copies of a mesh at offsets [N, 3], as one."""
    places = np.asarray(offsets, dtype=np.float32).reshape(-1, 3)
    count, size = len(places), len(mesh.vertices)
    starts = (np.arange(count, dtype=np.int32) * size)[:, None, None]
    return Mesh(
        vertices=(mesh.vertices[None] + places[:, None]).reshape(-1, 3),
        normals=np.tile(mesh.normals, (count, 1)),
        uvs=np.tile(mesh.uvs, (count, 1)),
        triangles=(mesh.triangles[None] + starts).reshape(-1, 3),
    )


def bounds(meshes: Iterable[Mesh]) -> Floats:
    """float64 [2, 3]: least and greatest x, y, z of meshes."""
    extremes = [(mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)) for mesh in meshes]
    lower, upper = zip(*extremes, strict=True)
    return np.stack([np.min(lower, axis=0), np.max(upper, axis=0)]).astype(np.float64)
