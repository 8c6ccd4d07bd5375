"""What a rollout buffer will take, told before it is taken."""

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from perception.errors import UserError

_NUMBERS = 6
"""float32 beside each action: reward, return, advantage, value, log-probability, and whether an episode starts."""

_STATES = 4
"""Of an LSTM: hidden and cell, of actor and critic."""

_MEMORY = Path("/proc/meminfo")
_LIMITS = Path("/sys/fs/cgroup")
_GB = 1e9


@dataclass(frozen=True)
class RolloutMemory:
    """Memory of a rollout's transitions.

    Args:
        steps: Of each environment.
        environments: At once.
        transition_bytes: One observation, its action and its numbers.
        buffer_bytes: All arrays.
        copy_bytes: Taken besides, at times: stable-baselines3 copies array after array to put each environment's steps
            side by side, and the old one goes when the new one is there, so that it is the largest.
    """

    steps: int
    environments: int
    transition_bytes: int
    buffer_bytes: int
    copy_bytes: int

    @property
    def peak_bytes(self) -> int:
        """The most at any time."""
        return self.buffer_bytes + self.copy_bytes


def rollout_memory(
    observations: spaces.Dict, actions: spaces.Discrete, *, steps: int, environments: int, lstm_units: int = 0,
    is_copied: bool = True,
) -> RolloutMemory:  # fmt: skip
    """What `DictRolloutBuffer`, or with an LSTM `RecurrentDictRolloutBuffer`, will take.

    Args:
        observations: Of one environment.
        actions: Of one environment.
        steps: Of each environment between two updates.
        environments: At once.
        lstm_units: Hidden size of a recurrent policy's LSTM of one layer; 0 without.
        is_copied: Whether the buffer is stable-baselines3's own; one that gathers minibatches from where they lie takes
            no copy.

    Raises:
        UserError: If there is no step or no environment.
    """
    for name, value in (("steps of a rollout", steps), ("environments", environments)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UserError(f"{value!r} {name} were asked for; expected a whole number of at least 1.")
    sizes = [_bytes(box) for box in observations.spaces.values()]
    sizes += [np.dtype(actions.dtype).itemsize, *[4] * _NUMBERS, *[4 * lstm_units] * (_STATES if lstm_units else 0)]
    count = steps * environments
    return RolloutMemory(
        steps, environments, sum(sizes), count * sum(sizes), count * max(sizes) if is_copied else 0
    )  # fmt: skip


def check_rollout_memory(memory: RolloutMemory, available: int | None = None) -> None:
    """Refuse a rollout that does not fit.

    Args:
        memory: What it will take.
        available: Bytes there are; by default what the machine says now.

    Raises:
        UserError: If it takes more, with the numbers and what to lower.
    """
    free = available_bytes() if available is None else available
    if memory.peak_bytes > free:
        most = max(0, free * memory.steps * memory.environments // memory.peak_bytes)
        raise UserError(
            f"a rollout of {memory.steps:,} steps in {memory.environments:,} environments takes "
            f"{memory.peak_bytes / _GB:,.1f} GB ({memory.transition_bytes:,} bytes a transition), and "
            f"{free / _GB:,.1f} GB are free, enough for {most:,} transitions; lower the steps of a rollout, the "
            "environments, the frames stacked or the number of features."
        )


def available_bytes() -> int:
    """Memory that can be taken without swapping, within the control group's (a container's) limit if it has one."""
    if not _MEMORY.exists():  # not Linux: all there is
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    facts = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
    free = int(facts["MemAvailable"].split()[0]) * 1024
    limit = _LIMITS / "memory.max"
    if not limit.exists() or limit.read_text().strip() == "max":
        return free
    used = int((_LIMITS / "memory.current").read_text())
    cache = dict(line.split() for line in (_LIMITS / "memory.stat").read_text().splitlines())["inactive_file"]
    return min(free, max(0, int(limit.read_text()) - used + int(cache)))


def _bytes(box: spaces.Space[NDArray[Any]]) -> int:
    return prod(box.shape or (1,)) * np.dtype(box.dtype).itemsize
