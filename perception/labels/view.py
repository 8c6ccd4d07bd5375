"""What a label is computed from: one camera's measurements, its pose, and the room it stands in.

The camera frame is x right, y up, the view along -z; a surface that faces the camera has a normal with positive z.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.intrinsics import focal_px, pixel_rays, ray_lengths

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G, B in the grey image (ITU-R BT.601)."""

NEAREST_M, FARTHEST_M = 1e-4, 1e5
"""Depths outside are no measurements (a far plane, a marker of the sensor's own)."""

_NUMBERS = {"f": "floating numbers", "iu": "whole numbers"}
"""What numpy's kinds of dtype are called in messages."""


@dataclass(frozen=True)
class RoomBox:
    """The box-shaped room a camera stands in.

    Args:
        kind: What the room is used for, for example "kitchen".
        lower: Least x, y, z, metres, world frame.
        upper: Greatest x, y, z.

    Raises:
        UserError: If a number is not finite or a lower one exceeds the upper one.
    """

    kind: str
    lower: tuple[float, float, float]
    upper: tuple[float, float, float]

    def __post_init__(self) -> None:
        lower, upper = np.asarray(self.lower, float), np.asarray(self.upper, float)
        if not (np.isfinite([lower, upper]).all() and (lower <= upper).all()):
            raise UserError(
                f"room {self.kind!r} runs from {lower.tolist()} to {upper.tolist()}; expected finite metres, the least "
                f"first."
            )


@dataclass(frozen=True, eq=False)
class View:
    """One camera's measurements.

    What several labels need (points, the grey image) is computed once, when first asked for.

    Args:
        rgb: uint8 [H, W, 3], sRGB.
        depth_m: float32 [H, W], metres to the camera plane; 0 where nothing was hit.
        normal: float32 [H, W, 3], unit, camera frame, facing the camera; 0 where nothing was hit.
        instance: int32 [H, W], which thing each pixel shows; 0 where nothing was hit.
        category: int32 [H, W], index into `categories`; 0 ("nothing") where nothing was hit.
        categories: What `category` means.
        hfov_deg: Horizontal field of view, degrees; pixels are square, the optical centre is in the middle.
        position: float32 [3], metres, world frame.
        rotation: float32 [3, 3], camera to world.
        room: Where the camera stands; None where unknown.

    Raises:
        UserError: If shapes or kinds of number differ from these, the image is empty, the field of view is outside
            (1, 179) degrees, a category has no name, or the pose is not finite or not a rotation.
    """

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    normal: NDArray[np.float32]
    instance: NDArray[np.int32]
    category: NDArray[np.int32]
    categories: tuple[str, ...]
    hfov_deg: float
    position: NDArray[np.float32]
    rotation: NDArray[np.float32]
    room: RoomBox | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rgb, np.ndarray):
            raise UserError(f"view: rgb is a {type(self.rgb).__name__}; expected a numpy array.")
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.size == 0 or self.rgb.dtype != np.uint8:
            raise UserError(f"view: rgb is {self.rgb.dtype} {list(self.rgb.shape)}; expected uint8 [H, W, 3].")
        size = self.rgb.shape[:2]
        _check("depth_m", self.depth_m, "f", size)
        _check("normal", self.normal, "f", (*size, 3))
        _check("instance", self.instance, "iu", size)
        _check("category", self.category, "iu", size)
        _check("position", self.position, "f", (3,))
        _check("rotation", self.rotation, "f", (3, 3))
        if self.category.min() < 0 or self.category.max() >= len(self.categories):
            raise UserError(
                f"view: category runs from {self.category.min()} to {self.category.max()}; expected indices of the "
                f"{len(self.categories)} categories given."
            )
        if not (np.isfinite(self.position).all() and np.isfinite(self.rotation).all()):
            raise UserError("view: the camera's position or rotation holds a value that is not finite.")
        if np.abs(self.rotation @ self.rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(self.rotation) < 0:
            raise UserError(f"view: rotation is no rotation: {self.rotation.tolist()}; expected orthonormal columns.")
        focal_px(self.width, self.hfov_deg)

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.rgb.shape[1])

    @property
    def focal_px(self) -> float:
        """Focal length, pixels."""
        return focal_px(self.width, self.hfov_deg)

    @property
    def rays(self) -> NDArray[np.float32]:
        """float32 [H, W, 3], camera frame: where each pixel's ray meets the plane z = -1."""
        return pixel_rays(self.height, self.width, self.hfov_deg)

    @property
    def ray_lengths(self) -> NDArray[np.float32]:
        """float32 [H, W]: metres along the ray per metre of depth."""
        return ray_lengths(self.height, self.width, self.hfov_deg)

    @cached_property
    def hit(self) -> NDArray[np.bool_]:
        """Where a surface was measured, with a possible depth and a unit normal: bool [H, W]."""
        length = np.einsum("hwc,hwc->hw", self.normal, self.normal)
        possible = (self.depth_m > NEAREST_M) & (self.depth_m < FARTHEST_M)
        return np.asarray(possible & (np.abs(length - 1) < 0.02))

    @cached_property
    def surface_depth_m(self) -> NDArray[np.float32]:
        """float32 [H, W]: depth where a surface was measured, else 0, whatever the sensor wrote there."""
        return np.where(self.hit, self.depth_m, 0).astype(np.float32, copy=False)

    @cached_property
    def surface_normal(self) -> NDArray[np.float32]:
        """float32 [H, W, 3]: normals where a surface was measured, else 0."""
        return np.where(self.hit[..., None], self.normal, 0).astype(np.float32, copy=False)

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """float32 [H, W, 3]: the points seen, metres, camera frame; 0 where nothing was hit."""
        return self.rays * self.surface_depth_m[..., None]

    @cached_property
    def facing(self) -> NDArray[np.float32]:
        """float32 [H, W]: cosine between the normal and the direction to the camera; 0 where nothing was hit."""
        cosine = -np.einsum("hwc,hwc->hw", self.surface_normal, self.rays) / self.ray_lengths
        return np.asarray(np.clip(cosine, 0, 1))

    @cached_property
    def grey(self) -> NDArray[np.float32]:
        """float32 [H, W]: luma of the image in [0, 1]."""
        red, green, blue = np.moveaxis(self.rgb, -1, 0)
        weights = LUMA / np.float32(255)
        return np.asarray(red * weights[0] + green * weights[1] + blue * weights[2])

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """float32 [H, W, 3]: CIE L*a*b* of the image (D65)."""
        from perception.labels.colour import lab_from_srgb

        return lab_from_srgb(self.rgb)


@dataclass(frozen=True, eq=False)
class Label:
    """A task's label for one image, or one group of images.

    Args:
        values: As the task's `OutputSpec` says: [H, W], [H, W, C], [C] or a whole number; segments are their ids
            [H, W] uint8 (the embedding itself is the network's).
        valid: bool [H, W] for labels per pixel, a single bool otherwise: where `values` means something.
    """

    values: NDArray[np.generic]
    valid: NDArray[np.bool_]


def everywhere(values: NDArray[np.generic]) -> Label:
    """A label per pixel, valid in every one."""
    return Label(values, np.ones(values.shape[:2], np.bool_))


def single(values: NDArray[np.generic] | np.generic, valid: bool) -> Label:
    """A label for a whole image, or group of images."""
    return Label(np.asarray(values), np.asarray(valid, np.bool_))


def _check(name: str, array: object, kinds: str, shape: tuple[int, ...]) -> None:
    """Raise a UserError for what is no array, of another kind of number, or of another shape."""
    if not isinstance(array, np.ndarray):
        raise UserError(f"view: {name} is a {type(array).__name__}; expected a numpy array.")
    if array.shape != shape:
        raise UserError(f"view: {name} has shape {list(array.shape)}; expected {list(shape)}.")
    if array.dtype.kind not in kinds:
        raise UserError(f"view: {name} is {array.dtype}; expected {_NUMBERS[kinds]}.")
