"""`report.json`: the numbers of the page, and nothing that JSON lacks."""

import json
from pathlib import Path
from typing import Any

import pytest

from rl.study.commands import report_command
from rl.study.config import StudyConfig
from rl.study.curves import mean_curves
from rl.study.report import document_of
from rl.study.running import Study, read_study
from tests.rl.study.recomputed import mean_curve
from tests.rl.study.test_report import Page, made_up
from tests.rl.study.works import study


@pytest.fixture(scope="module")
def config() -> StudyConfig:
    agents = [{"agent": "normal", "label": "normals"}, "keypoints2d", "scratch", "blind", "random"]
    tasks = [{"name": "PointGoal", "steps": 1000}, {"name": "Explore", "steps": 700, "measure": "covered_m2"}]
    return study(agents=agents, tasks=tasks, seeds=[0, 1, 2])


@pytest.fixture(scope="module")
def folder(config: StudyConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    made_up(folder, config, leave_out=3)
    report_command(folder)
    return folder


@pytest.fixture(scope="module")
def known(folder: Path) -> Study:
    return read_study(folder)


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"), parse_constant=pytest.fail)
    return found


def test_a_curve_is_the_mean_of_the_seeds_files_with_students_interval(document: dict[str, Any], folder: Path) -> None:
    for task, measure in (("PointGoal", "return"), ("Explore", "spl")):
        for agent in ("normal", "scratch"):
            found = document["tasks"][task]["curves"][measure][agent]
            expected = mean_curve(folder, task, agent, measure)
            assert set(found) == set(expected)
            for name, column in expected.items():
                assert found[name] == pytest.approx(column)


def test_it_holds_all_that_the_command_prints(folder: Path, document: dict[str, Any]) -> None:
    printed = report_command(folder)
    for name in ("study", "done", "failed", "missing", "claims"):
        assert document[name] == printed[name]
    for name, task in printed["tasks"].items():
        assert task.items() <= document["tasks"][name].items()


def test_ranks_are_those_of_the_page(folder: Path, document: dict[str, Any]) -> None:
    rows = Page((folder / "report.html").read_text("utf-8")).rows
    labels = {agent["agent"]: agent["label"] for agent in document["agents"]}
    lines = [
        [labels[line["agent"]], *(f"{number:.3g}" for number in (*line["ranks"].values(), line["mean"], line["worst"]))]
        for line in document["ranks"]
    ]
    start = rows.index(["agent", "PointGoal", "Explore", "mean", "worst"]) + 1
    assert rows[start : start + len(lines)] == lines


def test_every_pair_of_agents_is_compared_in_each_task(document: dict[str, Any]) -> None:
    for task in document["tasks"].values():
        count = len(task["agents"])
        assert len(task["comparisons"]) == count * (count - 1) // 2
        for pair in task["comparisons"]:
            means = [task["agents"][pair[place]]["test"][task["measure"]]["mean"] for place in ("first", "second")]
            assert pair["difference"] == pytest.approx(means[0] - means[1])
            both = (pair["q"], pair["q_seeds"])
            assert pair["is_sure"] == all(q is not None and q < document["alpha"] for q in both)


def test_every_agent_has_a_look_of_its_own(document: dict[str, Any], config: StudyConfig) -> None:
    assert [(agent["agent"], agent["label"]) for agent in document["agents"]][:2] == [
        ("normal", "normals"), ("keypoints2d", "keypoints2d"),
    ]  # fmt: skip
    looks = [(agent["light"], agent["dark"], tuple(agent["dash"])) for agent in document["agents"]]
    assert len(set(looks)) == len(config.agents)


def test_agents_beyond_ten_are_dashed() -> None:
    many = study(agents=[f"random-weights:{number}" for number in range(1, 13)])
    agents = document_of(Study(many, (), (), ()))["agents"]
    assert [agent["dash"] for agent in agents] == [[]] * 10 + [[5, 2]] * 2
    assert agents[0]["light"] == agents[10]["light"]


def test_what_no_training_measures_has_no_curve(known: Study) -> None:
    (done, *_) = [result for result in known.results if result.cell.agent == "normal"]
    done.curve["spl"][:] = 0
    assert mean_curves({"normal": [done]}, "spl") == {}
    assert set(mean_curves({"normal": [done], "blind": []}, "return")) == {"normal"}


def test_a_single_seed_has_a_curve_without_an_interval(tmp_path: Path) -> None:
    made_up(tmp_path, study(seeds=[0]))
    curve = document_of(read_study(tmp_path))["tasks"]["PointGoal"]["curves"]["success"]["normal"]
    assert None not in curve["mean"]
    assert set(curve["low"]) == set(curve["high"]) == {None}
