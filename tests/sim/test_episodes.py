"""Habitat-Lab's PointNav files."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sim.episodes import PointNavEpisode, heading_of, read_episodes, write_episodes
from sim.errors import SimulatorError

EPISODE = PointNavEpisode("0", "hm3d/val/00800/a.glb", (1.0, 0.1, -2.0), 0.5, (3.0, 0.1, 1.0), 0.2, 4.25, "easy")

AS_PUBLISHED: dict[str, Any] = {
    "episode_id": "17",
    "scene_id": "data/scene_datasets/gibson/Cantwell.glb",
    "start_position": [-0.5, 0.07, 3.25],
    "start_rotation": [0, 0.7071067811865475, 0, 0.7071067811865476],
    "info": {"geodesic_distance": 6.5, "difficulty": "easy"},
    "goals": [{"position": [2.0, 0.07, 1.0], "radius": None}],
    "shortest_paths": None,
    "start_room": None,
}


def packed(path: Path, document: object) -> Path:
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    episodes = (EPISODE, PointNavEpisode("1", "b.glb", (0, 0, 0), -3.0, (1, 0, 0)))
    write_episodes(tmp_path / "val.json.gz", episodes)
    first, second = read_episodes(tmp_path / "val.json.gz")
    assert first.start_heading_rad == pytest.approx(0.5, abs=1e-12)
    assert second.start_heading_rad == pytest.approx(-3.0, abs=1e-12)
    assert (replace(first, start_heading_rad=0.5), replace(second, start_heading_rad=-3.0)) == episodes


def test_an_episode_as_published_is_read(tmp_path: Path) -> None:
    (episode,) = read_episodes(packed(tmp_path / "train.json.gz", {"episodes": [AS_PUBLISHED]}))
    assert episode.scene_id == "data/scene_datasets/gibson/Cantwell.glb"
    assert episode.start_position == (-0.5, 0.07, 3.25)
    assert episode.start_heading_rad == pytest.approx(np.pi / 2)  # a quarter turn to the left: it faces -X
    assert episode.goal_position == (2.0, 0.07, 1.0)
    assert episode.goal_radius_m is None
    assert (episode.geodesic_distance_m, episode.difficulty) == (6.5, "easy")


def test_an_unpacked_file_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "val.json").write_text(json.dumps({"episodes": [AS_PUBLISHED]}))
    assert len(read_episodes(tmp_path / "val.json")) == 1


@given(st.floats(-np.pi, np.pi))
def test_the_heading_is_the_turn_about_up(heading: float) -> None:
    quaternion = Rotation.from_euler("y", heading).as_quat()
    difference = heading_of(quaternion) - heading
    assert np.cos(difference) == pytest.approx(1, abs=1e-12)
    faces = Rotation.from_quat(quaternion).apply([0, 0, -1])
    assert faces == pytest.approx([-np.sin(heading), 0, -np.cos(heading)], abs=1e-9)


def test_equal_episodes_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.json.gz", "b.json.gz"):
        write_episodes(tmp_path / name, [EPISODE])
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "has no list 'episodes'"),
        ({"episodes": {}}, "has no list 'episodes'"),
        ({"episodes": []}, "in the folder 'content' beside it"),
        ({"episodes": [{**AS_PUBLISHED, "goals": []}]}, "0 goals, and one is expected"),
        ({"episodes": [{**AS_PUBLISHED, "start_position": [1, 2]}]}, "episode number 0 is broken"),
        ({"episodes": [{**AS_PUBLISHED, "start_position": [1, 2, "x"]}]}, "could not convert"),
        ({"episodes": [{**AS_PUBLISHED, "start_rotation": [0, 0, 0, 2]}]}, r"no unit quaternion \(x, y, z, w\)"),
        ({"episodes": [{k: v for k, v in AS_PUBLISHED.items() if k != "scene_id"}]}, "has no 'scene_id'"),
        ({"episodes": ["17"]}, "episode number 0 is broken"),
        ({"episodes": [AS_PUBLISHED, AS_PUBLISHED]}, "is there twice"),
        ({"episodes": [{**AS_PUBLISHED, "start_position": [0, float("nan"), 0]}]}, "finite x, y, z"),
        ({"episodes": [{**AS_PUBLISHED, "info": {"geodesic_distance": -1}}]}, "geodesic_distance_m is -1"),
    ],
)
def test_a_broken_file_is_refused_with_what_is_wrong(tmp_path: Path, document: object, message: str) -> None:
    with pytest.raises(SimulatorError, match=message):
        read_episodes(packed(tmp_path / "train.json.gz", document))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08", b"\x1f\x8b" + b"x" * 50, b"\x80\x04K\x01.", b"{"])
def test_bytes_that_are_no_episodes_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json.gz").write_bytes(content)
    with pytest.raises(SimulatorError, match=r"x\.json\.gz is (no JSON|cut off or broken)"):
        read_episodes(tmp_path / "x.json.gz")


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    write_episodes(tmp_path / "x.json.gz", [replace(EPISODE, episode_id=str(i)) for i in range(50)])
    whole = (tmp_path / "x.json.gz").read_bytes()
    (tmp_path / "x.json.gz").write_bytes(whole[:-20])
    with pytest.raises(SimulatorError, match="is cut off or broken"):
        read_episodes(tmp_path / "x.json.gz")


def test_a_file_that_unpacks_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.episodes.LARGEST_FILE_MIB", 1)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * (3 << 20)))
    with pytest.raises(SimulatorError, match="more than 1 MiB"):
        read_episodes(tmp_path / "bomb.json.gz")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="cannot read"):
        read_episodes(tmp_path / "absent.json.gz")


def test_nothing_is_written_of_episodes_that_repeat(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="is there twice"):
        write_episodes(tmp_path / "x.json.gz", [EPISODE, EPISODE])
    with pytest.raises(SimulatorError, match="no episodes"):
        write_episodes(tmp_path / "x.json.gz", [])
    assert not list(tmp_path.iterdir())


def test_an_episode_with_numbers_that_are_none_is_refused() -> None:
    with pytest.raises(SimulatorError, match="finite x, y, z"):
        replace(EPISODE, goal_position=(0.0, np.inf, 0.0))
    with pytest.raises(SimulatorError, match="goal_radius_m is -1"):
        replace(EPISODE, goal_radius_m=-1.0)
