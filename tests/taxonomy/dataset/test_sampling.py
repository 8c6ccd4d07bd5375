"""Cameras: upright, level on average, in free places, and looking at points that they truly see."""

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import UserError
from perception.labels import visible
from sim import Cameras, Sensor
from taxonomy.dataset.labelling import views_of
from taxonomy.dataset.pairing import APART_M, group_views
from taxonomy.dataset.sampling import HFOV_LIMITS_DEG, sample_views
from taxonomy.dataset.stations import NEAREST_M, find_stations, truncated_normal
from taxonomy.dataset.views import GroupTable, ViewTable
from tests.taxonomy.dataset.box_world import BoxRenderer, BoxWorld

Drawn = tuple[ViewTable, GroupTable]


def draw(seed: int, count: int) -> Drawn:
    world = BoxWorld()
    building = world.building(seed)
    renderer = world.renderer(building)
    rng = np.random.default_rng(seed)
    views = sample_views(building, renderer, rng, count)
    return views, group_views(views, renderer, rng)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(3, 60)


def first_hit(seed: int, origin: NDArray[np.floating], target: NDArray[np.floating]) -> float:
    """Distance to the first surface along one ray, by marching through it in small steps."""
    lower, upper, _ = BoxWorld().boxes(seed)
    direction = (target - origin) / np.linalg.norm(target - origin)
    reach = np.arange(0, 12, 0.002)
    points = origin + reach[:, None] * direction
    outside = ~((points > lower[0]) & (points < upper[0])).all(1)
    for low, high in zip(lower[1:], upper[1:], strict=True):
        outside |= ((points > low) & (points < high)).all(1)
    return float(reach[outside.argmax()])


def test_there_are_as_many_views_as_asked_for(drawn: Drawn) -> None:
    assert len(drawn[0]) == 60
    for count in (1, 2, 7):
        assert len(draw(8, count)[0]) == count


def test_every_camera_truly_sees_the_point_that_it_fixates(drawn: Drawn) -> None:
    views, _ = drawn
    for position, target in zip(views.position, views.target, strict=True):
        assert first_hit(3, position, target) == pytest.approx(np.linalg.norm(target - position), abs=0.02)


def test_optical_axes_go_through_the_point_that_is_fixated(drawn: Drawn) -> None:
    views, _ = drawn
    local = np.einsum("nc,nck->nk", (views.target - views.position).astype(np.float64), views.rotation)
    assert np.abs(local[:, :2] / local[:, 2:]).max() < 1e-5
    assert (local[:, 2] < 0).all()


def test_cameras_do_not_roll_and_are_level_on_average(drawn: Drawn) -> None:
    views, _ = drawn
    assert np.abs(views.rotation[:, 1, 0]).max() < 1e-7
    pitch = np.degrees(np.arcsin(-views.rotation[:, 1, 2]))
    assert abs(pitch.mean()) < 6
    assert np.abs(pitch).max() < 31


def test_eyes_are_at_a_standing_height_and_not_in_furniture(drawn: Drawn) -> None:
    views, _ = drawn
    assert ((views.position[:, 1] > 0.9) & (views.position[:, 1] < 1.7)).all()
    lower, upper, _ = BoxWorld().boxes(3)
    for low, high in zip(lower[1:], upper[1:], strict=True):
        over = ((views.position > low) & (views.position < high))[:, [0, 2]].all(1)
        assert not over.any()
    assert (np.minimum(views.position - lower[0], upper[0] - views.position)[:, [0, 2]] > NEAREST_M * 0.7).all()


def test_fields_of_view_are_spread_about_61_degrees() -> None:
    drawn = truncated_normal(np.random.default_rng(0), 61.0, 8.0, HFOV_LIMITS_DEG, 20_000)
    assert drawn.mean() == pytest.approx(61, abs=0.2)
    assert HFOV_LIMITS_DEG[0] <= drawn.min() < drawn.max() <= HFOV_LIMITS_DEG[1]


def test_points_have_two_to_five_cameras_each_from_its_own_place(drawn: Drawn) -> None:
    views, _ = drawn
    _, counts = np.unique(views.point, return_counts=True)
    assert counts.min() >= 2
    assert counts.max() <= 5
    for point in np.unique(views.point):
        places = views.position[views.point == point]
        assert len(np.unique(places, axis=0)) == len(places)
        assert (views.target[views.point == point] == views.target[views.point == point][0]).all()


def test_fixated_pairs_and_triplets_are_all_that_share_a_point(drawn: Drawn) -> None:
    views, groups = drawn
    point = views.point
    pairs = {(i, j) for i in range(60) for j in range(i + 1, 60) if point[i] == point[j]}
    assert {tuple(pair) for pair in groups.fixated_pairs.tolist()} == pairs
    triplets = {(i, j, k) for i, j in pairs for k in range(j + 1, 60) if point[k] == point[i]}
    assert {tuple(triplet) for triplet in groups.fixated_triplets.tolist()} == triplets


def test_nonfixated_pairs_share_a_point_that_the_second_view_shows_off_its_centre(drawn: Drawn) -> None:
    views, groups = drawn
    world = BoxWorld()
    building = world.building(3)
    cameras = Cameras(views.position, views.rotation, views.hfov_deg, np.zeros(60, np.int32))
    seen = views_of(building, views, world.renderer(building).render(cameras, 96, 96, tuple(Sensor)))
    assert len(groups.nonfixated_pairs) > 20
    for first, second in groups.nonfixated_pairs.tolist():
        assert views.point[first] != views.point[second]
        assert first_hit(3, views.position[second], views.target[first]) == pytest.approx(
            np.linalg.norm(views.target[first] - views.position[second]), abs=0.03
        )
    agreed = [bool(visible(views.target[a], seen[b], 0.05)) for a, b in groups.nonfixated_pairs.tolist()]
    assert np.mean(agreed) > 0.9  # the depth map is coarse where a point lies at an edge


def test_half_of_the_matching_pairs_show_different_points(drawn: Drawn) -> None:
    views, groups = drawn
    first, second = groups.matching_pairs.T
    gap = np.linalg.norm(views.target[first] - views.target[second], axis=1)
    assert ((gap == 0) == (groups.matching == 1)).all()
    assert gap[groups.matching == 0].min() > APART_M
    assert groups.matching.mean() == pytest.approx(0.5, abs=0.02)
    assert len(np.unique(groups.matching_pairs, axis=0)) == len(groups.matching_pairs)


def test_the_same_seed_draws_the_same_views() -> None:
    once, again, other = draw(4, 12)[0], draw(4, 12)[0], draw(5, 12)[0]
    assert (once.position == again.position).all()
    assert (once.hfov_deg == again.hfov_deg).all()
    assert not (once.position == other.position).all()


def test_stations_see_points_on_surfaces() -> None:
    world = BoxWorld()
    building = world.building(2)
    stations = find_stations(building, world.renderer(building), np.random.default_rng(0), 60)
    assert len(stations) > 10
    for index in range(0, len(stations.seen), 997):
        origin = stations.position[stations.seen_from[index]]
        reach = np.linalg.norm(stations.seen[index] - origin)
        assert first_hit(2, origin, stations.seen[index]) == pytest.approx(reach, abs=0.02)


def test_a_building_without_room_to_stand_is_refused() -> None:
    building = BoxWorld().building(1)
    full = BoxRenderer(np.array([[0, 0, 0], [0.1, 0, 0.1]]), np.array([[9, 3.5, 9], [8.9, 2.0, 8.9]]))
    with pytest.raises(UserError, match="0 of 4 views"):
        sample_views(building, full, np.random.default_rng(0), 4)
