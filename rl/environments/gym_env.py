"""One agent as a Gymnasium environment."""

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from perception import UserError
from perception.errors import UnknownNameError
from rl.environments.batch import Batch, Seen
from rl.environments.painter import Painter
from rl.environments.spaces import action_space, observation_space
from rl.episodes import VisualTargets, generate_episodes
from rl.episodes.episode import Episode
from rl.house_scenes import HouseScenes
from rl.scenes import Scenes, Split
from rl.simulators import simulator_for
from rl.tasks import TASKS
from sim import AgentSpec, Sensor

EPISODES_PER_BUILDING = 50
"""Generated where none are given."""

_CONTAINING = {"VisualTarget": (VisualTargets().category,)}


class NavigationEnv(gymnasium.Env[Seen, np.int64]):
    """An agent in the buildings of a split; `gymnasium.make("midlevel/PointGoal-v0")` makes one.

    Observations are dicts: "rgb" uint8 [H, W, 3], or whatever sensors were asked for, and "vector" float32 (see
    `rl.environments.batch.Batch`). `info` has "episode_key"; at an episode's end "summary", an `EpisodeSummary`, and
    "is_success".

    Args:
        task: Name of a task.
        scenes: Where; generated houses by default: two to train in, one to test in.
        split: Which of the scenes: "train", "validation" or "test".
        episodes: In buildings of the split; generated if None.
        camera: Body and eye of the agent; its sensors are replaced.
        sensors: What it sees; what the task measures besides is not shown to it.
        backend: "raycast" or "habitat".
        render_mode: "rgb_array" for the view with a map beside it, or None.
        **settings: Of the task, such as `success_m`.

    Raises:
        UserError: If a name or setting is unknown, or no episode can be made.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self, task: str = "PointGoal", *, scenes: Scenes | None = None, split: str = Split.TRAIN,
        episodes: tuple[Episode, ...] | None = None,
        camera: AgentSpec = AgentSpec(height=64, width=64, turn_deg=30.0),  # noqa: B008 - frozen
        sensors: tuple[Sensor, ...] = (Sensor.RGB,), backend: str = "raycast", render_mode: str | None = None,
        **settings: Any,
    ) -> None:  # fmt: skip
        if task not in TASKS:
            raise UnknownNameError("task", task, TASKS)
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise UserError(f"render_mode is {render_mode!r}; expected 'rgb_array' or None.")
        try:
            self.task = TASKS[task](**settings)
        except TypeError as error:
            raise UserError(f"{task} does not take {', '.join(settings)}: {error}.") from error
        if split not in set(Split):
            raise UnknownNameError("split", split, [str(known) for known in Split])
        self.scenes = scenes or HouseScenes(train=2, validation=0, test=1, containing=_CONTAINING.get(task, ()))
        self.split = Split(split)
        self.render_mode = render_mode
        spec = replace(camera, sensors=tuple(dict.fromkeys((*sensors, *self.task.sensors))))
        self.simulator = simulator_for(self.scenes.buildings(self.split), spec, backend)
        self._sensors = sensors
        if episodes is None:
            episodes = generate_episodes(
                task, self.scenes, self.split, self.simulator, per_building=EPISODES_PER_BUILDING, seed=0
            )
        self._episodes = episodes
        self._painter = Painter(self.simulator, self.task)
        self._begin(seed=0)
        self.observation_space: spaces.Space[Any] = observation_space(self._batch)
        self.action_space = action_space(self._batch)

    @property
    def batch(self) -> Batch:
        """The single agent."""
        return self._batch

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """Begin the next episode; with a seed, begin the order of episodes anew.

        Args:
            seed: Of the order of episodes.
            options: {"episode": key} begins that one.

        Raises:
            UserError: If an option or the episode is unknown.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._begin(seed)
        chosen = self._chosen(options or {})
        seen = self._batch.reset() if chosen is None else self._batch.begin_with(chosen)
        self._ended = False
        self._painter.begin(self._batch.current[0])
        return _first(seen), {"episode_key": self._batch.current[0].key}

    def step(self, action: np.int64 | int) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Act.

        Raises:
            UserError: If the action is unknown, or the episode has ended.
        """
        if self._ended:
            raise UserError("the episode has ended; call reset before the next step.")
        step = self._batch.step(np.asarray(action).reshape(1), renew=False)
        self._painter.follow()
        seen = _first(step.last_seen or step.seen)
        info: dict[str, Any] = {"episode_key": self._batch.current[0].key}
        if len(step.ended):
            info["summary"] = summary = step.summaries[0]
            info["is_success"] = summary is not None and summary.is_success
        is_over, is_cut_off = bool(step.is_over[0]), bool(step.is_cut_off[0])
        self._ended = is_over or is_cut_off
        return seen, float(step.reward[0]), is_over, is_cut_off, info

    def render(self) -> NDArray[np.uint8] | None:
        """The agent's view with the map from above beside it, uint8 [H, W, 3]; None without a render mode."""
        if self.render_mode is None:
            return None
        return self._painter.frame(f"reward {self._batch.rewards[0]:.2f}")

    def close(self) -> None:
        """Give the simulator's memory back."""
        self.simulator.close()

    def _begin(self, seed: int) -> None:
        self._batch = Batch(self.task, self.simulator, self._episodes, count=1, seed=seed, sensors=self._sensors)
        self._ended = True

    def _chosen(self, options: dict[str, Any]) -> int | None:
        for name in options:
            if name != "episode":
                raise UnknownNameError("option", name, ("episode",))
        if "episode" not in options:
            return None
        keys = [episode.key for episode in self._episodes]
        if options["episode"] not in keys:
            raise UnknownNameError("episode", str(options["episode"]), keys)
        return keys.index(options["episode"])


def _first(seen: Seen) -> Seen:
    return {name: values[0] for name, values in seen.items()}
