import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perception.bank
from perception import UserError
from rl.file_scenes import FileScenes, GivenScenes, building_hash
from rl.house_scenes import HouseScenes
from rl.scenes import Scenes, Split, check_disjoint, chosen_indices
from rl.simulators import simulator_for
from sim import AgentSpec, Building, SimulatorError
from sim.glb import write_glb
from sim.houses import HouseSpec, generate_house
from taxonomy.dataset.manifest import RenderSpec
from taxonomy.dataset.rendering import building_seed
from tests.sim.hand_made import box_room, two_rooms

BARE = HouseSpec(rooms=(1, 1), furniture_density=0.0, clutter_density=0.0)
SMALL = HouseSpec(rooms=(1, 1), kinds=("living_room",), clutter_density=0.0)


def same(one: Building, other: Building) -> bool:
    return np.array_equal(one.vertices, other.vertices) and one.instances == other.instances


def test_no_house_of_a_study_is_one_that_the_bundled_bank_learned_from() -> None:
    card = read_card("normal")
    words = card["training"]["dataset"].split()
    count, seed = (int(words[words.index(name) + 1]) for name in ("--buildings", "--seed"))
    spec = RenderSpec(buildings=count, views=1, seed=seed)
    learned_from = {building_seed(spec, index) for index in range(count)}
    assert len(learned_from) == count >= card["training"]["buildings"]
    study = HouseScenes(train=100, validation=100, test=100)
    drawn = {made for split in Split for index in range(100) for made in study.seeds(split, index)}
    assert not learned_from & drawn


def read_card(task: str) -> Any:
    """Of the bundled bank."""
    path = Path(perception.bank.__file__).parent / "banks" / "buildings-v1" / f"{task}.json"
    return json.loads(path.read_text())


def test_a_house_is_the_same_whenever_and_with_whichever_others_it_is_made() -> None:
    few, many = HouseScenes(BARE, train=2, validation=0, test=1), HouseScenes(BARE, train=3, validation=1, test=2)
    (alone,) = few.buildings(Split.TEST)
    together = many.buildings(Split.TEST)
    assert alone.name == together[0].name == "test_000"
    assert same(alone, together[0])
    (chosen,) = many.buildings(Split.TEST, ("test_001",))
    assert same(chosen, together[1])
    assert not same(together[0], together[1])


def test_no_house_is_in_two_splits() -> None:
    scenes = HouseScenes(BARE, train=3, validation=2, test=3)
    houses = [house for split in Split for house in scenes.buildings(split)]
    assert len({building_hash(house) for house in houses}) == len({house.name for house in houses}) == 8


def test_another_seed_gives_other_houses() -> None:
    one, other = (HouseScenes(BARE, train=1, seed=seed).buildings(Split.TRAIN)[0] for seed in (0, 1))
    assert not same(one, other)


def test_houses_that_would_repeat_are_refused() -> None:
    class Repeating(HouseScenes):
        def seeds(self, split: Split, index: int) -> tuple[int, ...]:
            return (7 if (split, index) in {(Split.TRAIN, 1), (Split.TEST, 0)} else super().seeds(split, index)[0],)

    with pytest.raises(UserError, match=r"'test_000' in test is the same as 'train_001' in train"):
        Repeating(BARE, train=2, validation=0, test=1)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": HouseSpec(rooms=(1, 2))},
        {"train": 1},
        {"validation": 5},
        {"test": 9},
        {"seed": 3},
        {"containing": ("a",)},
    ],
)
def test_the_fingerprint_tells_every_setting(change: dict[str, Any]) -> None:
    scenes = HouseScenes(BARE)
    assert replace(scenes, **change).fingerprint != scenes.fingerprint
    assert HouseScenes(BARE).fingerprint == scenes.fingerprint


def test_the_fingerprint_is_of_what_houses_are_like_not_of_how_their_kind_was_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("rooms: [1, 1]\nfurniture_density: 0\nclutter_density: 0\n")
    assert HouseScenes(str(file)).fingerprint == HouseScenes(BARE).fingerprint
    assert HouseScenes("default").fingerprint == HouseScenes(HouseSpec()).fingerprint
    assert HouseScenes("apartment").fingerprint != HouseScenes("default").fingerprint


@pytest.mark.parametrize("scenes", [HouseScenes("apartment", seed=3), HouseScenes(SMALL, containing=("chair",))])
def test_settings_come_back_from_json(scenes: HouseScenes) -> None:
    assert HouseScenes(**json.loads(json.dumps(asdict(scenes)))) == scenes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": -1}, "train is -1"),
        ({"test": 2.5}, "test is 2.5"),
        ({"validation": True}, "validation is True"),
        ({"seed": -2}, "seed is -2"),
        ({"train": 10**9}, "1000000000 houses"),
        ({"kind": "appartment"}, "did you mean 'apartment'"),
        ({"kind": 3}, "kind is 3"),
        ({"kind": {"romms": 3}}, "did you mean 'rooms'"),
        ({"kind": "nowhere.yaml"}, "nowhere.yaml"),
        ({"containing": "bed"}, "a list of categories"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((UserError, SimulatorError), match=message):
        HouseScenes(**settings)


def test_houses_without_what_they_have_to_contain_are_drawn_again() -> None:
    scenes = HouseScenes(SMALL, train=2, validation=0, test=0, containing=("chair",))
    any_houses = replace(scenes, containing=()).buildings(Split.TRAIN)
    assert not all("chair" in house.categories for house in any_houses)
    with_chairs = scenes.buildings(Split.TRAIN)
    assert all("chair" in house.categories for house in with_chairs)
    assert [house.name for house in with_chairs] == [house.name for house in any_houses]


def test_what_no_house_contains_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rl.house_scenes._ATTEMPTS", 3)
    scenes = HouseScenes(BARE, containing=("wall", "refrigerator"))
    with pytest.raises(UserError, match=r"3 houses were drawn for train_000, and none has wall, refrigerator"):
        scenes.buildings(Split.TRAIN)


def test_seeds_still_give_the_houses_that_fingerprints_stand_for() -> None:
    """If this fails because houses are made otherwise now, raise `rl.house_scenes.GENERATOR` and the figures here."""
    house = generate_house(5, HouseSpec(rooms=(2, 2)))
    assert (len(house.instances), len(house.triangles)) == (96, 31930)


def test_files_are_named_by_themselves_and_loaded_by_the_simulator(tmp_path: Path) -> None:
    for name, building in (("here", box_room()), ("there", two_rooms())):
        write_glb(building, tmp_path / f"{name}.glb")
    scenes = FileScenes(train=(tmp_path / "here.glb",), test=(tmp_path / "there.glb",))
    assert scenes.names(Split.TEST) == ("there",)
    simulator = simulator_for(scenes.buildings(Split.TEST), AgentSpec(height=8, width=8))
    assert simulator.buildings[0].name == "there"
    assert "table" in simulator.buildings[0].categories


def test_the_same_file_in_two_splits_is_refused_whatever_it_is_called(tmp_path: Path) -> None:
    write_glb(box_room(), tmp_path / "one.glb")
    shutil.copy(tmp_path / "one.glb", tmp_path / "two.glb")
    with pytest.raises(UserError, match="'two' in test is the same as 'one' in train"):
        FileScenes(train=(tmp_path / "one.glb",), test=(tmp_path / "two.glb",))


def test_files_of_the_same_name_are_refused(tmp_path: Path) -> None:
    for folder, size in (("a", (6.0, 3.0, 4.0)), ("b", (5.0, 3.0, 4.0))):
        write_glb(box_room(size), tmp_path / folder / "house.glb")
    with pytest.raises(UserError, match="'house' in validation has the name of 'house' in train"):
        FileScenes(train=(tmp_path / "a" / "house.glb",), validation=(tmp_path / "b" / "house.glb",))


def test_a_files_fingerprint_tells_content_and_split_and_not_the_folder(tmp_path: Path) -> None:
    write_glb(box_room(), tmp_path / "a" / "house.glb")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    write_glb(two_rooms(), tmp_path / "c" / "house.glb")
    here, moved, changed = (FileScenes(train=(tmp_path / folder / "house.glb",)).fingerprint for folder in "abc")
    assert here == moved != changed
    assert FileScenes(test=(tmp_path / "a" / "house.glb",)).fingerprint != here


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"gone\.glb"):
        FileScenes(train=(tmp_path / "gone.glb",))


def test_given_buildings_that_differ_only_in_name_are_refused() -> None:
    with pytest.raises(UserError, match="'b' in test is the same as 'a' in train"):
        GivenScenes(train=(box_room(name="a"),), test=(box_room(name="b"),))
    scenes = GivenScenes(train=(box_room(name="a"),), test=(box_room((5.0, 3.0, 4.0), name="b"),))
    assert [building.name for building in scenes.buildings(Split.TEST)] == ["b"]


def test_a_building_of_another_split_is_refused_and_both_splits_are_named() -> None:
    scenes = GivenScenes(train=(box_room(name="a"),), test=(two_rooms("b"),))
    with pytest.raises(UserError, match="'b' is for test, not for train"):
        scenes.buildings(Split.TRAIN, ("b",))
    with pytest.raises(UserError, match="'c'"):
        scenes.buildings(Split.TEST, ("c",))
    with pytest.raises(UserError, match="did you mean 'test'"):
        Split.parse("tset")


@pytest.mark.parametrize(
    "make",
    [lambda: HouseScenes(BARE, train=2, validation=1, test=1), lambda: GivenScenes((box_room(),), (), (two_rooms(),))],
)
def test_scenes_keep_what_scenes_promise(make: Callable[[], Scenes]) -> None:
    scenes = make()
    int(scenes.fingerprint, 16)
    for split in Split:
        names = scenes.names(split)
        assert tuple(building.name for building in scenes.buildings(split)) == names
        assert tuple(building.name for building in scenes.buildings(split, names[::-1])) == names[::-1]
        assert chosen_indices(scenes, split, None) == tuple(range(len(names)))


def test_a_building_twice_in_one_split_is_refused() -> None:
    with pytest.raises(UserError, match="'a' in train has the name of 'a' in train"):
        check_disjoint({Split.TRAIN: [("a", 1), ("a", 2)]})


def test_simulators_are_refused_by_unknown_name_or_without_buildings() -> None:
    camera = AgentSpec(height=8, width=8)
    with pytest.raises(UserError, match="did you mean 'habitat'"):
        simulator_for([box_room()], camera, "habitatt")
    with pytest.raises(UserError, match="did you mean 'cuda'"):
        simulator_for([box_room()], camera, device="cuda0")
    with pytest.raises(UserError, match="is the split empty"):
        simulator_for([], camera)


@pytest.mark.skipif(importlib.util.find_spec("habitat_sim") is not None, reason="habitat-sim is installed")
def test_without_habitat_sim_the_error_says_how_to_install_it() -> None:
    with pytest.raises(SimulatorError, match="conda install habitat-sim"):
        simulator_for([box_room()], AgentSpec(height=8, width=8), "habitat")


def test_files_that_only_habitat_sim_reads_are_refused_by_the_ray_caster(tmp_path: Path) -> None:
    (tmp_path / "scan.ply").write_text("ply")
    scenes = FileScenes(test=(tmp_path / "scan.ply",))
    with pytest.raises(UserError, match=r"scan\.ply is no GLB; only the backend 'habitat' reads it"):
        simulator_for(scenes.buildings(Split.TEST), AgentSpec(height=8, width=8))
