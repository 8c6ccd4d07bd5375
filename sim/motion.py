"""How agents answer to actions, the same on every backend."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.checks import check_array, common_count
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
        SimulatorError: If a value is not finite, positions are not x, y, z, buildings no whole numbers, or their
            numbers differ.
    """
    points = np.array(positions, dtype=np.float32)
    points = points.reshape(-1, 3) if points.shape in ((3,), (0,)) else points
    if points.ndim != 2 or points.shape[1] != 3:
        raise SimulatorError(f"agent positions have shape {points.shape}; expected [N, 3].")
    count = common_count("agents", len(points), headings_rad, buildings)
    points = np.array(np.broadcast_to(points, (count, 3)))
    headings = np.array(np.broadcast_to(np.ravel(headings_rad), count), dtype=np.float32)
    if not (np.isfinite(points).all() and np.isfinite(headings).all()):
        raise SimulatorError("an agent's position or heading is not finite.")
    numbers = np.array(np.broadcast_to(np.ravel(buildings), count))
    return Agents(points, headings, check_array("agents: buildings", numbers, np.int32, (count,)))


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
