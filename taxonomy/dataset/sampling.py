"""Which views are taken: cameras that fixate points of interest, as Taskonomy chose them.

Stations are places where a scanner could stand. Points of interest lie on surfaces that stations see. Several stations
that truly see a point (a ray decides) become cameras that fixate it, without roll, each with its own field of view.
The published set has a mean field of view of 61.2 deg, a mean pitch of 0.24 deg, no roll, the point 5.3 m away on
average, and a median of 5 cameras per point (statistics that its authors give with the data).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.classes import STRUCTURE_CATEGORIES
from sim.building import NOTHING, Building
from sim.cameras import Cameras
from sim.simulator import Sensor
from taxonomy.dataset.casting import measured, observe, sees
from taxonomy.dataset.stations import Stations, find_stations, truncated_normal
from taxonomy.dataset.views import ViewTable
from taxonomy.dataset.world import Renderer

HFOV_DEG = (61.0, 8.0)
"""Mean and spread of the field of view."""

HFOV_LIMITS_DEG = (47.0, 75.0)

PITCH_DEG = (2.0, 9.0)
"""Mean and spread of the pitch that is preferred; as furniture stands below the eye, the mean comes out lower."""

DISTANCE_LIMITS_M = (1.0, 20.0)
"""Of the point that is fixated."""

THROUGH_DOORS = 0.3
"""How much less cameras that look into another room are wanted: what kind of room they show is a matter of taste."""

LEAST_THINGS = 0.06
"""Share of the image that things take which are not walls, floors, ceilings, doors or windows."""

BARE_SHARE = 0.2
"""Share of the views with fewer things that are kept all the same."""

VIEWS_PER_POINT = (2, 5)
_VIEWS_WEIGHT = (0.1, 0.15, 0.25, 0.5)  # of 2, 3, 4 and 5 cameras: a median of 5 where walls allow it

_ROUNDS = 6
_THUMBNAIL_PIXELS = 24
_THUMBNAILS_AT_ONCE = 64


def sample_views(building: Building, renderer: Renderer, rng: np.random.Generator, count: int) -> ViewTable:
    """Choose cameras in a building.

    Args:
        building: What `renderer` shows, as its number 0.
        renderer: Of that building.
        rng: Source of chance; with the building it decides everything.
        count: Views wanted.

    Returns:
        Exactly `count` views, those of one point next to each other.

    Raises:
        UserError: If the building has too few places from which a point is seen twice.
    """
    groups: list[ViewTable] = []
    for _ in range(_ROUNDS):
        stations = find_stations(building, renderer, rng, max(64, 5 * count))
        groups += _groups(stations, _things(building), renderer, rng, points=max(24, count))
        chosen = _fill(groups, count)
        if sum(len(group) for group in chosen) == count:
            return _numbered(chosen)
    raise UserError(
        f"building {building.name!r}: only {sum(len(group) for group in groups)} of {count} views found that see "
        "enough, from a free place; ask for fewer views, or give it more floor."
    )


def _things(building: Building) -> NDArray[np.bool_]:
    """Bool [I]: which instances are things, not what rooms are made of."""
    structure = {NOTHING.category, *STRUCTURE_CATEGORIES}
    return np.array([instance.category not in structure for instance in building.instances])


def _groups(
    stations: Stations, is_thing: NDArray[np.bool_], renderer: Renderer, rng: np.random.Generator, points: int
) -> Iterator[ViewTable]:
    """Groups of 2 to 5 cameras that see one point, rooms in turn."""
    if len(stations) < 2 or not len(stations.seen):
        return
    chosen = _points_of_interest(stations, is_thing, rng, points)
    target = stations.seen[chosen]
    place, point = (grid.ravel() for grid in np.meshgrid(np.arange(len(stations)), np.arange(len(chosen))))
    view = target[point].astype(np.float64) - stations.position[place]
    distance = np.linalg.norm(view, axis=-1)
    pitch = np.degrees(np.arcsin(np.clip(view[:, 1] / np.maximum(distance, 1e-9), -1, 1)))
    near = (distance > DISTANCE_LIMITS_M[0]) & (distance < DISTANCE_LIMITS_M[1]) & (np.abs(pitch) < 30)
    place, point, distance, pitch = (values[near] for values in (place, point, distance, pitch))
    seen = sees(renderer, stations.position[place], target[point])
    place, point, distance, pitch = (values[seen] for values in (place, point, distance, pitch))
    abroad = stations.room[place] != stations.seen_in[chosen][point]
    weight = _preference(distance, pitch) * np.where(abroad, THROUGH_DOORS, 1.0)
    order = _order(rng, point, weight)
    place, point = place[order], point[order]
    hfov = truncated_normal(rng, *HFOV_DEG, HFOV_LIMITS_DEG, len(place)).astype(np.float32)
    cameras = Cameras.looking_at(stations.position[place], target[point], hfov)
    good = _shows_enough(renderer, cameras, is_thing, rng.random(len(cameras)) < BARE_SHARE)
    place, point, hfov = place[good], point[good], hfov[good]
    sizes = rng.choice(np.arange(VIEWS_PER_POINT[0], VIEWS_PER_POINT[1] + 1), len(chosen), p=_VIEWS_WEIGHT)
    for index, size in enumerate(sizes):
        members = np.flatnonzero(point == index)[:size]
        if len(members) >= VIEWS_PER_POINT[0]:
            yield _group(stations, place[members], target[index], hfov[members])


def _points_of_interest(
    stations: Stations, is_thing: NDArray[np.bool_], rng: np.random.Generator, count: int
) -> NDArray[np.int64]:
    """Indices of points seen, far and level ones first: half by surface, half by thing, with all rooms alike."""
    direction = stations.seen.astype(np.float64) - stations.position[stations.seen_from]
    distance = np.linalg.norm(direction, axis=-1)
    pitch = np.degrees(np.arcsin(direction[:, 1] / distance))
    abroad = stations.room[stations.seen_from] != stations.seen_in
    weight = _preference(distance, pitch) * np.where(abroad, THROUGH_DOORS, 1.0) * (distance > DISTANCE_LIMITS_M[0])
    room = stations.room[stations.seen_from]
    by_surface = weight / max(weight.sum(), 1e-12)
    by_thing = _evenly(_evenly(weight * is_thing[stations.instance], stations.instance), room)
    chance = by_surface + by_thing
    possible = int(np.count_nonzero(chance))
    return rng.choice(len(chance), min(count, possible), replace=False, p=chance / chance.sum())


def _preference(distance: NDArray[np.float64], pitch_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much a view is wanted: far content, and nearly level."""
    mean, spread = PITCH_DEG
    return np.asarray(np.minimum(distance, 10.0) ** 1.5 * np.exp(-0.5 * ((pitch_deg - mean) / spread) ** 2))


def _evenly(weight: NDArray[np.float64], kind: NDArray[np.int32]) -> NDArray[np.float64]:
    """Weights scaled so that every kind has the same sum."""
    kinds, index = np.unique(kind, return_inverse=True)
    total = np.bincount(index, weight, len(kinds))
    return weight / np.maximum(total[index], 1e-12) / len(kinds)


def _order(rng: np.random.Generator, point: NDArray[np.int64], weight: NDArray[np.float64]) -> NDArray[np.int64]:
    """Candidates by point, at most twice as many as a point can have, drawn by weight without replacement."""
    key = rng.exponential(size=len(weight)) / np.maximum(weight, 1e-12)
    order = np.lexsort((key, point))
    _, first, inverse = np.unique(point[order], return_index=True, return_inverse=True)
    rank = np.arange(len(order)) - first[inverse]
    return order[rank < 2 * VIEWS_PER_POINT[1]]


def _shows_enough(
    renderer: Renderer, cameras: Cameras, is_thing: NDArray[np.bool_], may_be_bare: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Bool [N]: nothing right before the lens, no view out of the building, and things in view."""
    if not len(cameras):
        return np.zeros(0, dtype=bool)
    seen = observe(renderer, cameras, _THUMBNAIL_PIXELS, (Sensor.DEPTH, Sensor.SEMANTIC), _THUMBNAILS_AT_ONCE)
    depth = measured(seen.depth).reshape(len(cameras), -1)
    instances = np.sort(measured(seen.semantic).reshape(len(cameras), -1), axis=-1)
    kinds = 1 + (np.diff(instances, axis=-1) != 0).sum(axis=-1)
    near = np.where(depth > 0, depth, np.inf)
    largest = np.array([np.bincount(row).max() for row in instances]) / instances.shape[1]
    furnished = is_thing[instances].mean(axis=-1) > LEAST_THINGS
    return np.asarray(
        (near.min(axis=-1) > 0.25)
        & ((near < 0.7).mean(axis=-1) < 0.2)
        & ((depth > 0).mean(axis=-1) > 0.98)
        & (kinds >= 3)
        & (largest < 0.8)
        & (furnished | may_be_bare)
    )


def _group(
    stations: Stations, place: NDArray[np.int64], target: NDArray[np.float32], hfov_deg: NDArray[np.float32]
) -> ViewTable:
    count = len(place)
    targets = np.broadcast_to(target, (count, 3)).astype(np.float32)
    cameras = Cameras.looking_at(stations.position[place], targets, hfov_deg)
    return ViewTable(
        cameras.positions,
        cameras.rotations,
        cameras.hfov_deg,
        targets,
        np.zeros(count, np.int32),
        np.arange(count, dtype=np.int32),
        stations.room[place],
    )


def _fill(groups: list[ViewTable], count: int) -> list[ViewTable]:
    """Groups with `count` views in all, the last ones shortened so that no view is left alone where that can be."""
    chosen: list[ViewTable] = []
    left = count
    for group in groups:
        if left == 0:
            break
        size = min(len(group), left)
        if left - size == 1 and size > VIEWS_PER_POINT[0]:
            size -= 1
        chosen.append(group[:size])
        left -= size
    return chosen


def _numbered(groups: list[ViewTable]) -> ViewTable:
    table = ViewTable.joined(groups)
    point = np.repeat(np.arange(len(groups), dtype=np.int32), [len(group) for group in groups])
    return ViewTable(table.position, table.rotation, table.hfov_deg, table.target, point, table.view, table.room)
