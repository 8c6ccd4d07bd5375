"""SB3's rollout buffer without its copies: one block of memory for the whole run, minibatches gathered from it."""

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.type_aliases import DictRolloutBufferSamples

_COLUMNS = ("actions", "values", "log_probs", "advantages", "returns")
"""In the order of `DictRolloutBufferSamples`."""


class LeanRolloutBuffer(DictRolloutBuffer):
    """Same transitions and same advantages as `DictRolloutBuffer`.

    SB3's allocates every rollout and every minibatch anew, and copies a rollout once more to put each environment's
    steps side by side, which nobody needs: minibatches are drawn at random. Here memory is taken once.
    """

    def reset(self) -> None:
        """Begin a rollout."""
        if not hasattr(self, "observations"):
            super().reset()
            self._places: dict[str, torch.Tensor] = {}
        self.pos, self.full = 0, False

    def add(  # type: ignore[override]  # the supertype's supertype takes no dict
        self,
        obs: dict[str, NDArray[Any]],
        action: NDArray[Any],
        reward: NDArray[Any],
        episode_start: NDArray[Any],
        value: torch.Tensor,
        log_prob: torch.Tensor,
    ) -> None:
        """One step of all environments; see `DictRolloutBuffer.add`."""
        for key, stored in self.observations.items():
            stored[self.pos] = obs[key]
        self.actions[self.pos] = action.reshape(self.n_envs, self.action_dim)
        self.rewards[self.pos] = reward
        self.episode_starts[self.pos] = episode_start
        self.values[self.pos] = value.numpy().reshape(-1)
        self.log_probs[self.pos] = log_prob.numpy()
        self.pos += 1
        self.full = self.pos == self.buffer_size

    def get(  # type: ignore[override]  # as above
        self, batch_size: int | None = None
    ) -> Generator[DictRolloutBufferSamples, None, None]:
        """Minibatches in random order, every transition once; the next one takes the place of the last."""
        count = self.buffer_size * self.n_envs
        size = batch_size or count
        order = torch.from_numpy(np.random.permutation(count))
        for start in range(0, count, size):
            rows = order[start : start + size]
            gathered = {key: self._gathered(key, stored, rows) for key, stored in self.observations.items()}
            columns = {name: self._gathered(name, getattr(self, name), rows) for name in _COLUMNS}
            yield DictRolloutBufferSamples(gathered, *columns.values())

    def _gathered(self, name: str, stored: NDArray[Any], rows: torch.Tensor) -> torch.Tensor:
        flat = torch.from_numpy(stored.reshape(-1, *stored.shape[2:]))
        place = self._places.get(name)
        if place is None or len(place) != len(rows):
            place = self._places[name] = torch.empty(len(rows), *flat.shape[1:], dtype=flat.dtype)
        return torch.index_select(flat, 0, rows, out=place)
