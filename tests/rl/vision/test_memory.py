"""The memory foretold is the memory taken."""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from sb3_contrib.common.recurrent.buffers import RecurrentDictRolloutBuffer
from stable_baselines3.common.buffers import DictRolloutBuffer

from perception import UserError
from rl.vision import available_bytes, check_rollout_memory, rollout_memory

OBSERVATIONS = spaces.Dict(
    {
        "features": spaces.Box(-np.inf, np.inf, (32, 16, 16), np.float16),
        "vector": spaces.Box(-1, 1, (7,), np.float32),
    }
)
ACTIONS = spaces.Discrete(4)


def taken(buffer: DictRolloutBuffer) -> int:
    arrays: list[Any] = [*buffer.observations.values(), *vars(buffer).values()]
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def test_the_prediction_is_what_stable_baselines_takes() -> None:
    buffer = DictRolloutBuffer(20, OBSERVATIONS, ACTIONS, n_envs=3)
    assert buffer.observations["features"].dtype == np.float16
    memory = rollout_memory(OBSERVATIONS, ACTIONS, steps=20, environments=3)
    assert memory.buffer_bytes == taken(buffer)
    assert memory.copy_bytes == buffer.observations["features"].nbytes
    assert memory.transition_bytes * 60 == memory.buffer_bytes
    assert memory.peak_bytes == memory.buffer_bytes + memory.copy_bytes


def test_the_prediction_with_a_memory_is_what_sb3_contrib_takes() -> None:
    buffer = RecurrentDictRolloutBuffer(20, OBSERVATIONS, ACTIONS, (20, 1, 3, 64), n_envs=3)
    memory = rollout_memory(OBSERVATIONS, ACTIONS, steps=20, environments=3, lstm_units=64)
    assert memory.buffer_bytes == taken(buffer)


def test_a_buffer_that_is_not_copied_takes_no_more_than_itself() -> None:
    memory = rollout_memory(OBSERVATIONS, ACTIONS, steps=20, environments=3, is_copied=False)
    assert memory.peak_bytes == memory.buffer_bytes


def test_more_than_there_is_is_refused_with_the_numbers() -> None:
    memory = rollout_memory(OBSERVATIONS, ACTIONS, steps=10**9, environments=16)
    with pytest.raises(UserError, match=r"1,000,000,000 steps in 16 environments takes [\d,.]+ GB .* lower the steps"):
        check_rollout_memory(memory)
    one = rollout_memory(OBSERVATIONS, ACTIONS, steps=10**9, environments=1)
    with pytest.raises(UserError, match="enough for 999,999,999 transitions"):
        check_rollout_memory(one, one.peak_bytes - 1)


def test_what_fits_is_accepted() -> None:
    memory = rollout_memory(OBSERVATIONS, ACTIONS, steps=128, environments=16)
    check_rollout_memory(memory, memory.peak_bytes)
    check_rollout_memory(rollout_memory(OBSERVATIONS, ACTIONS, steps=1, environments=1))


@pytest.mark.parametrize(("steps", "environments"), [(0, 4), (4, 0), (4, -1), (True, 4)])
def test_nothing_to_roll_out_is_refused(steps: int, environments: int) -> None:
    with pytest.raises(UserError, match="expected a whole number of at least 1"):
        rollout_memory(OBSERVATIONS, ACTIONS, steps=steps, environments=environments)


def test_the_machine_says_what_it_has() -> None:
    assert 1 << 20 < available_bytes() < 1 << 50
