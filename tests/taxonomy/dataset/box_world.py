"""A fake world: one room with boxes in it, cast analytically with numpy."""

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perception.labels import ClassLists
from sim import Building, BuildingBuilder, Cameras, Material, Mesh, Observations, Part, Room, Sensor

FURNITURE = ("bed", "chair", "desk", "lamp", "sofa")
KINDS = ("bedroom", "office")
_FACES = ("wall", "floor", "wall", "wall", "ceiling", "wall")  # -x, -y, -z, +x, +y, +z


def box(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> Part:
    """Two triangles are enough: the renderer below looks at the boxes, not at these."""
    vertices = np.array([lower, upper, [lower[0], upper[1], lower[2]]], np.float32)
    normals = np.tile(np.array([[0, 1, 0]], np.float32), (3, 1))
    return Part(Mesh(vertices, normals, np.zeros((3, 2), np.float32), np.array([[0, 1, 2]], np.int32)), Material("m"))


@dataclass(frozen=True)
class BoxRenderer:
    """Casts rays at the inside of one box and the outside of others.

    Args:
        lower: float64 [1 + B, 3]; the first is the room.
        upper: float64 [1 + B, 3].
        delay_s: Time each call takes on top.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    delay_s: float = 0.0

    def render(self, cameras: Cameras, height: int, width: int, sensors: tuple[Sensor, ...]) -> Observations:
        time.sleep(self.delay_s)
        half = np.tan(np.radians(cameras.hfov_deg.astype(np.float64)) / 2)[:, None, None]
        x = half * (2 * (np.arange(width) + 0.5) / width - 1)
        y = half * height / width * (1 - 2 * (np.arange(height) + 0.5) / height)[None, :, None]
        rays = np.stack(np.broadcast_arrays(x, y, -1.0), axis=-1).reshape(len(cameras), -1, 3)
        rays = rays @ cameras.rotations.astype(np.float64).swapaxes(1, 2)
        slowness = 1 / np.where(np.abs(rays) < 1e-12, 1e-12, rays)
        origin = cameras.positions.astype(np.float64)[:, None]
        depth = np.full(rays.shape[:2], np.inf)
        face = np.zeros(rays.shape[:2], np.int64)
        for index, (lower, upper) in enumerate(zip(self.lower, self.upper, strict=True)):
            first, last = (lower - origin) * slowness, (upper - origin) * slowness
            enter, leave = np.minimum(first, last), np.maximum(first, last)
            near, far = enter.max(-1), leave.min(-1)
            from_inside = (near < 1e-6) | (index == 0)
            reach = np.where(from_inside, far, near)
            hit = (reach > 1e-6) & (reach <= far) & (reach < depth)
            sides = np.where(from_inside[hit], leave[hit].argmin(-1), enter[hit].argmax(-1))
            towards = np.take_along_axis(rays[hit], sides[:, None], -1)[:, 0] > 0
            depth[hit] = reach[hit]
            face[hit] = 6 * index + sides + 3 * (towards == from_inside[hit])
        size = (len(cameras), height, width)
        number, side = np.divmod(face.reshape(size), 6)
        semantic = np.where(number == 0, side + 1, number + 6).astype(np.int32)
        measured = {Sensor.DEPTH: depth.reshape(size).astype(np.float32), Sensor.SEMANTIC: semantic}
        if Sensor.RGB in sensors:
            points = (origin + depth[..., None] * rays).reshape(*size, 3)
            outward = np.concatenate([-np.eye(3), np.eye(3)])[side]
            facing = np.where((np.einsum("nhwi,nhwi->nhw", outward, rays.reshape(*size, 3)) > 0)[..., None], -1, 1)
            normal = np.einsum("nij,nhwi->nhwj", cameras.rotations, outward * facing)
            stripes = (np.floor(points * 4).sum(-1).astype(np.int64) % 2) * 40
            colour = np.stack([semantic * 37 % 160, semantic * 91 % 160, side * 25], -1)
            measured[Sensor.NORMAL] = normal.astype(np.float32)
            measured[Sensor.RGB] = (colour + stripes[..., None]).astype(np.uint8)
        return Observations(**{sensor.value: measured[sensor] for sensor in sensors})  # type: ignore[arg-type]

    def close(self) -> None:
        return None


@dataclass(frozen=True)
class BoxWorld:
    """Rooms of about 6 x 5 m with five boxes.

    Args:
        delay_s: Time that each call to the renderer takes on top.
    """

    delay_s: float = 0.0

    @property
    def name(self) -> str:
        return "boxes"

    @cached_property
    def classes(self) -> ClassLists:
        return ClassLists.of((*FURNITURE, "wall", "floor", "ceiling"), ("bed", "sofa"), KINDS)

    def building(self, seed: int) -> Building:
        lower, upper, kinds = self.boxes(seed)
        builder = BuildingBuilder(f"boxes_{seed}")
        room = KINDS[seed % len(KINDS)]
        builder.add_room(Room("room", room, tuple(lower[0].tolist()), tuple(upper[0].tolist())))
        for category in _FACES:
            builder.add((box(lower[0], upper[0]),), category=category, room=0)
        for low, high, kind in zip(lower[1:], upper[1:], kinds, strict=True):
            builder.add((box(low, high),), category=kind, room=0)
        return builder.build()

    def boxes(self, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
        rng = np.random.default_rng(seed)
        size = np.array([6.0, 2.6, 5.0]) + rng.random(3)
        width = rng.uniform([0.3, 0.5, 0.3], [0.8, 2.0, 0.8], (5, 3))
        low = rng.random((5, 3)) * (size - width)
        low[:, 1] = 0
        kinds = [FURNITURE[k] for k in rng.integers(0, len(FURNITURE), 5)]
        return np.concatenate([np.zeros((1, 3)), low]), np.concatenate([size[None], low + width]), kinds

    def renderer(self, building: Building) -> BoxRenderer:
        lower, upper, _ = self.boxes(int(building.name.removeprefix("boxes_")))
        return BoxRenderer(lower, upper, self.delay_s)
