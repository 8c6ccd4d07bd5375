"""Environments that follow a script, and an encoder that counts."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from perception.encoding.encoder import FEATURE_CHANNELS, Features
from tests.rl.stub_vec_env import StubVecEnv

PX = 32


class ScriptedEnvironments(StubVecEnv):
    """Frame number k of an agent is grey level 10 * agent + k everywhere; its episodes end after the frames given.

    Args:
        lengths: Steps of each agent's episodes.
        sensors: Measured, out of rgb, depth, normal and semantic.
        buildings: Loaded; agents change to the next with each episode.
    """

    def __init__(
        self, lengths: Sequence[int], sensors: Sequence[str] = ("rgb",), buildings: Sequence[Any] = ()
    ) -> None:
        self.lengths, self.sensors = np.array(lengths), tuple(sensors)
        self.simulator = SimpleNamespace(buildings=tuple(buildings), agents=None)
        self.render_mode = None
        boxes: dict[str, spaces.Space[Any]] = {
            name: spaces.Box(0, 255, (PX, PX, 3) if name in ("rgb", "normal") else (PX, PX), np.uint8)
            for name in sensors
        }
        boxes["vector"] = spaces.Box(-100, 100, (2,), np.float32)
        super().__init__(len(lengths), spaces.Dict(boxes), spaces.Discrete(3))

    def reset(self) -> Any:
        self.clock = np.zeros(self.num_envs, np.int64)
        self.steps = np.zeros(self.num_envs, np.int64)
        self._move(np.zeros(self.num_envs, np.int32))
        return self._seen()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        self.actions = actions

    def step_wait(self) -> Any:
        self.clock += 1
        self.steps += 1
        is_done = self.steps >= self.lengths
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        last = self._seen()
        if is_done.any():
            for lane in np.flatnonzero(is_done):
                infos[lane]["terminal_observation"] = {name: values[lane].copy() for name, values in last.items()}
            self.clock += is_done
            self.steps[is_done] = 0
            count = max(1, len(self.simulator.buildings))
            self._move(((self.simulator.agents.buildings + is_done) % count).astype(np.int32))
        return self._seen(), np.zeros(self.num_envs, np.float32), is_done, infos

    def levels(self) -> NDArray[np.uint8]:
        """uint8 [N]: what the agents see now."""
        return (10 * np.arange(self.num_envs) + self.clock).astype(np.uint8)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"clock": self.clock.copy(), "steps": self.steps.copy(), "at": self.simulator.agents.buildings}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.clock, self.steps = state["clock"].copy(), state["steps"].copy()
        self._move(state["at"])

    def _move(self, buildings: NDArray[np.int32]) -> None:
        self.simulator.agents = SimpleNamespace(buildings=buildings)

    def _seen(self) -> dict[str, NDArray[Any]]:
        made: dict[str, Callable[[], NDArray[Any]]] = {
            "rgb": lambda: self._filled((PX, PX, 3), np.uint8),
            "depth": lambda: self._filled((PX, PX), np.float32),
            "normal": lambda: np.zeros((self.num_envs, PX, PX, 3), np.float32),
            "semantic": lambda: np.ones((self.num_envs, PX, PX), np.int32),
        }
        vector = np.stack([self.clock, self.steps], axis=1).astype(np.float32)
        return {**{name: made[name]() for name in self.sensors}, "vector": vector}

    def _filled(self, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        levels = self.levels().reshape(-1, *[1] * len(shape))
        return np.broadcast_to(levels, (self.num_envs, *shape)).astype(dtype)


class CountingEncoder:
    """Gives features that are the frame's grey level, plus the channel's number; satisfies `Encoder`."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
        self.batches.append(len(images))
        channels = np.arange(FEATURE_CHANNELS * len(tasks))
        values = images[:, :1, :1, 0].astype(np.float32)[..., None] + channels[None, :, None, None]
        return np.broadcast_to(values, (len(images), len(channels), 16, 16)).astype(np.float32)
