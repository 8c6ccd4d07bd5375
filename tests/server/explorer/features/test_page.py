"""The page of feature sets in a browser, against what the command line prints."""

import json
import math
import shlex
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Keys
from typer.testing import CliRunner

from midlevel import app
from perception import load_bank
from server.explorer.pages.features import costs
from tests.server.explorer.affinities.table_texts import rows_of
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore

_CURVES = """
const found = document.querySelector("#features-curve .js-plotly-plot");
return found && found._fullData ? found._fullData.map((each) => [Array.from(each.x), Array.from(each.y)]) : null;
"""


def printed(command: str) -> dict[str, Any]:
    """What a command that starts with `midlevel` prints with `--json`."""
    result = CliRunner().invoke(app, [*shlex.split(command)[1:], "--json"], catch_exceptions=False)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def set_to(browser: Browser, size: int) -> None:
    """Move the slider by keyboard."""
    slider = browser.find("#features-size [role=slider]")
    now = int(slider.get_attribute("aria-valuenow") or 0)
    slider.send_keys((Keys.ARROW_RIGHT if size > now else Keys.ARROW_LEFT) * abs(size - now))
    browser.until(lambda: browser.text("#features-command").endswith(f"--size {size}"), f"{size} features")
    browser.settle()


def curves(browser: Browser) -> list[list[list[float]]]:
    """x and y of what Plotly has drawn: computed, published and marked, first of worst, then of total distances."""
    found: list[list[list[float]]] = browser.until(lambda: browser.driver.execute_script(_CURVES), "curves")
    return found


def test_what_is_shown_of_each_size_is_what_the_command_prints(browser: Browser, explore: Explore, run: Path) -> None:
    browser.open(explore(run) + "/features")
    for size in (4, 1, 2, 7):
        set_to(browser, size)
        command = browser.text("#features-command")
        assert command == f"midlevel taxonomy coverage {run} --size {size}"
        expected = printed(command)
        assert browser.text("#features-chosen") == ", ".join(expected["features"])
        assert rows_of(browser, "#features-rivals")[0] == [
            f"max-coverage:{size}", ", ".join(expected["features"]), f"{expected['worst_distance']:.4f}",
            expected["worst_task"], f"{expected['total_distance']:.4f}",
        ]  # fmt: skip
        browser.until(lambda size=size: curves(browser)[2][0] == [size], f"the mark at {size}")  # type: ignore[misc]
        worst, _, marked, total, _, marked_total = curves(browser)
        assert marked == [[size], [expected["worst_distance"]]]
        assert marked_total == [[size], [expected["total_distance"]]]
        assert worst[1][worst[0].index(size)] == expected["worst_distance"]
        assert total[1][total[0].index(size)] == expected["total_distance"]


def test_every_task_stands_once_under_its_nearest_feature_with_its_distance(
    browser: Browser, explore: Explore, run: Path
) -> None:
    browser.open(explore(run) + "/features?k=3")
    best: dict[str, tuple[float, str]] = {}
    features = browser.text("#features-chosen").split(", ")
    for each in json.loads((run / "affinity.json").read_text())["transfers"]:
        source = each["target"] if each["sources"] == ["self"] else each["sources"][0]
        if len(each["sources"]) == 1 and source in features:
            best[each["target"]] = max(best.get(each["target"], (0.0, "")), (each["affinity"], source))
    shown, promised, nearest = {}, 0, ""
    for row in rows_of(browser, ".features-covered"):
        if len(row) == 1:  # a feature, over the tasks that it covers
            nearest, count, _ = row[0].split()
            promised += int(count)
        else:
            shown[row[0]] = float(row[2].split()[0]), nearest
    assert promised == len(shown)
    assert {task: feature for task, (_, feature) in shown.items()} == {task: best[task][1] for task in best}
    for task, (distance, _) in shown.items():
        assert distance == pytest.approx(-math.log(best[task][0]), abs=6e-5)
    worst = max(best, key=lambda task: -best[task][0])
    assert browser.text(".features-worst").split()[0] == worst


def test_the_published_set_of_the_same_size_stands_beside_it(browser: Browser, explore: Explore, run: Path) -> None:
    browser.open(explore(run) + "/features?k=4")
    published = next(row for row in rows_of(browser, "#features-rivals") if row[0] == "published:4")
    names = "normal,keypoints2d,segment_unsup2d,segment_semantic"
    expected = printed(f"midlevel taxonomy coverage {run} --size 4 --features {names}")
    assert published[2:] == [
        f"{expected['worst_distance']:.4f}", expected["worst_task"], f"{expected['total_distance']:.4f}",
    ]  # fmt: skip
    assert set(published[1].split(", ")) == set(names.split(","))


def test_a_size_stays_in_the_address(browser: Browser, explore: Explore, run: Path) -> None:
    browser.open(explore(run) + "/features?k=2")
    before = browser.text("#features-chosen")
    set_to(browser, 6)
    browser.until(lambda: browser.driver.current_url.endswith("/features?k=6"), "the address")
    link = browser.find("#features-link").get_attribute("href") or ""
    chosen = browser.text("#features-chosen")
    assert chosen != before
    browser.open(link)
    assert browser.text("#features-chosen") == chosen


def test_a_size_that_there_is_not_gives_a_message_and_the_page(browser: Browser, explore: Explore, run: Path) -> None:
    address = explore(run)
    for asked, said in (("k=0", "k=0"), ("k=x", "k=x"), ("k=", "k without a value")):
        browser.open(f"{address}/features?{asked}")
        assert f"{said}; expected a number of features from 1 to 12" in browser.text(".message")
        assert browser.text("#features-chosen")
    for asked in ("zzz=1", "k=2&zzz="):
        browser.open(f"{address}/features?{asked}")
        assert "the address says 'zzz'; it can say k." in browser.text(".message")
        assert browser.text("#features-chosen")


def test_costs_are_counted_and_milliseconds_measured_when_asked_for(
    browser: Browser, explore: Explore, run: Path
) -> None:
    browser.open(explore(run) + "/features?k=2")
    words = browser.until(lambda: browser.text("#features-work"), "the costs")
    assert f"{2 * costs.work_of(load_bank('buildings-v1')).multiply_adds / 1e6:.1f} M" in words
    assert "16,384 B" in words, "float32"
    assert "8,192 B" in words, "float16"
    assert "nothing was measured" in browser.text("#features-speed")
    browser.click("#features-measure")
    told = browser.until(lambda: "median" in browser.text("#features-speed") and browser.text("#features-speed"), "ms")
    assert 0 < float(str(told).split()[0]) < 10_000
    assert "for 2 features" in str(told)
    browser.click("#theme-toggle")
    assert browser.text("#features-speed") == told, "another theme leaves it"
    set_to(browser, 3)
    browser.until(lambda: "nothing was measured" in browser.text("#features-speed"), "the other set")


def test_a_measurement_while_another_is_under_way_is_refused_with_a_message(
    browser: Browser, explore: Explore, run: Path
) -> None:
    browser.open(explore(run) + "/features?k=5")
    browser.until(lambda: browser.text("#features-work"), "the costs")
    with costs._MEASURING:
        browser.click("#features-measure")
        browser.until(lambda: "another measurement is under way" in browser.text("#message"), "the message")
    set_to(browser, 6)
    assert browser.text("#features-chosen"), "the app goes on"


def test_without_affinities_the_banks_own_sets_are_shown(browser: Browser, explore: Explore, tmp_path: Path) -> None:
    browser.open(explore(tmp_path / "nothing") + "/features?k=4")
    assert browser.text("#features-chosen") == ", ".join(load_bank("buildings-v1").coverage[4])
    assert "midlevel demo" in browser.text("#features-set .empty")
    browser.until(lambda: browser.text("#features-work"), "the costs")


def test_without_affinities_and_bank_the_page_says_what_makes_them(
    browser: Browser, explore: Explore, tmp_path: Path
) -> None:
    browser.open(explore(tmp_path / "nothing", bank=str(tmp_path / "no bank")) + "/features")
    assert "midlevel demo" in browser.text(".empty")


def test_affinities_that_reach_no_task_are_said_so_although_there_is_no_bank_either(
    browser: Browser, explore: Explore, run: Path, tmp_path: Path
) -> None:
    document = json.loads((run / "affinity.json").read_text())
    for transfer in document["transfers"]:
        transfer["affinity"] = 0.0
    file = tmp_path / "zero.json"
    file.write_text(json.dumps(document))
    result = CliRunner().invoke(app, ["taxonomy", "coverage", str(file), "--size", "2"])
    browser.open(explore(file, bank=str(tmp_path / "no bank")) + "/features")
    first, second = (found.text for found in browser.find_all(".empty"))
    assert first.removeprefix(f"{file}: ") in str(result.exception)
    assert "Make it with" not in first
    assert "there is no bank" in second


def test_the_size_has_a_name_for_screen_readers(browser: Browser, explore: Explore, run: Path) -> None:
    browser.open(explore(run) + "/features")
    for control in ("[role=slider]", "input"):
        found = browser.find(f".field {control}")
        browser.until(lambda found=found: found.accessible_name == "k, the most features in the set", control)  # type: ignore[misc]


def test_without_a_bank_sets_are_shown_and_costs_say_why_not(
    browser: Browser, explore: Explore, run: Path, tmp_path: Path
) -> None:
    browser.open(explore(run, bank=str(tmp_path / "no bank")) + "/features")
    assert browser.text("#features-chosen")
    browser.until(lambda: "there is no bank" in browser.text("#features-work .empty"), "why")
    assert not browser.find("#features-measure").is_enabled()
