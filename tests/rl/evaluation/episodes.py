"""Environments that tell of episodes without any agent walking, and a small building to walk in."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl.environments.summary import EpisodeSummary
from rl.episodes.episode import Episode


def episode(number: int, building: str = "house", shortest_m: float | None = 4.0) -> Episode:
    return Episode(str(number), building, (0.0, 0.0, 0.0), 0.0, geodesic_distance_m=shortest_m)


def summary(number: int, building: str = "house", **facts: Any) -> EpisodeSummary:
    numbers: dict[str, Any] = {
        "steps": 10, "reward": 1.0, "is_success": True, "is_cut_off": False, "spl": 1.0, "soft_spl": 1.0,
        "path_length_m": 4.0, "collisions": 0,
    }  # fmt: skip
    return EpisodeSummary(episode=episode(number, building), **numbers | facts)


class CountingEnvironments:
    """N lanes; the episode number n takes 1 + n % 3 steps; lanes without an episode left are idle."""

    def __init__(self, numbers: Sequence[int], lanes: int) -> None:
        self._queue = list(numbers)
        self._lanes: list[list[int] | None] = [None] * lanes

    def reset(self) -> dict[str, NDArray[Any]]:
        self._lanes = [self._next() for _ in self._lanes]
        return self._seen()

    def step(self, actions: NDArray[np.int64]) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], Any]:
        infos: list[Mapping[str, Any]] = []
        for index, lane in enumerate(self._lanes):
            info: dict[str, Any] = {}
            if lane is not None:
                lane[1] -= 1
                if lane[1] == 0:
                    info["summary"] = summary(lane[0], reward=float(actions[index]))
                    self._lanes[index] = self._next()
            infos.append(info | {"is_idle": self._lanes[index] is None})
        is_over = np.array(["summary" in info for info in infos])
        return self._seen(), np.zeros(len(infos)), is_over, infos

    def _next(self) -> list[int] | None:
        number = self._queue.pop(0) if self._queue else None
        return None if number is None else [number, 1 + number % 3]

    def _seen(self) -> dict[str, NDArray[Any]]:
        return {"vector": np.array([[-1 if lane is None else lane[0]] for lane in self._lanes])}


class Echo:
    """Chooses the number of its episode, and keeps which lanes began anew."""

    def __init__(self) -> None:
        self.begun: list[int] = []

    def reset(self, lanes: NDArray[np.intp]) -> None:
        self.begun += lanes.tolist()

    def act(
        self, observations: Mapping[str, NDArray[Any]], deterministic: bool, generator: np.random.Generator | None
    ) -> NDArray[np.int64]:
        return np.asarray(observations["vector"][:, 0], np.int64)
