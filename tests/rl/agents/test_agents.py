"""Agents in a room: what they see through, what they learn with, and what scripts do."""

from typing import Any

import numpy as np
import pytest
from sb3_contrib import RecurrentPPO
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger

from perception import LocalEncoder, UserError, load_bank
from rl.agents import make_vision, parse_agent, policy_arguments, policy_class, scripted_agent
from rl.agents.visions import OneBank
from rl.environments import NavigationVecEnv
from rl.episodes.episode import Episode
from rl.file_scenes import GivenScenes
from rl.scenes import Split
from rl.tasks import Explore, PointGoal
from rl.vision import EncodedVision, VisionWrapper
from sim import Action, AgentSpec, Sensor
from tests.perception.remote.serving import served
from tests.sim.hand_made import box_room

QUIET = Logger(folder=None, output_formats=[])
CAMERA = AgentSpec(height=64, width=64, turn_deg=30.0)
SCENES = GivenScenes(train=(box_room(),))
EPISODES = tuple(
    Episode(str(k), "box_room", (-2.0 + k, 0.0, 0.5), 0.7 * k, goal=(2.0 - k, 0.0, -1.0), geodesic_distance_m=2.0)
    for k in range(4)
)


def room(
    sensors: tuple[Sensor, ...] = (), task: Any = None, episodes: tuple[Episode, ...] = EPISODES, **arguments: Any
) -> NavigationVecEnv:
    task = task or PointGoal(horizon_steps=60)
    return NavigationVecEnv(task, SCENES, Split.TRAIN, episodes, count=4, camera=CAMERA, sensors=sensors, **arguments)


def test_each_agent_sees_through_what_it_is_named_for() -> None:
    bank = load_bank("buildings-v1")
    expected: dict[str, tuple[dict[str, Any], tuple[int, ...] | None]] = {
        "max-coverage:2": ({"kind": "features", "tasks": list(bank.coverage_set(2)), "sha256": bank.sha256}, (16, 16)),
        "published:3": ({"kind": "features", "bank": "buildings-v1"}, (24, 16)),
        "normal": ({"kind": "features", "tasks": ["normal"]}, (8, 16)),
        "random-weights:2": ({"kind": "features", "bank": "untrained"}, (16, 16)),
        "scratch": ({"kind": "pixels", "side_px": 64}, (3, 64)),
        "blind": ({"kind": "blind"}, None),
        "oracle": ({"kind": "labels", "categories": ["floor", "wall", "door"]}, (8, 16)),
        "greedy": ({"kind": "blind"}, None),
    }
    for name, (identity, size) in expected.items():
        vision = make_vision(parse_agent(name), CAMERA)
        assert identity.items() <= dict(vision.identity).items()
        assert (vision.sight and (vision.sight.channels, vision.sight.width)) == size
    seeking = make_vision(parse_agent("oracle"), CAMERA, target="chair")
    assert seeking.identity["categories"] == ["floor", "wall", "door", "chair"]


def test_features_that_a_bank_lacks_are_refused() -> None:
    with pytest.raises(UserError, match="no max-coverage set of 99 features"):
        make_vision(parse_agent("max-coverage:99"), CAMERA)
    with pytest.raises(UserError, match="there is no bank 'nowhere'"):
        make_vision(parse_agent("normal"), CAMERA, "nowhere")


def test_untrained_encoders_depend_on_the_seed() -> None:
    one, same, other = (make_vision(parse_agent("random-weights:1"), CAMERA, seed=seed) for seed in (1, 1, 2))
    assert one.identity == same.identity != other.identity


def test_a_server_and_a_bank_here_are_the_same_vision() -> None:
    kind = parse_agent("normal,reshading")
    frames = {"rgb": np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)}
    here = make_vision(kind, CAMERA)
    exact = LocalEncoder(load_bank("buildings-v1"), precision="float32")  # as that server has it
    expected = EncodedVision(exact, ("normal", "reshading"), {}).see(frames)
    with served("--local") as place:
        for transport in ("grpc", "grpc-stream", "shared-memory"):
            there = make_vision(kind, CAMERA, server=f"grpc://{place}", transport=transport)
            assert there.identity == here.identity
            np.testing.assert_array_equal(there.see(frames), expected)
            assert isinstance(there, EncodedVision)
            assert isinstance(there.encoder, OneBank)
            with there.encoder.remote as remote, pytest.raises(UserError, match="the server has another bank now"):
                OneBank(remote, "another", "0" * 64).encode(frames["rgb"], ("normal",))


@pytest.mark.parametrize("name", ["normal", "scratch", "blind", "oracle"])
def test_every_agent_learns_without_a_change_to_its_encoder(name: str) -> None:
    vision = make_vision(parse_agent(name), CAMERA)
    local = vision.encoder if isinstance(vision, EncodedVision) else None
    env: Any = VisionWrapper(room(vision.sensors), vision)
    ppo = PPO(
        policy_class(), env, n_steps=16, batch_size=32, n_epochs=1, seed=0, device="cpu",
        policy_kwargs=dict(policy_arguments(env.task.actions)),
    )  # fmt: skip
    before = {key: value.clone() for key, value in ppo.policy.state_dict().items()}
    ppo.set_logger(QUIET)
    ppo.learn(64)
    after = ppo.policy.state_dict()
    moved = [key for key in after if not (after[key] == before[key]).all()]
    assert set(moved) == set(after)
    if isinstance(local, LocalEncoder):
        buffer: Any = ppo.rollout_buffer
        assert buffer.observations["features"].dtype == np.float16
        assert local.weights_sha256() == {"normal": local.bank.card("normal").encoder_sha256}


def test_policies_with_a_memory_learn_through_the_same_network() -> None:
    vision = make_vision(parse_agent("scratch"), CAMERA)
    env: Any = VisionWrapper(room(vision.sensors), vision)
    ppo = RecurrentPPO(
        policy_class(recurrent=True), env, n_steps=16, batch_size=32, n_epochs=1, seed=0, device="cpu",  # type: ignore[arg-type]
        policy_kwargs=dict(policy_arguments(env.task.actions)),
    )  # fmt: skip
    before = {key: value.clone() for key, value in ppo.policy.state_dict().items()}
    ppo.set_logger(QUIET)
    ppo.learn(64)
    stage = [key for key in before if ".stage." in key]
    assert stage
    assert all((ppo.policy.state_dict()[key] != before[key]).any() for key in stage)


def rolled(name: str, env: Any, steps: int, seed: int = 0) -> tuple[list[Any], list[Any]]:
    """Actions [steps, N] and summaries."""
    agent = scripted_agent(parse_agent(name), env, seed)
    observations, actions, summaries = env.reset(), [], []
    for _ in range(steps):
        actions.append(agent.act(observations))
        observations, _, _, infos = env.step(actions[-1])
        summaries += [info["summary"] for info in infos if "summary" in info]
    return actions, summaries


def test_random_agents_take_all_actions_and_seldom_stop() -> None:
    actions, _ = rolled("random", room(), 250)
    share = np.bincount(np.ravel(actions), minlength=4) / 1000
    assert 0 < share[0] < 0.03
    assert (abs(share[1:] - 0.33) < 0.06).all()
    again, _ = rolled("random", room(), 250)
    other, _ = rolled("random", room(), 250, seed=1)
    np.testing.assert_array_equal(actions, again)
    assert (np.array(actions) != other).any()


def test_random_agents_never_stop_where_the_task_has_no_stopping() -> None:
    actions, summaries = rolled("random", room(task=Explore(horizon_steps=20)), 40)
    assert set(np.ravel(actions)) == {0, 1, 2}
    assert all(summary.is_cut_off for summary in summaries)


def test_greedy_agents_reach_every_goal_in_an_empty_room_by_nearly_the_shortest_way() -> None:
    env = room(once=True)
    _, summaries = rolled("greedy", env, 60)
    assert {summary.episode.key for summary in summaries} == {episode.key for episode in EPISODES}
    for summary in summaries:
        straight_m = np.linalg.norm(np.subtract(summary.episode.goal, summary.episode.start))
        assert summary.is_success
        assert summary.path_length_m < 1.1 * straight_m


def test_forward_agents_go_on_until_they_meet_a_wall_and_then_turn_away() -> None:
    env: Any = room(task=Explore(horizon_steps=500))
    agent = scripted_agent(parse_agent("forward"), env)
    observations = env.reset()
    forward = env.task.actions.index(Action.FORWARD)
    turns_after_going = 0
    older, last = env.simulator.agents.positions, np.zeros(4, np.int64)
    for _ in range(150):
        before = env.simulator.agents.positions.copy()
        actions = agent.act(observations)
        if observations["vector"].any():
            moved_m = np.linalg.norm(before - older, axis=1)
            went = last == forward
            met = went & (moved_m < 0.5 * CAMERA.forward_m)
            assert (actions[met] != forward).all()
            assert (actions[went & ~met] == forward).all()
            turns_after_going += int(met.sum())
        older, last = before, actions
        observations = env.step(actions)[0]
    assert turns_after_going > 4


def test_agents_without_a_script_or_a_compass_are_refused() -> None:
    with pytest.raises(UserError, match="unknown scripted agent 'blind'"):
        scripted_agent(parse_agent("blind"), room())
    with pytest.raises(UserError, match="Explore tells none; use forward or random"):
        scripted_agent(parse_agent("greedy"), room(task=Explore()))
