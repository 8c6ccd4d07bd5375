"""Points between views: into the world, into another camera, and whether that camera sees them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception.labels.view import View


def back_project(view: View) -> NDArray[np.float32]:
    """World points that the pixels of a view show, float32 [H, W, 3], metres; NaN where nothing was hit."""
    points = view.points @ view.rotation.T + view.position
    return np.where(view.hit[..., None], points, np.float32(np.nan))


def project(points_world: ArrayLike, view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a view's camera sees world points, whether or not something hides them.

    Args:
        points_world: [..., 3], metres.
        view: The camera.

    Returns:
        float64 [..., 2], (x, y) in pixels from the image's upper left corner (a pixel's centre is at +0.5), and
        float64 [...], metres from the camera plane. Behind the camera the depth is not positive and the pixel NaN.
    """
    rotation, position = view.rotation.astype(np.float64), view.position.astype(np.float64)
    local = (np.asarray(points_world, np.float64) - position) @ rotation
    depth = -local[..., 2]
    scale = view.focal_px / np.where(depth > 0, depth, np.nan)
    pixels = np.stack([view.width / 2 + local[..., 0] * scale, view.height / 2 - local[..., 1] * scale], axis=-1)
    return pixels, depth


def visible(points_world: ArrayLike, view: View, tolerance: float = 0.02) -> NDArray[np.bool_]:
    """Whether a view shows world points, by its depth map: bool [...].

    A point counts as seen if the plane of the surface in the pixel it falls into passes it within `tolerance` times its
    depth, measured along the ray; so slanted surfaces need no wider tolerance.

    Args:
        points_world: [..., 3], metres.
        view: The camera.
        tolerance: Of the depth; renderers and meshes agree far better, sensors hardly.
    """
    pixels, depth = project(points_world, view)
    inside = (depth > 0) & ((pixels >= 0) & (pixels < [view.width, view.height])).all(axis=-1)
    pixels = np.where(inside[..., None], pixels, 0)
    columns, rows = pixels[..., 0].astype(np.int64), pixels[..., 1].astype(np.int64)
    surface = _plane_depth(view, rows, columns, pixels)
    near = np.abs(surface - depth) <= tolerance * depth
    return np.asarray(inside & view.hit[rows, columns] & near)


def overlap(first: View, second: View, grid: int = 16) -> float:
    """Share of what the first view shows that the second shows too, from a grid of at most `grid` x `grid` pixels."""
    rows, columns = (np.unique(np.linspace(0, n - 1, grid).round().astype(int)) for n in (first.height, first.width))
    hit = first.hit[np.ix_(rows, columns)]
    if not hit.any():
        return 0.0
    points = first.points[np.ix_(rows, columns)][hit] @ first.rotation.T + first.position
    return float(visible(points, second).mean())


def centre_points(view: View) -> NDArray[np.float64]:
    """World points where the optical axis may meet the scene, float64 [K, 3], K <= 4.

    The axis passes between pixels where a side has an even number of them: each of the one, two or four pixels that
    touch it gives the point where the axis meets the plane of its surface; pixels that hit nothing give none.
    """
    rows, columns = ({(n - 1) // 2, n // 2} for n in (view.height, view.width))
    pixels = np.array([(r, c) for r in sorted(rows) for c in sorted(columns) if view.hit[r, c]], np.int64).reshape(
        -1, 2
    )
    middle = np.broadcast_to([view.width / 2, view.height / 2], pixels.shape)
    depth = _plane_depth(view, pixels[:, 0], pixels[:, 1], middle)
    axis = -view.rotation[:, 2].astype(np.float64)
    return view.position + depth[:, None] * axis


def _plane_depth(
    view: View, rows: NDArray[np.int64], columns: NDArray[np.int64], pixels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Depth at `pixels` of the plane through the surface seen at `rows`, `columns`; its own depth where grazing."""
    depth = view.surface_depth_m[rows, columns].astype(np.float64)
    normal = view.surface_normal[rows, columns].astype(np.float64)
    x = (pixels[..., 0] - view.width / 2) / view.focal_px
    y = (view.height / 2 - pixels[..., 1]) / view.focal_px
    own = np.einsum("...c,...c->...", normal, view.rays[rows, columns].astype(np.float64))
    there = normal[..., 0] * x + normal[..., 1] * y - normal[..., 2]
    steep = (own > -0.02) | (there > -0.02)
    return np.asarray(depth * np.where(steep, 1.0, own / np.where(steep, 1.0, there)))
