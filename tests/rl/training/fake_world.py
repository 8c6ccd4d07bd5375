"""A vector environment as `rl.vision.VisionWrapper` is one, with a problem that is learned in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from perception.errors import UserError
from rl.training import RunSpec, World
from tests.rl.stub_vec_env import StubVecEnv

ACTIONS = 3


@dataclass
class Fault:
    """What goes wrong, and at which step of the environments; never, if there is no step."""

    at_step: int | None = None
    error: UserError | None = None
    reward: float = 0.0


class FakeVecEnv(StubVecEnv):
    """Say which of three places of the picture is lit; 1 for the right one. Episodes take 5 to 9 steps."""

    def __init__(
        self, count: int, seed: int = 0, *, side: int = 4, frames: int = 4, fault: Fault | None = None
    ) -> None:
        sight = spaces.Box(-np.inf, np.inf, (frames, side, side), np.float16)
        vector = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        self.render_mode = None
        super().__init__(count, spaces.Dict({"features": sight, "vector": vector}), spaces.Discrete(ACTIONS))
        self.seconds = {"sim": 0.0, "encode": 0.0}
        self.fault = fault or Fault()
        self._shape = (count, frames, side, side)
        self._rng = np.random.default_rng(seed)
        self._steps = 0
        self._left = self._rng.integers(5, 10, count)
        self._lit = self._rng.integers(0, ACTIONS, count)
        self._returns = np.zeros(count)

    def reset(self) -> Any:
        return self._seen()

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(self) -> Any:
        self._steps += 1
        reward = (self._actions == self._lit).astype(np.float32)
        if self._steps == self.fault.at_step:
            if self.fault.error is not None:
                raise self.fault.error
            reward[1] = self.fault.reward
        self._returns += reward
        self._left -= 1
        self._lit = self._rng.integers(0, ACTIONS, self.num_envs)
        done = self._left == 0
        seen = self._seen()
        infos = [self._info(lane, seen) if done[lane] else {} for lane in range(self.num_envs)]
        self._left[done] = self._rng.integers(5, 10, int(done.sum()))
        self._returns[done] = 0
        self.seconds["sim"] += 1e-6
        return seen, reward, done, infos

    def state(self) -> dict[str, NDArray[Any]]:
        bits: Any = self._rng.bit_generator.state
        words = [int(bits["state"][name]) >> shift & (2**64 - 1) for name in ("state", "inc") for shift in (0, 64)]
        left = [bits["has_uint32"], bits["uinteger"]]
        names = ("_left", "_lit", "_returns")
        return {"rng": np.array([*words, *left], np.uint64), "steps": np.array(self._steps)} | {
            name: getattr(self, name).copy() for name in names
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        words = [int(word) for word in state["rng"]]
        self._rng.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": words[0] | words[1] << 64, "inc": words[2] | words[3] << 64},
            "has_uint32": words[4],
            "uinteger": words[5],
        }
        self._steps = int(state["steps"])
        for name in ("_left", "_lit", "_returns"):
            setattr(self, name, state[name].copy())

    def _seen(self) -> dict[str, NDArray[Any]]:
        frames = np.zeros(self._shape, np.float16)
        frames[np.arange(self.num_envs), :, self._lit, 0] = 1
        vector = self._rng.normal(size=(self.num_envs, 2)).astype(np.float32)
        return {"features": frames, "vector": vector}

    def _info(self, lane: int, seen: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        total = float(self._returns[lane])
        summary = SimpleNamespace(
            reward=total, steps=7, is_success=total > 4, spl=0.5, soft_spl=float("nan"), collisions=0,
            measures={"distance_m": 1.0},
        )  # fmt: skip
        last = {name: array[lane] for name, array in seen.items()}
        return {
            "terminal_observation": last, "TimeLimit.truncated": lane % 2 == 0, "summary": summary,
            "episode": {"r": total, "l": 7},
        }  # fmt: skip


@dataclass
class FakeBuilder:
    """Makes fake worlds, as `rl.training.build_world` makes real ones."""

    fault: Fault = field(default_factory=Fault)
    identity: Mapping[str, Any] = field(default_factory=lambda: {"kind": "features", "bank_sha256": "abc"})
    hashes: tuple[Mapping[str, str], ...] = ({"normal": "1"},)
    frames: int = 4

    def __call__(self, spec: RunSpec) -> World:
        env = FakeVecEnv(spec.environments, spec.seed, frames=self.frames, fault=self.fault)
        hashes = iter(self.hashes)
        last = [self.hashes[-1]]

        def weights_sha256() -> Mapping[str, str]:
            return next(hashes, last[0])

        policy = "MultiInputLstmPolicy" if spec.recurrent else "MultiInputPolicy"
        arguments = {"net_arch": [16], **({"lstm_hidden_size": 8} if spec.recurrent else {})}
        return World(env, policy, arguments, self.identity, "f00d", weights_sha256)
