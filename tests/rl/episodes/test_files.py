import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perception import UserError
from rl.episodes import (
    Episode,
    EpisodeSet,
    PointGoals,
    Starts,
    VisualTargets,
    from_habitat,
    read_episode_set,
    write_episode_set,
)
from rl.file_scenes import GivenScenes
from rl.scenes import Split
from sim.episodes import PointNavEpisode, write_episodes
from tests.sim.hand_made import box_room, two_rooms

SCENES = GivenScenes(train=(box_room(name="a"),), test=(two_rooms("b"),))
GOAL = Episode("0", "a", (0.1, 0.0, -1 / 3), 1.25, (2.0, 0.0, 1e-9), None, 3.1)
FOUND = Episode("0", "a", (0.5, 0.0, 2.5), -0.5, None, "sofa", 4.5)
ALONE = Episode("0", "a", (0.5, 0.0, 2.5), -0.5)


def a_set(**changes: Any) -> EpisodeSet:
    given: dict[str, Any] = {
        "task": "PointGoal",
        "split": Split.TRAIN,
        "scenes": SCENES.fingerprint,
        "seed": 3,
        "rules": PointGoals(min_m=0.5),
        "episodes": (GOAL, replace(GOAL, episode_id="1")),
    }
    return EpisodeSet(**{**given, **changes})


@pytest.mark.parametrize(
    "episode_set",
    [
        a_set(),
        a_set(task="VisualTarget", rules=VisualTargets("sofa"), episodes=(FOUND,), seed=None),
        a_set(task="Explore", rules=Starts(), episodes=(ALONE,)),
    ],
)
def test_a_set_comes_back_as_it_was(episode_set: EpisodeSet, tmp_path: Path) -> None:
    write_episode_set(tmp_path / "some" / "set.json.gz", episode_set)
    found = read_episode_set(tmp_path / "some" / "set.json.gz", task=episode_set.task, scenes=SCENES, split=Split.TRAIN)
    assert found == episode_set


def test_the_same_set_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, given in (("a", a_set()), ("b", a_set()), ("c", a_set(seed=4))):
        write_episode_set(tmp_path / name, given)
    one, same, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert one == same != other


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"task": "Explore"}, "the task 'PointGoal', and 'Explore' is expected"),
        ({"split": Split.TEST}, "the split 'train', and 'test' is expected"),
        (
            {"scenes": GivenScenes(train=SCENES.train)},
            f"the scenes '{SCENES.fingerprint}', and '[0-9a-f]+' is expected",
        ),
    ],
)
def test_a_set_for_something_else_is_refused_and_both_are_named(
    asked: dict[str, Any], message: str, tmp_path: Path
) -> None:
    write_episode_set(tmp_path / "set.json.gz", a_set())
    with pytest.raises(UserError, match=message):
        read_episode_set(tmp_path / "set.json.gz", **asked)


def test_episodes_in_buildings_of_another_split_are_refused(tmp_path: Path) -> None:
    write_episode_set(tmp_path / "set.json.gz", a_set(episodes=(replace(GOAL, building="b"),)))
    with pytest.raises(UserError, match="has episodes in 'b', which is not for train"):
        read_episode_set(tmp_path / "set.json.gz", scenes=SCENES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"episodes": ()}, "has none"),
        ({"episodes": (GOAL, GOAL)}, "a/0 is there twice"),
        ({"rules": Starts()}, "need PointGoals, not Starts"),
        ({"task": "Fetch"}, "unknown task 'Fetch'"),
    ],
)
def test_a_set_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        a_set(**changes)


def test_a_number_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not finite"):
        write_episode_set(tmp_path / "set.json.gz", a_set(episodes=(replace(GOAL, heading_rad=float("inf")),)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.pop("rules"), "has no 'rules'"),
        (lambda c: c.update(format="other"), "is of the format 'other'"),
        (lambda c: c.update(split="tset"), "did you mean 'test'"),
        (lambda c: c["rules"].update(min_m="far"), "min_m is 'far'"),
        (lambda c: c.update(task=["PointGoal"]), "broken"),
        (lambda c: c.update(scenes=5), "scenes is 5"),
        (lambda c: c.update(seed="x"), "seed is 'x'"),
        (lambda c: c.update(episodes=7), "broken"),
        (lambda c: c["episodes"].append(None), "an episode has"),
        (lambda c: c["episodes"][0].update(start=[0, 1]), r"start is \[0, 1\]"),
        (lambda c: c["episodes"][0].update(goal=[0, float("nan"), 1]), "goal is .*nan"),
        (lambda c: c["episodes"][0].update(heading_rad=None), "heading_rad is None"),
        (lambda c: c["episodes"][0].update(heading_rad=True), "heading_rad is True"),
        (lambda c: c["episodes"][0].update(geodesic_distance_m=-1), "geodesic_distance_m is -1"),
        (lambda c: c["episodes"][0].update(target=5), "target is 5"),
        (lambda c: c["episodes"][0].update(building=""), "building is ''"),
        (lambda c: c["episodes"][0].update(extra=1), "an episode has"),
        (lambda c: c["episodes"][0].update(episode_id="1"), "a/1 is there twice"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(
    spoil: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "set.json.gz"
    write_episode_set(path, a_set())
    content = json.loads(gzip.decompress(path.read_bytes()))
    spoil(content)
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    with pytest.raises(UserError, match=message) as caught:
        read_episode_set(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08 cut off", b"plain text", gzip.compress(b"{"), gzip.compress(b"[]")])
def test_a_file_that_holds_no_episodes_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "set.json.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"set\.json\.gz"):
        read_episode_set(path)


def habitat_file(path: Path, *scene_ids: str) -> Path:
    write_episodes(
        path,
        [
            PointNavEpisode(str(i), scene_id, (0.5, 0.0, 1.0), 0.75, (2.0, 0.0, i), 0.36, 4.0 + i, "easy")
            for i, scene_id in enumerate(scene_ids)
        ],
    )
    return path


@pytest.mark.parametrize(
    "scene_id", ["data/scene_datasets/gibson/a.glb", "a.basis.glb", "scenes/a.scene_instance.json"]
)
def test_habitats_episodes_are_of_the_buildings_that_scene_files_are_named_after(scene_id: str, tmp_path: Path) -> None:
    (episode,) = from_habitat(habitat_file(tmp_path / "e.json.gz", scene_id), SCENES, Split.TRAIN)
    assert (episode.key, episode.start, episode.goal) == ("a/0", (0.5, 0.0, 1.0), (2.0, 0.0, 0.0))
    assert episode.heading_rad == pytest.approx(0.75)
    assert episode.geodesic_distance_m == 4.0


def test_habitats_episodes_of_other_scenes_are_refused_or_left_out_when_asked(tmp_path: Path) -> None:
    path = habitat_file(tmp_path / "e.json.gz", "a.glb", "b.glb", "x.glb")
    with pytest.raises(UserError, match=r"2 scenes that are not for train: b\.glb, x\.glb\. Train has a"):
        from_habitat(path, SCENES, Split.TRAIN)
    assert [episode.key for episode in from_habitat(path, SCENES, Split.TRAIN, others=True)] == ["a/0"]
    assert [episode.key for episode in from_habitat(path, SCENES, Split.TEST, others=True)] == ["b/1"]
    with pytest.raises(UserError, match="not for validation"):
        from_habitat(path, SCENES, Split.VALIDATION, others=True)


def test_habitats_episodes_with_one_id_in_scenes_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.json.gz"
    twice = [
        PointNavEpisode("7", scene_id, (0.5, 0.0, 1.0), 0.0, (2.0, 0.0, 0.0)) for scene_id in ("x/a.glb", "y/a.glb")
    ]
    write_episodes(path, twice)
    with pytest.raises(UserError, match="a/7 is there twice"):
        from_habitat(path, SCENES, Split.TRAIN)
