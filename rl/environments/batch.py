"""N agents in one simulator, each in an episode of its own; the heart of every environment here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.environments.schedule import Schedule
from rl.environments.summary import EpisodeSummary
from rl.episodes.episode import Episode
from rl.evaluation.metrics import episode_soft_spl, episode_spl
from rl.tasks.task import Lanes, Moment, NavigationTask, Outcome, Progress
from sim import Agents, Cameras, Observations, Sensor, Simulator

Seen = dict[str, NDArray[Any]]
"""By sensor and "vector": the first axis is the agent."""


@dataclass(frozen=True, eq=False)
class Step:
    """What an action of each of N agents led to.

    Args:
        seen: What they see now; of agents whose episode ended, at the start of the next one.
        reward: float64 [N].
        is_over: bool [N]: ended by the task.
        is_cut_off: bool [N]: ended by the horizon.
        ended: Indices of the agents whose episode ended, either way.
        last_seen: What those saw at the end.
        summaries: Of those; None for agents that were idle.
    """

    seen: Seen
    reward: NDArray[np.float64]
    is_over: NDArray[np.bool_]
    is_cut_off: NDArray[np.bool_]
    ended: Lanes
    last_seen: Seen
    summaries: tuple[EpisodeSummary | None, ...]


class Batch:
    """N agents in episodes of a task, a new episode as soon as one has ended.

    Agents see what `sensors` measure, and "vector": float32 [N, task.vector_size + actions], what the task tells them,
    then their last action, one-hot (zeros at the start).

    Args:
        task: What they are to do.
        simulator: With the episodes' buildings loaded.
        episodes: At least one.
        count: Number of agents, at least 1.
        seed: Of the order of episodes.
        once: Whether each episode is run once; agents without one left are idle: they go on in their last, uncounted.
        sensors: What agents see, among the simulator's sensors; the others are for the task alone. All if None.

    Raises:
        UserError: If there is no episode or agent, an episode's building is not loaded, or the simulator lacks a
            sensor.
    """

    def __init__(
        self, task: NavigationTask, simulator: Simulator, episodes: Sequence[Episode], *, count: int, seed: int = 0,
        once: bool = False, sensors: Sequence[Sensor] | None = None,
    ) -> None:  # fmt: skip
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise UserError(f"{count!r} environments were asked for; at least 1 is expected.")
        if not episodes:
            raise UserError(f"there are no episodes for {task.name}; generate some.")
        self.task, self.simulator, self.count = task, simulator, count
        self.episodes = tuple(episodes)
        self._buildings = {building.name: index for index, building in enumerate(simulator.buildings)}
        for episode in self.episodes:
            if episode.building not in self._buildings:
                raise UserError(
                    f"episode {episode.key} is in a building that is not loaded; loaded are "
                    f"{', '.join(self._buildings)}."
                )
        has = simulator.spec.sensors
        self.sensors = has if sensors is None else tuple(dict.fromkeys(map(Sensor, sensors)))
        """What agents see."""
        missing = [sensor for sensor in self.sensors if sensor not in has]
        if missing:
            raise UserError(
                f"agents are to see {missing[0]}, and the simulator measures {', '.join(has) or 'nothing'}; make it "
                "with that sensor too."
            )
        self._schedule = Schedule(len(self.episodes), seed, once=once)
        self._actions = np.array(task.actions, np.int64)
        self._begin_empty()

    @property
    def progress(self) -> Progress:
        """The task in the course of these episodes."""
        return self._progress

    @property
    def vector_size(self) -> int:
        """Numbers in "vector"."""
        return self.task.vector_size + len(self.task.actions)

    @property
    def current(self) -> tuple[Episode, ...]:
        """The episode each agent is in."""
        return tuple(self.episodes[index] for index in self._episode)

    @property
    def is_idle(self) -> NDArray[np.bool_]:
        """Which agents, bool [N], have no episode left."""
        return self._is_idle.copy()

    @property
    def steps(self) -> NDArray[np.int64]:
        """Actions, int64 [N], that each agent took in its episode."""
        return self._steps.copy()

    @property
    def rewards(self) -> NDArray[np.float64]:
        """Sums, float64 [N], of each agent's rewards in its episode."""
        return self._reward.copy()

    def reset(self) -> Seen:
        """Begin a new episode with every agent, and return what they see."""
        everybody = np.arange(self.count)
        self._draw(everybody)
        return self._start(everybody)

    def begin_with(self, index: int) -> Seen:
        """Begin the episode of that index with every agent."""
        everybody = np.arange(self.count)
        self._is_idle[:] = False
        self._episode[:] = index
        self._clear(everybody)
        return self._start(everybody)

    def step(self, chosen: NDArray[np.int64], *, renew: bool = True) -> Step:
        """Let every agent act.

        Args:
            chosen: int [N], indices of `task.actions`.
            renew: Whether agents whose episode ended begin another.

        Raises:
            UserError: If there are not N actions, or one is unknown; nothing has moved then.
        """
        self._check(chosen)
        before = self.simulator.agents.positions
        collided = self.simulator.step(self._actions[chosen])
        self._last_action = chosen.astype(np.int64)
        self._steps += 1
        self._collided = collided
        self._collisions += collided
        self._walked_m += np.linalg.norm(self.simulator.agents.positions - before, axis=1)
        seen = self._look()
        outcome = self._progress.advance(self._last_action, self._moment(seen))
        self._reward += outcome.reward
        is_cut_off = ~outcome.is_over & (self._steps >= self.task.horizon_steps)
        ended = np.flatnonzero(outcome.is_over | is_cut_off)
        now = self._told(seen)
        if not len(ended):
            return Step(now, outcome.reward, outcome.is_over, is_cut_off, ended, {}, ())
        last_seen = {name: values[ended].copy() for name, values in now.items()}
        summaries = tuple(self._summary(int(lane), outcome, bool(is_cut_off[lane])) for lane in ended)
        if renew:
            self._draw(ended)
            self._place(ended)
            seen = self._look_again(ended, seen)
            now = self._begun(ended, seen)
        return Step(now, outcome.reward, outcome.is_over, is_cut_off, ended, last_seen, summaries)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here."""
        agents = self.simulator.agents
        own = {name: getattr(self, f"_{name}").copy() for name in _KEPT}
        own |= {"positions": agents.positions, "headings_rad": agents.headings_rad, "buildings": agents.buildings}
        own |= {f"task.{name}": values for name, values in self._progress.state().items()}
        return own | {f"schedule.{name}": values for name, values in self._schedule.state().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned, of a batch with the same task, episodes and count."""
        for name in _KEPT:
            setattr(self, f"_{name}", state[name].copy())
        self.simulator.place(Agents(state["positions"], state["headings_rad"], state["buildings"]))
        self._progress.restore(_part(state, "task."))
        self._schedule.restore(_part(state, "schedule."))

    def _begin_empty(self) -> None:
        self._progress: Progress = self.task.progress(self.count)
        self._episode = np.zeros(self.count, np.int64)
        self._is_idle = np.zeros(self.count, np.bool_)
        self._steps = np.zeros(self.count, np.int64)
        self._collisions = np.zeros(self.count, np.int64)
        self._collided = np.zeros(self.count, np.bool_)
        self._walked_m = np.zeros(self.count)
        self._reward = np.zeros(self.count)
        self._last_action = np.full(self.count, -1, np.int64)

    def _check(self, chosen: NDArray[np.int64]) -> None:
        known = np.arange(len(self._actions))
        if chosen.shape != (self.count,) or chosen.dtype.kind not in "iu" or not np.isin(chosen, known).all():
            names = ", ".join(f"{index} ({action.name})" for index, action in enumerate(self.task.actions))
            raise UserError(f"actions are {chosen.tolist()}; expected {self.count} of {names}.")

    def _draw(self, lanes: Lanes) -> None:
        for lane in lanes:
            drawn = self._schedule.next()
            self._is_idle[lane] = drawn is None
            self._episode[lane] = self._episode[lane] if drawn is None else drawn
        self._clear(lanes)

    def _clear(self, lanes: Lanes) -> None:
        self._last_action[lanes] = -1
        for counter in (self._steps, self._collisions, self._walked_m, self._reward):
            counter[lanes] = 0

    def _place(self, lanes: Lanes) -> None:
        agents = self.simulator.agents
        if len(agents) == self.count:
            positions, headings = agents.positions.copy(), agents.headings_rad.copy()
            buildings = agents.buildings.copy()
        else:
            positions, headings = np.zeros((self.count, 3), np.float32), np.zeros(self.count, np.float32)
            buildings = np.zeros(self.count, np.int32)
        for lane in lanes:
            episode = self.episodes[self._episode[lane]]
            positions[lane], headings[lane] = episode.start, episode.heading_rad
            buildings[lane] = self._buildings[episode.building]
        self.simulator.place(Agents(positions, headings, buildings))

    def _start(self, lanes: Lanes) -> Seen:
        self._place(lanes)
        return self._begun(lanes, self._look())

    def _begun(self, lanes: Lanes, seen: Observations) -> Seen:
        self._progress.begin(lanes, self._moment(seen))
        return self._told(seen)

    def _look(self) -> Observations:
        return self.simulator.observe() if self.simulator.spec.sensors else Observations()

    def _look_again(self, lanes: Lanes, seen: Observations) -> Observations:
        """What all see, where only `lanes` have been moved."""
        spec, agents = self.simulator.spec, self.simulator.agents
        if not spec.sensors:
            return seen
        eyes = agents.positions[lanes] + np.array([0, spec.eye_height_m, 0], np.float32)
        cameras = Cameras.looking(eyes, agents.headings_rad[lanes], 0.0, spec.hfov_deg, agents.buildings[lanes])
        fresh = self.simulator.render(cameras, spec.height, spec.width, spec.sensors)
        for sensor in spec.sensors:
            getattr(seen, sensor)[lanes] = getattr(fresh, sensor)
        return seen

    def _moment(self, seen: Observations) -> Moment:
        return Moment(self.simulator, self.current, seen, self._collided)

    def _told(self, seen: Observations) -> Seen:
        told: Seen = {str(sensor): getattr(seen, sensor) for sensor in self.sensors}
        one_hot = (self._last_action[:, None] == np.arange(len(self._actions))).astype(np.float32)
        told["vector"] = np.concatenate([self._progress.vector(self._moment(seen)), one_hot], axis=1)
        return told

    def _summary(self, lane: int, outcome: Outcome, is_cut_off: bool) -> EpisodeSummary | None:
        if self._is_idle[lane]:
            return None
        episode = self.episodes[self._episode[lane]]
        walked_m, shortest_m = float(self._walked_m[lane]), episode.geodesic_distance_m
        measures = {name: float(values[lane]) for name, values in outcome.measures.items()}
        is_success = bool(outcome.is_success[lane])
        final_m = measures.get("distance_m")
        return EpisodeSummary(
            episode=episode,
            steps=int(self._steps[lane]),
            reward=float(self._reward[lane]),
            is_success=is_success,
            is_cut_off=is_cut_off,
            spl=episode_spl(is_success, shortest_m, walked_m),
            soft_spl=nan if final_m is None else episode_soft_spl(final_m, shortest_m, walked_m),
            path_length_m=walked_m,
            collisions=int(self._collisions[lane]),
            measures=measures,
        )


_KEPT = ("episode", "is_idle", "steps", "collisions", "walked_m", "reward", "last_action")


def _part(state: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in state.items() if name.startswith(prefix)}
