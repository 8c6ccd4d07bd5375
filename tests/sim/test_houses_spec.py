from pathlib import Path

import numpy as np
import pytest

from sim.errors import SimulatorError
from sim.houses import ROOM_TYPES, HouseSpec, generate_house, load_spec
from sim.houses.plan import draw_plan

SHIPPED = sorted((Path(__file__).parents[2] / "sim_configs" / "buildings").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_file_is_a_spec_that_gives_plans(path: Path) -> None:
    spec = load_spec(path)
    for seed in range(3):
        plan = draw_plan(spec, np.random.default_rng(seed))
        assert spec.rooms[0] <= len(plan.rooms) <= spec.rooms[1]
        assert {room.kind for room in plan.rooms} <= set(spec.kinds)


def test_the_shipped_default_is_the_default_in_code() -> None:
    assert load_spec(next(path for path in SHIPPED if path.stem == "default")) == HouseSpec()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rooms": [9, 4]}, r"rooms is \[9, 4\]"),
        ({"rooms": 0}, "rooms is 0"),
        ({"rooms": [3, 400]}, "400"),
        ({"rooms": 2.5}, "whole numbers"),
        ({"rooms": "many"}, "many"),
        ({"room_height_m": [2.5, float("nan")]}, "room_height_m"),
        ({"door_width_m": 0.5}, "door_width_m is 0.5"),
        ({"window_ratio": 1.5}, "window_ratio is 1.5"),
        ({"clutter_density": True}, "clutter_density is True"),
        ({"photographs": "yes"}, "photographs is 'yes'"),
        ({"kinds": ["kichen"]}, "did you mean 'kitchen'"),
        ({"kinds": ["corridor", "storage"]}, "none to live in"),
        ({"kinds": []}, "kinds is"),
        ({"room": 3}, "did you mean 'rooms'"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_the_mend(values: dict[str, object], message: str) -> None:
    with pytest.raises(SimulatorError, match=message):
        HouseSpec.from_mapping(values)


@pytest.mark.parametrize("text", ["rooms: [1", "- a\n- b", "just words", "rooms: [9, 4]", "\x00"])
def test_a_file_that_is_no_spec_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "house.yaml"
    path.write_text(text)
    with pytest.raises(SimulatorError, match=r"house\.yaml"):
        load_spec(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"absent\.yaml"):
        load_spec(tmp_path / "absent.yaml")


@pytest.mark.parametrize("seed", [-1, 1.5, True, "one", None])
def test_a_seed_that_is_no_whole_number_is_refused(seed: object) -> None:
    with pytest.raises(SimulatorError, match="seed"):
        generate_house(seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12, 20])
def test_any_number_of_rooms_can_be_asked_for(count: int) -> None:
    spec = HouseSpec(rooms=(count, count))
    for seed in range(4):
        assert len(draw_plan(spec, np.random.default_rng(seed)).rooms) == count


def test_a_house_without_furniture_has_only_its_shell_and_lamps() -> None:
    building = generate_house(3, HouseSpec(rooms=(5, 5), furniture_density=0.0, clutter_density=0.0))
    shell = {"nothing", "wall", "floor", "ceiling", "door", "door_frame", "window", "baseboard", "moulding"}
    assert set(building.categories) - shell <= {"ceiling_lamp", "pendant_lamp"}


def test_a_house_can_be_asked_to_have_no_windows() -> None:
    plan = draw_plan(HouseSpec(window_ratio=0.0), np.random.default_rng(0))
    assert not [hole for room in plan.rooms for wall in room.walls for hole in wall.openings if hole.kind == "window"]


def test_only_the_kinds_asked_for_occur() -> None:
    kinds = ("living_room", "bedroom")
    plan = draw_plan(HouseSpec(rooms=(4, 4), kinds=kinds), np.random.default_rng(1))
    assert {room.kind for room in plan.rooms} == set(kinds)
    assert set(kinds) < set(ROOM_TYPES)
