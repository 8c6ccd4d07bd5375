import numpy as np
import pytest
from scipy import ndimage, stats

from sim.building import Building
from sim.errors import SimulatorError
from sim.navigation import NavigationMap
from tests.sim.navigation_cases import boxes, room

RADIUS_M, CELL_M = 0.18, 0.05
TABLE = [
    ((1.2, 2.8), (0.68, 0.72), (1.2, 2.8)),
    *(((x, x + 0.02), (0.0, 0.68), (z, z + 0.02)) for x in (1.2, 2.78) for z in (1.2, 2.78)),
]


def two_rooms(gap_m: float, *, offset_m: float = 0.0, header_m: float = 2.0) -> Building:
    """A room 6 m long, parted by a wall with an opening."""
    begin = 1.0 + offset_m
    return room(
        6,
        3,
        ((2.9, 3.0), (0, 2.5), (0, begin)),
        ((2.9, 3.0), (0, 2.5), (begin + gap_m, 3)),
        ((2.9, 3.0), (header_m, 2.5), (begin, begin + gap_m)),
    )


def joined(nav: NavigationMap, start: list[float], goal: list[float]) -> bool:
    first, last = nav.island(np.array([start, goal]))
    return bool(first >= 0 and first == last)


def test_navigable_cells_are_those_a_radius_from_the_walls() -> None:
    nav = NavigationMap.from_building(room(4, 3))
    xs, zs = np.meshgrid(np.arange(0.025, 4, 0.05), np.arange(0.025, 3, 0.05))
    points = np.stack([xs.ravel(), np.zeros(xs.size), zs.ravel()], axis=1)
    clearance = np.minimum.reduce([points[:, 0] - 0.1, 3.9 - points[:, 0], points[:, 2] - 0.1, 2.9 - points[:, 2]])
    navigable = nav.is_navigable(points)
    assert not navigable[clearance < RADIUS_M].any()
    assert navigable[clearance > RADIUS_M + 2 * CELL_M].all()


def test_inflation_is_round_and_exact() -> None:
    """The reference measures to every blocked square, without a distance transform."""
    from sim.navigation.ground import inflate

    blocked = np.random.default_rng(0).random((30, 40)) < 0.01
    rows, columns = np.nonzero(blocked)
    r, c = np.mgrid[:30, :40]
    away = [np.maximum(np.abs(a[..., None] - b) - 0.5, 0) for a, b in ((r, rows), (c, columns))]
    expected = np.hypot(*away).min(axis=2) >= 3.6
    np.testing.assert_array_equal(inflate(blocked, 3.6), expected & ~blocked)


@pytest.mark.parametrize("offset_m", [0.0, 0.013, 0.025, 0.041])
def test_a_doorway_passes_and_a_slit_does_not(offset_m: float) -> None:
    ends = [1.0, 0.0, 1.5], [5.0, 0.0, 1.5]
    assert joined(NavigationMap.from_building(two_rooms(0.8, offset_m=offset_m)), *ends)
    assert not joined(NavigationMap.from_building(two_rooms(0.3, offset_m=offset_m)), *ends)


@pytest.mark.parametrize("yaw_rad", [0.3, 0.7854, 2.0])
def test_a_doorway_passes_in_a_turned_building(yaw_rad: float) -> None:
    building = room(
        6, 3, ((2.9, 3.0), (0, 2.5), (0, 1)), ((2.9, 3.0), (0, 2.5), (1.8, 3)), ((2.9, 3.0), (2, 2.5), (1, 1.8)),
        yaw_rad=yaw_rad,
    )  # fmt: skip
    nav = NavigationMap.from_building(building)
    turn = np.array([[np.cos(yaw_rad), np.sin(yaw_rad)], [-np.sin(yaw_rad), np.cos(yaw_rad)]])
    (ax, az), (bx, bz) = (turn @ [1.0, 1.5], turn @ [5.0, 1.5])
    assert joined(nav, [ax, 0, az], [bx, 0, bz])
    assert len(nav.areas_m2) == 1
    exact = (6 - 0.2 - 2 * RADIUS_M) * (3 - 0.2 - 2 * RADIUS_M) - (0.1 + 2 * RADIUS_M) * 2
    edge_m = 2 * (5.44 + 2.44) + 2 * 2
    assert exact - 1.5 * CELL_M * edge_m < nav.areas_m2[0] < exact


def test_a_low_header_stops_only_the_tall() -> None:
    ends = [1.0, 0.0, 1.5], [5.0, 0.0, 1.5]
    building = two_rooms(0.8, header_m=1.2)
    assert not joined(NavigationMap.from_building(building), *ends)
    assert joined(NavigationMap.from_building(building, height_m=1.1), *ends)


def test_only_a_low_agent_goes_under_a_table() -> None:
    building, under = room(4, 4, *TABLE), [[2.0, 0.0, 2.0]]
    assert not NavigationMap.from_building(building).is_navigable(under)[0]
    assert NavigationMap.from_building(building, height_m=0.5).is_navigable(under)[0]


def test_thin_legs_are_obstacles() -> None:
    nav = NavigationMap.from_building(room(4, 4, *TABLE), height_m=0.5)
    legs = np.array([[x, 0, z] for x in (1.21, 2.79) for z in (1.21, 2.79)])
    near = legs[:, None] + np.array([[0.15, 0, 0], [-0.15, 0, 0], [0, 0, 0.15], [0.0, 0, 0]])
    assert not nav.is_navigable(near.reshape(-1, 3)).any()


def test_thin_needles_are_never_missed_wherever_they_stand() -> None:
    rng = np.random.default_rng(5)
    for x, z in rng.uniform(1, 3, size=(10, 2)):
        nav = NavigationMap.from_building(room(4, 4, ((x, x + 1e-3), (0.3, 0.4), (z, z + 1e-3))))
        assert not nav.is_navigable([[x, 0, z]])[0]


def test_table_tops_and_ceilings_are_not_navigable() -> None:
    nav = NavigationMap.from_building(room(4, 4, *TABLE))
    assert not nav.is_navigable([[2.0, 0.72, 2.0], [2.0, 2.6, 2.0], [0.6, 2.6, 0.6]]).any()
    assert nav.is_navigable([[0.6, 0.0, 0.6]])[0]
    assert len(nav.areas_m2) == 1
    np.testing.assert_array_equal(np.unique(nav.random_points(100, np.random.default_rng(0))[:, 1]), [0.0])


def test_rugs_and_steps_are_walked_on_and_platforms_are_not() -> None:
    rug, platform = ((1, 2), (0, 0.03), (1, 2)), ((2.5, 4), (0, 0.3), (2.5, 4))
    nav = NavigationMap.from_building(room(5, 5, rug, platform))
    np.testing.assert_allclose(nav.height_at([[1.5, 0, 1.5], [0.6, 0, 0.6]]), [0.03, 0.0], atol=1e-6)
    assert nav.is_navigable([[1.5, 0.03, 1.5]])[0]
    assert not nav.is_navigable([[3.2, 0.3, 3.2]])[0]


def test_a_flight_of_low_steps_leads_up() -> None:
    """Eight steps of 0.1 m up to a gallery; steps of 0.2 m lead nowhere."""

    def flight(rise_m: float) -> Building:
        steps = [((3 + 0.3 * i, 3.3 + 0.3 * i), (0, rise_m * (i + 1)), (0.1, 2.9)) for i in range(8)]
        return room(8, 3, *steps, ((5.4, 7.9), (0, rise_m * 8), (0.1, 2.9)))

    nav = NavigationMap.from_building(flight(0.1), height_m=1.0)
    assert nav.height_at([[6.5, 0.8, 1.5]])[0] == pytest.approx(0.8)
    assert joined(nav, [1.0, 0.0, 1.5], [6.5, 0.8, 1.5])
    walk = nav.geodesic_distance([1.0, 0.0, 1.5], [6.5, 0.8, 1.5])[0]
    assert walk == pytest.approx(np.hypot(5.5, 0.8), rel=1e-5)
    assert not joined(NavigationMap.from_building(flight(0.2), height_m=1.0), [1.0, 0.0, 1.5], [6.5, 1.6, 1.5])


def test_a_floor_below_another_floor_without_room_is_not_taken() -> None:
    """A foundation slab 0.3 m under the floor is as large as the floor, and lower."""
    nav = NavigationMap.from_building(boxes(((0, 5), (-0.5, -0.4), (0, 5)), ((0, 5), (-0.1, 0.0), (0, 5))))
    assert nav.height_at([[2.5, 0, 2.5]])[0] == pytest.approx(0.0)
    assert nav.is_navigable([[2.5, 0, 2.5]])[0]


def test_floors_need_not_lie_at_zero() -> None:
    nav = NavigationMap.from_building(boxes(((10, 14), (7.2, 7.3), (-8, -5))))
    points = nav.random_points(50, np.random.default_rng(0))
    np.testing.assert_allclose(points[:, 1], 7.3, atol=1e-6)
    assert (points[:, 0] > 10 + RADIUS_M - CELL_M).all()
    assert (points[:, 2] < -5 - RADIUS_M + CELL_M).all()


def test_islands_are_numbered_by_area() -> None:
    nav = NavigationMap.from_building(two_rooms(0.3))
    assert nav.island([[1.0, 0, 1.5], [5.0, 0, 1.5], [2.95, 0, 1.15], [50.0, 0, 0]]).tolist() == [1, 0, -1, -1]
    assert nav.areas_m2[0] > nav.areas_m2[1]
    labels, count = ndimage.label(nav.free)
    assert count == len(nav.areas_m2)
    assert nav.areas_m2.sum() == pytest.approx(np.count_nonzero(labels) * CELL_M**2)


def test_points_far_above_the_floor_are_not_on_it() -> None:
    nav = NavigationMap.from_building(room(4, 4))
    assert nav.is_navigable([[2, 0.3, 2], [2, 0.8, 2], [2, -0.8, 2]]).tolist() == [True, False, False]


def test_random_points_are_even_over_the_largest_island() -> None:
    nav = NavigationMap.from_building(two_rooms(0.3))
    points = nav.random_points(20000, np.random.default_rng(3))
    assert points.dtype == np.float32
    assert (nav.island(points) == 0).all()
    cells = np.argwhere(nav.free & (np.arange(nav.free.shape[1]) * CELL_M > 3.2))
    plan = nav.to_pixels(points)
    tiles = np.concatenate([cells[:, ::-1] // 4, plan.astype(int) // 4])
    _, tile = np.unique(tiles, axis=0, return_inverse=True)
    area = np.bincount(tile[: len(cells)])
    observed = np.bincount(tile[len(cells) :], minlength=len(area))
    assert stats.chisquare(observed, area * 20000 / area.sum()).pvalue > 1e-3
    assert stats.kstest(plan[:, 0] % 1, "uniform").pvalue > 1e-4


def test_random_points_follow_the_seed() -> None:
    nav = NavigationMap.from_building(room(4, 4))
    first, again, other = (nav.random_points(5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_snapping_finds_the_nearest_navigable_point() -> None:
    nav = NavigationMap.from_building(room(4, 4, *TABLE))
    points = np.random.default_rng(0).uniform([-1, 0, -1], [5, 1, 5], size=(300, 3))
    snapped = nav.snap(points)
    assert nav.is_navigable(snapped).all()
    cells = np.argwhere(nav.free)[:, ::-1]
    plan, moved = nav.to_pixels(points).astype(np.float64), nav.to_pixels(snapped).astype(np.float64)
    away = np.clip(plan[:, None], cells, cells + 1) - plan[:, None]
    nearest = np.linalg.norm(away, axis=2).min(axis=1)
    np.testing.assert_allclose(np.linalg.norm(moved - plan, axis=1), nearest, atol=5e-3)


def test_the_picture_shows_cells_at_any_scale() -> None:
    nav = NavigationMap.from_building(room(4, 3, *TABLE))
    picture = nav.top_down()
    assert picture.shape == (*nav.free.shape, 3)
    assert picture.dtype == np.uint8
    column, row = nav.to_pixels([[0.6, 0, 0.6]])[0].astype(int)
    assert nav.free[row, column]
    colours = {tuple(colour) for colour in picture[nav.free]}
    assert len(colours) == 1
    assert colours.isdisjoint({tuple(colour) for colour in picture[~nav.free]})
    column, row = nav.to_pixels([[0.6, 0, 0.6]], 0.02)[0].astype(int)
    assert tuple(nav.top_down(0.02)[row, column]) in colours


def test_a_building_without_room_says_so() -> None:
    with pytest.raises(SimulatorError, match=r"'boxes' has no navigable area .* radius 0.9 m and height 1.5 m"):
        NavigationMap.from_building(room(1, 1), radius_m=0.9)
    slab = boxes(((0, 5), (-1, 0), (0, 5)))
    flipped = Building(**{**vars(slab), "triangles": slab.triangles[:, ::-1]})
    with pytest.raises(SimulatorError, match=r"check that floors face up"):
        NavigationMap.from_building(flipped)
    with pytest.raises(SimulatorError, match="no navigable area"):
        NavigationMap.from_grid(np.zeros((4, 4), dtype=bool))


def test_bad_input_is_refused_in_one_sentence() -> None:
    nav = NavigationMap.from_grid(np.ones((4, 4), dtype=bool))
    with pytest.raises(SimulatorError, match=r"shape \(2,\)"):
        nav.is_navigable([1.0, 2.0])
    with pytest.raises(SimulatorError, match="point 1 is"):
        nav.island(np.array([[0, 0, 0], [0, np.nan, 0]]))
    with pytest.raises(SimulatorError, match="radius_m is -1"):
        NavigationMap.from_building(room(3, 3), radius_m=-1)
    with pytest.raises(SimulatorError, match=r"use a larger cell_m"):
        NavigationMap.from_building(boxes(((0, 10_000), (-0.1, 0), (0, 10_000))))
    with pytest.raises(SimulatorError, match=r"\[rows, columns\]"):
        NavigationMap.from_grid(np.ones(4, dtype=bool))
    with pytest.raises(SimulatorError, match="metres_per_pixel is 0"):
        nav.top_down(0)
