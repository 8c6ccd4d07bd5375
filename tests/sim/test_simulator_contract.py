"""What every backend must do, whatever draws its pictures."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from sim import Action, Agents, AgentSpec, Building, Cameras, Sensor, Simulator, SimulatorError
from sim.glb import read_glb
from sim.habitat.library import INSTALL
from sim.motion import agents_at
from sim.raycast import RaycastSimulator
from tests.sim.hand_made import box_room, two_rooms

ALL = (Sensor.RGB, Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC)
SPEC = AgentSpec(sensors=ALL, height=48, width=64, turn_deg=15.0)
KITCHEN, BEDROOM, CLOSET = (-2.0, 0.0, 0.0), (2.0, 0.0, -1.0), (3.3, 0.0, 1.3)
EYE_M = 1.25

Make = Callable[[AgentSpec], Simulator]


def _raycast(spec: AgentSpec, _: Path) -> Simulator:
    return RaycastSimulator([two_rooms(), box_room()], spec)


def _external_glb(spec: AgentSpec, folder: Path) -> Simulator:
    return RaycastSimulator([_through_trimesh(b, folder) for b in (two_rooms(), box_room())], spec)


def _habitat(spec: AgentSpec, _: Path) -> Simulator:
    from sim.habitat import HabitatSimulator

    return HabitatSimulator([two_rooms(), box_room()], spec)


def _through_trimesh(building: Building, folder: Path) -> Building:
    """The building as another program would have written it."""
    scene = trimesh.Scene()
    for index, instance in enumerate(building.instances[1:], start=1):
        triangles = building.triangles[building.triangle_instance == index]
        mesh = trimesh.Trimesh(building.vertices, triangles, process=False)
        mesh.remove_unreferenced_vertices()
        scene.add_geometry(mesh, node_name=instance.name, geom_name=instance.name)
    path = folder / f"{building.name}.glb"
    path.write_bytes(scene.export(file_type="glb"))
    return read_glb(path)


BACKENDS: dict[str, Callable[[AgentSpec, Path], Simulator]] = {
    "raycast": _raycast,
    "external-glb": _external_glb,
    "habitat": _habitat,
}
NEEDS_HABITAT = pytest.mark.skipif(find_spec("habitat_sim") is None, reason=f"habitat_sim is not installed: {INSTALL}")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=NEEDS_HABITAT if name == "habitat" else ()) for name in BACKENDS],
)
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    made: dict[AgentSpec, Simulator] = {}

    def build(spec: AgentSpec) -> Simulator:
        if spec not in made:
            made[spec] = BACKENDS[request.param](spec, tmp_path_factory.mktemp("buildings"))
        return made[spec]

    yield build
    for simulator in made.values():
        simulator.close()


@pytest.fixture
def simulator(make: Make) -> Simulator:
    return make(SPEC)


def names(simulator: Simulator, building: int, ids: np.ndarray) -> set[str]:
    instances = simulator.buildings[building].instances
    return {instances[i].category for i in np.unique(ids)}


def depth_m(simulator: Simulator, cameras: Cameras, height: int = 48, width: int = 64) -> NDArray[np.float32]:
    depth = simulator.render(cameras, height, width, (Sensor.DEPTH,)).depth
    assert depth is not None
    return np.asarray(depth)


def test_the_buildings_are_those_loaded(simulator: Simulator) -> None:
    assert [building.name for building in simulator.buildings] == ["two_rooms", "box_room"]
    assert simulator.spec == SPEC


def test_placed_agents_are_where_they_were_put(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN, BEDROOM], [0.0, 1.0]))
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN, BEDROOM], atol=1e-6)
    np.testing.assert_allclose(simulator.agents.headings_rad, [0.0, 1.0], atol=1e-6)


def test_the_number_of_agents_may_change(simulator: Simulator) -> None:
    for count in (3, 1, 5):
        simulator.place(agents_at([KITCHEN] * count))
        assert simulator.step([Action.TURN_LEFT] * count).shape == (count,)
        observed = simulator.observe().rgb
        assert observed is not None
        assert len(observed) == count


def test_nobody_sees_nothing_and_may_step(simulator: Simulator) -> None:
    simulator.place(agents_at([]))
    assert simulator.step([]).shape == (0,)
    seen = simulator.observe()
    assert seen.rgb is not None
    assert seen.rgb.shape == (0, 48, 64, 3)


def test_a_simulator_keeps_agents_of_its_own_in_the_types_of_the_contract(simulator: Simulator) -> None:
    given = Agents(np.array([KITCHEN]), np.zeros(1), np.zeros(1, np.int64))  # type: ignore[arg-type]
    simulator.place(given)
    given.positions[:] = 99
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN], atol=1e-6)
    kept = simulator.agents
    assert [str(a.dtype) for a in (kept.positions, kept.headings_rad, kept.buildings)] == [
        "float32",
        "float32",
        "int32",
    ]


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        ((np.full((1, 3), np.nan), np.zeros(1), np.zeros(1, int)), "not finite"),
        ((np.array([KITCHEN]), np.array([np.inf]), np.zeros(1, int)), "not finite"),
        ((np.array([KITCHEN] * 3), np.zeros(2), np.zeros(3, int)), "got 2 and 3 values"),
        ((np.array([KITCHEN]), np.zeros(1), np.array([0.5])), "buildings are float64"),
        ((np.array([KITCHEN]), np.zeros(1), np.array([-1])), "building -1 is not loaded"),
    ],
)
def test_agents_that_make_no_sense_are_refused_and_nobody_moves(
    simulator: Simulator, agents: tuple[np.ndarray, np.ndarray, np.ndarray], message: str
) -> None:
    simulator.place(agents_at([BEDROOM]))
    with pytest.raises(SimulatorError, match=message):
        simulator.place(Agents(*agents))
    np.testing.assert_allclose(simulator.agents.positions, [BEDROOM], atol=1e-6)


@pytest.mark.parametrize("count", [-1, 1.5])
def test_a_number_of_random_points_that_is_none_is_refused(simulator: Simulator, count: int) -> None:
    with pytest.raises(SimulatorError, match=r"points were asked for; 0 or a positive whole number"):
        simulator.random_navigable_points(count, np.random.default_rng(0))


def test_a_start_in_an_obstacle_is_refused_and_nobody_moves(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN]))
    with pytest.raises(SimulatorError, match=r"agent 1 cannot start at \(-3\.00, 0\.00, 1\.00\)"):
        simulator.place(agents_at([BEDROOM, (-3, 0, 1)]))
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN], atol=1e-6)


def test_a_start_in_a_building_that_is_not_loaded_is_refused(simulator: Simulator) -> None:
    with pytest.raises(SimulatorError, match="building 2 is not loaded"):
        simulator.place(agents_at([KITCHEN], 0.0, 2))


@pytest.mark.parametrize("heading_deg", [0, 30, 90, 200])
def test_forward_goes_where_the_agent_faces(simulator: Simulator, heading_deg: float) -> None:
    heading = np.radians(heading_deg)
    simulator.place(agents_at([KITCHEN], heading))
    assert not simulator.step([Action.FORWARD]).any()
    moved = simulator.agents.positions[0] - np.array(KITCHEN)
    np.testing.assert_allclose(moved, [-0.25 * np.sin(heading), 0, -0.25 * np.cos(heading)], atol=2e-3)


def test_left_turns_counter_clockwise_and_right_turns_back(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN, KITCHEN], [0.0, 0.0]))
    simulator.step([Action.TURN_LEFT, Action.TURN_RIGHT])
    np.testing.assert_allclose(np.degrees(simulator.agents.headings_rad), [15, -15], atol=1e-3)
    simulator.step([Action.TURN_RIGHT, Action.TURN_LEFT])
    np.testing.assert_allclose(simulator.agents.headings_rad, 0, atol=1e-5)


def test_a_whole_turn_ends_where_it_began(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN], 0.3))
    for _ in range(24):
        simulator.step([Action.TURN_LEFT])
    np.testing.assert_allclose(simulator.agents.headings_rad, 0.3, atol=1e-4)
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN], atol=1e-6)


def test_stop_does_not_move(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN], 0.7))
    assert not simulator.step([Action.STOP]).any()
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN], atol=1e-6)
    np.testing.assert_allclose(simulator.agents.headings_rad, 0.7, atol=1e-6)


def test_a_wall_stops_the_agent_and_says_so(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN], 0.0))
    met = [bool(simulator.step([Action.FORWARD])[0]) for _ in range(12)]
    assert not any(met[:6])
    assert met[-1]
    assert -2.0 + SPEC.radius_m - 0.11 < simulator.agents.positions[0, 2] < -1.6


def test_sliding_keeps_what_goes_along_the_wall(make: Make) -> None:
    ends = {}
    for sliding in (True, False):
        spec = AgentSpec(sensors=(Sensor.DEPTH,), height=8, width=8, sliding=sliding)
        simulator = make(spec)
        simulator.place(agents_at([(-2.0, 0.0, -1.5)], np.radians(45)))
        for _ in range(6):
            simulator.step([Action.FORWARD])
        ends[sliding] = simulator.agents.positions[0]
    assert ends[True][0] < ends[False][0] - 0.3  # slid on along -x
    assert np.abs(ends[True][2] - ends[False][2]) < 0.3


def test_the_doorway_can_be_walked_through(simulator: Simulator) -> None:
    simulator.place(agents_at([(-1.0, 0.0, 0.0)], -np.pi / 2))
    for _ in range(8):
        assert not simulator.step([Action.FORWARD])[0]
    np.testing.assert_allclose(simulator.agents.positions[0], [1, 0, 0], atol=0.01)


@pytest.mark.parametrize("actions", [[], [1, 1, 1], [[1, 1]]])
def test_as_many_actions_as_agents_are_asked_for(simulator: Simulator, actions: list[int]) -> None:
    simulator.place(agents_at([KITCHEN, BEDROOM]))
    with pytest.raises(SimulatorError, match="2 agents need 2 actions"):
        simulator.step(actions)


def test_an_unknown_action_is_refused_and_nobody_moves(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN, BEDROOM]))
    with pytest.raises(SimulatorError, match="unknown action 7"):
        simulator.step([Action.FORWARD, 7])
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN, BEDROOM], atol=1e-6)


def test_observations_have_the_shapes_and_types_of_the_contract(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN, BEDROOM, BEDROOM]))
    seen = simulator.observe()
    expected = {"rgb": ((3, 48, 64, 3), "uint8"), "depth": ((3, 48, 64), "float32"),
                "normal": ((3, 48, 64, 3), "float32"), "semantic": ((3, 48, 64), "int32")}  # fmt: skip
    found = {name: getattr(seen, name) for name in expected}
    assert {name: (array.shape, str(array.dtype)) for name, array in found.items()} == expected


def test_a_sensor_that_was_not_asked_for_is_absent(simulator: Simulator) -> None:
    seen = simulator.render(Cameras.looking([KITCHEN], 0.0), 8, 8, (Sensor.DEPTH,))
    assert seen.rgb is None
    assert seen.normal is None
    assert seen.semantic is None


def test_the_agent_sees_from_its_eye(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN], 0.4))
    eye = np.add(KITCHEN, [0, EYE_M, 0])
    free = simulator.render(Cameras.looking([eye], 0.4, 0.0, SPEC.hfov_deg), 48, 64, (Sensor.DEPTH,))
    seen = simulator.observe()
    assert seen.depth is not None
    assert free.depth is not None
    np.testing.assert_allclose(seen.depth, free.depth, atol=1e-5)


def test_depth_is_the_distance_to_the_camera_plane(simulator: Simulator) -> None:
    """A wall straight ahead has the same depth in every pixel that shows it."""
    depth = depth_m(simulator, Cameras.looking([(-2.0, 1.25, 0.0)], 0.0, 0.0, 60.0))
    np.testing.assert_allclose(depth[0, 10:38, 4:60], 2.0, atol=1e-3)


def test_depth_follows_the_floor(simulator: Simulator) -> None:
    depth = depth_m(simulator, Cameras.looking([(-2.0, 1.25, 1.8)], 0.0, 0.0, 90.0))
    focal_px = 64 / 2
    rows = np.arange(40, 48)
    np.testing.assert_allclose(depth[0, rows, 32], 1.25 * focal_px / (rows + 0.5 - 24), rtol=2e-3)


def test_normals_face_the_camera_in_its_own_frame(simulator: Simulator) -> None:
    normal = simulator.render(Cameras.looking([(-2.0, 1.25, 0.0)], 0.0, 0.0, 90.0), 48, 64, (Sensor.NORMAL,)).normal
    assert normal is not None
    np.testing.assert_allclose(normal[0, 24, 32], [0, 0, 1], atol=5e-3)
    np.testing.assert_allclose(normal[0, 46, 32], [0, 1, 0], atol=5e-3)
    beside = simulator.render(Cameras.looking([(-3.5, 1.25, 0.0)], 0.0, 0.0, 90.0), 48, 64, (Sensor.NORMAL,)).normal
    assert beside is not None
    np.testing.assert_allclose(beside[0, 24, 1], [1, 0, 0], atol=5e-3)
    np.testing.assert_allclose(np.linalg.norm(normal, axis=-1), 1, atol=5e-3)


def test_semantic_ids_name_what_is_hit(simulator: Simulator) -> None:
    cameras = Cameras.looking_at([(-2.0, 1.25, 0.0)] * 3, [(-3.0, 0.6, 1.0), (-2.0, 0.0, -0.01), (-2.0, 2.5, -0.01)])
    ids = simulator.render(cameras, 9, 9, (Sensor.SEMANTIC,)).semantic
    assert ids is not None
    instances = simulator.buildings[0].instances
    assert [instances[i].category for i in ids[:, 4, 4]] == ["table", "floor", "ceiling"]


def test_what_stands_left_is_seen_left(simulator: Simulator) -> None:
    """Facing +Z, the table at x = -3 lies to the right of x = -2; positive yaw turns left."""
    cameras = Cameras.looking([(-2.0, 1.25, -1.5)] * 2, [np.pi, np.pi + 0.9], -0.2, 70.0)
    ids = simulator.render(cameras, 64, 64, (Sensor.SEMANTIC,)).semantic
    assert ids is not None
    table = next(i for i, x in enumerate(simulator.buildings[0].instances) if x.category == "table")
    columns = np.nonzero(ids[0] == table)[1]
    assert columns.size
    assert columns.mean() > 32
    assert not (ids[1] == table).any()


def test_positive_pitch_looks_up(simulator: Simulator) -> None:
    ids = simulator.render(
        Cameras.looking([(-2.0, 1.25, 0.0)] * 2, 0.0, [1.2, -1.2]), 8, 8, (Sensor.SEMANTIC,)
    ).semantic
    assert ids is not None
    assert names(simulator, 0, ids[0]) == {"ceiling"}
    assert names(simulator, 0, ids[1]) == {"floor"}


def test_every_camera_has_its_own_field_of_view(simulator: Simulator) -> None:
    """The far edges of the jambs, 2.1 m ahead and 0.5 m aside, appear where the focal length puts them."""
    hfov = np.array([40.0, 80.0], np.float32)
    ids = simulator.render(
        Cameras.looking([(-2.05, 1.25, 0.0)] * 2, -np.pi / 2, 0.0, hfov), 65, 129, (Sensor.DEPTH,)
    ).depth
    assert ids is not None
    for depth, angle in zip(ids, hfov, strict=True):
        focal_px = 129 / 2 / np.tan(np.radians(angle) / 2)
        through_door = np.flatnonzero(depth[32] > 2.5)
        width_px = 2 * 0.5 * focal_px / 2.1
        assert abs(len(through_door) - width_px) <= 1.5


def test_the_camera_that_was_asked_for_is_used_for_each_building(simulator: Simulator) -> None:
    cameras = Cameras.looking([(-2.0, 1.25, 0.0), (0.0, 1.25, 0.0), (-2.0, 1.25, 0.0)], 0.0, 0.0, 60.0, [0, 1, 0])
    depth = depth_m(simulator, cameras)
    np.testing.assert_allclose(depth[:, 24, 32], 2.0, atol=1e-3)
    np.testing.assert_array_equal(depth[0], depth[2])
    ids = simulator.render(cameras, 8, 8, (Sensor.SEMANTIC,)).semantic
    assert ids is not None
    assert ids[1].max() < len(simulator.buildings[1].instances)


def test_agents_in_two_buildings_see_their_own(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN, (0.0, 0.0, 0.0)], 0.0, [0, 1]))
    simulator.step([Action.FORWARD, Action.FORWARD])
    seen = simulator.observe()
    assert seen.depth is not None
    np.testing.assert_allclose(seen.depth[:, 24, 32], 1.75, atol=5e-3)


def test_a_batch_sees_what_each_camera_sees_alone(simulator: Simulator) -> None:
    rng = np.random.default_rng(0)
    cameras = Cameras.looking(
        rng.uniform((-3.5, 1, -1.5), (-1, 2, 0), (5, 3)), rng.uniform(-3, 3, 5), rng.uniform(-0.3, 0.3, 5), 75.0
    )
    together = simulator.render(cameras, 32, 40, ALL)
    for index in range(5):
        alone = simulator.render(cameras[index : index + 1], 32, 40, ALL)
        for sensor in ALL:
            np.testing.assert_array_equal(getattr(together, sensor)[index], getattr(alone, sensor)[0])


def test_the_same_pose_gives_the_same_picture(simulator: Simulator) -> None:
    cameras = Cameras.looking([(-2.0, 1.25, 0.0)], 0.3)
    first, second = (simulator.render(cameras, 32, 32, ALL) for _ in range(2))
    for sensor in ALL:
        np.testing.assert_array_equal(getattr(first, sensor), getattr(second, sensor))


def test_pictures_show_something(simulator: Simulator) -> None:
    rgb = simulator.render(Cameras.looking([(-2.0, 1.25, 0.0)], 2.0, -0.4), 64, 64, (Sensor.RGB,)).rgb
    assert rgb is not None
    assert rgb.std() > 3
    assert rgb.mean() > 20


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (33, 8)])
def test_odd_sizes_are_rendered(simulator: Simulator, height: int, width: int) -> None:
    seen = simulator.render(Cameras.looking([(-2.0, 1.25, 0.0)], 0.0, 0.0, 30.0), height, width, ALL)
    assert seen.rgb is not None
    assert seen.rgb.shape == (1, height, width, 3)
    assert seen.depth is not None
    np.testing.assert_allclose(seen.depth[0, height // 2, width // 2], 2.0, atol=2e-3)


@pytest.mark.parametrize(("height", "width"), [(0, 8), (8, 0), (-1, 8), (8, 10_000), (8, 7.5)])
def test_impossible_sizes_are_refused(simulator: Simulator, height: int, width: float) -> None:
    with pytest.raises(SimulatorError, match=r"image (height|width) is -?[\d.]+ pixels; expected 1 to 4096"):
        simulator.render(Cameras.looking([KITCHEN], 0.0), height, cast("int", width), (Sensor.DEPTH,))


def test_an_unknown_sensor_is_refused_with_the_nearest_one(simulator: Simulator) -> None:
    with pytest.raises(SimulatorError, match=r"unknown sensor 'depht'; did you mean 'depth'\?"):
        simulator.render(Cameras.looking([KITCHEN], 0.0), 8, 8, cast("tuple[Sensor, ...]", ("depht",)))


def test_a_camera_in_a_building_that_is_not_loaded_is_refused(simulator: Simulator) -> None:
    with pytest.raises(SimulatorError, match="building"):
        simulator.render(Cameras.looking([KITCHEN], 0.0, buildings=5), 8, 8, (Sensor.DEPTH,))


def test_no_camera_sees_nothing(simulator: Simulator) -> None:
    cameras = Cameras.looking([KITCHEN], 0.0)[:0]
    seen = simulator.render(cameras, 8, 9, ALL)
    assert seen.rgb is not None
    assert seen.rgb.shape == (0, 8, 9, 3)


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
