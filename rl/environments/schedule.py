"""Which episode comes next: all of them in a new order again and again, or each once."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Schedule:
    """Indices of episodes in the order they are begun.

    Args:
        count: Episodes there are.
        seed: Of the order.
        once: Whether each comes once, in the given order; otherwise all come in a random order, then in another.
    """

    def __init__(self, count: int, seed: int, *, once: bool) -> None:
        self._count = count
        self._once = once
        self._rng = np.random.default_rng([seed, 7])
        self._queue = np.arange(count) if once else self._rng.permutation(count)

    def next(self) -> int | None:
        """Index of the next episode; None if all were begun that are to be."""
        if not len(self._queue):
            if self._once:
                return None
            self._queue = self._rng.permutation(self._count)
        first, self._queue = int(self._queue[0]), self._queue[1:]
        return first

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here."""
        words = json.dumps(self._rng.bit_generator.state).encode()
        return {"queue": self._queue.copy(), "rng": np.frombuffer(words, np.uint8).copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""
        self._queue = state["queue"].copy()
        self._rng.bit_generator.state = json.loads(state["rng"].tobytes())
