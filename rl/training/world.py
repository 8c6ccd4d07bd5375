"""What a run learns in: buildings, episodes, environments and what stands between them and the policy."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perception.errors import UnknownNameError, UserError
from rl.scenes import Scenes, Split
from rl.training.documents import dataclass_from
from rl.training.spec import RunSpec
from sim import AgentSpec, Sensor, Simulator

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

    from rl.agents import AgentKind
    from rl.episodes import Episode, EpisodeRules
    from rl.house_scenes import HouseScenes
    from rl.tasks import NavigationTask
    from rl.vision import Vision

LSTM_UNITS = 256
"""Of recurrent policies."""


class Resumable(Protocol):
    """The part of `rl.vision.VisionWrapper` that training needs beyond a `VecEnv`."""

    seconds: Mapping[str, float]

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""


@dataclass(frozen=True, eq=False)
class World:
    """What `train` learns in.

    Args:
        env: A `VecEnv` that is `Resumable` too.
        policy: Class of the policy, or its name in SB3.
        policy_arguments: `policy_kwargs` of SB3's policies.
        identity: Of the vision, as JSON: what has to be the same for a policy to work.
        scenes: Fingerprint of the buildings.
        weights_sha256: What the encoders' weights in memory hash to now, by task; empty where there are none here.
    """

    env: "VecEnv"
    policy: Any
    policy_arguments: Mapping[str, Any]
    identity: Mapping[str, Any]
    scenes: str
    weights_sha256: Callable[[], Mapping[str, str]]


def build_world(spec: RunSpec) -> World:
    """The world that a run trains in: its training buildings, and episodes in them.

    Raises:
        UserError: If agent, task, bank, server or buildings are not there, the agent does not learn, or a rollout does
            not fit into memory.
    """
    from rl.agents import policy_class
    from rl.environments import NavigationVecEnv
    from rl.vision import VisionWrapper

    if not kind_of(spec).learns:
        raise UserError(f"the agent {spec.agent!r} has nothing to learn; evaluate it as it is.")
    scenes, task, vision = scenes_of(spec), task_of(spec), vision_of(spec)
    _check_memory(spec, vision, task)
    sensors = tuple(dict.fromkeys((*vision.sensors, *task.sensors)))
    simulator = simulator_of(spec, scenes, Split.TRAIN, sensors)
    episodes = episodes_of(spec, scenes, Split.TRAIN, simulator, spec.episodes_per_building)
    venv = NavigationVecEnv(
        task, scenes, Split.TRAIN, episodes, count=spec.environments, sensors=vision.sensors, seed=spec.seed,
        simulator=simulator,
    )  # fmt: skip
    return World(
        VisionWrapper(venv, vision, spec.stack),
        policy_class(recurrent=spec.recurrent),
        policy_arguments_of(spec),
        vision.identity,
        scenes.fingerprint,
        lambda: _weights_sha256(vision),
    )


def scenes_of(spec: RunSpec) -> "HouseScenes":
    """A run's buildings; each has what its task is to find.

    Raises:
        UserError: If there are no such.
    """
    from rl.house_scenes import HouseScenes

    target = rules_for(spec).target
    needed = (*spec.scenes.containing, *([] if target is None else [target]))
    return HouseScenes(**{**asdict(spec.scenes), "containing": tuple(dict.fromkeys(needed))})


def task_of(spec: RunSpec) -> "NavigationTask":
    """A run's task.

    Raises:
        UserError: If there is no such task, or it has no such setting.
    """
    from rl.tasks import TASKS

    if spec.task not in TASKS:
        raise UnknownNameError("task", spec.task, TASKS)
    return dataclass_from(TASKS[spec.task], spec.task_settings, f"the settings of {spec.task}")


def camera_of(spec: RunSpec, sensors: tuple[Sensor, ...] = (Sensor.RGB,)) -> AgentSpec:
    """A run's agents: their bodies and eyes.

    Raises:
        SimulatorError: If there can be no such agent.
    """
    return AgentSpec(
        forward_m=spec.forward_m, turn_deg=spec.turn_deg, height=spec.camera_px, width=spec.camera_px,
        hfov_deg=spec.hfov_deg, sliding=spec.sliding, sensors=sensors,
    )  # fmt: skip


def kind_of(spec: RunSpec) -> "AgentKind":
    """A run's agent.

    Raises:
        UserError: If there is no such agent.
    """
    from perception import load_bank
    from rl.agents import parse_agent
    from rl.agents.kinds import NAMED, SIZED

    is_list = spec.agent.partition(":")[0] not in {*NAMED, *SIZED}
    own = load_bank(spec.bank).tasks if is_list and spec.server is None else ()
    return parse_agent(spec.agent, own)


def vision_of(spec: RunSpec) -> "Vision":
    """What a run's agents see through.

    Raises:
        UserError: If the agent, bank or server is not there.
    """
    from rl.agents import make_vision

    return make_vision(
        kind_of(spec), camera_of(spec), spec.bank, spec.server, spec.seed, target=rules_for(spec).target,
        transport=spec.transport,
    )  # fmt: skip


def policy_arguments_of(spec: RunSpec) -> dict[str, Any]:
    """What the class of a run's policy is given.

    Raises:
        UserError: If there is no such task.
    """
    from rl.agents import policy_arguments

    memory = {"lstm_hidden_size": LSTM_UNITS} if spec.recurrent else {}
    return {**policy_arguments(task_of(spec).actions), **memory}


def rules_for(spec: RunSpec) -> "EpisodeRules":
    """What a run's episodes are like: as its task counts success, unless `episode_settings` say something else.

    Raises:
        UserError: If the task or a rule is unknown, or a value outside its range.
    """
    from rl.episodes import RULES, rules_of

    task: Any = task_of(spec)
    known: Any = RULES[spec.task]
    shared = {field.name for field in fields(task)} & {field.name for field in fields(known)}
    return rules_of(spec.task, {**{name: getattr(task, name) for name in shared}, **spec.episode_settings})


def simulator_of(spec: RunSpec, scenes: "Scenes", split: Split, sensors: tuple[Sensor, ...]) -> Simulator:
    """A simulator with the buildings of a split.

    Raises:
        UserError: If the split is empty.
        SimulatorError: If the simulator is not there.
    """
    from rl.simulators import simulator_for

    return simulator_for(scenes.buildings(split), camera_of(spec, sensors), spec.simulator)


def episodes_of(
    spec: RunSpec, scenes: "Scenes", split: Split, simulator: Simulator, per_building: int
) -> tuple["Episode", ...]:
    """A split's episodes, the same for every agent and seed of training.

    Raises:
        UserError: If a building has too few.
    """
    from rl.episodes import generate_episodes

    return generate_episodes(
        spec.task, scenes, split, simulator, per_building=per_building, seed=spec.scenes.seed, rules=rules_for(spec)
    )


def _check_memory(spec: RunSpec, vision: "Vision", task: "NavigationTask") -> None:
    """Before anything large is made."""
    from gymnasium import spaces

    from rl.vision import check_rollout_memory, rollout_memory

    seen: dict[str, spaces.Space[Any]] = {
        "vector": spaces.Box(-1, 1, (task.vector_size + len(task.actions),), np.float32)
    }
    if vision.sight is not None:
        shape = (spec.stack * vision.sight.channels, vision.sight.height, vision.sight.width)
        seen["sight"] = spaces.Box(0, 1, shape, np.dtype(vision.sight.dtype).type)
    memory = rollout_memory(
        spaces.Dict(seen), spaces.Discrete(len(task.actions)), steps=spec.learning.n_steps,
        environments=spec.environments, lstm_units=LSTM_UNITS if spec.recurrent else 0, is_copied=spec.recurrent,
    )  # fmt: skip
    check_rollout_memory(memory)


def _weights_sha256(vision: "Vision") -> Mapping[str, str]:
    from perception import LocalEncoder
    from rl.vision import EncodedVision

    if isinstance(vision, EncodedVision) and isinstance(vision.encoder, LocalEncoder):
        return vision.encoder.weights_sha256()
    return {}  # a server's are its own affair, and their bank's hash comes with every answer
