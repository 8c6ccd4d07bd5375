"""Agents in one simulator: episodes one after the other, states, and what the last frame shows."""

import numpy as np
import pytest

from perception import UserError
from rl.environments import Batch
from rl.episodes.episode import Episode
from rl.tasks import Explore, PointGoal
from sim import AgentSpec, Sensor
from sim.raycast import RaycastSimulator
from tests.sim.hand_made import box_room, two_rooms

SEEING = AgentSpec(height=16, width=16, turn_deg=30.0, sensors=(Sensor.RGB, Sensor.DEPTH))


def episodes(count: int) -> list[Episode]:
    starts = [(-0.5 + 0.1 * k, 0.0, 0.5 - 0.05 * k) for k in range(count)]
    return [Episode(str(k), "box_room", start, 0.2 * k, goal=(1.5, 0.0, -1.0)) for k, start in enumerate(starts)]


def test_each_episode_is_run_once_and_agents_without_one_are_idle() -> None:
    simulator = RaycastSimulator([box_room()], AgentSpec(sensors=()))
    batch = Batch(Explore(horizon_steps=4), simulator, episodes(5), count=3, once=True)
    batch.reset()
    finished, idle = [], []
    for _ in range(12):
        step = batch.step(np.array([1, 1, 1]))
        finished += [summary.episode.episode_id for summary in step.summaries if summary is not None]
        idle.append(batch.is_idle.sum())
    assert finished == ["0", "1", "2", "3", "4"]
    assert idle == [0] * 3 + [1] * 4 + [3] * 5


def test_training_episodes_come_in_a_new_order_each_time_and_all_of_them() -> None:
    simulator = RaycastSimulator([box_room()], AgentSpec(sensors=()))
    batch = Batch(Explore(horizon_steps=1), simulator, episodes(6), count=1, seed=3)
    batch.reset()
    order = []
    for _ in range(18):
        order.append(batch.current[0].episode_id)
        batch.step(np.array([1]))
    rounds = [order[:6], order[6:12], order[12:]]
    assert all(sorted(one) == list("012345") for one in rounds)
    assert rounds[0] != rounds[1]
    assert rounds[1] != rounds[2]


def test_the_last_frame_is_of_the_old_episode_and_the_next_of_the_new_one() -> None:
    simulator = RaycastSimulator([box_room(), two_rooms()], SEEING)
    here, there = episodes(1)[0], Episode("t", "two_rooms", (-1.0, 0.0, 0.0), 0.4, goal=(-1.5, 0.0, 0.0))
    batch = Batch(PointGoal(horizon_steps=2), simulator, [here, there], count=1, once=True)
    batch.reset()
    batch.step(np.array([1]))
    eye = simulator.agents
    step = batch.step(np.array([2]))
    expected_first = step.last_seen["rgb"][0].copy()
    assert step.ended.tolist() == [0]
    assert batch.current == (there,)
    alone = RaycastSimulator([box_room()], SEEING)
    alone.place(eye)
    alone.step([2])
    np.testing.assert_array_equal(alone.observe().rgb, expected_first[None])
    other = RaycastSimulator([two_rooms()], SEEING)
    fresh = Batch(PointGoal(), other, [there], count=1)
    np.testing.assert_array_equal(fresh.reset()["rgb"], step.seen["rgb"])


def test_what_was_seen_stays_as_it_was() -> None:
    simulator = RaycastSimulator([box_room()], SEEING)
    batch = Batch(PointGoal(horizon_steps=3), simulator, episodes(4), count=2)
    seen = [batch.reset()]
    kept = [{name: values.copy() for name, values in seen[0].items()}]
    for _ in range(8):
        seen.append(batch.step(np.array([1, 2])).seen)
        kept.append({name: values.copy() for name, values in seen[-1].items()})
    for one, other in zip(seen, kept, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("task", [PointGoal(horizon_steps=7), Explore(horizon_steps=7)])
def test_going_on_from_a_state_is_never_having_stopped(task: PointGoal | Explore) -> None:
    def made() -> Batch:
        return Batch(task, RaycastSimulator([box_room()], SEEING), episodes(5), count=3, seed=9)

    rng = np.random.default_rng(0)
    actions = rng.integers(1 if task.name == "PointGoal" else 0, len(task.actions), (40, 3))
    batch = made()
    batch.reset()
    for chosen in actions[:17]:
        batch.step(chosen)
    state = {name: values.copy() for name, values in batch.state().items()}
    other = made()
    other.restore(state)
    for chosen in actions[17:]:
        one, two = batch.step(chosen), other.step(chosen)
        np.testing.assert_array_equal(one.reward, two.reward)
        assert one.summaries == two.summaries or task.name == "Explore"  # SPL is NaN there
        assert [s.measures for s in one.summaries if s] == [s.measures for s in two.summaries if s]
        for name in one.seen:
            np.testing.assert_array_equal(one.seen[name], two.seen[name])
    assert batch.current == other.current


def test_agents_episodes_and_actions_that_make_no_sense_are_refused() -> None:
    simulator = RaycastSimulator([box_room()], AgentSpec(sensors=()))
    with pytest.raises(UserError, match="0 environments"):
        Batch(PointGoal(), simulator, episodes(1), count=0)
    with pytest.raises(UserError, match="no episodes for PointGoal"):
        Batch(PointGoal(), simulator, [], count=1)
    with pytest.raises(UserError, match="elsewhere/a is in a building that is not loaded; loaded are box_room"):
        Batch(PointGoal(), simulator, [Episode("a", "elsewhere", (0, 0, 0), 0.0)], count=1)
    batch = Batch(PointGoal(), simulator, episodes(2), count=2)
    batch.reset()
    with pytest.raises(UserError, match=r"actions are \[1, 4\]; expected 2 of 0 \(STOP\)"):
        batch.step(np.array([1, 4]))
    for chosen in (np.array([1.0, 2.0]), np.array([True, False])):
        with pytest.raises(UserError, match="expected 2 of 0"):
            batch.step(chosen)
    assert batch.steps.tolist() == [0, 0]
