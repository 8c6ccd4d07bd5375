import numpy as np
import pytest
from numpy.typing import NDArray

from perception import UserError
from rl.environments.floor_plan import FloorPlan, floor_plan
from rl.environments.painter import Painter
from rl.environments.pictures import Walk, side_by_side, top_down_frame, view_from
from rl.episodes.episode import Episode
from rl.tasks.explore import Explore
from rl.tasks.point_goal import PointGoal
from sim import Agents, AgentSpec, Simulator
from sim.raycast import RaycastSimulator
from tests.sim.navigation_cases import room

HEADINGS_RAD = (0.0, np.pi / 2, np.pi, -np.pi / 2, 0.7)


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    """A room of 6 m (x) by 4 m (z) with a block of 1 m in its middle."""
    block = ((2.5, 3.5), (0.0, 1.0), (1.5, 2.5))
    return RaycastSimulator([room(6, 4, block)], AgentSpec(height=32, width=32))


@pytest.fixture(scope="module", params=[(300, 200), (200, 300)], ids=["upright", "turned"])
def plan(simulator: Simulator, request: pytest.FixtureRequest) -> FloorPlan:
    return floor_plan(simulator, 0, 0.0, request.param)


def stand(simulator: Simulator, x: float, z: float, heading_rad: float = 0.0) -> None:
    simulator.place(
        Agents(np.array([[x, 0, z]], np.float32), np.array([heading_rad], np.float32), np.zeros(1, np.int32))
    )


def walk(*points: tuple[float, float], heading_rad: float = 0.0) -> Walk:
    return Walk(np.array([(x, 0, z) for x, z in points], np.float32), heading_rad)


def colour_at(plan: FloorPlan, picture: NDArray[np.uint8], x: float, z: float) -> NDArray[np.int64]:
    column, row = plan.pixels(np.array([[x, 0, z]], np.float32))[0] * len(picture) / len(plan.picture)
    return np.asarray(picture[int(row), int(column)], np.int64)


def test_a_plan_is_pale_where_agents_can_stand(simulator: Simulator, plan: FloorPlan) -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform((0, 0, 0), (6, 0, 4), (400, 3)).astype(np.float32)
    column, row = plan.pixels(points).astype(int).T
    is_pale = plan.picture[row, column].sum(axis=1) == 242 + 246 + 250
    assert (is_pale == simulator.is_navigable(points)).mean() > 0.98  # cells' edges


def test_a_plan_fills_the_picture_with_the_building_in_its_middle(plan: FloorPlan) -> None:
    height, width = plan.picture.shape[:2]
    assert {height, width} == {400, 600}  # twice the size asked for
    middle = plan.pixels(np.array([[3, 0, 2]], np.float32))[0]
    assert middle == pytest.approx((width / 2, height / 2), abs=0.05 * plan.px_per_m)
    corners = np.sort(plan.pixels(np.array([[0.1, 0, 0.1], [5.9, 0, 3.9]], np.float32)), axis=0)
    assert (corners > 0).all()
    assert (corners < (width, height)).all()
    assert ((corners[1] - corners[0]) / (width, height)).min() > 0.8


def test_the_longer_side_of_a_building_lies_along_that_of_the_picture(simulator: Simulator) -> None:
    assert not floor_plan(simulator, 0, 0.0, (300, 200)).is_turned
    turned = floor_plan(simulator, 0, 0.0, (200, 300))
    assert turned.is_turned
    start, right, up = turned.pixels(np.array([[1, 0, 1], [1, 0, 2], [2, 0, 1]], np.float32))
    assert (right - start) / turned.px_per_m == pytest.approx((1, 0))
    assert (up - start) / turned.px_per_m == pytest.approx((0, -1))


@pytest.mark.parametrize("heading_rad", HEADINGS_RAD)
def test_the_arrow_points_where_the_agent_looks(simulator: Simulator, plan: FloorPlan, heading_rad: float) -> None:
    x, z = 1.2, 2.0
    picture = top_down_frame(plan, walk((x, z), heading_rad=heading_rad))
    is_agent = (np.abs(picture.astype(int) - (214, 40, 40)) < 30).all(axis=2)
    rows, columns = np.nonzero(is_agent)
    tip = np.argmax(np.hypot(columns - columns.mean(), rows - rows.mean()))  # the arrow is longest ahead
    drawn = np.array([columns[tip] - columns.mean(), rows[tip] - rows.mean()])
    stand(simulator, x, z, heading_rad)
    simulator.step([1])  # goes ahead by itself
    moved = np.diff(plan.pixels(np.array([(x, 0, z), simulator.agents.positions[0]], np.float32)), axis=0)[0]
    assert drawn @ moved / np.linalg.norm(drawn) / np.linalg.norm(moved) > 0.95


def test_what_is_in_view_is_tinted_and_what_is_behind_is_not(plan: FloorPlan) -> None:
    picture = top_down_frame(plan, walk((1.2, 2.0), heading_rad=-np.pi / 2))  # looks along +X
    assert colour_at(plan, picture, 2.0, 2.0)[1] < 225
    assert colour_at(plan, picture, 0.6, 2.0).tolist() == [242, 246, 250]


def test_a_path_fades_towards_its_start(plan: FloorPlan) -> None:
    points = [(x, 0.8) for x in np.linspace(0.6, 5.2, 40)]
    picture = top_down_frame(plan, walk(*points, heading_rad=-np.pi / 2))
    early, late = (colour_at(plan, picture, x, 0.8) for x in (1.2, 4.4))
    assert early.sum() > late.sum() + 100
    assert late[2] > late[0] + 80  # blue


def test_goals_targets_and_seen_cells_are_drawn_where_they_are(simulator: Simulator, plan: FloorPlan) -> None:
    seen = Painter(simulator, Explore())
    stand(simulator, 1.2, 3.0, -np.pi / 2)
    seen.begin(Episode("0", "boxes", (1.2, 0.0, 3.0), -np.pi / 2))
    shown = seen._walk(Episode("0", "boxes", (1.2, 0.0, 3.0), -np.pi / 2))
    path = np.array([[1.2, 0, 3.0]], np.float32)
    box = np.array([[[4.6, 0, 0.4], [5.4, 1, 0.9]]], np.float32)
    picture = top_down_frame(plan, Walk(path, 2.0, goal=(5.0, 0.0, 3.0), targets=box, seen=shown.seen, grid=shown.grid))
    goal, target = colour_at(plan, picture, 5.0, 3.0), colour_at(plan, picture, 5.0, 0.65)
    assert goal[1] > goal[0] + 50
    assert target[1] > target[0] + 30
    ahead, behind = colour_at(plan, picture, 2.3, 3.0), colour_at(plan, picture, 0.5, 2.0)
    assert ahead[2] < 200 < behind[2]  # yellow, and the plain floor


def test_a_larger_view_shows_what_the_agents_camera_sees(simulator: Simulator) -> None:
    stand(simulator, 1.0, 2.0, -np.pi / 2)
    seen = simulator.observe().rgb
    assert seen is not None
    large = view_from(simulator, 0, (128, 128))
    shrunk = large.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - seen[0]).mean() < 6


@pytest.mark.parametrize(("size", "tiles"), [((64, 64), 0), ((33, 47), 0), ((64, 64), 4)])
def test_frames_have_the_view_on_the_left_the_map_on_the_right_and_even_sides(
    size: tuple[int, int], tiles: int
) -> None:
    view = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    above = np.full((192, 255, 3), 17, np.uint8)
    small = [(np.full((16, 16, 3), 200, np.uint8), f"feature {index}") for index in range(tiles)]
    frame = side_by_side(view, above, "step 3", small)
    assert frame.dtype == np.uint8
    assert frame.shape[0] % 2 == frame.shape[1] % 2 == 0
    left = round(size[1] * 192 / size[0])
    assert (frame[:192, left : left + 255] == 17).all()
    if size == (64, 64):
        assert (frame[:192:3, :192:3] == view).all()  # pixels stay squares
    assert (frame[-28:] > 150).any()  # the caption
    assert (frame[192:288, : tiles * 96] == 200).all()


def test_what_is_no_picture_is_refused() -> None:
    fine = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(UserError, match=r"a picture is float64 \[8, 8, 3\]; expected uint8"):
        side_by_side(fine.astype(float), fine)
    with pytest.raises(UserError, match="expected a positive width"):
        floor_plan(RaycastSimulator([room(3, 3)]), 0, 0.0, (0, 5))


def test_a_path_without_a_point_is_refused(plan: FloorPlan) -> None:
    with pytest.raises(UserError, match="path without a point"):
        top_down_frame(plan, Walk(np.zeros((0, 3), np.float32), 0.0))


def test_a_painter_follows_its_agent_and_begins_anew(simulator: Simulator) -> None:
    painter = Painter(simulator, PointGoal())
    with pytest.raises(UserError, match="before an episode has begun"):
        painter.frame()
    episode = Episode("7", "boxes", (1.0, 0.0, 2.0), 0.0, goal=(5.0, 0.0, 2.0))
    stand(simulator, 1.0, 2.0)
    painter.begin(episode)
    first = painter.frame("reward 0.00")
    simulator.step([1])
    painter.follow()
    moved = painter.frame("reward 0.00")
    stand(simulator, 1.0, 2.0)
    painter.begin(episode)
    again = painter.frame("reward 0.00")
    assert first.shape == moved.shape == (412, 896, 3)
    assert not np.array_equal(first, moved)
    np.testing.assert_array_equal(first, again)
