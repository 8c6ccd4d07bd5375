"""The navigable area and the walks in it are alike on every backend."""

import numpy as np
import pytest

from sim import Action, Agents, Simulator
from tests.sim.contract.scene import BEDROOM, CLOSET, KITCHEN, SPEC


def test_one_can_stand_on_the_floor_and_nowhere_else(simulator: Simulator) -> None:
    points = {
        KITCHEN: True,
        BEDROOM: True,
        (0.0, 0.0, 0.0): True,  # in the doorway
        (-3.0, 0.0, 1.0): False,  # in the table
        (0.0, 0.0, 1.5): False,  # in the wall
        (-3.95, 0.0, 0.0): False,  # nearer to the wall than its radius
        (-2.0, 2.0, 0.0): False,  # in the air
        (9.0, 0.0, 0.0): False,  # outside
    }
    assert simulator.is_navigable(list(points)).tolist() == list(points.values())


def test_random_points_are_on_the_largest_island_and_follow_the_seed(simulator: Simulator) -> None:
    points = simulator.random_navigable_points(300, np.random.default_rng(3))
    assert (points.shape, str(points.dtype)) == ((300, 3), "float32")
    assert simulator.is_navigable(points).all()
    assert (simulator.island(points) == 0).all()
    assert (points[:, 0] < 0).any()
    assert (points[:, 0] > 0).any()
    again = simulator.random_navigable_points(300, np.random.default_rng(3))
    np.testing.assert_array_equal(points, again)
    assert (points != simulator.random_navigable_points(300, np.random.default_rng(4))).any()


def test_the_closet_is_an_island_of_its_own(simulator: Simulator) -> None:
    islands = simulator.island([KITCHEN, BEDROOM, CLOSET, (-3.0, 0.0, 1.0)])
    assert islands[0] == islands[1] == 0
    assert islands[2] > 0
    assert islands[3] == -1


def test_in_sight_the_walk_is_the_straight_line(simulator: Simulator) -> None:
    distance = simulator.geodesic_distance([KITCHEN, (-3.0, 0.0, -1.0)], [(-1.0, 0.0, -1.0), (-1.5, 0.0, 0.5)])
    np.testing.assert_allclose(distance, [np.hypot(1, 1), np.hypot(1.5, 1.5)], rtol=0.01)


def test_round_the_corner_the_walk_is_the_taut_string(simulator: Simulator) -> None:
    """Tangent, arc at the agent's radius round each jamb's edge, and the wall's thickness between: maps round up."""
    start, goal, edge = np.array([-1.0, -1.7]), np.array([1.0, -1.7]), np.array([-0.05, -0.5])
    away = edge - start
    reach = np.linalg.norm(away)
    arc_rad = np.pi / 2 - (np.arccos(SPEC.radius_m / reach) - np.arctan2(away[1], away[0]))
    exact = 2 * (np.sqrt(reach**2 - SPEC.radius_m**2) + SPEC.radius_m * arc_rad) + 0.1
    distance = simulator.geodesic_distance([(start[0], 0, start[1])], [(goal[0], 0, goal[1])])[0]
    assert 0.98 * exact < distance < 1.07 * exact


def test_no_walk_is_shorter_than_the_straight_line(simulator: Simulator) -> None:
    rng = np.random.default_rng(5)
    starts, goals = (simulator.random_navigable_points(40, rng) for _ in range(2))
    distance = simulator.geodesic_distance(starts, goals)
    assert np.isfinite(distance).all()
    assert (distance >= np.linalg.norm(starts - goals, axis=1) - 1e-3).all()


def test_where_no_walk_leads_the_distance_is_infinite_and_the_path_empty(simulator: Simulator) -> None:
    assert np.isinf(simulator.geodesic_distance([KITCHEN], [CLOSET])).all()
    assert simulator.shortest_path(KITCHEN, CLOSET).shape == (0, 3)


def test_a_path_joins_its_ends_and_is_as_long_as_the_distance(simulator: Simulator) -> None:
    start, goal = (-1.0, 0.0, -1.7), (1.0, 0.0, -1.7)
    path = simulator.shortest_path(start, goal)
    np.testing.assert_allclose(path[[0, -1]][:, [0, 2]], [[-1, -1.7], [1, -1.7]], atol=1e-3)
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    np.testing.assert_allclose(length, simulator.geodesic_distance([start], [goal])[0], rtol=5e-3)
    assert simulator.is_navigable(path[1:-1] * [1, 0, 1]).all()


def test_walking_the_path_reaches_the_goal(simulator: Simulator) -> None:
    """An agent that turns to each corner and walks, sliding where it must, gets there."""
    start, goal = np.array([-1.0, 0.0, -1.6]), np.array([1.0, 0.0, -1.6])
    position = start
    for _ in range(40):
        path = simulator.shortest_path(position, goal)
        towards = (path[1] if np.linalg.norm(path[1] - path[0]) > 0.13 or len(path) == 2 else path[2]) - position
        simulator.place(Agents(position[None].astype(np.float32), _heading(towards), np.zeros(1, np.int32)))
        simulator.step([Action.FORWARD])
        position = simulator.agents.positions[0].astype(np.float64)
        if np.linalg.norm((position - goal)[[0, 2]]) < 0.36:
            return
    pytest.fail(f"still at {position} after 40 steps")


def _heading(towards: np.ndarray) -> np.ndarray:
    return np.array([np.arctan2(-towards[0], -towards[2])], np.float32)
