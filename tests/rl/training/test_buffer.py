"""The lean buffer against stable-baselines3's own."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictRolloutBuffer

from rl.training.buffer import LeanRolloutBuffer

STEPS, LANES = 5, 3
SPACE = spaces.Dict(
    {"features": spaces.Box(-np.inf, np.inf, (2, 4, 4), np.float16), "vector": spaces.Box(-1, 1, (3,), np.float32)}
)


def filled(buffer: DictRolloutBuffer, seed: int = 0) -> DictRolloutBuffer:
    rng = np.random.default_rng(seed)
    buffer.reset()
    for _ in range(STEPS):
        seen: dict[str, NDArray[Any]] = {
            "features": rng.normal(size=(LANES, 2, 4, 4)).astype(np.float16),
            "vector": rng.normal(size=(LANES, 3)).astype(np.float32),
        }
        buffer.add(
            seen, rng.integers(0, 4, (LANES, 1)), rng.normal(size=LANES), rng.random(LANES) < 0.3,
            torch.from_numpy(rng.normal(size=(LANES, 1))), torch.from_numpy(rng.normal(size=LANES)),
        )  # fmt: skip
        for array in seen.values():
            array[:] = 0  # it keeps copies
    buffer.compute_returns_and_advantage(torch.from_numpy(rng.normal(size=LANES)), rng.random(LANES) < 0.3)
    return buffer


def transitions(buffer: DictRolloutBuffer, batch_size: int | None) -> NDArray[Any]:
    """One row of numbers for each transition, rows in order."""
    rows = []
    for batch in buffer.get(batch_size):
        parts = (*batch.observations.values(), *batch[1:])
        rows.append(np.hstack([part.numpy().reshape(len(batch.advantages), -1).astype(np.float64) for part in parts]))
    stacked = np.vstack(rows)
    return stacked[np.lexsort(stacked.T)]


@pytest.mark.parametrize("batch_size", [None, 5, 4])
def test_every_transition_comes_once_with_the_advantages_of_stable_baselines3(batch_size: int | None) -> None:
    lean, stock = (
        filled(kind(STEPS, SPACE, spaces.Discrete(4), "cpu", 0.9, 0.95, LANES))
        for kind in (LeanRolloutBuffer, DictRolloutBuffer)
    )
    for _ in range(2):  # epochs
        np.testing.assert_array_equal(transitions(lean, batch_size), transitions(stock, batch_size))


def test_a_rollout_leaves_nothing_of_the_last_one() -> None:
    fresh, used = (LeanRolloutBuffer(STEPS, SPACE, spaces.Discrete(4), "cpu", 0.9, 0.95, LANES) for _ in range(2))
    filled(used, seed=1)
    np.testing.assert_array_equal(transitions(filled(fresh), 5), transitions(filled(used), 5))
