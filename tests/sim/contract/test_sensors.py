"""Cameras measure alike on every backend."""

from typing import cast

import numpy as np
import pytest

from sim import Action, Cameras, Sensor, Simulator, SimulatorError
from sim.motion import agents_at
from tests.sim.contract.scene import ALL, BEDROOM, EYE_M, KITCHEN, SPEC, depth_m, names


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
