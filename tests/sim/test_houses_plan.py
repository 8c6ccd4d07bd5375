from collections import Counter, deque

import numpy as np
import pytest

from sim.houses import HouseSpec
from sim.houses.plan import FloorPlan, PlannedRoom, draw_plan
from sim.houses.room_types import ROOM_TYPES
from sim.houses.walls import Opening, Wall


@pytest.fixture(scope="module")
def plans() -> list[FloorPlan]:
    return [draw_plan(HouseSpec(), np.random.default_rng([seed, 0])) for seed in range(60)]


@pytest.mark.parametrize("seed", [322, 1229, 1246, 1732])
def test_public_rooms_deeper_than_the_house_still_make_a_plan(seed: int) -> None:
    assert len(draw_plan(HouseSpec(), np.random.default_rng([seed, 0])).rooms) >= 6


def _passages(room: PlannedRoom) -> list[tuple[Wall, Opening]]:
    return [(wall, hole) for wall in room.walls for hole in wall.openings if hole.other >= 0]


def test_every_room_is_reached_through_doors_from_every_other(plans: list[FloorPlan]) -> None:
    for plan in plans:
        seen, queue = {0}, deque([0])
        while queue:
            for _, hole in _passages(plan.rooms[queue.popleft()]):
                if hole.other not in seen:
                    seen.add(hole.other)
                    queue.append(hole.other)
        assert seen == set(range(len(plan.rooms)))


def test_both_rooms_of_a_door_have_it_at_the_same_place(plans: list[FloorPlan]) -> None:
    for plan in plans:
        for index, room in enumerate(plan.rooms):
            for wall, hole in _passages(room):
                ends = {tuple(np.round(wall.at(u, -plan.wall_m / 2), 6)) for u in (hole.left, hole.right)}
                back = [
                    {tuple(np.round(other.at(u, -plan.wall_m / 2), 6)) for u in (twin.left, twin.right)}
                    for other, twin in _passages(plan.rooms[hole.other])
                    if twin.other == index
                ]
                assert ends in back


def test_rooms_do_not_overlap_and_keep_a_wall_between_them(plans: list[FloorPlan]) -> None:
    for plan in plans:
        for i, a in enumerate(plan.rooms):
            for b in plan.rooms[:i]:
                apart = np.maximum(np.subtract(a.lower, b.upper), np.subtract(b.lower, a.upper)).max()
                assert apart >= plan.wall_m - 1e-6


def test_openings_of_a_wall_lie_in_it_and_apart(plans: list[FloorPlan]) -> None:
    for plan in plans:
        for room in plan.rooms:
            for wall in room.walls:
                edges = [0.0, *(edge for hole in wall.openings for edge in (hole.left, hole.right)), wall.length_m]
                assert np.diff(edges).min() > 0
                assert all(0 <= hole.bottom < hole.top < room.height_m for hole in wall.openings)


def test_behind_every_window_is_no_room(plans: list[FloorPlan]) -> None:
    for plan in plans:
        lower, upper = (np.array([getattr(room, end) for room in plan.rooms]) for end in ("lower", "upper"))
        for room in plan.rooms:
            for wall in room.walls:
                for hole in wall.openings:
                    if hole.other < 0:
                        for u in np.linspace(hole.left, hole.right, 5):
                            point = np.array(wall.at(float(u), -plan.wall_m - 0.3))
                            assert not ((point > lower) & (point < upper)).all(axis=1).any()


def test_most_rooms_have_the_proportions_of_their_kind(plans: list[FloorPlan]) -> None:
    odd = Counter[str]()
    total = 0
    for plan in plans:
        for room in plan.rooms:
            kind, (short, long) = ROOM_TYPES[room.kind], sorted(room.size_m)
            total += 1
            odd[room.kind] += short < kind.least_side_m - 0.15 or long / short > kind.most_aspect + 0.3
            assert short > 0.9
    assert odd.total() < 0.06 * total, odd


def test_houses_differ_in_kinds_and_topology(plans: list[FloorPlan]) -> None:
    kinds = Counter(room.kind for plan in plans for room in plan.rooms)
    assert len(kinds) >= 11
    corridors = Counter(sum(room.kind == "corridor" for room in plan.rooms) for plan in plans)
    assert set(corridors) >= {0, 1, 2}
    outlines = Counter[bool]()
    for plan in plans:
        lower = np.min([room.lower for room in plan.rooms], axis=0)
        upper = np.max([room.upper for room in plan.rooms], axis=0)
        filled = sum(np.prod(np.add(room.size_m, plan.wall_m)) for room in plan.rooms)
        outlines[bool(filled > 0.97 * np.prod(upper - lower + plan.wall_m))] += 1
    assert min(outlines[True], outlines[False]) >= 5


def test_every_home_has_what_is_essential(plans: list[FloorPlan]) -> None:
    for plan in plans:
        assert {room.kind for room in plan.rooms} >= {"living_room", "bedroom", "bathroom", "kitchen"}


def test_bathrooms_are_seldom_passed_through(plans: list[FloorPlan]) -> None:
    doors = [len(_passages(room)) for plan in plans for room in plan.rooms if room.kind == "bathroom"]
    assert np.mean(np.array(doors) == 1) > 0.9
