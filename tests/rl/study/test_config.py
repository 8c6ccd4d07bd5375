"""Study files: what they may say, and what is said of mistakes."""

from pathlib import Path
from typing import Any

import pytest

from perception.errors import UserError
from rl.scenes import Split
from rl.study.cells import cells_of, chosen
from rl.study.config import Measure, StudyConfig, read_config
from rl.study.wiring import TRAINING, spec_of
from tests.rl.study.works import study

STUDIES = Path(__file__).parents[3] / "sim_configs" / "studies"


def test_cells_are_balanced_and_their_names_are_unique() -> None:
    agents = ["max-coverage:4", "normal,reshading", {"agent": "greedy", "tasks": ["PointGoal"]}]
    cells = cells_of(study(agents=agents, tasks=[{"name": "PointGoal", "steps": 9}, {"name": "Explore", "steps": 5}]))
    assert [cell.name for cell in cells[:5]] == [
        "PointGoal/max-coverage-4/seed-0",
        "Explore/max-coverage-4/seed-0",
        "PointGoal/normal-reshading/seed-0",
        "Explore/normal-reshading/seed-0",
        "PointGoal/greedy/seed-0",
    ]
    assert [cell.seed for cell in cells] == [0] * 5 + [1] * 5, "all of the first seed, then of the next"
    assert len({cell.name for cell in cells}) == len({cell.fingerprint for cell in cells}) == 10
    assert [cell.steps for cell in cells[:5]] == [9, 5, 9, 5, 0], "scripted agents do not train"


def test_a_fingerprint_changes_with_all_that_matters_and_nothing_else() -> None:
    base = cells_of(study())[0].fingerprint
    task = {"name": "PointGoal", "steps": 1000}
    same: list[dict[str, Any]] = [
        {"name": "other"},
        {"tasks": [{**task, "measure": "spl", "curve": "success", "threshold": 0.5}]},
        {"agents": [{"agent": "normal", "label": "surface normals"}]},
        {"training": {"server": "grpc://elsewhere:1", "transport": "shared-memory"}},
    ]
    other: list[dict[str, Any]] = [
        {"tasks": [{**task, "steps": 999}]},
        {"tasks": [{**task, "settings": {"success_m": 0.5}}]},
        {"tasks": [{**task, "ppo": {"gamma": 0.9}}]},
        {"tasks": [{**task, "episodes": {"least_m": 2.0}}]},
        {"scenes": {"train": 3}},
        {"training": {"camera_px": 32}},
        {"evaluation": {"episodes_per_building": 4}},
        {"seeds": [3]},
    ]
    assert {cells_of(study(**change))[0].fingerprint for change in same} == {base}
    assert len({cells_of(study(**change))[0].fingerprint for change in other} | {base}) == 1 + len(other)


def test_a_study_goes_to_json_and_back() -> None:
    config = study(agents=["normal", {"agent": "greedy", "label": "walker", "tasks": ["PointGoal"]}])
    again = StudyConfig.from_json(config.to_json())
    assert again == config
    assert again.tasks[0].measure is Measure.REWARD
    assert again.evaluation.splits == (Split.TEST, Split.TRAIN)


MISTAKES = {
    "a setting": ({"agent": []}, r"unknown setting of a study 'agent'; did you mean 'agents'\?"),
    "a setting of a task": ({"tasks": [{"name": "A", "stesp": 1}]}, r"setting of a task 'stesp'; did you mean 'steps'"),
    "nothing to do": ({"tasks": []}, "tasks: .* is given; a list of at least one is expected"),
    "no steps": ({"tasks": [{"name": "A"}]}, "a task has no 'steps'"),
    "steps as text": ({"tasks": [{"name": "A", "steps": "1e6"}]}, "steps is '1e6'; a whole number of at least 1"),
    "a measure": ({"tasks": [{"name": "A", "steps": 1, "measure": "splx"}]}, "did you mean 'spl'"),
    "a split": ({"evaluation": {"splits": ["tets"]}}, r"unknown evaluation split 'tets'; did you mean 'test'\?"),
    "a seed twice": ({"seeds": [0, 1, 0]}, "seeds: 0 is there twice"),
    "a negative seed": ({"seeds": [-1]}, "seed is -1"),
    "an agent twice": ({"agents": ["normal", "normal"]}, "agents: 'normal' is there twice"),
    "an agent for no task": ({"agents": [{"agent": "a", "tasks": ["PointGaol"]}]}, "did you mean 'PointGoal'"),
    "an agent of a number": ({"agents": [3]}, "agent is 3; names and values are expected"),
    "what the grid decides": ({"training": {"seed": 3}}, "training has 'seed', which the grid decides"),
    "scenes as a list": ({"scenes": [3]}, "scenes is .3.; names and values"),
}


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        study(**change)


def test_agents_that_would_share_a_folder_are_refused() -> None:
    with pytest.raises(UserError, match="two agents are called 'a-b' in paths"):
        cells_of(study(agents=["a,b", "a-b"]))


def test_a_pattern_chooses_cells_and_one_that_fits_none_is_refused() -> None:
    cells = cells_of(study())
    assert [cell.name for cell in chosen(cells, "*/scratch/*")] == [
        "PointGoal/scratch/seed-0",
        "PointGoal/scratch/seed-1",
    ]
    with pytest.raises(UserError, match=r"no cell matches 'Explore/.'; the first is called 'PointGoal/normal/seed-0'"):
        chosen(cells, "Explore/*")


@pytest.mark.parametrize("text", ["tasks: [", "\x00", "3"])
def test_a_file_that_is_no_study_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"study\.yaml"):
        read_config(path)


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_that_come_with_the_project_can_be_run(path: Path) -> None:
    config = read_config(path)
    cells = cells_of(config)
    for cell in cells:
        TRAINING.check(cell)
    full = TRAINING.resolve(config)
    assert [cell.name for cell in cells_of(full)] == [cell.name for cell in cells]
    for cell, resolved in zip(cells, cells_of(full), strict=True):
        assert spec_of(resolved).to_json()["ppo"] == spec_of(cell).to_json()["ppo"]
    assert TRAINING.resolve(full) == full
    assert full.tasks[0].ppo["gamma"] > 0.9, "defaults are written out"


def test_an_agent_may_learn_in_its_own_way_and_no_other_agent_does() -> None:
    own = {"PointGoal": {"learning_rate": 1e-3}}
    agents = [{"agent": "scratch", "ppo": own}, "normal", {"agent": "random", "ppo": own}]
    task = {"name": "PointGoal", "steps": 10, "ppo": {"gamma": 0.9}}
    for config in (study(agents=agents, tasks=[task]), TRAINING.resolve(study(agents=agents, tasks=[task]))):
        of = {cell.agent: cell for cell in cells_of(config)}
        assert spec_of(of["scratch"]).learning.learning_rate == 1e-3
        assert spec_of(of["scratch"]).learning.gamma == 0.9
        assert spec_of(of["normal"]).learning.learning_rate == 7e-4
        assert of["random"].ppo == {}, "there is nothing to learn"


def test_wrong_settings_of_parts_are_found_before_anything_is_trained() -> None:
    for change, message in (
        ({"tasks": [{"name": "PointGaol", "steps": 10}]}, "did you mean 'PointGoal'"),
        ({"agents": ["max-coverge:4"]}, "max-coverage"),
        ({"training": {"camra_px": 64}}, "did you mean 'camera_px'"),
        ({"scenes": {"trian": 3}}, "did you mean 'train'"),
        ({"tasks": [{"name": "PointGoal", "steps": 10, "ppo": {"gama": 0.9}}]}, "did you mean 'gamma'"),
        ({"agents": [{"agent": "blind", "ppo": {"PointGoal": {"gama": 0.9}}}]}, "did you mean 'gamma'"),
    ):
        with pytest.raises(UserError, match=message):
            TRAINING.check(cells_of(study(**change))[0])
