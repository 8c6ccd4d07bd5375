"""Point goals: rewards against hand-made walks, and what agents are told."""

import numpy as np
import pytest

from perception import UserError
from rl.environments import Batch
from rl.episodes.episode import Episode
from rl.tasks import PointGoal
from sim import AgentSpec
from sim.raycast import RaycastSimulator
from tests.sim.hand_made import box_room, two_rooms

STOP, FORWARD, LEFT, RIGHT = range(4)
BLIND = AgentSpec(turn_deg=90.0, sensors=())


def batch_of(*episodes: Episode, task: PointGoal | None = None, count: int = 1) -> Batch:
    simulator = RaycastSimulator([box_room(), two_rooms()], BLIND)
    return Batch(task or PointGoal(), simulator, episodes, count=count, once=True)


def straight(goal_z: float = -1.0, heading_rad: float = 0.0, key: str = "a") -> Episode:
    return Episode(key, "box_room", (0.0, 0.0, 1.0), heading_rad, goal=(0.0, 0.0, goal_z), geodesic_distance_m=2.0)


def test_an_agent_that_walks_straight_to_its_goal_and_stops_has_succeeded_by_hand_computed_figures() -> None:
    batch = batch_of(straight())
    batch.reset()
    rewards = [float(batch.step(np.array([FORWARD])).reward[0]) for _ in range(7)]
    np.testing.assert_allclose(rewards, [0.25 - 0.01] * 7, atol=1e-6)
    last = batch.step(np.array([STOP]))
    assert last.is_over[0]
    assert last.reward[0] == pytest.approx(2.5 - 0.01)
    (summary,) = last.summaries
    assert summary is not None
    assert (summary.is_success, summary.steps, summary.collisions) == (True, 8, 0)
    assert summary.path_length_m == pytest.approx(1.75, abs=1e-6)
    assert summary.spl == 1.0  # shorter than the way to the very point
    assert summary.soft_spl == pytest.approx(1 - 0.25 / 2)
    assert summary.reward == pytest.approx(7 * 0.24 + 2.49, abs=1e-6)


def test_walking_into_a_wall_costs_what_the_task_says_at_each_step_that_meets_it() -> None:
    task = PointGoal(living_penalty=0.0, collision_penalty=0.1, horizon_steps=50)
    batch = batch_of(straight(), task=task)
    batch.reset()
    reward, met = 0.0, 0
    for _ in range(20):  # the goal, and then the wall behind it
        before_m = batch.simulator.agents.positions[0, 2]
        reward += float(batch.step(np.array([FORWARD])).reward[0])
        met += before_m - batch.simulator.agents.positions[0, 2] < 0.24
    assert met > 3
    left_m = float(np.abs(-1.0 - batch.simulator.agents.positions[0, 2]))
    assert reward == pytest.approx(2.0 - left_m - 0.1 * met, abs=1e-5)
    turned = batch.step(np.array([LEFT])).reward[0]
    assert turned == 0


def test_stopping_too_far_away_ends_the_episode_without_success() -> None:
    batch = batch_of(straight())
    batch.reset()
    for _ in range(6):  # 0.5 m are left
        batch.step(np.array([FORWARD]))
    step = batch.step(np.array([STOP]))
    assert step.is_over[0]
    assert step.summaries[0] is not None
    assert not step.summaries[0].is_success
    assert step.summaries[0].spl == 0


def test_progress_rewards_add_up_to_the_way_made_good_exactly() -> None:
    task = PointGoal(living_penalty=0.0, success_reward=0.0, horizon_steps=400)
    simulator = RaycastSimulator([two_rooms()], AgentSpec(sensors=()))
    start, goal = (-2.3, 0.0, -1.1), (2.0, 0.0, 1.3)
    episode = Episode("a", "two_rooms", start, 0.3, goal=goal)
    batch = Batch(task, simulator, [episode], count=1, once=True)
    batch.reset()
    rng = np.random.default_rng(3)
    total = 0.0
    for action in rng.choice([FORWARD, FORWARD, LEFT, RIGHT], 300):
        total += float(batch.step(np.array([action])).reward[0])
    here = simulator.agents.positions[0]
    walked_down = float(simulator.geodesic_distance(start, goal)[0]) - float(simulator.geodesic_distance(here, goal)[0])
    assert total == walked_down  # no tolerance: the differences of float32 are exact in float64
    assert total == batch.rewards[0]
    assert abs(walked_down) > 0.1


def test_the_vector_is_the_goal_in_the_agents_frame_and_the_last_action() -> None:
    batch = batch_of(straight())
    first = batch.reset()["vector"][0]
    np.testing.assert_allclose(first, [0.2, 1, 0, 0, 0, 0, 0], atol=1e-6)
    turned = batch.step(np.array([RIGHT])).seen["vector"][0]  # the goal is to the left now
    np.testing.assert_allclose(turned, [0.2, 0, 1, 0, 0, 0, 1], atol=1e-6)
    moved = batch.step(np.array([FORWARD])).seen["vector"][0]
    angle = np.arctan2(2.0, -0.25)
    np.testing.assert_allclose(moved, [np.hypot(2, 0.25) / 10, np.cos(angle), np.sin(angle), 0, 1, 0, 0], atol=1e-6)


def test_what_an_agent_does_is_no_other_agents_affair() -> None:
    batch = batch_of(straight(), straight(heading_rad=np.pi, key="b"), count=2)
    batch.reset()
    step = batch.step(np.array([FORWARD, FORWARD]))
    np.testing.assert_allclose(step.reward, [0.24, -0.26], atol=1e-6)
    step = batch.step(np.array([STOP, LEFT]))
    assert step.is_over.tolist() == [True, False]
    assert step.ended.tolist() == [0]


def test_an_episode_is_cut_off_at_the_horizon() -> None:
    batch = batch_of(straight(), task=PointGoal(horizon_steps=3))
    batch.reset()
    steps = [batch.step(np.array([LEFT])) for _ in range(3)]
    assert [bool(step.is_cut_off[0]) for step in steps] == [False, False, True]
    assert not steps[-1].is_over[0]
    assert steps[-1].summaries[0] is not None
    assert steps[-1].summaries[0].is_cut_off


def test_an_episode_without_a_goal_or_with_one_out_of_reach_is_refused() -> None:
    with pytest.raises(UserError, match="box_room/a has no goal"):
        batch_of(Episode("a", "box_room", (0.0, 0.0, 1.0), 0.0)).reset()
    closet = Episode("a", "two_rooms", (2.0, 0.0, -1.0), 0.0, goal=(3.3, 0.0, 1.3))
    with pytest.raises(UserError, match="no walk from its start to its goal"):
        batch_of(closet).reset()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"success_m": -1}, "success_m is -1"),
        ({"success_reward": float("nan")}, "success_reward is nan"),
        ({"living_penalty": "much"}, "living_penalty is 'much'"),
        ({"horizon_steps": 0}, "horizon_steps is 0"),
        ({"horizon_steps": 2.5}, "horizon_steps is 2.5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(UserError, match=words):
        PointGoal(**settings)  # type: ignore[arg-type]
