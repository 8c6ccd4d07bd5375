"""Which lights matter in which room, found by casting rays, so that path tracing draws those that do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.building import Building
from sim.raycast.tables import Tables

LIGHT_SLOTS = 64
"""Slots of each room, shared out among its lights by importance."""

_PROBES = 96


def fill_slots(
    scene: Any, tables: Tables, buildings: Sequence[Building]
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Share out the slots of every room.

    Args:
        scene: Mitsuba's scene.
        tables: Of the buildings.
        buildings: In the order of the tables.

    Returns:
        uint32 [R, 64], light drawn from each slot, and float32 [R, 64], 1 / its probability; 0 in a room without light.
    """
    slots = np.zeros((tables.room_rows[-1], LIGHT_SLOTS), dtype=np.uint32)
    weights = np.zeros((tables.room_rows[-1], LIGHT_SLOTS), dtype=np.float32)
    for index, building in enumerate(buildings):
        if not building.lights:
            continue
        lights = tables.light_records[tables.light_rows[index] : tables.light_rows[index + 1]]
        power = lights[:, 3:6].sum(axis=1)
        for room in range(-1, len(building.rooms)):
            share = power if room < 0 else _reach(scene, building, room, lights, tables.offsets[index])
            row = tables.room_rows[index] + 1 + room
            slots[row], weights[row] = _shared_out(share if share.any() else power)
            slots[row] += np.uint32(tables.light_rows[index])
    return slots, weights


def _reach(
    scene: Any, building: Building, room: int, lights: NDArray[np.float32], offset: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean light that each lamp sends unhindered to points spread over a room."""
    import drjit as dr
    import mitsuba as mi

    rng = np.random.default_rng(room)
    box = building.rooms[room]
    points = (rng.uniform(box.lower, box.upper, (_PROBES, 3)) + offset).astype(np.float32)
    starts = np.repeat(points, len(lights), axis=0)
    ways = np.tile(lights[:, 0:3], (_PROBES, 1)) - starts
    rays = mi.Ray3f(mi.Point3f(starts.T), mi.Vector3f(ways.T), 1.0 - 1e-3, 0.0, [])
    seen = ~np.array(dr.detach(scene.ray_test(rays)))
    square = np.square(ways).sum(axis=1) + 0.25
    given = np.where(seen, np.tile(lights[:, 3:6].sum(axis=1), _PROBES) / square, 0)
    return np.asarray(given.reshape(_PROBES, -1).mean(axis=0), dtype=np.float32)


def _shared_out(share: NDArray[np.float32]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """At least one slot for every light that gives anything, the others in proportion."""
    order = np.argsort(-share, kind="stable")[:LIGHT_SLOTS]
    order = order[share[order] > 0]
    numbers = 1 + np.floor(share[order] / share[order].sum() * (LIGHT_SLOTS - len(order))).astype(np.int64)
    numbers[0] += LIGHT_SLOTS - numbers.sum()
    return np.repeat(order, numbers).astype(np.uint32), np.repeat(LIGHT_SLOTS / numbers, numbers).astype(np.float32)
