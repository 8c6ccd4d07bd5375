"""Views of scenes whose depth, normals and ids follow from closed forms, traced in float64."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception.labels import Label, RoomBox, View, compute_label

Array = NDArray[np.float64]


class Surface(Protocol):
    """Something a ray can hit."""

    @property
    def category(self) -> str: ...

    def hit(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        """Distance along each ray [N] (inf where missed), and outward normals [N, 3] there."""


def numbers(label: Label) -> Array:
    """A label's values as float64."""
    return label.values.astype(np.float64)


def numbers_of(task: str, *views: View) -> Array:
    """Values of a task's label as float64."""
    return numbers(compute_label(task, *views))


@dataclass(frozen=True)
class Plane:
    point: tuple[float, float, float]
    normal: tuple[float, float, float]
    category: str = "wall"

    def hit(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        normal = np.asarray(self.normal) / np.linalg.norm(self.normal)
        along = rays @ normal
        distance = (np.asarray(self.point) - origin) @ normal / np.where(along == 0, np.nan, along)
        return np.where(distance > 1e-9, distance, np.inf), np.broadcast_to(normal, rays.shape)


@dataclass(frozen=True)
class Patch:
    """The part of a plane within `half` metres of its point along both axes."""

    point: tuple[float, float, float]
    normal: tuple[float, float, float]
    half: float
    category: str = "table"

    def hit(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        distance, normals = Plane(self.point, self.normal).hit(origin, rays)
        where = origin + np.where(np.isfinite(distance), distance, 0)[:, None] * rays
        inside = (np.abs(where - self.point) <= self.half).all(axis=1)
        return np.where(inside, distance, np.inf), normals


@dataclass(frozen=True)
class Sphere:
    centre: tuple[float, float, float]
    radius: float
    category: str = "ball"

    def hit(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        return _round(origin - np.asarray(self.centre), rays, self.radius, np.eye(3))


@dataclass(frozen=True)
class Cylinder:
    """Endless."""

    point: tuple[float, float, float]
    axis: tuple[float, float, float]
    radius: float
    category: str = "column"

    def hit(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        axis = np.asarray(self.axis) / np.linalg.norm(self.axis)
        return _round(origin - np.asarray(self.point), rays, self.radius, np.eye(3) - np.outer(axis, axis))


def _round(start: Array, rays: Array, radius: float, project: Array) -> tuple[Array, Array]:
    """Nearest hit with |project @ (start + t ray)| = radius."""
    s, d = start @ project, rays @ project
    a, b, c = (d * d).sum(axis=1), d @ s, s @ s - radius**2
    root = np.sqrt(np.maximum(b * b - a * c, 0))
    near, far = (-b - root) / np.maximum(a, 1e-12), (-b + root) / np.maximum(a, 1e-12)
    distance = np.where(near > 1e-9, near, far)
    distance = np.where((b * b - a * c > 0) & (distance > 1e-9), distance, np.inf)
    return distance, (s + np.where(np.isfinite(distance), distance, 0)[:, None] * d) / radius


def box_room(lower: ArrayLike, upper: ArrayLike) -> list[Surface]:
    """The six inner sides of a box."""
    low, high = np.asarray(lower, float), np.asarray(upper, float)
    sides: list[Surface] = []
    names = ("wall", "floor", "wall"), ("wall", "ceiling", "wall")
    for axis in range(3):
        for corner, sign, category in ((low, 1.0, names[0][axis]), (high, -1.0, names[1][axis])):
            normal = np.zeros(3)
            normal[axis] = sign
            sides.append(Plane(_triple(corner), _triple(normal), category))
    return sides


def _triple(values: ArrayLike) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in np.asarray(values))
    return x, y, z


def turned(yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Array:
    """Camera to world: Ry(yaw) Rx(pitch) Rz(roll)."""
    (cy, sy), (cp, sp), (cr, sr) = ((math.cos(a), math.sin(a)) for a in np.radians([yaw_deg, pitch_deg, roll_deg]))
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rx = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    rz = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(ry @ rx @ rz)


def looking_at(position: ArrayLike, target: ArrayLike) -> Array:
    """Camera to world, without roll."""
    x, y, z = np.asarray(target, float) - np.asarray(position, float)
    return turned(math.degrees(math.atan2(-x, -z)), math.degrees(math.atan2(y, math.hypot(x, z))))


def exact_rays(height: int, width: int, hfov_deg: float) -> Array:
    """[H, W, 3] at z = -1, written down apart from the library."""
    half = math.tan(math.radians(hfov_deg / 2))
    x = (2 * (np.arange(width) + 0.5) / width - 1) * half
    y = (1 - 2 * (np.arange(height) + 0.5) / height) * half * height / width
    gx, gy = np.meshgrid(x, y)
    return np.stack([gx, gy, np.full_like(gx, -1.0)], axis=-1)


def trace(
    surfaces: Sequence[Surface],
    *,
    position: ArrayLike = (0.0, 0.0, 0.0),
    rotation: Array | None = None,
    size: tuple[int, int] = (128, 128),
    hfov_deg: float = 60.0,
    rgb: NDArray[np.uint8] | None = None,
    room: RoomBox | None = None,
) -> View:
    """What a camera sees of surfaces; surface i is instance i + 1. Checkered in world space unless `rgb` is given."""
    rotation = np.eye(3) if rotation is None else rotation
    origin = np.asarray(position, float)
    rays = exact_rays(*size, hfov_deg).reshape(-1, 3) @ rotation.T
    distances, normals = zip(*(surface.hit(origin, rays) for surface in surfaces), strict=True)
    nearest = np.argmin(distances, axis=0)
    pixel = np.arange(len(rays))
    depth = np.array(distances)[nearest, pixel]
    hit = np.isfinite(depth)
    normal = np.array(normals)[nearest, pixel]
    normal = normal * np.where((normal * rays).sum(axis=1) > 0, -1, 1)[:, None] @ rotation
    depth, normal = np.where(hit, depth, 0), np.where(hit[:, None], normal, 0)
    if rgb is None:
        world = origin + depth[:, None] * rays
        checker = np.floor(world * 2 + 0.013).astype(int).sum(axis=1) % 2
        base = np.random.default_rng(0).integers(60, 200, (len(surfaces), 3))[nearest]
        rgb = np.where(hit[:, None], base + 40 * checker[:, None], 0).astype(np.uint8).reshape(*size, 3)
    categories = ("nothing", *sorted({surface.category for surface in surfaces}))
    of_surface = np.array([categories.index(surface.category) for surface in surfaces])
    return View(
        rgb=rgb,
        depth_m=depth.reshape(size).astype(np.float32),
        normal=normal.reshape(*size, 3).astype(np.float32),
        instance=np.where(hit, nearest + 1, 0).reshape(size).astype(np.int32),
        category=np.where(hit, of_surface[nearest], 0).reshape(size).astype(np.int32),
        categories=categories,
        hfov_deg=hfov_deg,
        position=origin.astype(np.float32),
        rotation=rotation.astype(np.float32),
        room=room,
    )


def furnished_room(
    position: ArrayLike = (0.6, 1.4, 1.8), rotation: Array | None = None, size: tuple[int, int] = (128, 128)
) -> View:
    """A box room with a ball on the floor, a column, a table top and a picture that touches the wall."""
    lower, upper = (-2.5, 0.0, -3.0), (2.5, 2.7, 3.0)
    things: list[Surface] = [
        Sphere((-0.5, 0.4, -0.8), 0.4),
        Cylinder((1.2, 0.0, -1.5), (0, 1, 0), 0.25),
        Patch((-1.4, 0.8, -1.6), (0, 1, 0), 0.6),
        Patch((0.0, 1.6, -2.98), (0, 0, 1), 0.5, "picture"),
    ]
    room = RoomBox("kitchen", lower, upper)
    rotation = turned(10, -12) if rotation is None else rotation
    return trace([*box_room(lower, upper), *things], position=position, rotation=rotation, size=size, room=room)
