"""An agent's run in the browser: its curve, its evaluation, its videos."""

import json
import shutil
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from perception import UserError
from server.explorer.pages.agents.run_files import read_progress, read_spec
from tests.rl.study.works import ROLLOUT
from tests.server.explorer.agents.made_up import BLUE, RED
from tests.server.explorer.agents.pages import axis_title, cells, traces
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore

_COLOUR = """
const video = arguments[0], canvas = document.createElement("canvas");
if (video.readyState < 2 || video.seeking) return null;
[canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
const pen = canvas.getContext("2d");
pen.drawImage(video, 0, 0);
return Array.from(pen.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data).slice(0, 3);
"""


def test_its_curve_evaluation_and_captions_are_those_of_its_files(
    browser: Browser, explore: Explore, run_folder: Path, tmp_path: Path
) -> None:
    browser.open(explore(tmp_path, agents=run_folder) + "/agents?curve=spl")
    (drawn,) = traces(browser, "agents-run-curves")
    rows = [json.loads(line) for line in (run_folder / "progress.jsonl").read_text().splitlines()]
    assert (drawn["x"], drawn["y"]) == ([row["steps"] for row in rows], [row["spl"] for row in rows])
    assert axis_title(browser, "agents-run-curves", "yaxis") == "SPL"
    assert "normal in PointGoal, seed 3" in browser.text("#agents-facts")
    summary = json.loads((run_folder / "evaluation" / "test.json").read_text())["summary"]
    table = {row[0]: row[1] for row in cells(browser, "agents-evaluation")}
    assert table["measure"] == "test: 2 episodes in 2 buildings"
    for name, words in (("success", "success"), ("distance_m", "distance, m"), ("path_length_m", "path length, m")):
        told = [f"{summary[name][part]:.3g}" for part in ("mean", "low", "high")]
        assert table[words] == f"{told[0]} [{told[1]}, {told[2]}]"
    captions = [figure.text for figure in browser.find_all("#agents-body figcaption")]
    assert captions == [
        "Failure: test episode b/0, 10 steps (out of time), reward \N{MINUS SIGN}1",
        "Success: test episode a/0, 12 steps, SPL 0.50, reward 3.25",
    ]


def test_a_video_plays_seeks_and_is_reached_with_the_keyboard(
    browser: Browser, explore: Explore, run_folder: Path, tmp_path: Path
) -> None:
    browser.open(explore(tmp_path, agents=run_folder) + "/agents")
    video = browser.find("#agents-body video")
    browser.driver.execute_script("arguments[0].scrollIntoView()", video)

    def shows(colour: tuple[int, int, int]) -> bool:
        found = browser.driver.execute_script(_COLOUR, video)
        return found is not None and all(abs(a - b) < 40 for a, b in zip(found, colour, strict=True))

    browser.until(lambda: shows(RED), "the first frame")
    browser.driver.execute_script("arguments[0].currentTime = 3", video)
    browser.until(lambda: shows(BLUE), "a later frame")
    browser.driver.execute_script("arguments[0].muted = true; arguments[0].currentTime = 0; arguments[0].play()", video)
    browser.until(lambda: float(str(video.get_property("currentTime"))) > 0.3, "the video to play")
    browser.find("#agents-run-curve input:checked").click()
    for _ in range(40):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.driver.switch_to.active_element == video:
            return
    pytest.fail("the video is not reached with the tabulator")


def test_several_are_chosen_from_and_the_choice_is_in_the_address(
    browser: Browser, explore: Explore, run_folder: Path, study_folder: Path, tmp_path: Path
) -> None:
    root = tmp_path / "all"
    shutil.copytree(study_folder, root / "a study")
    for name in ("first", "a study/runs/PointGoal/normal/seed-0"):
        shutil.copytree(run_folder, root / name)
    address = explore(tmp_path, agents=root) + "/agents"
    browser.open(address)
    assert "24 of 27 cells" in browser.text("#agents-facts")
    assert "runs/PointGoal/normal/seed-0" in browser.text("#agents-body figcaption")
    browser.find("#agents-subject").click()
    options = {option.text: option for option in browser.find_all(".dash-dropdown-content .dash-options-list-option")}
    assert list(options) == ["study: a study", "run: a study/runs/PointGoal/normal/seed-0", "run: first"]
    options["run: first"].click()
    browser.until(lambda: "normal in PointGoal" in browser.text("#agents-facts"), "the run")
    browser.until(lambda: browser.driver.current_url == f"{address}?show=first&curve=return", "the permalink")
    browser.open(f"{address}?show=first&curve=length")
    assert "normal in PointGoal" in browser.text("#agents-facts")


BROKEN = {
    "progress.jsonl": (b'{"steps": 5, "return"\n', "line 1, is no rollout"),
    "manifest.json": (b"[]", "manifest.json is broken"),
    "evaluation/test.json": (b'{"split": "test"}', "test.json is broken"),
}


def test_a_broken_file_takes_its_place_with_a_message_and_leaves_the_rest(
    browser: Browser, explore: Explore, run_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    for name, (content, _) in BROKEN.items():
        (folder / name).write_bytes(content)
    browser.open(explore(tmp_path, agents=folder) + "/agents")
    messages = [found.text for found in browser.find_all("#agents-body .message")]
    assert len(messages) == len(BROKEN)
    assert all(any(words in message for message in messages) for _, words in BROKEN.values())
    assert len(browser.find_all("video")) == 2
    assert browser.text("#message") == ""


def test_a_line_that_is_being_written_is_not_read(run_folder: Path, tmp_path: Path) -> None:
    whole = (run_folder / "progress.jsonl").read_bytes()
    (tmp_path / "progress.jsonl").write_bytes(b"")
    assert read_progress(tmp_path) is None
    (tmp_path / "progress.jsonl").write_bytes(whole[:-20])
    found = read_progress(tmp_path)
    assert found is not None
    assert found.steps == tuple(range(ROLLOUT, 1000, ROLLOUT))
    (tmp_path / "progress.jsonl").write_bytes(whole)
    again = read_progress(tmp_path)
    assert again is not None
    assert again.steps[-1] == 1000
    assert again.seconds == {"sim": 6.25, "learn": 3.125}


def test_progress_that_is_no_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "progress.jsonl").write_text('{"steps": 5, "return": "much"}\n')
    with pytest.raises(UserError, match="'much' stands where a number is expected"):
        read_progress(tmp_path)
    assert read_spec(tmp_path) is None
