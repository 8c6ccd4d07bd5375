"""A study in the browser: its curves, bars and tables are those of the files and of the command line."""

import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from selenium.webdriver.common.keys import Keys
from typer.testing import CliRunner

from rl.cli import app
from tests.rl.study.recomputed import mean_curve
from tests.server.explorer.agents.made_up import LABEL, write_study
from tests.server.explorer.agents.pages import axis_title, bands, cells, lines, traces
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore

_FITS = "return document.documentElement.scrollWidth <= arguments[0]"


@pytest.fixture
def page(browser: Browser, explore: Explore, study_folder: Path, tmp_path: Path) -> str:
    """Opened; returns its address."""
    address = explore(tmp_path, agents=study_folder) + "/agents"
    browser.open(address)
    return address


@pytest.fixture(scope="module")
def printed(study_folder: Path) -> Any:
    """What the command line says of the study."""
    return json.loads(CliRunner().invoke(app, ["report", str(study_folder), "--json"]).stdout)


def test_curves_are_those_of_the_report_and_of_the_cells(browser: Browser, page: str, study_folder: Path) -> None:
    report = json.loads((study_folder / "report.json").read_text("utf-8"))
    drawn, intervals = lines(browser), bands(browser)
    assert set(drawn) == {"normal", LABEL, "scratch", "blind"}
    for agent, label in (("normal", "normal"), ("keypoints2d", LABEL)):
        told = report["tasks"]["PointGoal"]["curves"]["success"][agent]
        assert (drawn[label]["x"], drawn[label]["y"]) == (told["steps"], told["mean"])
        assert intervals[agent]["y"] == told["low"] + told["high"][::-1]
        found = mean_curve(study_folder, "PointGoal", agent, "success")
        assert drawn[label]["x"] == pytest.approx(found["steps"])
        assert drawn[label]["y"] == pytest.approx(found["mean"])
        assert intervals[agent]["y"][:60] == pytest.approx(found["low"])


def test_all_figures_are_what_the_command_line_prints(browser: Browser, page: str, printed: Any) -> None:
    check_bars(browser, printed)
    check_ranks(browser, printed)
    check_results(browser, printed)
    check_verdicts(browser, printed)
    check_missing(browser, printed)


def check_ranks(browser: Browser, printed: Any) -> None:
    head, *rows = cells(browser, "agents-ranks")
    assert head == ["agent", "PointGoal", "Explore", "mean", "worst"]
    agents = {"normal": "normal", "keypoints2d": LABEL, "scratch": "scratch", "blind": "blind", "greedy": "greedy"}
    expected = []
    for agent, label in agents.items():
        ranks = [task["agents"].get(agent, {}).get("rank") for task in printed["tasks"].values()]
        known = [rank for rank in ranks if rank is not None]
        expected.append((sum(known) / len(known), label, ranks, max(known)))
    expected.sort(key=lambda row: row[0])
    assert [row[0] for row in rows] == [label for _, label, *_ in expected]
    for row, (mean, _, ranks, worst) in zip(rows, expected, strict=True):
        told = [math.nan if text == "\N{EN DASH}" else float(text) for text in row[1:]]
        numbers = [math.nan if rank is None else rank for rank in (*ranks, mean, worst)]
        assert told == pytest.approx(numbers, abs=0.01, nan_ok=True)


def check_bars(browser: Browser, printed: Any) -> None:
    training, new = traces(browser, "agents-splits")
    rows = printed["tasks"]["PointGoal"]["agents"]
    assert new["y"] == training["y"] == ["normal", LABEL, "scratch", "blind", "greedy"]
    for trace, split in ((new, "test"), (training, "train")):
        found = [row[split]["is_success"] for row in rows.values()]
        assert trace["x"] == [one["mean"] for one in found]
        assert trace["error_x"]["array"] == pytest.approx([one["high"] - one["mean"] for one in found])


def check_missing(browser: Browser, printed: Any) -> None:
    ((name, reason),) = printed["failed"].items()
    assert f"{name} failed: {reason}" in browser.text("#agents-missing")
    browser.click("#agents-missing summary")
    assert all(missing in browser.text("#agents-missing") for missing in printed["missing"])
    assert "24 of 27 cells are done" in browser.text("#agents-facts")


def check_results(browser: Browser, printed: Any) -> None:
    head, *rows = cells(browser, "agents-results-table")
    for row, told in zip(rows, printed["tasks"]["PointGoal"]["agents"].values(), strict=True):
        found = dict(zip(head, row, strict=True))
        assert found["seeds"] == str(told["seeds"])
        reward = told["test"]["reward"]
        assert found["reward"] == f"{reward['mean']:.3g} [{reward['low']:.3g}, {reward['high']:.3g}]"
        assert float(found["rank"]) == told["rank"]


def check_verdicts(browser: Browser, printed: Any) -> None:
    _, *rows = cells(browser, "agents-verdicts")
    kinds = {(claim["hypothesis"], claim["claim"]) for claim in printed["claims"]}
    assert {(row[0].partition(",")[0], row[1]) for row in rows} == kinds
    for hypothesis, claim, *counts in rows:
        same = [one["verdict"] for one in printed["claims"] if hypothesis.startswith(one["hypothesis"])
                and one["claim"] == claim]  # fmt: skip
        assert counts == [str(same.count(verdict)) for verdict in ("holds", "fails", "undecided")]
    assert len(cells(browser, "agents-claims")) == 1 + len(printed["claims"])


def test_a_task_and_a_measure_are_chosen_with_the_keyboard_and_kept_in_the_address(
    browser: Browser, page: str, study_folder: Path
) -> None:
    radio = browser.find("#agents-task input")
    radio.send_keys(Keys.ARROW_RIGHT)
    browser.until(lambda: "Explore" in browser.text("#agents-curve-words"), "the other task")
    browser.settle()
    browser.find("#agents-curve input:checked").send_keys(Keys.ARROW_RIGHT)
    browser.until(lambda: axis_title(browser, "agents-curves", "yaxis") == "SPL", "the other measure")
    browser.until(lambda: "curve=spl" in browser.driver.current_url, "the permalink")
    address = browser.driver.current_url
    assert parse_qs(urlsplit(address).query) == {"task": ["Explore"], "curve": ["spl"]}
    shown = lines(browser)["normal"]["y"]
    assert shown == pytest.approx(mean_curve(study_folder, "Explore", "normal", "spl")["mean"])
    browser.open(address)
    assert lines(browser)["normal"]["y"] == shown
    assert axis_title(browser, "agents-curves", "yaxis") == "SPL"
    browser.until(lambda: axis_title(browser, "agents-splits", "xaxis") == "m² seen", "the task's own measure")


def test_an_address_that_asks_for_what_there_is_not_shows_what_there_is_at_any_width_in_any_theme(
    browser: Browser, explore: Explore, study_folder: Path, tmp_path: Path
) -> None:
    browser.open(explore(tmp_path, agents=study_folder) + "/agents?task=Swimming&curve=%3Cscript%3E")
    browser.until(lambda: "PointGoal" in browser.text("#agents-curve-words"), "the first task")
    assert set(lines(browser)) == {"normal", LABEL, "scratch", "blind"}
    assert axis_title(browser, "agents-curves", "yaxis") == "success"
    colour = "return document.querySelector('#agents-curves .js-plotly-plot').data.at(-1).line.color"
    before = browser.driver.execute_script(colour)
    browser.click("#theme-toggle")
    browser.until(lambda: browser.driver.execute_script(colour) != before, "other colours")
    browser.resize(390)
    browser.until(lambda: browser.driver.execute_script(_FITS, 390), "no more than 390 px")


def test_a_study_in_progress_is_watched_by_opening_the_page_again(
    browser: Browser, explore: Explore, tmp_path: Path
) -> None:
    folder = write_study(tmp_path / "study", leave_out=20)
    address = explore(tmp_path, agents=folder) + "/agents"
    browser.open(address)
    assert "7 of 27 cells are done" in browser.text("#agents-facts")
    assert not browser.find_all("#agents-outdated")
    report = (folder / "report.json").read_bytes()
    write_study(folder, leave_out=10)
    (folder / "report.json").write_bytes(report)
    browser.open(address)
    assert f"midlevel rl report {folder}" in browser.text("#agents-outdated")
    write_study(folder, leave_out=10)
    browser.open(address)
    assert "17 of 27 cells are done" in browser.text("#agents-facts")
    assert not browser.find_all("#agents-outdated")
