"""Labels read straight off depth and normals: both depths, normals, reshading."""

import numpy as np
from numpy.typing import NDArray

from perception.labels.view import Label, View

LARGEST_DEPTH_M = 128.0
"""What lies farther is marked invalid; the published 16-bit files (1/512 m) end here too."""

HALF_LIGHT_M = 5.0
"""Where the light of `reshading` has half its strength: about the mean distance to content of the published images."""


def depth_zbuffer(view: View) -> Label:
    """Distance to the camera plane, float32 [H, W], metres; NaN and invalid where nothing was hit within 128 m."""
    return _where(view.hit & (view.surface_depth_m <= LARGEST_DEPTH_M), view.surface_depth_m)


def depth_euclidean(view: View) -> Label:
    """Distance to the optical centre, float32 [H, W], metres: depth times ray length; NaN where invalid, as above."""
    distance = view.surface_depth_m * view.ray_lengths
    return _where(view.hit & (distance <= LARGEST_DEPTH_M), distance)


def normal(view: View) -> Label:
    """Unit normals facing the camera, float32 [H, W, 3], camera frame; NaN and invalid where nothing was hit."""
    return _where(view.hit, view.surface_normal)


def reshading(view: View) -> Label:
    """Relative radiance of a white matt scene lit by one point light at the optical centre, float32 [H, W] in [0, 1].

    At distance r, with angle theta between the normal and the ray back to the camera, it is
    cos(theta) * d^2 / (d^2 + r^2), d = `HALF_LIGHT_M`: Lambert's law with an inverse-square fall-off that is softened
    near the light, so that nothing exceeds 1 and far walls are not black. (That of the published images is not
    documented.) There are no shadows: the camera sees nothing that its own light does not reach.
    NaN and invalid where nothing was hit.
    """
    distance = view.surface_depth_m * view.ray_lengths
    square = np.float32(HALF_LIGHT_M**2)
    return _where(view.hit, view.facing * (square / (square + distance * distance)))


def _where(valid: NDArray[np.bool_], values: NDArray[np.float32]) -> Label:
    mask = valid if values.ndim == 2 else valid[..., None]
    return Label(np.where(mask, values, np.float32(np.nan)), valid)
