"""Between environments and policy: one look for all agents a step, and the last few frames on top of each other."""

from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnvWrapper

from perception.errors import UserError
from rl.vision.encoded import EncodedVision
from rl.vision.labels import CategoryTable, LabelVision
from rl.vision.vision import SightSpec, Vision
from sim import Sensor

if TYPE_CHECKING:
    from rl.environments.vec_env import NavigationVecEnv

Observations = dict[str, NDArray[Any]]

_ENV = "env/"


class VisionWrapper(VecEnvWrapper):
    """Shows policies what a `Vision` makes of the sensors, and nothing of the sensors themselves.

    Observations are "features" or "pixels" [stack * channels, H, W], the newest frame last, and "vector"; for the blind
    "vector" alone. The vision is asked once a step for all agents, last frames of ended episodes included. Before an
    episode's first frame there are zeros. Every step makes new arrays, which may be kept.

    Args:
        venv: Environments that measure the vision's sensors.
        vision: What stands between.
        stack: Frames that a policy sees at once.

    Raises:
        UserError: If the environments lack a sensor, or the stack is no whole number of at least 1 or, of pixels,
            higher than the images are wide.
    """

    def __init__(self, venv: "NavigationVecEnv", vision: Vision, stack: int = 4) -> None:
        if isinstance(stack, bool) or not isinstance(stack, int) or stack < 1:
            raise UserError(f"stack is {stack!r}; expected a whole number of frames, at least 1.")
        self.vision, self.stack, self.sight = vision, stack, vision.sight
        self.seconds = {"sim": 0.0, "encode": 0.0}
        """Spent so far in the environments, and in looking and stacking."""
        super().__init__(venv, observation_space=_space(venv.observation_space, vision, stack))
        self._sensors = tuple(str(sensor) for sensor in vision.sensors)
        self._categories = None
        if isinstance(vision, LabelVision) and vision.categories:
            self._categories = CategoryTable(venv.simulator.buildings, vision.categories)
        self._stacks = _zeros(venv.num_envs, vision.sight, stack)
        self._buildings = np.zeros(venv.num_envs, np.int32)

    def reset(self) -> Observations:
        """Begin an episode with every agent."""
        begin = perf_counter()
        seen: Any = self.venv.reset()
        looked = perf_counter()
        self._stacks = _zeros(self.num_envs, self.sight, self.stack)
        self._buildings = self._buildings_now()
        self._push(self._frames([(seen, self._buildings)]))
        self._count(looked - begin, perf_counter() - looked)
        return self._shown(seen, self._stacks)

    def step_wait(
        self,
    ) -> tuple[Observations, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """See `VecEnv.step_wait`; terminal observations are those of the policy as well."""
        begin = perf_counter()
        seen: Any
        seen, rewards, is_done, infos = self.venv.step_wait()
        looked = perf_counter()
        before, self._buildings = self._buildings, self._buildings_now()
        ended = np.flatnonzero(is_done)
        last = [infos[lane]["terminal_observation"] for lane in ended]
        parts = [(seen, self._buildings)]
        if last:
            parts.append(({name: np.stack([each[name] for each in last]) for name in self._sensors}, before[ended]))
        frames = self._frames(parts)
        if last:
            old = self._pushed(self._stacks[ended], frames[self.num_envs :])
            for lane, told, stack in zip(ended, last, old, strict=True):
                infos[lane]["terminal_observation"] = self._shown(told, stack)
        self._push(frames[: self.num_envs])
        if self.sight is not None:
            self._stacks[ended, : -self.sight.channels] = 0
        self._count(looked - begin, perf_counter() - looked)
        return self._shown(seen, self._stacks), rewards, is_done, infos

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, the environments' state included."""
        own = {"stacks": self._stacks.copy()}
        return own | {f"{_ENV}{name}": values for name, values in self._environment().state().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned.

        Raises:
            UserError: If it is of another vision, stack or number of environments.
        """
        stacks = state["stacks"]
        if (stacks.shape, stacks.dtype) != (self._stacks.shape, self._stacks.dtype):
            raise UserError(
                f"the saved frames are {stacks.dtype} {list(stacks.shape)}; this agent has {self._stacks.dtype} "
                f"{list(self._stacks.shape)}: go on with the agent and the number of environments that were saved."
            )
        own = {name.removeprefix(_ENV): values for name, values in state.items() if name.startswith(_ENV)}
        self._environment().restore(own)
        self._stacks = stacks.copy()
        self._buildings = self._buildings_now()

    def close(self) -> None:
        """Give back what the environments and the encoder hold."""
        self.venv.close()
        if isinstance(self.vision, EncodedVision):
            self.vision.close()

    def _environment(self) -> "NavigationVecEnv":
        return self.venv  # type: ignore[return-value]

    def _buildings_now(self) -> NDArray[np.int32]:
        return self._buildings if self._categories is None else self._environment().simulator.agents.buildings.copy()

    def _frames(self, parts: list[tuple[Mapping[str, NDArray[Any]], NDArray[np.int32]]]) -> NDArray[Any]:
        """Of all agents, then of ended episodes."""
        if self.sight is None:
            return np.zeros((sum(len(buildings) for _, buildings in parts), 0, 0, 0), np.uint8)
        seen = {name: _joined([each[name] for each, _ in parts]) for name in self._sensors}
        if self._categories is not None:
            buildings = _joined([buildings for _, buildings in parts])
            seen["category"] = self._categories(seen[str(Sensor.SEMANTIC)], buildings)
        return self.vision.see(seen)

    def _push(self, frames: NDArray[Any]) -> None:
        self._stacks = self._pushed(self._stacks, frames)

    def _pushed(self, stacks: NDArray[Any], frames: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([stacks[:, frames.shape[1] :], frames], axis=1)

    def _shown(self, told: Mapping[str, NDArray[Any]], stacks: NDArray[Any]) -> Observations:
        sight = {} if self.sight is None else {self.sight.key: stacks}
        return {**sight, "vector": told["vector"]}

    def _count(self, sim_s: float, encode_s: float) -> None:
        self.seconds["sim"] += sim_s
        self.seconds["encode"] += encode_s


def _space(measured: spaces.Space[Any], vision: Vision, stack: int) -> spaces.Dict:
    given = measured.spaces if isinstance(measured, spaces.Dict) else {}
    missing = [name for name in (*vision.sensors, "vector") if name not in given]
    if missing:
        raise UserError(
            f"the environments measure {', '.join(given) or 'nothing by name'}, and the agent needs {missing[0]} too; "
            "make them with the vision's sensors."
        )
    sight = vision.sight
    if sight is None:
        return spaces.Dict({"vector": given["vector"]})
    shape = (stack * sight.channels, sight.height, sight.width)
    if sight.dtype == "uint8":
        if shape[0] > sight.width:  # stable-baselines3 takes the least side of an image for its channels
            raise UserError(f"{stack} frames of pixels are too many for images {sight.width} px wide; stack fewer.")
        box = spaces.Box(0, 255, shape, np.uint8)
    else:
        box = spaces.Box(-np.inf, np.inf, shape, np.dtype(sight.dtype).type)
    return spaces.Dict({sight.key: box, "vector": given["vector"]})


def _zeros(count: int, sight: SightSpec | None, stack: int) -> NDArray[Any]:
    if sight is None:
        return np.zeros((count, 0, 0, 0), np.uint8)
    return np.zeros((count, stack * sight.channels, sight.height, sight.width), np.dtype(sight.dtype))


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
