"""What is not there, or broken, is said in a sentence with the command that mends it, and the app goes on."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perception import UserError
from server.explorer.pages.agents.finding import subject_named, subjects
from server.explorer.pages.agents.study_file import read_report
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore


def test_without_agents_the_page_names_the_commands_and_shows_them_once_they_are_there(
    browser: Browser, explore: Explore, run_folder: Path, tmp_path: Path
) -> None:
    address = explore(tmp_path) + "/agents"
    browser.open(address)
    assert f"midlevel rl demo --out {tmp_path / 'agent'}" in browser.text(".empty")
    assert "midlevel rl study" in browser.text("#page")
    (tmp_path / "agent").mkdir()
    browser.open(address)
    assert "holds no study and no run" in browser.text(".empty")
    shutil.copytree(run_folder, tmp_path / "agent", dirs_exist_ok=True)
    browser.open(address)
    assert "normal in PointGoal" in browser.text("#agents-facts")


def test_a_study_without_a_report_or_with_a_broken_one_names_the_command_that_makes_it(
    browser: Browser, explore: Explore, study_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(study_folder / "study.json", folder)
    address = explore(tmp_path, agents=folder) + "/agents"
    browser.open(address)
    assert f"midlevel rl report {folder}" in browser.text(".empty")
    (folder / "report.json").write_text('{"format": 1, "study": ')
    browser.open(address)
    assert f"midlevel rl report {folder}` makes it anew" in browser.text(".message")
    shutil.copy(study_folder / "report.json", folder)
    browser.open(address)
    assert "24 of 27" in browser.text("#agents-facts")
    (folder / "report.json").write_text("{}")
    browser.find("#agents-task input:not(:checked)").click()
    browser.until(lambda: "makes it anew" in browser.text("#message"), "a message from a callback")
    browser.open(f"{address}?show=../..")
    assert "there is no study or run '../..'" in browser.text(".message")


def change(*path: str, to: Any) -> Callable[[Any], None]:
    """A change of a document."""

    def apply(document: Any) -> None:
        for name in path[:-1]:
            document = document[name]
        document[path[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (change("format", to=2), "has format 2; this program reads 1"),
        (change("agents", to=[]), "is broken"),
        (change("tasks", "PointGoal", "curves", "return", to={"stranger": {"steps": [], "mean": []}}), "is broken"),
        (change("tasks", "PointGoal", "threshold", to="high"), "'high' stands where a number is expected"),
        (change("claims", to=[{"hypothesis": "H1"}]), "is broken"),
        (change("tasks", to=None), "is broken"),
        (change("agents", to=[{"agent": "a", "label": "a", "light": "url(x)", "dark": "#000", "dash": []}]), "colour"),
    ],
)  # fmt: skip
def test_a_report_that_does_not_say_what_it_should_is_refused(
    study_folder: Path, tmp_path: Path, spoil: Callable[[Any], None], words: str
) -> None:
    document = json.loads((study_folder / "report.json").read_text("utf-8"))
    spoil(document)
    (tmp_path / "report.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match=words):
        read_report(tmp_path)


def test_a_report_with_more_than_this_program_knows_is_read(study_folder: Path, tmp_path: Path) -> None:
    document = json.loads((study_folder / "report.json").read_text("utf-8"))
    document["new"] = document["agents"][0]["new"] = document["claims"][0]["new"] = 1
    document["tasks"]["PointGoal"]["curves"]["return"]["normal"]["new"] = 1
    (tmp_path / "report.json").write_text(json.dumps(document))
    assert read_report(tmp_path) == read_report(study_folder)


def test_studies_and_runs_are_found_without_following_links(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("study/runs/Task/agent/seed-0", "b/c", "study/cells/x", "d/e/f/too deep", ".hidden"):
        (root / name).mkdir(parents=True)
    (root / "study" / "study.json").touch()
    for name in ("study/runs/Task/agent/seed-0", "b/c", "study/cells/x", "d/e/f/too deep", ".hidden"):
        (root / name / "progress.jsonl").touch()
    (root / "link").symlink_to(root / "b" / "c")
    assert [found.name for found in subjects(root)] == ["study", "b/c", "study/runs/Task/agent/seed-0"]
    assert [found.name for found in subjects(root / "b" / "c")] == ["."]
    assert subject_named(root, "b/../study").name == "study"
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "progress.jsonl").touch()
    (root / "out").symlink_to(tmp_path / "outside")
    for name in ("../outside", "out", str(tmp_path / "outside"), "nothing", "b\0"):
        with pytest.raises(UserError, match="there is no study or run"):
            subject_named(root, name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(UserError, match=r"cannot read .*closed: Permission denied"):
        subjects(tmp_path)
