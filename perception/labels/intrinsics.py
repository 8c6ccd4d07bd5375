"""Pinhole intrinsics: pixels to rays and back.

The camera frame is x right, y up, the view along -z. Pixels are square, pixel (row, column) has its centre at
(row + 0.5, column + 0.5), and the optical axis meets the image in its middle, (H / 2, W / 2).
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError


def focal_px(width: int, hfov_deg: float) -> float:
    """Focal length in pixels of an image `width` pixels wide that spans `hfov_deg` degrees.

    Raises:
        UserError: If the field of view is outside (1, 179) degrees or the width is not positive.
    """
    if width < 1:
        raise UserError(f"an image {width} pixels wide has no focal length; expected a width of at least 1.")
    if not 1 < hfov_deg < 179:
        raise UserError(f"field of view {hfov_deg} deg; expected within (1, 179).")
    return 0.5 * width / math.tan(math.radians(hfov_deg) / 2)


@lru_cache(maxsize=8)
def pixel_rays(height: int, width: int, hfov_deg: float) -> NDArray[np.float32]:
    """float32 [H, W, 3], read-only: where the ray of each pixel is one metre before the camera plane (z = -1)."""
    focal = focal_px(width, hfov_deg)
    x = (np.arange(width) + 0.5 - width / 2) / focal
    y = (height / 2 - np.arange(height) - 0.5) / focal
    rays = np.empty((height, width, 3), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2] = x, y[:, None], -1
    rays.flags.writeable = False
    return rays


@lru_cache(maxsize=8)
def ray_lengths(height: int, width: int, hfov_deg: float) -> NDArray[np.float32]:
    """float32 [H, W], read-only: metres along each pixel's ray per metre of distance from the camera plane."""
    rays = pixel_rays(height, width, hfov_deg).astype(np.float64)
    lengths: NDArray[np.float32] = np.linalg.norm(rays, axis=-1).astype(np.float32)
    lengths.flags.writeable = False
    return lengths
