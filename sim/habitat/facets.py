"""Exact normals from habitat-sim, which has no such sensor: the building once more, coloured by triangle.

A pixel's colour names the triangle that it sees; where the pixel's ray meets that triangle, its vertices' normals are
interpolated.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.building import Building
from sim.cameras import Cameras
from sim.scene_dataset import colored_glb, write_json

_LEAN = 1e-4
"""A normal that leans away from the camera is stood up to be this much short of across the ray."""


@contextmanager
def write_facets(building: Building) -> Iterator[Path]:
    """The building as an object, triangle i coloured i + 1 (24 bits, red lowest), seen from both sides.

    Yields:
        Its object config, until the end of the block.
    """
    numbers = np.arange(1, len(building.triangles) + 1)
    colors = np.stack([numbers & 255, numbers >> 8 & 255, numbers >> 16], axis=1).astype(np.uint8)
    vertices = building.vertices[building.triangles.ravel()]
    corners = np.arange(len(vertices)).reshape(-1, 3)
    both = np.concatenate([corners, corners[:, ::-1]])
    with tempfile.TemporaryDirectory(prefix="facets-") as folder:
        (Path(folder) / "facets.glb").write_bytes(colored_glb(vertices, both, np.repeat(colors, 3, axis=0)))
        config = Path(folder) / "facets.object_config.json"
        write_json(
            config,
            {
                "render_asset": "facets.glb",
                "up": [0, 1, 0],
                "front": [0, 0, -1],
                "COM": [0, 0, 0],
                "is_collidable": False,
                "force_flat_shading": True,
            },
        )
        yield config


def facet_normals(building: Building, cameras: Cameras, rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Normals from pictures of what `write_facets` wrote.

    Args:
        building: What the cameras see.
        cameras: N of them.
        rgba: uint8 [N, H, W, 4].

    Returns:
        float32 [N, H, W, 3]: unit, camera frame, facing the camera; 0 where nothing was hit.
    """
    _, height, width, _ = rgba.shape
    numbers = rgba[..., :3].astype(np.int64) @ (1, 1 << 8, 1 << 16)
    camera, row, column = np.nonzero((numbers > 0) & (numbers <= len(building.triangles)))
    triangles = building.triangles[numbers[camera, row, column] - 1]
    pixel_size = 2 * np.tan(np.deg2rad(cameras.hfov_deg.astype(np.float64)) / 2)[camera] / width
    rays = np.stack(
        [(column + 0.5 - width / 2) * pixel_size, (height / 2 - 0.5 - row) * pixel_size, -np.ones(len(row))], axis=1
    )
    turn = cameras.rotations[camera].astype(np.float64)
    rays = np.einsum("pij,pj->pi", turn, rays / np.linalg.norm(rays, axis=1, keepdims=True))
    a, b, c = np.moveaxis(building.vertices[triangles].astype(np.float64), 1, 0)
    weights = _meet(cameras.positions[camera].astype(np.float64), rays, a, b, c)
    corner_normals = building.normals[triangles].astype(np.float64)
    world = _unit(np.einsum("pk,pki->pi", weights, corner_normals))
    behind = np.einsum("pki,pi->p", corner_normals, rays) > 0
    world[behind] *= -1
    lean = np.einsum("pi,pi->p", world, rays)
    world = np.where(lean[:, None] > 0, _unit(world - rays * (lean + _LEAN)[:, None]), world)
    result = np.zeros((*rgba.shape[:3], 3), dtype=np.float32)
    result[camera, row, column] = np.einsum("pij,pi->pj", turn, world)
    return result


def _meet(
    origin: NDArray[np.float64],
    rays: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Barycentric weights [P, 3] where rays meet the planes of triangles.

    Moeller and Trumbore 1997, "Fast, minimum storage ray-triangle intersection", eq. 4 to 6; a pixel drawn at an edge
    may have its middle just outside, so the weights are kept within the triangle.
    """
    across = np.cross(b - a, c - a)
    slope = np.einsum("pi,pi->p", across, rays)
    slope = np.where(slope == 0, np.finfo(np.float64).tiny, slope)
    lever = np.cross(origin - a, rays)
    v = -np.einsum("pi,pi->p", c - a, lever) / slope
    w = np.einsum("pi,pi->p", b - a, lever) / slope
    weights = np.clip(np.nan_to_num(np.stack([1 - v - w, v, w], axis=1)), 0, 1)
    weights[weights.sum(axis=1) == 0] = 1
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
