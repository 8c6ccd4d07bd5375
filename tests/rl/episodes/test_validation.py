from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import cast

import numpy as np
import pytest

from perception import UserError
from rl.episodes import Episode, PointGoals, generate_episodes, validate_episodes, with_walks
from rl.file_scenes import GivenScenes
from rl.scenes import Split
from sim import Simulator
from tests.rl.episodes.grids import TWO_ISLANDS, U_SHAPE, GridSimulator
from tests.sim.navigation_cases import drawn

ROUND = Episode("0", "a", (0.5, 0.0, 4.5), 0.0, (10.5, 0.0, 4.5), None, 0.0)
"""From the lower left end of the corridor, through all of it, to the lower right end."""


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return cast(Simulator, GridSimulator({"a": drawn(U_SHAPE), "b": drawn(TWO_ISLANDS)}))


@pytest.fixture(scope="module")
def episodes(simulator: Simulator) -> tuple[Episode, ...]:
    scenes = GivenScenes(train=simulator.buildings)
    rules = PointGoals(min_m=1.0, max_m=50.0, min_ratio=1.0)
    return generate_episodes("PointGoal", scenes, Split.TRAIN, simulator, per_building=6, rules=rules)


def test_episodes_as_they_were_generated_are_valid(episodes: tuple[Episode, ...], simulator: Simulator) -> None:
    validate_episodes("PointGoal", episodes, simulator)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda e: replace(e, start=(1.5, 0.0, 1.5)), "1 of 12 .* has its start where nobody can stand"),
        (lambda e: replace(e, goal=(1.5, 0.0, 1.5)), "has its goal where nobody can stand"),
        (lambda e: replace(e, goal=(e.goal[0], 3.0, e.goal[2])), "has its goal where nobody can stand"),
        (lambda e: replace(e, geodesic_distance_m=e.geodesic_distance_m * 1.2 + 0.1), "says that its shortest walk is"),
        (lambda e: replace(e, geodesic_distance_m=float("nan")), "says that its shortest walk is nan m"),
        (lambda e: replace(e, geodesic_distance_m=None), "does not say how long"),
        (lambda e: replace(e, goal=None), "a/0000 has no goal"),
        (lambda e: replace(e, episode_id="0001"), "a/0001 is there twice"),
        (lambda e: replace(e, building="c"), "'c' is not loaded; the simulator has a, b"),
    ],
)
def test_a_spoilt_episode_is_found_and_named(
    spoil: Callable[[Episode], Episode], message: str, episodes: tuple[Episode, ...], simulator: Simulator
) -> None:
    with pytest.raises(UserError, match=message):
        validate_episodes("PointGoal", (spoil(episodes[0]), *episodes[1:]), simulator)


def test_a_goal_on_another_island_is_found(simulator: Simulator) -> None:
    apart = Episode("0", "b", (1.5, 0.0, 1.5), 0.0, (7.5, 0.0, 1.5), None, 6.0)
    with pytest.raises(UserError, match="b/0 cannot be fulfilled: there is no walk"):
        validate_episodes("PointGoal", [apart], simulator)
    with pytest.raises(UserError, match="b/0 cannot be fulfilled"):
        with_walks("PointGoal", [apart], simulator)


def test_only_the_first_faults_are_told_and_all_are_counted(
    episodes: tuple[Episode, ...], simulator: Simulator
) -> None:
    spoilt = [replace(episode, geodesic_distance_m=99.0) for episode in episodes]
    with pytest.raises(UserError, match=r"12 of 12 .* and 7 more\. Were they made for other buildings") as caught:
        validate_episodes("PointGoal", spoilt, simulator)
    assert str(caught.value).count("says that its shortest walk") == 5


def test_walks_are_measured_anew_by_hand(simulator: Simulator) -> None:
    (measured,) = with_walks("PointGoal", [ROUND], simulator)
    bends = [(0.5, 4.5), (8, 4), (8, 3), (1, 2), (1, 1), (10, 1), (10.5, 4.5)]
    by_hand = sum(np.hypot(x1 - x0, z1 - z0) for (x0, z0), (x1, z1) in pairwise(bends))
    assert measured.geodesic_distance_m == pytest.approx(by_hand, rel=1e-5)
    assert replace(measured, geodesic_distance_m=0.0) == ROUND


def test_explorers_need_no_walk(simulator: Simulator) -> None:
    start = Episode("0", "a", (0.5, 0.0, 0.5), 0.0)
    validate_episodes("Explore", [start], simulator)
    assert with_walks("Explore", [start], simulator) == (start,)


def test_no_episodes_are_an_error(simulator: Simulator) -> None:
    with pytest.raises(UserError, match="there are no episodes"):
        validate_episodes("Explore", [], simulator)
