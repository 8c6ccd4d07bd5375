"""What the habitat backend does beyond the contract, on machines that have habitat-sim."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from sim import AgentSpec, Building, Cameras, Observations, Sensor, SimulatorError
from sim.episodes import PointNavEpisode, read_episodes, write_episodes
from sim.habitat import HabitatSimulator
from sim.habitat.library import INSTALL
from sim.motion import agents_at
from sim.raycast import RaycastRenderer
from sim.scene_dataset import export_habitat
from sim.scene_files import find_scene
from tests.sim.hand_made import box_room, two_rooms

pytestmark = pytest.mark.skipif(find_spec("habitat_sim") is None, reason=f"habitat_sim is not installed: {INSTALL}")

ALL = (Sensor.RGB, Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC)
SPEC = AgentSpec(height=48, width=64, sensors=ALL)
CAMERAS = Cameras.looking(
    [(-2, 1.25, 0), (2, 1.0, -1), (-0.5, 1.5, 0.3), (3.3, 1.2, 1.2)], [0.3, 2.0, -1.5, 0.8], [0, -0.4, 0.2, -0.7], 75.0
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[HabitatSimulator]:
    with HabitatSimulator([replace(two_rooms(), lights=(), ambient=(1.0, 1.0, 1.0))], SPEC) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def both(simulator: HabitatSimulator) -> tuple[Observations, Observations]:
    raycast = RaycastRenderer(simulator.buildings)
    return simulator.render(CAMERAS, 96, 128, ALL), raycast.render(CAMERAS, 96, 128, ALL)


def test_depth_agrees_with_the_ray_caster(both: tuple[Observations, Observations]) -> None:
    assert both[0].depth is not None
    assert both[1].depth is not None
    difference = np.abs(both[0].depth - both[1].depth)
    assert np.median(difference) < 1e-4
    assert (difference > 1e-3).mean() < 2e-3


def test_instances_agree_with_the_ray_caster(both: tuple[Observations, Observations]) -> None:
    assert both[0].semantic is not None
    assert len(np.unique(both[0].semantic)) > 4
    assert (both[0].semantic != both[1].semantic).mean() < 2e-3


def test_normals_agree_with_the_ray_caster(both: tuple[Observations, Observations]) -> None:
    assert both[0].normal is not None
    assert both[1].normal is not None
    cosine = (both[0].normal * both[1].normal).sum(axis=-1)
    assert (cosine < 1 - 1e-4).mean() < 2e-3


def test_colours_of_an_unlit_building_agree_with_the_ray_caster(both: tuple[Observations, Observations]) -> None:
    assert both[0].rgb is not None
    assert both[1].rgb is not None
    difference = np.abs(both[0].rgb.astype(int) - both[1].rgb)
    assert np.median(difference) <= 2
    assert difference.mean() < 4


def test_smooth_normals_agree_on_a_sphere() -> None:
    ball = sphere_in_a_room()
    cameras = Cameras.looking_at([(0, 1.2, 1.5), (1.2, 2.0, 0.9)], [(0, 1, 0)] * 2, 60.0)
    with HabitatSimulator([ball], SPEC) as simulator:
        ours = simulator.render(cameras, 96, 96, (Sensor.NORMAL, Sensor.SEMANTIC))
    theirs = RaycastRenderer([ball]).render(cameras, 96, 96, (Sensor.NORMAL,))
    assert ours.normal is not None
    assert theirs.normal is not None
    assert ours.semantic is not None
    on_ball = ours.semantic == len(ball.instances) - 1
    assert on_ball.mean() > 0.1
    cosine = (ours.normal * theirs.normal).sum(axis=-1)[on_ball]
    assert np.quantile(cosine, 0.02) > 1 - 1e-4


def sphere_in_a_room() -> Building:
    from sim import BuildingBuilder, Material, Mesh, Part

    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    normals = np.asarray(ball.vertices, np.float32) / 0.5
    mesh = Mesh(
        np.asarray(ball.vertices, np.float32),
        normals,
        np.zeros((len(normals), 2), np.float32),
        ball.faces.astype(np.int32),
    )
    builder, room, white = BuildingBuilder("ball"), box_room(), Material("white")
    shell = Mesh(room.vertices, room.normals, room.uvs, room.triangles)
    builder.add([Part(shell, white)], category="room")
    builder.add([Part(mesh, white)], category="ball", position=(0, 1, 0))
    return builder.build()


def test_an_exported_scene_is_the_building(tmp_path: Path, simulator: HabitatSimulator) -> None:
    export_habitat(simulator.buildings[0], tmp_path / "out")
    cameras = CAMERAS
    with HabitatSimulator([find_scene(tmp_path / "out")], SPEC) as opened:
        again, before = opened.render(cameras, 48, 64, ALL), simulator.render(cameras, 48, 64, ALL)
        np.testing.assert_allclose(depth_of(opened, 48, 64), depth_of(simulator, 48, 64), atol=1e-5)
        assert again.rgb is not None
        assert before.rgb is not None
        np.testing.assert_array_equal(again.rgb, before.rgb)
        assert again.normal is not None
        assert before.normal is not None
        np.testing.assert_allclose((again.normal * before.normal).sum(axis=-1), 1, atol=1e-4)
        assert again.semantic is not None
        assert before.semantic is not None
        names = np.array([instance.category for instance in opened.buildings[0].instances])
        expected = np.array([instance.category for instance in simulator.buildings[0].instances])
        np.testing.assert_array_equal(names[again.semantic], expected[before.semantic])
        np.testing.assert_allclose(opened.buildings[0].bounds, simulator.buildings[0].bounds, atol=1e-5)


def test_a_scan_that_is_z_up_stands_upright(tmp_path: Path, simulator: HabitatSimulator) -> None:
    """HM3D's and Gibson's files have neither a config nor Y up."""
    building = simulator.buildings[0]
    turn = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    mesh = trimesh.Trimesh(building.vertices @ turn.T, building.triangles, process=False)
    (tmp_path / "Cantwell.glb").write_bytes(mesh.export(file_type="glb"))
    with HabitatSimulator([find_scene(tmp_path / "Cantwell.glb")], SPEC) as scan:
        assert scan.buildings[0].name == "Cantwell"
        np.testing.assert_allclose(scan.buildings[0].bounds, building.bounds, atol=1e-5)
        np.testing.assert_allclose(depth_of(scan, 48, 64), depth_of(simulator, 48, 64), atol=1e-3)
        with pytest.raises(SimulatorError, match="scene 'Cantwell' has no semantics"):
            scan.render(CAMERAS, 48, 64, (Sensor.SEMANTIC,))
        assert scan.is_navigable([(-2, 0, 0), (-3, 0, 1), (-2, 2.7, 0)]).tolist() == [True, False, False]


def test_an_episode_is_walked_as_far_as_it_says(tmp_path: Path, simulator: HabitatSimulator) -> None:
    start, goal = (-1.0, 0.0, -1.6), (1.0, 0.0, -1.6)
    length = float(simulator.geodesic_distance([start], [goal])[0])
    write_episodes(tmp_path / "val.json.gz", [PointNavEpisode("0", "two_rooms", start, 0.4, goal, 0.2, length)])
    (episode,) = read_episodes(tmp_path / "val.json.gz")
    simulator.place(agents_at(episode.start_position, episode.start_heading_rad))
    walked = simulator.geodesic_distance(simulator.agents.positions, [episode.goal_position])
    assert episode.geodesic_distance_m == pytest.approx(walked[0])


def test_simulators_may_be_closed_in_any_order() -> None:
    first, second = HabitatSimulator([two_rooms()], SPEC), HabitatSimulator([box_room()], SPEC)
    before = depth_of_wall(second)
    first.close()
    assert depth_of_wall(second) == before == pytest.approx(2.0, abs=1e-3)
    second.close()
    second.close()


def depth_of_wall(simulator: HabitatSimulator) -> float:
    depth = simulator.render(Cameras.looking([(0, 1, 0)], 0.0), 9, 9, (Sensor.DEPTH,)).depth
    assert depth is not None
    return float(depth[0, 4, 4])


def test_many_sizes_of_image_are_rendered_in_turn(simulator: HabitatSimulator) -> None:
    first, *_, last = (depth_of(simulator, 48, width) for width in (8, *range(9, 24), 64, 8))
    np.testing.assert_array_equal(first, last)


def depth_of(simulator: HabitatSimulator, height: int, width: int) -> NDArray[np.float32]:
    depth = simulator.render(CAMERAS, height, width, (Sensor.DEPTH,)).depth
    assert depth is not None
    assert depth.shape == (len(CAMERAS), height, width)
    assert 0.1 < depth.min() < depth.max() < 9
    return depth


@pytest.mark.parametrize("content", [b"", b"glTF", b"not a mesh" * 20])
def test_a_broken_scene_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.glb").write_bytes(content)
    with pytest.raises(SimulatorError, match=r"broken\.glb"):
        HabitatSimulator([find_scene(tmp_path / "broken.glb")], SPEC)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("buildings.scene_dataset_config.json", "{"),
        ("scenes/two_rooms.scene_instance.json", "{"),
        ("scenes/two_rooms.scene_instance.json", "{}"),
        ("scenes/two_rooms.scene_instance.json", '{"stage_instance": {"template_name": "two_roms"}}'),
        ("stages/two_rooms.stage_config.json", "{"),
        ("stages/two_rooms.stage_config.json", '{"render_asset": "absent.glb"}'),
        ("stages/two_rooms.glb", "glTF"),
        ("stages/two_rooms.semantic.glb", "glTF"),
    ],
)
def test_a_broken_dataset_is_refused_where_habitat_sim_would_crash(tmp_path: Path, name: str, text: str) -> None:
    export_habitat(two_rooms(), tmp_path / "out")
    (tmp_path / "out" / name).write_text(text)
    with pytest.raises(SimulatorError, match="two_rooms"):
        HabitatSimulator([find_scene(tmp_path / "out" / "scenes" / "two_rooms.scene_instance.json")], SPEC)


def test_a_device_that_is_missing_is_refused() -> None:
    with pytest.raises(SimulatorError, match="EGL knows no CUDA device 63"):
        HabitatSimulator([box_room()], SPEC, cuda_device=63)


def test_a_building_may_have_any_name() -> None:
    with HabitatSimulator([box_room(name="../my flat (1st floor)")], SPEC) as simulator:
        assert simulator.buildings[0].name == "../my flat (1st floor)"
        assert depth_of_wall(simulator) == pytest.approx(2.0, abs=1e-3)


def test_no_building_is_refused() -> None:
    with pytest.raises(SimulatorError, match="at least one building"):
        HabitatSimulator([], SPEC)


def test_a_building_without_room_to_stand_says_so_when_asked() -> None:
    with HabitatSimulator([box_room((6.0, 0.4, 4.0), "crawlspace")], SPEC) as simulator:
        assert not simulator.is_navigable([(0, 0, 0)]).any()
        with pytest.raises(SimulatorError, match="'crawlspace' has no navigable area"):
            simulator.random_navigable_points(1, np.random.default_rng(0))


@pytest.mark.parametrize("ending", ["simulator.close()", ""])
def test_it_says_nothing_and_ends_in_peace(ending: str) -> None:
    script = f"""
from sim.habitat import HabitatSimulator
from sim.habitat.library import INSTALL
from sim.motion import agents_at
from tests.sim.hand_made import box_room, two_rooms
simulator = HabitatSimulator([two_rooms(), box_room()])
simulator.place(agents_at([(0, 0, 0), (0, 0, 0)], 0.0, [0, 1]))
simulator.observe()
{ending}
"""
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
