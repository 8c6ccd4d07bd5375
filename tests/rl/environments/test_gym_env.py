"""The Gymnasium environments: their contract, episodes by name, and pictures."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import rl.environments  # makes the names known
from perception import UserError
from rl.environments import NavigationEnv
from rl.episodes.episode import Episode
from rl.file_scenes import GivenScenes
from sim import AgentSpec
from tests.sim.hand_made import box_room, two_rooms

assert rl.environments  # it is used by being imported
SCENES = GivenScenes(train=(two_rooms(),), test=(box_room(),))
SMALL = AgentSpec(height=16, width=16, turn_deg=30.0)
EPISODES = tuple(
    Episode(str(k), "two_rooms", (-1.0 + 0.1 * k, 0.0, 0.0), 0.0, goal=(2.0, 0.0, -1.0), target="table")
    for k in range(3)
)


def made(name: str, **arguments: Any) -> NavigationEnv:
    env = gymnasium.make(f"midlevel/{name}-v0", scenes=SCENES, episodes=EPISODES, camera=SMALL, **arguments).unwrapped
    assert isinstance(env, NavigationEnv)
    return env


@pytest.mark.parametrize("name", ["PointGoal", "VisualTarget", "Explore"])
def test_the_environments_keep_gymnasiums_contract(name: str) -> None:
    check_env(made(name, render_mode="rgb_array"))


def test_an_episode_can_be_asked_for_and_a_seed_fixes_the_order() -> None:
    env = made("PointGoal")
    assert env.reset(options={"episode": "two_rooms/2"})[1] == {"episode_key": "two_rooms/2"}
    np.testing.assert_allclose(env.simulator.agents.positions[0], EPISODES[2].start)
    orders = [[env.reset(seed=5 if k == 0 else None)[1]["episode_key"] for k in range(6)] for _ in range(2)]
    assert orders[0] == orders[1]
    assert sorted(orders[0][:3]) == ["two_rooms/0", "two_rooms/1", "two_rooms/2"]


def test_stopping_ends_the_episode_with_a_summary_and_no_step_follows() -> None:
    env = made("PointGoal")
    env.reset(seed=0)
    _, reward, is_over, is_cut_off, info = env.step(0)
    assert (is_over, is_cut_off) == (True, False)
    assert reward == pytest.approx(-0.01)
    assert info["summary"].steps == 1
    assert info["is_success"] is info["summary"].is_success is False
    with pytest.raises(UserError, match="call reset"):
        env.step(0)


def test_the_picture_shows_the_view_and_the_map_and_changes_with_the_agent() -> None:
    env = made("Explore", render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert first is not None
    assert first.dtype == np.uint8
    assert first.shape[2:] == (3,)
    assert first.shape[1] > 1.5 * first.shape[0] > 300
    env.step(0)
    second = env.render()
    assert second is not None
    assert (first != second).mean() > 0.05
    assert made("Explore").render() is None


def test_sensors_are_what_was_asked_for() -> None:
    env = made("VisualTarget", sensors=("depth",))
    seen, _ = env.reset(seed=0)
    assert {name: (values.shape, str(values.dtype)) for name, values in seen.items()} == {
        "depth": ((16, 16), "float32"), "vector": ((3,), "float32"),
    }, "what the task looks at is not for the agent"  # fmt: skip


def test_no_episodes_are_not_taken_for_leave_to_generate_some() -> None:
    with pytest.raises(UserError, match="no episodes for PointGoal"):
        NavigationEnv("PointGoal", scenes=SCENES, episodes=(), camera=SMALL)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"task": "PointGaol"}, "did you mean 'PointGoal'"),
        ({"split": "tset"}, "did you mean 'test'"),
        ({"render_mode": "human"}, "render_mode is 'human'"),
        ({"succes_m": 1}, "PointGoal does not take succes_m"),
        ({"backend": "raycats"}, "did you mean 'raycast'"),
    ],
)
def test_names_and_settings_that_are_unknown_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        NavigationEnv(**{"scenes": SCENES, "episodes": EPISODES, **arguments})


def test_unknown_options_and_episodes_are_refused() -> None:
    env = made("PointGoal")
    with pytest.raises(UserError, match="did you mean 'episode'"):
        env.reset(options={"epsode": "two_rooms/2"})
    with pytest.raises(UserError, match="two_rooms/9"):
        env.reset(options={"episode": "two_rooms/9"})
