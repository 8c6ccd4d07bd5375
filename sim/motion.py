"""How agents answer to actions, the same on every backend."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.errors import SimulatorError
from sim.simulator import Action, Agents, AgentSpec


def no_agents() -> Agents:
    """Nobody."""
    return Agents(np.zeros((0, 3), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))


def agents_at(positions: ArrayLike, headings_rad: ArrayLike = 0.0, buildings: ArrayLike = 0) -> Agents:
    """Agents from anything that broadcasts to N.

    Args:
        positions: [N, 3] or [3], metres, at their feet.
        headings_rad: 0 faces -Z, positive turns left.
        buildings: Index of the building.

    Raises:
        SimulatorError: If a value is not finite, or positions are not x, y, z.
    """
    points = np.atleast_2d(np.asarray(positions, dtype=np.float32))
    count = len(points)
    if points.shape != (count, 3):
        raise SimulatorError(f"agent positions have shape {points.shape}; expected [N, 3].")
    headings = np.broadcast_to(np.asarray(headings_rad, dtype=np.float32), count).copy()
    if not (np.isfinite(points).all() and np.isfinite(headings).all()):
        raise SimulatorError("an agent's position or heading is not finite.")
    return Agents(points.copy(), headings, np.broadcast_to(np.asarray(buildings, dtype=np.int32), count).copy())


def check_actions(actions: ArrayLike, count: int) -> NDArray[np.int64]:
    """Actions as numbers.

    Args:
        actions: Values of `Action`, one for each agent.
        count: How many agents there are.

    Raises:
        SimulatorError: If their number differs from that of the agents, or one is no action.
    """
    chosen = np.asarray(actions)
    if chosen.shape != (count,):
        raise SimulatorError(f"{count} agents need {count} actions; got shape {chosen.shape}.")
    known = [int(action) for action in Action]
    if count and not np.isin(chosen, known).all():
        wrong = chosen[~np.isin(chosen, known)][0]
        raise SimulatorError(f"unknown action {wrong}; known are {', '.join(f'{a.value} ({a.name})' for a in Action)}.")
    return chosen.astype(np.int64)


def displacements(agents: Agents, actions: NDArray[np.int64], spec: AgentSpec) -> NDArray[np.float32]:
    """float32 [N, 3]: where each agent's action would take it if nothing were in its way."""
    forward = np.where(actions == Action.FORWARD, np.float32(spec.forward_m), np.float32(0))
    headings = agents.headings_rad
    zero = np.zeros_like(headings)
    moves: NDArray[np.float32] = np.stack([-np.sin(headings), zero, -np.cos(headings)], axis=1) * forward[:, None]
    return moves


def turned(agents: Agents, actions: NDArray[np.int64], spec: AgentSpec) -> NDArray[np.float32]:
    """float32 [N]: each agent's heading after its action, in [-pi, pi)."""
    turn = np.radians(spec.turn_deg) * ((actions == Action.TURN_LEFT) * 1.0 - (actions == Action.TURN_RIGHT))
    wrapped: NDArray[np.float64] = (agents.headings_rad + turn + np.pi) % (2 * np.pi) - np.pi
    return wrapped.astype(np.float32)
