"""N agents as a stable-baselines3 `VecEnv`: one simulator, one call to the renderer a step, no processes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from perception import UserError
from rl.environments.batch import Batch, Seen, Step
from rl.environments.spaces import action_space, observation_space
from rl.episodes.episode import Episode
from rl.scenes import Scenes, Split
from rl.simulators import simulator_for
from rl.tasks.task import NavigationTask
from sim import AgentSpec, Sensor, Simulator


class NavigationVecEnv(VecEnv):
    """N agents of a task in the buildings of a split.

    Observations are dicts by sensor name, and "vector" (see `Batch`). At an episode's end, `info` has "summary" (an
    `EpisodeSummary`), "episode" and "is_success" as stable-baselines3 logs them, "terminal_observation" and
    "TimeLimit.truncated".

    Args:
        task: What agents are to do.
        scenes: Where.
        split: Which of the scenes: "train", "validation" or "test".
        episodes: In buildings of the split.
        count: Number of agents.
        camera: Body and eye of the agents; its sensors are replaced.
        sensors: What agents see; what the task measures besides is not shown to them. If None, "rgb", or what a given
            simulator measures besides what the task needs.
        seed: Of the order of episodes.
        once: Whether each episode is run once; agents without one left are idle (`info["is_idle"]`).
        simulator: One with the buildings loaded and such a camera; made here if None.
        backend: Of the simulator made here, "raycast" or "habitat".

    Raises:
        UserError: If there is no agent, episode or such split, an episode is not in a building of the split, or a given
            simulator lacks a sensor.
    """

    def __init__(
        self, task: NavigationTask, scenes: Scenes, split: str, episodes: Sequence[Episode], *, count: int = 16,
        camera: AgentSpec = AgentSpec(height=64, width=64, turn_deg=30.0),  # noqa: B008 - frozen
        sensors: Sequence[Sensor] | None = None, seed: int = 0, once: bool = False,
        simulator: Simulator | None = None, backend: str = "raycast",
    ) -> None:  # fmt: skip
        split = Split.parse(split)
        _check_episodes(scenes, split, episodes)
        if sensors is None:
            measured = (Sensor.RGB,) if simulator is None else simulator.spec.sensors
            sensors = tuple(sensor for sensor in measured if sensor not in task.sensors)
        self.scenes, self.split = scenes, split
        self.simulator = simulator or _simulator(scenes, split, episodes, camera, (*sensors, *task.sensors), backend)
        self.camera = self.simulator.spec
        self.batch = Batch(task, self.simulator, episodes, count=count, seed=seed, once=once, sensors=sensors)
        self._finished = 0
        self._actions = np.zeros(count, np.int64)
        self.render_mode = None
        super().__init__(count, observation_space(self.batch), action_space(self.batch))

    @property
    def task(self) -> NavigationTask:
        """What agents are to do."""
        return self.batch.task

    @property
    def current_episodes(self) -> tuple[Episode, ...]:
        """The episode each agent is in."""
        return self.batch.current

    @property
    def episodes_left(self) -> int:
        """Episodes that were not finished yet, of those that are run once."""
        return len(self.batch.episodes) - self._finished

    def reset(self) -> Seen:
        """Begin an episode with every agent."""
        return self.batch.reset()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Keep the actions."""
        self._actions = np.asarray(actions)

    def step_wait(
        self,
    ) -> tuple[Seen, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Let all agents act."""
        step = self.batch.step(self._actions)
        is_done = step.is_over | step.is_cut_off
        return step.seen, step.reward.astype(np.float32), is_done, self._infos(step)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here."""
        return self.batch.state() | {"finished": np.array(self._finished)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""
        self.batch.restore(state)
        self._finished = int(state["finished"])

    def close(self) -> None:
        """Give the simulator's memory back."""
        self.simulator.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The same for every agent: they share all but their episodes."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:  # noqa: ARG002
        """Refused: agents share one simulator.

        Raises:
            UserError: Always.
        """
        raise UserError(f"{attr_name} cannot be set for single agents of one simulator; make another environment.")

    def env_method(self, method_name: str, *_: Any, **__: Any) -> list[Any]:
        """Refused: agents have no methods of their own.

        Raises:
            UserError: Always.
        """
        raise UserError(f"{method_name} cannot be called on single agents of one simulator.")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:  # noqa: ARG002
        """Agents are not wrapped one by one."""
        return [False] * len(list(self._get_indices(indices)))

    def _infos(self, step: Step) -> list[dict[str, Any]]:
        is_idle = self.batch.is_idle
        infos: list[dict[str, Any]] = [{"is_idle": bool(idle)} for idle in is_idle]
        for k, lane in enumerate(step.ended):
            info, summary = infos[lane], step.summaries[k]
            info["terminal_observation"] = {name: values[k] for name, values in step.last_seen.items()}
            info["TimeLimit.truncated"] = bool(step.is_cut_off[lane])
            if summary is not None:
                self._finished += 1
                info["summary"] = summary
                info["episode"] = {"r": summary.reward, "l": summary.steps}
                info["is_success"] = summary.is_success
        return infos


def _check_episodes(scenes: Scenes, split: Split, episodes: Sequence[Episode]) -> None:
    known = set(scenes.names(split))
    for episode in episodes:
        if episode.building not in known:
            raise UserError(
                f"episode {episode.key} is in {episode.building!r}, which is no {split} building; those are "
                f"{', '.join(sorted(known)) or 'none'}."
            )


def _simulator(
    scenes: Scenes, split: Split, episodes: Sequence[Episode], camera: AgentSpec, sensors: Sequence[Sensor],
    backend: str,
) -> Simulator:  # fmt: skip
    used = {episode.building for episode in episodes}
    names = tuple(name for name in scenes.names(split) if name in used)
    spec = replace(camera, sensors=tuple(dict.fromkeys(sensors)))
    return simulator_for(scenes.buildings(split, names), spec, backend)
