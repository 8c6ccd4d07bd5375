import re
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from perception import UserError
from rl.episodes import (
    RULES,
    Episode,
    PointGoals,
    Starts,
    VisualTargets,
    generate_episodes,
    validate_episodes,
)
from rl.episodes.sighting import nearest_walks_m, sighting_points
from rl.file_scenes import GivenScenes
from rl.house_scenes import can_find
from rl.scenes import Split
from rl.targets import plan_distance_m, target_boxes
from sim import AgentSpec, Building, BuildingBuilder, Material, Room, Simulator
from sim.navigation import NavigationMap
from sim.raycast import RaycastSimulator
from tests.rl.episodes.grids import TWO_ISLANDS, U_SHAPE, GridSimulator
from tests.sim.hand_made import block, box_room
from tests.sim.navigation_cases import drawn, exact_distances, random_grids

LOOSE = PointGoals(min_m=1.0, max_m=50.0, min_ratio=1.0)


def grids(**pictures: str) -> tuple[GivenScenes, Simulator]:
    simulator = GridSimulator({name: drawn(picture) for name, picture in pictures.items()})
    return GivenScenes(train=simulator.buildings), cast(Simulator, simulator)


def drawn_for(
    scenes: GivenScenes, simulator: Simulator, count: int = 40, task: str = "PointGoal", **more: Any
) -> tuple[Episode, ...]:
    return generate_episodes(task, scenes, Split.TRAIN, simulator, per_building=count, **more)


def kitchen_wall(name: str = "flat", *, walled_in: bool = False) -> Building:
    """Two rooms; a refrigerator of 0.6 m stands at the wall between them, on the kitchen's side, far from the door."""
    builder = BuildingBuilder(name)
    kitchen = builder.add_room(Room("kitchen_1", "kitchen", (-4, 0, -2), (0, 2.5, 2)))
    white = Material("white")
    builder.add([block((-4.2, -0.2, -2.2), (4.2, 0, 2.2), white)], category="floor", room=kitchen)
    for lower, upper in (
        ((-4.2, 0, -2.2), (-4, 2.5, 2.2)),
        ((4, 0, -2.2), (4.2, 2.5, 2.2)),
        ((-4, 0, -2.2), (4, 2.5, -2)),
        ((-4, 0, 2), (4, 2.5, 2.2)),
        ((-0.05, 0, -2), (0.05, 2.5, 0.6)),
        ((-0.05, 0, 1.6), (0.05, 2.5, 2)),
    ):
        builder.add([block(lower, upper, white)], category="wall", room=kitchen)
    builder.add([block((-0.65, 0, -1.9), (-0.05, 1.8, -1.3), Material("steel"))], category="refrigerator", room=kitchen)
    if walled_in:
        for lower, upper in (((-0.85, 0, -2), (-0.8, 2.5, -1.1)), ((-0.85, 0, -1.15), (-0.05, 2.5, -1.1))):
            builder.add([block(lower, upper, white)], category="wall", room=kitchen)
    return builder.build()


@pytest.fixture(scope="module")
def flat() -> Simulator:
    return RaycastSimulator([kitchen_wall()], AgentSpec(height=32, width=32))


def grid_walks_m(nav: NavigationMap, ends: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """float [R, C]: lengths of walks over cells and their diagonals to the nearest of the ends bool [R, C]."""
    free = nav.free
    number = np.arange(free.size).reshape(free.shape)
    begin, end, length = [], [], []
    for row, column in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, free.shape[0] - row), slice(max(0, -column), free.shape[1] - max(0, column)))
        there = (slice(row, None), slice(max(0, column), free.shape[1] + min(0, column)))
        both = free[here] & free[there]
        begin.append(number[here][both])
        end.append(number[there][both])
        length.append(np.full(both.sum(), np.hypot(row, column) * nav.cell_m))
    graph = coo_array((np.concatenate(length), (np.concatenate(begin), np.concatenate(end))), shape=(free.size,) * 2)
    found = dijkstra(graph.tocsr(), directed=False, indices=number[ends], min_only=True)
    return np.asarray(found).reshape(free.shape)


def test_walks_are_those_of_a_visibility_graph_and_within_limits() -> None:
    scenes, simulator = grids(a=U_SHAPE)
    rules = PointGoals(min_m=3.0, max_m=9.0, min_ratio=1.2, straight_share=0.25)
    episodes = drawn_for(scenes, simulator, 40, rules=rules)
    ends = np.array([(*episode.start[::2], *cast(Any, episode.goal)[::2]) for episode in episodes]).reshape(-1, 2)
    exact = exact_distances(drawn(U_SHAPE), ends)[0::2, 1::2].diagonal()
    walks_m = np.array([episode.geodesic_distance_m for episode in episodes])
    np.testing.assert_allclose(walks_m, exact, rtol=1e-5)
    assert walks_m.min() >= 3.0
    assert walks_m.max() <= 9.0
    straight_m = np.hypot(*(ends[0::2] - ends[1::2]).T)
    nearly_straight = int((walks_m < 1.2 * straight_m).sum())
    assert 0 < nearly_straight <= 10


@settings(max_examples=15, deadline=None)
@given(random_grids(), st.integers(0, 100))
def test_on_any_floor_plan_there_are_valid_episodes_or_an_error_that_says_why(
    plan: NDArray[np.bool_], seed: int
) -> None:
    simulator = GridSimulator({"a": plan})
    scenes = GivenScenes(train=simulator.buildings)
    rules = PointGoals(min_m=1.0, max_m=6.0, straight_share=0.5)
    try:
        episodes = drawn_for(scenes, cast(Simulator, simulator), 4, seed=seed, rules=rules)
    except UserError as error:
        assert re.search("of 4 episodes in .* tries; .* (min_m|straight_share|max_m)", str(error))  # noqa: PT017
        return
    ends = np.array([(e.start[::2], cast(Any, e.goal)[::2]) for e in episodes])
    free = simulator.maps[0].free[1:-1, 1:-1]  # where cells meet by a corner alone, one is blocked
    exact = exact_distances(free, ends.reshape(-1, 2))[0::2, 1::2].diagonal()
    np.testing.assert_allclose(exact, [cast(float, e.geodesic_distance_m) for e in episodes], rtol=1e-5)
    assert ((exact >= 1 - 1e-5) & (exact <= 6 + 1e-5)).all()
    assert (exact < 1.1 * np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) - 1e-5).sum() <= 2


def test_no_straight_episodes_where_none_are_allowed() -> None:
    scenes, simulator = grids(a=U_SHAPE)
    episodes = drawn_for(scenes, simulator, 30, rules={"min_m": 1.0, "min_ratio": 1.3, "straight_share": 0.0})
    for episode in episodes:
        straight_m = np.linalg.norm(np.subtract(episode.start, cast(Any, episode.goal)))
        assert cast(float, episode.geodesic_distance_m) >= 1.3 * straight_m


@pytest.mark.parametrize("task", ["PointGoal", "Explore"])
def test_starts_and_goals_are_on_the_largest_island(task: str) -> None:
    scenes, simulator = grids(a=TWO_ISLANDS)
    rules = {"PointGoal": LOOSE, "Explore": Starts()}[task]
    for episode in drawn_for(scenes, simulator, 100, task, rules=rules):
        for point in (episode.start, episode.goal):
            assert point is None or 0 < point[0] < 5  # the wall is at 5


def test_points_that_a_simulator_draws_off_the_largest_island_are_not_used() -> None:
    class Careless(GridSimulator):
        def random_navigable_points(self, count: int, rng: np.random.Generator, building: int = 0) -> Any:
            return np.stack([rng.uniform(0, 9, count), np.zeros(count), rng.uniform(0, 3, count)], 1).astype(np.float32)

    careless = Careless({"a": drawn(TWO_ISLANDS)})
    scenes = GivenScenes(train=careless.buildings)
    points = careless.random_navigable_points(100, np.random.default_rng(0))
    assert (points[:, 0] > 5).any()
    for task in ("PointGoal", "Explore"):
        rules = LOOSE if task == "PointGoal" else None
        for episode in drawn_for(scenes, cast(Simulator, careless), 60, task, rules=rules):
            assert max(episode.start[0], (episode.goal or episode.start)[0]) <= 5


def test_the_seed_decides_and_other_buildings_do_not_matter() -> None:
    scenes, simulator = grids(a=U_SHAPE, b=TWO_ISLANDS)
    both = drawn_for(scenes, simulator, 10, rules=LOOSE, seed=4)
    assert both == drawn_for(scenes, simulator, 10, rules=LOOSE, seed=4)
    assert drawn_for(scenes, simulator, 10, rules=LOOSE, seed=4, names=("b",)) == both[10:]
    assert drawn_for(scenes, simulator, 10, rules=LOOSE, seed=5) != both
    swapped = GridSimulator({"b": drawn(TWO_ISLANDS), "a": drawn(U_SHAPE)})
    assert drawn_for(scenes, cast(Simulator, swapped), 10, rules=LOOSE, seed=4) == both


def test_ids_differ_headings_go_all_round_and_no_episode_is_there_twice() -> None:
    scenes, simulator = grids(a=U_SHAPE, b=TWO_ISLANDS)
    episodes = drawn_for(scenes, simulator, 200, rules=LOOSE)
    assert len({episode.key for episode in episodes}) == len({(e.start, e.goal) for e in episodes}) == 400
    quadrant = np.floor(np.array([episode.heading_rad for episode in episodes]) / (np.pi / 2)).astype(int) + 2
    assert quadrant.min() == 0
    assert quadrant.max() == 3
    assert np.bincount(quadrant, minlength=4).min() > 70


def test_explorers_have_starts_alone() -> None:
    scenes, simulator = grids(a=U_SHAPE)
    for episode in drawn_for(scenes, simulator, 5, "Explore"):
        assert (episode.goal, episode.target, episode.geodesic_distance_m) == (None, None, None)


def test_too_strict_limits_are_named_with_what_they_refused() -> None:
    scenes, simulator = grids(a=TWO_ISLANDS)
    with pytest.raises(UserError, match=r"building 'a': 0 of 3 episodes .* nearer than min_m=8"):
        drawn_for(scenes, simulator, 3, rules={"min_m": 8.0})
    with pytest.raises(UserError, match=r"nearly straight \(straight_share=0\)"):
        drawn_for(scenes, simulator, 3, rules={"min_m": 1.0, "straight_share": 0.0})


def test_a_building_without_room_for_the_agent_is_named() -> None:
    wide = AgentSpec(radius_m=2.5, height=8, width=8)
    scenes = GivenScenes(train=(box_room(name="cupboard"),))
    simulator = RaycastSimulator(scenes.train, wide)
    with pytest.raises(UserError, match=r"'cupboard' has nowhere to walk for an agent of radius 2\.5 m"):
        drawn_for(scenes, simulator, 3)


def test_targets_walk_to_where_they_are_seen_not_to_the_other_side_of_the_wall(flat: Simulator) -> None:
    points = sighting_points(flat, 0, "refrigerator", 1.0, 0.005)
    boxes = target_boxes(flat.buildings[0], "refrigerator")
    assert len(points) > 10
    assert (points[:, 0] < 0).all()
    assert plan_distance_m(points, boxes).max() <= 1.0
    behind = np.array([[0.6, 0, -1.6]], np.float32)
    assert flat.is_navigable(behind).all()
    assert plan_distance_m(behind, boxes)[0] < 1.0


def test_walks_to_targets_are_those_over_the_cells_of_the_kitchen(flat: Simulator) -> None:
    scenes = GivenScenes(train=flat.buildings)
    rules = VisualTargets(min_m=1.0)
    episodes = drawn_for(scenes, flat, 60, "VisualTarget", rules=rules)
    nav = cast(RaycastSimulator, flat).navigation(0)
    rows, columns = np.indices(nav.free.shape)
    left, top = -nav.to_pixels([0, 0, 0], nav.cell_m)[0] * nav.cell_m
    x, z = left + (columns + 0.5) * nav.cell_m, top + (rows + 0.5) * nav.cell_m
    away = np.hypot(np.maximum(np.maximum(-0.65 - x, x + 0.05), 0), np.maximum(np.maximum(-1.9 - z, z + 1.3), 0))
    walks_m = grid_walks_m(nav, nav.free & (away <= 1.0) & (x < 0))
    for episode in episodes:
        column, row = int((episode.start[0] - left) / nav.cell_m), int((episode.start[2] - top) / nav.cell_m)
        said_m = cast(float, episode.geodesic_distance_m)
        # Over cells and diagonals a walk is up to 1.0824 times as long as at any angle.
        assert walks_m[row, column] / 1.0824 - 0.1 <= said_m <= walks_m[row, column] + 0.15
        assert said_m >= 1.0
        assert episode.target == "refrigerator"
    assert any(episode.start[0] > 0 for episode in episodes)


def test_nearest_walks_are_those_to_every_end_tried_in_turn(flat: Simulator) -> None:
    rng = np.random.default_rng(3)
    starts, ends = flat.random_navigable_points(30, rng), flat.random_navigable_points(40, rng)
    each = [flat.geodesic_distance(starts, np.repeat(end[None], 30, axis=0)) for end in ends]
    np.testing.assert_allclose(nearest_walks_m(flat, 0, starts, ends), np.min(each, axis=0), rtol=1e-6)
    assert np.isinf(nearest_walks_m(flat, 0, starts, ends[:0])).all()


def test_buildings_without_the_target_are_all_named_and_what_they_have(flat: Simulator) -> None:
    scenes, simulator = grids(a=U_SHAPE, b=TWO_ISLANDS)
    with pytest.raises(UserError, match=r"2 of 2 buildings have no 'refrigerator': a, b\. .*: ceiling, floor, wall"):
        drawn_for(scenes, simulator, 1, "VisualTarget")


def test_a_target_that_is_near_but_seen_from_nowhere_is_an_error() -> None:
    hidden = kitchen_wall(walled_in=True)
    scenes = GivenScenes(train=(hidden,))
    simulator = RaycastSimulator(scenes.train, AgentSpec(height=32, width=32))
    points = simulator.random_navigable_points(2000, np.random.default_rng(0))
    assert plan_distance_m(points, target_boxes(hidden, "refrigerator")).min() < 0.5
    with pytest.raises(UserError, match=r"no 'refrigerator' in building 'flat' can be seen"):
        drawn_for(scenes, simulator, 1, "VisualTarget")
    assert not can_find(hidden, ("refrigerator",))
    assert can_find(kitchen_wall(), ("refrigerator",))


def test_a_target_that_nobody_can_walk_up_to_is_an_error(flat: Simulator) -> None:
    scenes = GivenScenes(train=flat.buildings)
    with pytest.raises(UserError, match=r"no 'refrigerator' in building 'flat' can be seen .* raise reach_m"):
        drawn_for(scenes, flat, 1, "VisualTarget", rules=VisualTargets(reach_m=0.05))


@pytest.mark.parametrize("task", list(RULES))
def test_nothing_but_the_simulators_protocol_is_asked_for_and_the_result_is_valid(task: str, flat: Simulator) -> None:
    class Plain:
        """Hides everything that is not in `sim.Simulator`."""

        def __getattr__(self, name: str) -> Any:
            assert name in dir(Simulator), name
            return getattr(flat, name)

    plain = cast(Simulator, Plain())
    scenes = GivenScenes(train=flat.buildings)
    rules: Mapping[str, Any] = {} if task == "Explore" else {"min_m": 1.0}
    episodes = drawn_for(scenes, plain, 20, task, rules=rules)
    assert len(episodes) == 20
    validate_episodes(task, episodes, plain, rules=rules)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"task": "PointGaol"}, "did you mean 'PointGoal'"),
        ({"count": -1}, "per_building is -1"),
        ({"count": 2.0}, "per_building is 2.0"),
        ({"seed": True}, "seed is True"),
        ({"rules": {"min_m": 5.0, "max_m": 2.0}}, "min_m is 5.0 and max_m is 2.0"),
        ({"rules": {"min_m": float("nan")}}, "min_m is nan"),
        ({"rules": {"min_ratio": 0.5}}, "min_ratio is 0.5"),
        ({"rules": {"straight_share": 1.5}}, "straight_share is 1.5"),
        ({"rules": {"minimum": 1}}, "minimum"),
        ({"rules": Starts()}, "need PointGoals, not Starts"),
        ({"names": ("c",)}, "'c'"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(more: dict[str, Any], message: str) -> None:
    scenes, simulator = grids(a=U_SHAPE)
    with pytest.raises(UserError, match=message):
        drawn_for(scenes, simulator, **more)


def test_a_building_that_is_not_loaded_is_named() -> None:
    scenes = grids(a=U_SHAPE, b=TWO_ISLANDS)[0]
    with pytest.raises(UserError, match="'b' is not loaded; the simulator has a"):
        drawn_for(scenes, grids(a=U_SHAPE)[1])
