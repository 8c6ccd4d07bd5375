"""Agents that follow a rule and learn nothing: the least that a learned one has to beat."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perception.errors import UnknownNameError, UserError
from rl.agents.kinds import AgentKind
from rl.tasks.point_goal import FARTHEST_M, PointGoal
from sim import Action

if TYPE_CHECKING:
    from rl.environments.vec_env import NavigationVecEnv

STOP_PROBABILITY = 0.01
"""With which `random` stops, where the task has `STOP`."""

_BARELY = 0.5
"""Of a step: who went less far forward has met something."""

_DETOUR_STEPS = 4
_NEAR = 0.8
"""Of the distance that counts as success, as the crow flies: a little less than along the walk."""


class ScriptedAgent(Protocol):
    """N agents that follow a rule."""

    def act(self, observations: Mapping[str, NDArray[Any]], deterministic: bool = False) -> NDArray[np.int64]:
        """What N agents do: int64 [N], indices of the task's actions.

        Args:
            observations: With "vector".
            deterministic: Without effect: what is left to chance is part of the rule.
        """


def scripted_agent(kind: AgentKind, env: "NavigationVecEnv", seed: int = 0) -> ScriptedAgent:
    """The agents of a rule.

    Args:
        kind: Of `Family.SCRIPTED`.
        env: Where they act; they know how far they turn and go, and feel whether they have moved.
        seed: Of what is left to chance.

    Raises:
        UserError: If it is no such rule, or the task does not tell what the rule needs.
    """
    if kind.name not in _RULES:
        raise UnknownNameError("scripted agent", kind.name, _RULES)
    return _RULES[kind.name](env, seed)


class RandomAgent:
    """Goes and turns with the same probability, and seldom stops.

    Args:
        env: Where it acts.
        seed: Of its choices.
    """

    def __init__(self, env: "NavigationVecEnv", seed: int) -> None:
        actions = env.task.actions
        stops = np.array([action is Action.STOP for action in actions])
        self._share = np.where(stops, STOP_PROBABILITY, (1 - STOP_PROBABILITY * stops.sum()) / (~stops).sum())
        self._rng = np.random.default_rng([seed, 11])

    def act(self, observations: Mapping[str, NDArray[Any]], deterministic: bool = False) -> NDArray[np.int64]:
        """See `ScriptedAgent.act`."""
        del deterministic
        return self._rng.choice(len(self._share), len(observations["vector"]), p=self._share).astype(np.int64)


class ForwardAgent:
    """Goes straight on; where it cannot, it turns to a random direction.

    Args:
        env: Where it acts.
        seed: Of the directions.
    """

    def __init__(self, env: "NavigationVecEnv", seed: int) -> None:
        self._simulator = env.simulator
        self._spec = env.simulator.spec
        self._index = {action: index for index, action in enumerate(env.task.actions)}
        self._rng = np.random.default_rng([seed, 13])
        self._positions = np.full((env.num_envs, 3), np.inf, np.float32)
        self._turns_left = np.zeros(env.num_envs, np.int64)  # positive to the left

    def act(self, observations: Mapping[str, NDArray[Any]], deterministic: bool = False) -> NDArray[np.int64]:
        """See `ScriptedAgent.act`."""
        del deterministic
        self._turn_where(self._has_met(observations["vector"]), int(180 / self._spec.turn_deg))
        return self._steps()

    def _has_met(self, vector: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each agent's last step, bool [N], was forward and led nowhere; forgets detours of old episodes."""
        last = vector[:, -len(self._index) :]
        self._turns_left[~last.any(axis=1)] = 0
        positions = self._simulator.agents.positions
        before, self._positions = self._positions, positions.copy()
        with np.errstate(invalid="ignore"):
            moved_m = np.linalg.norm(positions - before, axis=1)
        has_met: NDArray[np.bool_] = (last[:, self._index[Action.FORWARD]] > 0) & (
            moved_m < _BARELY * self._spec.forward_m
        )
        return has_met

    def _turn_where(self, lanes: NDArray[np.bool_], most: int) -> None:
        sides = self._rng.choice([-1, 1], len(lanes))
        self._turns_left = np.where(
            lanes, sides * self._rng.integers(1, max(2, most + 1), len(lanes)), self._turns_left
        )

    def _steps(self) -> NDArray[np.int64]:
        """Turns that are due, then forward."""
        side = np.sign(self._turns_left)
        self._turns_left -= side
        return self._turned(side)

    def _turned(self, side: NDArray[np.int64]) -> NDArray[np.int64]:
        """Left where `side` is positive, right where negative, forward where 0."""
        left, right = self._index[Action.TURN_LEFT], self._index[Action.TURN_RIGHT]
        return np.select([side > 0, side < 0], [left, right], self._index[Action.FORWARD]).astype(np.int64)


class GreedyAgent(ForwardAgent):
    """Turns to the goal, goes there and stops; where it cannot go, it turns away, goes on a little and tries again.

    Args:
        env: Of `PointGoal`, whose vector tells where the goal is.
        seed: Of the sides it turns away to.

    Raises:
        UserError: If the task is another.
    """

    def __init__(self, env: "NavigationVecEnv", seed: int) -> None:
        task = env.task
        if not isinstance(task, PointGoal):
            raise UserError(f"greedy agents go where a goal is, and {task.name} tells none; use forward or random.")
        super().__init__(env, seed)
        self._near = task.success_m * _NEAR / FARTHEST_M
        self._detour_left = np.zeros(env.num_envs, np.int64)

    def act(self, observations: Mapping[str, NDArray[Any]], deterministic: bool = False) -> NDArray[np.int64]:
        """See `ScriptedAgent.act`."""
        del deterministic
        vector = observations["vector"]
        met = self._has_met(vector)
        self._turn_where(met, int(120 / self._spec.turn_deg))
        self._detour_left[met] = self._rng.integers(1, _DETOUR_STEPS + 1, int(met.sum()))
        self._detour_left[~vector[:, -len(self._index) :].any(axis=1)] = 0
        bearing_deg = np.degrees(np.arctan2(vector[:, 2], vector[:, 1]))
        off = np.abs(bearing_deg) > self._spec.turn_deg / 2
        is_turning, is_away = self._turns_left != 0, self._detour_left > 0
        self._detour_left -= is_away & ~is_turning
        towards = self._turned(np.where(off, np.sign(bearing_deg), 0).astype(np.int64))
        chosen = np.where(is_turning | is_away, self._steps(), towards)
        return np.where(vector[:, 0] <= self._near, self._index[Action.STOP], chosen).astype(np.int64)


_RULES: Mapping[str, Callable[["NavigationVecEnv", int], ScriptedAgent]] = MappingProxyType(
    {"random": RandomAgent, "forward": ForwardAgent, "greedy": GreedyAgent}
)
