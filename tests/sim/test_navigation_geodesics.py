from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sim.errors import SimulatorError
from sim.navigation import NavigationMap
from tests.sim.navigation_cases import MAZE, U_SHAPE, Grid, drawn, exact_distances, random_grids, sees

CELL_M = 0.05


def plan_points(points: NDArray[np.float32]) -> NDArray[np.float64]:
    return points[:, [0, 2]].astype(np.float64) / CELL_M


def any_points(nav: NavigationMap, count: int, seed: int) -> NDArray[np.float32]:
    """Points anywhere on the map, on all islands."""
    rng = np.random.default_rng(seed)
    cells = np.argwhere(nav.free[1:-1, 1:-1])
    chosen = cells[rng.integers(len(cells), size=count)] + rng.uniform(0.01, 0.99, size=(count, 2))
    return np.stack([chosen[:, 1] * CELL_M, np.zeros(count), chosen[:, 0] * CELL_M], axis=1).astype(np.float32)


def pairs(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    count = len(points)
    return np.repeat(points, count, axis=0), np.tile(points, (count, 1))


@pytest.mark.parametrize("picture", [MAZE, U_SHAPE])
def test_distances_equal_a_visibility_graph_in_mazes(picture: str) -> None:
    nav = NavigationMap.from_grid(drawn(picture), cell_m=CELL_M)
    points = any_points(nav, 30, seed=1)
    expected = exact_distances(nav.free[1:-1, 1:-1], plan_points(points)) * CELL_M
    np.testing.assert_allclose(nav.geodesic_distance(*pairs(points)).reshape(30, 30), expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(random_grids(), st.integers(0, 1000))
def test_distances_equal_a_visibility_graph_on_random_grids(free: Grid, seed: int) -> None:
    nav = NavigationMap.from_grid(free, cell_m=CELL_M)
    points = any_points(nav, 6, seed)
    expected = exact_distances(nav.free[1:-1, 1:-1], plan_points(points)) * CELL_M
    np.testing.assert_allclose(nav.geodesic_distance(*pairs(points)).reshape(6, 6), expected, rtol=1e-5, atol=1e-6)


def test_distances_equal_a_visibility_graph_among_thick_obstacles() -> None:
    """Thick ones, because only they let corners be ruled out without a look at the whole line."""
    free = np.ones((40, 44), dtype=bool)
    for row, column, height, width in ((4, 5, 12, 10), (20, 0, 9, 26), (6, 22, 9, 13), (24, 32, 16, 8)):
        free[row : row + height, column : column + width] = False
    nav = NavigationMap.from_grid(free, cell_m=CELL_M)
    points = any_points(nav, 60, seed=2)
    # Only the corners of the rectangles can be bends here, so the graph over all cells' corners may be thinned to them.
    corners = [(c, r) for r in range(1, 40) for c in range(1, 44) if free[r - 1 : r + 1, c - 1 : c + 1].sum() == 3]
    nodes = np.concatenate([plan_points(points), np.array(corners, dtype=np.float64)])
    edges = np.array([[np.hypot(*(a - b)) if sees(free, a, b) else np.inf for a in nodes] for b in nodes])
    for via in range(len(nodes)):
        edges = np.minimum(edges, edges[:, [via]] + edges[[via]])
    found = nav.geodesic_distance(*pairs(points)).reshape(60, 60)
    np.testing.assert_allclose(found, edges[:60, :60] * CELL_M, rtol=1e-5, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(random_grids(side=14), st.integers(0, 1000))
def test_distances_are_a_metric_above_the_straight_line(free: Grid, seed: int) -> None:
    points = any_points(NavigationMap.from_grid(free), 8, seed)
    # Two maps, so that neither direction is answered from what the other left behind.
    there = NavigationMap.from_grid(free).geodesic_distance(*pairs(points)).reshape(8, 8)
    back = NavigationMap.from_grid(free).geodesic_distance(*pairs(points)[::-1]).reshape(8, 8)
    straight = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert (there >= straight - 1e-6).all()
    np.testing.assert_allclose(there, back, rtol=1e-6, atol=1e-6)
    assert (there[:, None] <= there[:, :, None] + there[None] + 1e-5).all()
    np.testing.assert_array_equal(
        np.isfinite(there), np.equal.outer(*[NavigationMap.from_grid(free).island(points)] * 2)
    )


def test_points_in_sight_of_each_other_are_the_straight_line_apart() -> None:
    nav = NavigationMap.from_grid(np.ones((80, 60), dtype=bool), floor_m=0.3)
    points = nav.random_points(200, np.random.default_rng(0))
    found = nav.geodesic_distance(points[:100], points[100:])
    np.testing.assert_allclose(found, np.linalg.norm(points[:100] - points[100:], axis=1), rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(random_grids(side=12), st.integers(0, 1000))
def test_paths_are_as_long_as_the_distance_and_free_all_the_way(free: Grid, seed: int) -> None:
    nav = NavigationMap.from_grid(free, cell_m=CELL_M)
    start, goal = any_points(nav, 2, seed)
    path = nav.shortest_path(start, goal)
    distance = float(nav.geodesic_distance(start, goal)[0])
    if np.isinf(distance):
        assert path.shape == (0, 3)
        return
    length = np.linalg.norm(np.diff(path.astype(np.float64), axis=0), axis=1).sum()
    beside_m = 0.002 * CELL_M * 2 * len(path)  # corners are given just beside the obstacle
    assert length == pytest.approx(distance, abs=1e-5 + beside_m)
    np.testing.assert_allclose(path[[0, -1]], [start, goal], atol=1e-6)
    corners = plan_points(path)
    corners[1:-1] = np.rint(corners[1:-1])
    assert all(sees(nav.free[1:-1, 1:-1], a, b) for a, b in pairwise(corners))


def test_many_goals_at_once_answer_as_one_at_a_time() -> None:
    nav = NavigationMap.from_grid(drawn(MAZE), cell_m=CELL_M)
    points = any_points(nav, 40, seed=3)
    alone = [float(nav.geodesic_distance(a, b)[0]) for a, b in zip(points[:20], points[20:], strict=True)]
    np.testing.assert_allclose(nav.geodesic_distance(points[:20], points[20:]), alone, rtol=1e-6)
    from_one = [float(nav.geodesic_distance(points[0], b)[0]) for b in points[20:]]
    np.testing.assert_allclose(nav.geodesic_distance(points[0], points[20:]), from_one, rtol=1e-6)


def test_ends_that_are_not_navigable_are_infinitely_far_and_have_no_path() -> None:
    nav = NavigationMap.from_grid(drawn(MAZE), cell_m=CELL_M)
    free, wall = [0.02, 0, 0.02], [0.02, 0, 0.47]
    assert np.isinf(nav.geodesic_distance(free, wall)).all()
    assert np.isinf(nav.geodesic_distance([free, wall], [50.0, 0, 50.0])).all()
    assert nav.shortest_path(wall, free).shape == (0, 3)
    assert nav.geodesic_distance(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)


def test_starts_and_goals_of_different_numbers_are_refused() -> None:
    nav = NavigationMap.from_grid(np.ones((4, 4), dtype=bool))
    with pytest.raises(SimulatorError, match="2 starts and 3 goals"):
        nav.geodesic_distance(np.zeros((2, 3)), np.zeros((3, 3)))
