import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import SimulatorError
from sim.navigation import NavigationMap
from tests.sim.navigation_cases import Grid, drawn, random_grids, room, sees

CELL_M, STEP_M = 0.05, 0.25


def headings(angles: object) -> np.ndarray:
    return STEP_M * np.stack([np.cos(angles), np.sin(angles)], axis=-1)  # type: ignore[call-overload]


@settings(max_examples=40, deadline=None)
@given(random_grids(side=14), st.integers(0, 1000), st.booleans())
def test_steps_stay_on_free_cells_of_their_island(free: Grid, seed: int, sliding: bool) -> None:
    nav = NavigationMap.from_grid(free, cell_m=CELL_M)
    rng = np.random.default_rng(seed)
    at = nav.random_points(8, rng)
    for _ in range(15):
        way = headings(rng.uniform(0, 2 * np.pi, 8))
        after, met = nav.try_step(at, way, sliding=sliding)
        assert (nav.island(after) == 0).all()
        assert (np.linalg.norm(after - at, axis=1) <= STEP_M + 1e-5).all()
        np.testing.assert_allclose((after - at)[~met][:, [0, 2]], way[~met], atol=1e-5)
        at = after


@settings(max_examples=40, deadline=None)
@given(random_grids(side=10), st.integers(0, 1000))
def test_steps_that_stop_go_straight_through_free_cells_up_to_contact(free: Grid, seed: int) -> None:
    nav = NavigationMap.from_grid(free, cell_m=CELL_M)
    rng = np.random.default_rng(seed)
    at = nav.random_points(6, rng)
    way = headings(rng.uniform(0, 2 * np.pi, 6))
    after, met = nav.try_step(at, way, sliding=False)
    cells = nav.free[1:-1, 1:-1]
    for a, b, w, hit in zip(
        *(v.astype(float) / CELL_M for v in (at[:, [0, 2]], after[:, [0, 2]], way)), met, strict=True
    ):
        assert sees(cells, a, b)
        # The longest free part of the way, found by trying ever more of it.
        reach = next((t for t in np.linspace(0, 1, 401)[1:] if not sees(cells, a, a + t * w)), None)
        assert bool(hit) == (reach is not None)
        if reach is not None:
            assert np.linalg.norm(b - a) == pytest.approx(reach * STEP_M / CELL_M, abs=0.15)


def test_a_long_step_does_not_tunnel_through_a_thin_wall() -> None:
    nav = NavigationMap.from_grid(drawn(".....#.....\n" * 5), cell_m=CELL_M)
    after, met = nav.try_step([[0.24, 0, 0.12]], [[0.2, 0.0]])
    assert met[0]
    assert after[0, 0] <= 0.25


def test_steps_into_a_wall_slide_by_their_tangential_part() -> None:
    nav = NavigationMap.from_building(room(6, 6))
    wall = 6 - 0.1 - 0.2
    start = np.array([[wall - 0.01, 0, 2.0]], dtype=np.float32)
    for degrees in (20, 45, 70):
        angle = np.deg2rad(degrees)
        after, met = nav.try_step(start, [STEP_M * np.array([np.cos(angle), np.sin(angle)])])
        assert met[0]
        assert after[0, 2] - 2.0 == pytest.approx(STEP_M * np.sin(angle), abs=0.03)
        assert after[0, 0] <= wall + 1e-6
        stopped, met = nav.try_step(start, [STEP_M * np.array([np.cos(angle), np.sin(angle)])], sliding=False)
        assert met[0]
        assert np.linalg.norm(stopped - start) < 0.04


def test_steps_slide_along_walls_at_any_angle_to_the_grid() -> None:
    """Ten steps at 45 degrees into a slanted wall advance nearly ten times the tangential part."""
    for yaw in np.linspace(0.1, 1.4, 6):
        nav = NavigationMap.from_building(room(9, 6, yaw_rad=yaw))
        turn = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
        x, z = turn @ [2.0, 6 - 0.1 - 0.3]
        way = turn @ (STEP_M * np.array([np.sqrt(0.5), np.sqrt(0.5)]))
        at = np.array([[x, 0, z]], dtype=np.float32)
        for _ in range(12):
            at, _ = nav.try_step(at, [way])
        along = float((at[0, [0, 2]] - [x, z]) @ turn @ [1.0, 0.0])
        assert along > 0.75 * 12 * STEP_M * np.sqrt(0.5)


def test_a_step_straight_into_a_wall_does_not_move_along_it() -> None:
    nav = NavigationMap.from_building(room(6, 6))
    at = np.array([[3.0, 0, 3.0]], dtype=np.float32)
    for _ in range(20):
        at, met = nav.try_step(at, [[STEP_M, 0.0]])
    assert met[0]
    assert at[0, 2] == pytest.approx(3.0, abs=1e-3)
    assert 5.6 < at[0, 0] <= 5.7 + 1e-6


def test_steps_take_three_components_and_follow_the_floor() -> None:
    nav = NavigationMap.from_building(room(5, 5, ((2, 3), (0, 0.06), (1, 4))))
    after, met = nav.try_step([[1.9, 0, 2.5]], [[0.25, 9.0, 0.0]])
    assert not met[0]
    np.testing.assert_allclose(after[0], [2.15, 0.06, 2.5], atol=1e-5)


def test_huge_steps_end_at_the_walls_soon() -> None:
    nav = NavigationMap.from_building(room(5, 5))
    after, met = nav.try_step([[2.5, 0, 2.5]] * 2, [[1e6, 3e5], [0.0, -1e7]])
    assert met.all()
    assert nav.is_navigable(after).all()


def test_agents_at_rest_meet_nothing() -> None:
    nav = NavigationMap.from_building(room(5, 5))
    at = nav.random_points(10, np.random.default_rng(0))
    after, met = nav.try_step(at, np.zeros((10, 2)))
    assert not met.any()
    np.testing.assert_allclose(after, at, atol=1e-6)


def test_steps_from_nowhere_or_of_the_wrong_shape_are_refused() -> None:
    nav = NavigationMap.from_building(room(5, 5))
    with pytest.raises(SimulatorError, match=r"position \[0.0, 0.0, 0.0\] is not navigable"):
        nav.try_step([[0.0, 0.0, 0.0]], [[0.1, 0.0]])
    with pytest.raises(SimulatorError, match=r"displacements have shape \(1, 2\)"):
        nav.try_step([[2.5, 0, 2.5]] * 2, [[0.1, 0.0]])
    with pytest.raises(SimulatorError, match="not finite"):
        nav.try_step([[2.5, 0, 2.5]], [[np.inf, 0.0]])
