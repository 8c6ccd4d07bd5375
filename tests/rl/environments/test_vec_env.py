"""Many agents for stable-baselines3: the same as single ones, and what it is told at an episode's end."""

import inspect
from typing import cast

import numpy as np
import pytest

from perception import UserError
from rl.environments import NavigationEnv, NavigationVecEnv
from rl.environments.batch import Seen
from rl.episodes.episode import Episode
from rl.file_scenes import GivenScenes
from rl.scenes import Split
from rl.tasks import PointGoal
from sim import AgentSpec, Sensor
from tests.sim.hand_made import box_room, two_rooms

SCENES = GivenScenes(train=(two_rooms(), box_room()), test=(box_room((3.0, 2.5, 3.0), name="small"),))
SMALL = AgentSpec(height=16, width=16, turn_deg=30.0)
EPISODES = tuple(
    Episode(str(k), name, (-1.0 + 0.1 * k, 0.0, 0.1), 0.3 * k, goal=(0.5, 0.0, -1.0), geodesic_distance_m=2.0)
    for name in ("two_rooms", "box_room")
    for k in range(2)
)


def made(count: int = 4, **arguments: object) -> NavigationVecEnv:
    return NavigationVecEnv(
        PointGoal(horizon_steps=9), SCENES, Split.TRAIN, EPISODES, count=count, camera=SMALL, **arguments  # type: ignore[arg-type]
    )  # fmt: skip


def test_many_agents_see_and_earn_what_each_would_alone() -> None:
    env = made(once=True)
    together = env.reset()
    alone = NavigationEnv("PointGoal", scenes=SCENES, episodes=EPISODES, camera=SMALL, horizon_steps=9)
    actions = np.random.default_rng(0).integers(1, 4, (8, 4))
    for lane, episode in enumerate(env.current_episodes):
        seen, _ = alone.reset(options={"episode": episode.key})
        for name in seen:
            np.testing.assert_array_equal(seen[name], together[name][lane])
    history = [env.step(chosen) for chosen in actions]
    for lane, episode in enumerate(EPISODES):
        alone.reset(options={"episode": episode.key})
        for (now, rewards, is_done, _), chosen in zip(history, actions, strict=True):
            own, reward, *_ = alone.step(chosen[lane])
            assert np.float32(reward) == rewards[lane]
            assert not is_done[lane]
            seen = cast("Seen", now)
            np.testing.assert_allclose(own["rgb"], seen["rgb"][lane], atol=1)
            np.testing.assert_array_equal(own["vector"], seen["vector"][lane])


def test_an_episodes_end_is_told_as_stable_baselines3_expects() -> None:
    env = made(count=2)
    env.reset()
    for _ in range(8):
        _, _, is_done, infos = env.step(np.array([2, 2]))
        assert not is_done.any()
        assert infos == [{"is_idle": False}] * 2
    seen, _, is_done, infos = env.step(np.array([2, 0]))
    assert is_done.tolist() == [True, True]
    assert [info["TimeLimit.truncated"] for info in infos] == [True, False]
    now = cast("Seen", seen)
    for lane, info in enumerate(infos):
        assert info["episode"]["l"] == info["summary"].steps == 9
        assert info["episode"]["r"] == pytest.approx(info["summary"].reward)
        assert info["is_success"] is info["summary"].is_success
        assert set(info["terminal_observation"]) == {"rgb", "vector"}
        assert info["terminal_observation"]["rgb"].shape == (16, 16, 3)
        assert env.observation_space.contains({name: values[lane] for name, values in now.items()})
    assert infos[0]["terminal_observation"]["vector"][-4:].tolist() == [0, 0, 1, 0]
    assert (now["vector"][:, -4:] == 0).all()


def test_a_split_may_be_named_by_a_word() -> None:
    env = NavigationVecEnv(PointGoal(), SCENES, "train", EPISODES, count=1, camera=SMALL)
    assert env.split is Split.TRAIN
    defaults = (inspect.signature(kind).parameters["camera"].default for kind in (NavigationVecEnv, NavigationEnv))
    assert len(set(defaults)) == 1, "one agent and many have the same body"
    with pytest.raises(UserError, match="did you mean 'train'"):
        NavigationVecEnv(PointGoal(), SCENES, "trian", EPISODES, count=1, camera=SMALL)


def test_a_simulator_without_what_agents_are_to_see_is_refused() -> None:
    simulator = made(count=1).simulator
    with pytest.raises(UserError, match="agents are to see depth, and the simulator measures rgb"):
        made(simulator=simulator, sensors=(Sensor.DEPTH,))
    assert set(made(count=1, simulator=simulator).reset()) == {"rgb", "vector"}
    assert set(made(count=1, sensors=()).reset()) == {"vector"}


def test_each_episode_once_counts_down_to_none() -> None:
    env = made(count=3, once=True)
    env.reset()
    keys: list[str] = []
    left = [env.episodes_left]
    while env.episodes_left:
        _, _, _, infos = env.step(np.array([0, 0, 0]))
        keys += [info["summary"].episode.key for info in infos if "summary" in info]
        left.append(env.episodes_left)
    assert sorted(keys) == sorted(episode.key for episode in EPISODES)
    assert left == [4, 1, 0]


def test_episodes_of_another_splits_buildings_are_refused() -> None:
    stranger = Episode("a", "small", (0.0, 0.0, 0.0), 0.0, goal=(0.5, 0.0, 0.0))
    with pytest.raises(UserError, match=r"small/a is in 'small', which is no train building"):
        NavigationVecEnv(PointGoal(), SCENES, Split.TRAIN, [*EPISODES, stranger], count=1, camera=SMALL)
    with pytest.raises(UserError, match="cannot be set"):
        made(count=1).set_attr("task", None)
