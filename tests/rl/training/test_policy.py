"""Trained policies, as evaluation uses them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from perception.errors import UserError
from rl.agents import policy_class
from rl.scenes import Split
from rl.training import PpoSettings, RunSpec, SceneSettings, World, load_policy
from rl.training.learner import Learner
from rl.training.policy_files import write_policy
from rl.training.world import policy_arguments_of
from tests.rl.training.fake_world import FakeVecEnv


def spec_of(recurrent: bool = False) -> RunSpec:
    ppo = PpoSettings(n_steps=4, batch_size=8)
    return RunSpec("normal", environments=2, total_steps=8, ppo=ppo, recurrent=recurrent, threads=1)


def trained(folder: Path, *, recurrent: bool = False) -> Any:
    """The network of a policy that was written to a folder."""
    spec = spec_of(recurrent)
    env = FakeVecEnv(2, side=16, frames=32)
    env.action_space = spaces.Discrete(4)
    world = World(env, policy_class(recurrent=recurrent), policy_arguments_of(spec), {"kind": "x"}, "f00d", dict)
    learner = Learner(spec, world)
    learner.rollout()
    write_policy(folder, spec, world, learner.algorithm.policy)
    return learner.algorithm.policy


def seen(count: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 32, 16, 16)).astype(np.float16)
    return {"features": features, "vector": rng.normal(size=(count, 2)).astype(np.float32)}


def test_a_loaded_policy_does_what_the_trained_one_does(tmp_path: Path) -> None:
    network = trained(tmp_path)
    policy = load_policy(tmp_path)
    for count in (1, 5):
        expected, _ = network.predict(seen(count), deterministic=True)
        np.testing.assert_array_equal(policy.act(seen(count), deterministic=True), expected)
    assert (policy.spec, policy.scenes, dict(policy.identity)) == (spec_of(), "f00d", {"kind": "x"})


def test_actions_are_drawn_with_their_probabilities_and_repeat_with_the_generator(tmp_path: Path) -> None:
    network = trained(tmp_path)
    policy = load_policy(tmp_path)
    one = seen(1)
    with torch.no_grad():
        tensors = {name: torch.from_numpy(values) for name, values in one.items()}
        expected = network.get_distribution(tensors).distribution.probs.numpy()[0]
    many = {name: np.repeat(values, 4000, axis=0) for name, values in one.items()}
    drawn = policy.act(many, deterministic=False, generator=np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 4000, expected, atol=0.03)
    again = policy.act(many, deterministic=False, generator=np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, again)


def test_drawing_needs_a_generator(tmp_path: Path) -> None:
    trained(tmp_path)
    with pytest.raises(UserError, match="no generator was given"):
        load_policy(tmp_path).act(seen(1), deterministic=False)


def test_a_recurrent_policy_remembers_until_it_is_reset(tmp_path: Path) -> None:
    trained(tmp_path, recurrent=True)
    policy = load_policy(tmp_path)

    def logits(inputs: dict[str, NDArray[Any]]) -> NDArray[Any]:
        return policy._logits({name: torch.from_numpy(array) for name, array in inputs.items()}, 2).numpy()

    first = logits(seen(2))
    second = logits(seen(2))
    assert not np.array_equal(first, second)
    policy.reset(np.array([0]))
    third = logits(seen(2))
    np.testing.assert_allclose(third[0], first[0], atol=1e-6)
    assert not np.allclose(third[1], first[1], atol=1e-6)
    policy.reset(np.arange(2))
    np.testing.assert_allclose(logits(seen(2)), first, atol=1e-6)


def test_features_of_another_shape_are_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    policy = load_policy(tmp_path)
    with pytest.raises(UserError, match=r"shape \(16, 16, 16\) for each agent, and the policy of 'normal' was trained"):
        policy.act({**seen(1), "features": np.zeros((1, 16, 16, 16), np.float16)})
    with pytest.raises(UserError, match="needs the observation 'features'; given are vector"):
        policy.act({"vector": seen(1)["vector"]})


def test_a_policy_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    path = tmp_path / "policy.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"abcd")
    with pytest.raises(UserError, match=r"is not what policy\.json was written for"):
        load_policy(tmp_path)


def test_a_run_that_is_not_finished_has_no_policy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no policy\.json; train to the end first"):
        load_policy(tmp_path)


def test_parameters_of_another_agent_are_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    path = tmp_path / "policy.json"
    document = json.loads(path.read_text())
    document["observations"]["features"]["shape"] = [64, 16, 16]
    path.write_text(json.dumps(document))
    with pytest.raises(UserError, match="parameters are not those of 'normal'"):
        load_policy(tmp_path)


def test_scenes_have_what_is_to_be_found() -> None:
    from rl.training.world import scenes_of

    spec = RunSpec("blind", task="VisualTarget", episode_settings={"category": "sofa"}, scenes=SceneSettings(train=1))
    assert scenes_of(spec).containing == ("sofa",)
    assert scenes_of(spec).names(Split.TRAIN) == ("train_000",)
