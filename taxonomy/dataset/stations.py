"""Places where a scanner could stand, and the points of surfaces it sees from there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.building import Building, Room
from sim.cameras import Cameras
from sim.simulator import Sensor
from taxonomy.dataset.casting import measured, observe, world_points
from taxonomy.dataset.world import Renderer

EYE_HEIGHT_M = (1.5, 0.15)
"""Mean and spread of the eye's height above the floor: a standing scanner's."""

EYE_LIMITS_M = (0.9, 1.7)

NEAREST_M = 0.35
"""Nothing in any direction around the eye may be nearer."""

_WALL_MARGIN_M = 0.3
_WALL_TOLERANCE_M = 0.05  # points on a wall belong to the room
_FACE_PIXELS = 16
_AROUND_DEG = (0.0, 90.0, 180.0, 270.0)
_AT_ONCE = 40  # cameras in a call: eight stations
_STEEPEST_DEG = 32.0


@dataclass(frozen=True, eq=False)
class Stations:
    """S places, and P points seen from them.

    Args:
        position: float32 [S, 3], the eye.
        room: int32 [S], index of its room, -1 where the building has none.
        seen: float32 [P, 3], points on surfaces around.
        seen_from: int32 [P], which station saw each.
        instance: int32 [P], what each lies on.
        seen_in: int32 [P], index of the room each lies in, -1 in none.
    """

    position: NDArray[np.float32]
    room: NDArray[np.int32]
    seen: NDArray[np.float32]
    seen_from: NDArray[np.int32]
    instance: NDArray[np.int32]
    seen_in: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.position)


def truncated_normal(
    rng: np.random.Generator, mean: float, spread: float, limits: tuple[float, float], count: int
) -> NDArray[np.float64]:
    """Draws of a normal distribution between limits, float64 [count], by its inverse."""
    from scipy.special import ndtr, ndtri

    low, high = ((limit - mean) / spread for limit in limits)
    return np.asarray(mean + spread * ndtri(ndtr(low) + rng.random(count) * (ndtr(high) - ndtr(low))))


def find_stations(building: Building, renderer: Renderer, rng: np.random.Generator, tries: int) -> Stations:
    """Draw places and keep those where a scanner could stand.

    Args:
        building: What `renderer` shows.
        renderer: Of that building.
        rng: Source of chance.
        tries: Places drawn; about half are kept in a furnished house.
    """
    rooms = building.rooms or (_whole(building),)
    position, room, height = _candidates(rooms, rng, tries)
    cameras = Cameras.looking(
        np.repeat(position, 5, axis=0),
        np.tile(np.radians([*_AROUND_DEG, 0.0]), tries),
        np.tile(np.radians([0.0, 0.0, 0.0, 0.0, -90.0]), tries),
        hfov_deg=90.0,
    )
    seen = observe(renderer, cameras, _FACE_PIXELS, (Sensor.DEPTH, Sensor.SEMANTIC), _AT_ONCE)
    faces = (tries, 5, _FACE_PIXELS, _FACE_PIXELS)
    depth = measured(seen.depth).reshape(faces)
    around, middle = depth[:, :4], slice(_FACE_PIXELS // 2 - 2, _FACE_PIXELS // 2 + 2)
    below = depth[:, 4, middle, middle].reshape(tries, -1)
    on_floor = (np.abs(below - height[:, None]) < 0.06).mean(axis=1) > 0.75
    good = (around.min(axis=(1, 2, 3)) > NEAREST_M) & on_floor
    points = world_points(cameras, depth.reshape(-1, *faces[2:])).reshape(*faces, 3)[good, :4].reshape(-1, 3)
    kept = position[good]
    seen_from = np.repeat(np.arange(len(kept)), 4 * _FACE_PIXELS**2)
    instance = measured(seen.semantic).reshape(faces)[good, :4].reshape(-1)
    usable = (instance > 0) & (np.abs(_elevation(points - kept[seen_from])) < np.radians(_STEEPEST_DEG))
    return Stations(
        kept,
        room[good] if building.rooms else np.full(len(kept), -1, np.int32),
        points[usable],
        seen_from[usable].astype(np.int32),
        instance[usable],
        _room_of(points[usable], building.rooms),
    )


def _whole(building: Building) -> Room:
    lower, upper = (tuple(float(value) for value in corner) for corner in building.bounds)
    return Room("building", "unknown", lower, upper)  # type: ignore[arg-type]


def _room_of(points: NDArray[np.float32], rooms: tuple[Room, ...]) -> NDArray[np.int32]:
    found = np.full(len(points), -1, np.int32)
    for index, room in enumerate(rooms):
        inside = (points > np.subtract(room.lower, _WALL_TOLERANCE_M)) & (
            points < np.add(room.upper, _WALL_TOLERANCE_M)
        )
        found[inside.all(axis=1)] = index
    return found


def _candidates(
    rooms: tuple[Room, ...], rng: np.random.Generator, count: int
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float64]]:
    lower, upper = (np.array([getattr(room, side) for room in rooms]) for side in ("lower", "upper"))
    inner = np.maximum(upper - lower - 2 * _WALL_MARGIN_M, 0.05)
    weight = np.sqrt(inner[:, 0] * inner[:, 2])
    room = rng.choice(len(rooms), count, p=weight / weight.sum())
    height = truncated_normal(rng, *EYE_HEIGHT_M, EYE_LIMITS_M, count)
    middle = (lower + upper)[room] / 2
    position = middle + (rng.random((count, 3)) - 0.5) * inner[room]
    position[:, 1] = lower[room, 1] + height
    return position.astype(np.float32), room.astype(np.int32), height


def _elevation(direction: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(np.arctan2(direction[:, 1], np.hypot(direction[:, 0], direction[:, 2])), np.float64)
