"""Rollouts and updates, one after the other."""

from typing import Any

import pytest
import torch
from gymnasium import spaces

from rl.agents import policy_class
from rl.training import PpoSettings, RunSpec, World
from rl.training.learner import Learner
from rl.training.world import policy_arguments_of
from tests.rl.training.fake_world import FakeVecEnv


def noted(owner: object, name: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """PyTorch's threads at each call of a method."""
    found: list[int] = []
    method = getattr(owner, name)

    def noting() -> Any:
        found.append(torch.get_num_threads())
        return method()

    monkeypatch.setattr(owner, name, noting)
    return found


def test_agents_act_with_one_thread_and_learn_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = RunSpec("normal", environments=2, total_steps=8, ppo=PpoSettings(n_steps=4, batch_size=8))
    env = FakeVecEnv(2, side=16, frames=32)
    env.action_space = spaces.Discrete(4)
    learner = Learner(spec, World(env, policy_class(), policy_arguments_of(spec), {"kind": "x"}, "f00d", dict))
    acting, learning = noted(env, "step_wait", monkeypatch), noted(learner.algorithm, "train", monkeypatch)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        learner.rollout()
    finally:
        torch.set_num_threads(before)
    assert (acting, learning) == ([1] * 4, [2])
