"""The page of affinities in a browser, against the files it shows."""

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from scipy.stats import spearmanr
from selenium.webdriver import ActionChains, Keys

from taxonomy import read_transfers
from taxonomy.similarity import first_order_matrix, similarity_tree
from tests.server.explorer.affinities.synthetic_runs import NAMES
from tests.server.explorer.affinities.table_texts import rows_of
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore

_HEATMAP = """
const found = document.querySelectorAll(".affinities-matrix .js-plotly-plot")[arguments[0]];
if (!found || !found._fullData || !found._fullData.length) return null;
const trace = found._fullData[0], clean = (words) => words.map((each) => each.replace(/<[^>]*>/g, ""));
return {
  rows: clean(found._fullLayout.yaxis.ticktext), columns: clean(found._fullLayout.xaxis.ticktext),
  labels: found._fullLayout.yaxis.ticktext, data: trace.customdata, words: trace.text, colours: trace.z,
  scale: trace.colorscale, ink: found._fullLayout.font.color,
};
"""


def heatmap(browser: Browser, place: int) -> dict[str, Any]:
    """What Plotly has drawn in the left (0) or right (1) picture."""
    found: dict[str, Any] = browser.until(lambda: browser.driver.execute_script(_HEATMAP, place), f"heatmap {place}")
    return found


def cells(drawn: dict[str, Any]) -> dict[tuple[str, str], tuple[float, str]]:
    """Number and sources of every cell that has any, by row and column."""
    return {
        (row, column): (drawn["data"][i][j][0], drawn["data"][i][j][1])
        for i, row in enumerate(drawn["rows"])
        for j, column in enumerate(drawn["columns"])
        if drawn["data"][i][j][0] is not None
    }


def transfers_in(file: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(file.read_text())["transfers"]
    return [each for each in listed if not {"self", "random", "pixels"} & set(each["sources"])]


def choose(browser: Browser, name: str, value: str) -> None:
    """Click the radio button of that value."""
    browser.click(f"#affinities-{name} input[value='{value}']")


def test_affinities_are_the_files_and_losses_those_that_were_measured(
    browser: Browser, explore: Explore, run: Path
) -> None:
    browser.open(explore(run) + "/affinities")
    listed = [each for each in transfers_in(run / "affinity.json") if len(each["sources"]) == 1]
    after = heatmap(browser, 1)
    expected = {(each["sources"][0], each["target"]): (each["affinity"], each["sources"][0]) for each in listed}
    assert cells(after) == expected
    before = cells(heatmap(browser, 0))
    assert before.keys() == expected.keys()
    entry = json.loads((run / "losses" / "losses.json").read_text())["targets"][3]
    means = np.load(run / "losses" / entry["file"]).astype(float).mean(axis=0)
    for sources, mean in zip(entry["sources"], means.tolist(), strict=True):
        if (sources[0], entry["target"]) in before and len(sources) == 1:
            assert before[sources[0], entry["target"]][0] == pytest.approx(mean)
    row, column = after["rows"].index("reshading"), after["columns"].index("normal")
    assert "reshading → normal" in after["words"][row][column]
    assert f"affinity {expected['reshading', 'normal'][0]:.4g}" in after["words"][row][column]


def test_rows_follow_the_similarity_tree_or_the_alphabet_as_chosen(
    browser: Browser, explore: Explore, run: Path
) -> None:
    browser.open(explore(run) + "/affinities")
    tree = similarity_tree(first_order_matrix(read_transfers(run))).order
    assert heatmap(browser, 1)["rows"] == list(tree)
    choose(browser, "arrangement", "alphabet")
    browser.until(lambda: heatmap(browser, 1)["rows"] == sorted(tree), "the alphabet")
    drawn = heatmap(browser, 0)
    assert drawn["rows"] == sorted(tree)
    assert drawn["columns"] == sorted(drawn["columns"])


def test_at_a_higher_order_a_cell_is_the_best_transfer_with_that_source_and_a_permalink_restores_it(
    browser: Browser, explore: Explore, run: Path
) -> None:
    address = explore(run) + "/affinities"
    browser.open(f"{address}?view=wins&order=3&arrangement=dictionary&target=reshading")
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for each in transfers_in(run / "affinity.json"):
        for source in each["sources"] if len(each["sources"]) == 3 else []:
            place = source, each["target"]
            if place not in best or each["affinity"] > best[place]["affinity"]:
                best[place] = each
    drawn = heatmap(browser, 1)
    assert cells(drawn) == {place: (each["affinity"], ",".join(each["sources"])) for place, each in best.items()}
    (source, target), transfer = next(iter(best.items()))
    words = drawn["words"][drawn["rows"].index(source)][drawn["columns"].index(target)]
    assert f"{' + '.join(transfer['sources'])} → {target}" in words
    assert "best transfer of 3 sources" in browser.text("#affinities-matrices")
    assert browser.find("#affinities-target").get_property("textContent") == "reshading"
    choose(browser, "arrangement", "alphabet")
    browser.until(lambda: "arrangement=alphabet" in browser.driver.current_url, "the address")
    link = browser.find("#affinities-link").get_attribute("href") or ""
    assert link == browser.driver.current_url
    assert {name: value for name, [value] in parse_qs(urlsplit(link).query).items()} == {
        "view": "wins", "order": "3", "arrangement": "alphabet", "target": "reshading",
    }  # fmt: skip
    browser.open(link)
    assert cells(heatmap(browser, 1)) == cells(drawn)
    assert heatmap(browser, 1)["rows"] == sorted(drawn["rows"])


def test_a_click_on_a_cell_leads_to_its_transfer_and_back(browser: Browser, explore: Explore, run: Path) -> None:
    browser.open(explore(run) + "/affinities?order=2")
    drawn = heatmap(browser, 1)
    (row, column), (_, sources) = next(iter(cells(drawn).items()))
    script = """
    const found = document.querySelectorAll(".affinities-matrix .js-plotly-plot")[1];
    found.scrollIntoView({ block: "center" });
    const box = found.querySelector(".nsewdrag").getBoundingClientRect(), { xaxis, yaxis } = found._fullLayout;
    return [Math.round(box.left + xaxis.d2p(arguments[0])), Math.round(box.top + yaxis.d2p(arguments[1]))];
    """
    place = drawn["columns"].index(column), drawn["rows"].index(row)
    x, y = browser.driver.execute_script(script, *place)
    pointer = ActionChains(browser.driver)
    pointer.w3c_actions.pointer_action.move_to_location(x, y)  # type: ignore[no-untyped-call]
    pointer.perform()
    browser.until(lambda: browser.find_all(".hoverlayer .hovertext"), "words at the pointer")
    assert " → " + column in browser.text(".hoverlayer .hovertext")
    ActionChains(browser.driver).click().perform()
    browser.until(lambda: "/transfers?" in browser.driver.current_url, "the transfer's address")
    query = parse_qs(urlsplit(browser.driver.current_url).query)
    assert query == {"target": [column], "sources": [sources]}
    browser.driver.back()
    browser.until(lambda: browser.text("#page h1") == "Affinities", "the page again")
    assert cells(heatmap(browser, 1)) == cells(drawn), "of the same order"


def test_two_files_are_compared_by_rank(browser: Browser, explore: Explore, run: Path, other_run: Path) -> None:
    browser.open(explore(run, compared=other_run / "affinity.json") + "/affinities?view=side")
    first = {}
    for place, folder in enumerate((run, other_run)):
        listed = [each for each in transfers_in(folder / "affinity.json") if len(each["sources"]) == 1]
        first[place] = {(each["sources"][0], each["target"]): each["affinity"] for each in listed}
        drawn = heatmap(browser, place)
        assert {cell: number for cell, (number, _) in cells(drawn).items()} == first[place]
        assert str(folder) in browser.text("#affinities-matrices")
    correlations = {row[0]: float(row[1]) for row in rows_of(browser, "#affinities-agreement")}
    for target in {target for _, target in first[0]}:
        sources = [source for source, each in first[0] if each == target]
        mine, theirs = ([first[place][source, target] for source in sources] for place in (0, 1))
        assert correlations[target] == pytest.approx(spearmanr(mine, theirs).statistic, abs=0.005)
    choose(browser, "view", "difference")
    browser.until(lambda: len(browser.find_all(".affinities-matrix")) == 1, "one picture")
    for (source, target), (number, _) in list(cells(heatmap(browser, 0)).items())[::20]:
        mine, theirs = (
            1 + sum(value > table[source, target] for (_, each), value in table.items() if each == target)
            for table in (first[0], first[1])
        )
        assert number == theirs - mine


def test_without_another_file_the_page_says_how_to_give_one(browser: Browser, explore: Explore, run: Path) -> None:
    browser.open(explore(run) + "/affinities?view=difference")
    assert "--compare FILE" in browser.text("#affinities-matrices .empty")


def test_of_affinities_alone_the_page_shows_those_and_says_what_makes_losses(
    browser: Browser, explore: Explore, run: Path
) -> None:
    browser.open(explore(run / "affinity.json") + "/affinities")
    assert "midlevel demo" in browser.text("#affinities-matrices .empty")
    assert len(cells(heatmap(browser, 0))) == len(NAMES[1:]) ** 2


def test_a_run_with_garbage_for_losses_gives_a_message_and_the_rest(
    browser: Browser, explore: Explore, run: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(run, tmp_path / "run"))
    (broken / "losses" / "losses.json").write_text("garbage")
    (broken / "affinity.json").write_bytes((run / "affinity.json").read_bytes())
    browser.open(explore(broken) + "/affinities?view=wins")
    assert "losses.json is no index of losses" in browser.text("#affinities-matrices .empty")
    assert len(cells(heatmap(browser, 0))) == len(NAMES[1:]) ** 2
    choose(browser, "arrangement", "alphabet")
    drawn = browser.until(lambda: heatmap(browser, 0), "the picture")
    assert drawn["rows"], "the app goes on"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("order=99", "order=99; expected one of 1, 2, 3"),
        ("zzz=1", "'zzz'; it can say view, order, arrangement, target"),
    ],
)
def test_an_address_that_means_nothing_gives_a_message_and_the_page(
    browser: Browser, explore: Explore, run: Path, query: str, words: str
) -> None:
    browser.open(explore(run) + f"/affinities?{query}")
    assert words in browser.text(".message")
    assert cells(heatmap(browser, 1))


def test_the_theme_changes_the_pictures_and_labels_have_their_groups_colours(
    browser: Browser, explore: Explore, run: Path
) -> None:
    browser.open(explore(run) + "/affinities")
    before = heatmap(browser, 1)
    browser.click("#theme-toggle")
    browser.until(lambda: heatmap(browser, 1)["ink"] != before["ink"], "another theme")
    after = heatmap(browser, 1)
    assert after["scale"] != before["scale"]
    assert after["labels"] != before["labels"]
    colours = {label.split('"')[1] for label in after["labels"]}
    assert len(colours) == 4, "the groups'"
    assert cells(after) == cells(before)


def test_the_table_lists_every_transfer_to_a_target_for_the_keyboard(
    browser: Browser, explore: Explore, run: Path
) -> None:
    browser.open(explore(run) + "/affinities?target=curvature")
    summary = browser.find("#affinities-details summary")
    assert not browser.find("#affinities-transfers").is_displayed()
    summary.send_keys(Keys.ENTER)
    browser.until(lambda: browser.find("#affinities-transfers").is_displayed(), "the table")
    shown = [row[:3] for row in rows_of(browser, "#affinities-transfers")]
    listed = [t for t in json.loads((run / "affinity.json").read_text())["transfers"] if t["target"] == "curvature"]
    listed.sort(key=lambda each: -each["affinity"])
    assert shown == [
        [" + ".join(each["sources"]), str(len(each["sources"])), f"{each['affinity']:.6g}"] for each in listed
    ]
    assert browser.find("#affinities-transfers a[href='/transfers?target=curvature&sources=reshading']")


def test_a_file_with_unknown_tasks_gives_a_message_in_place_of_the_page(
    browser: Browser, explore: Explore, tmp_path: Path
) -> None:
    file = tmp_path / "affinity.json"
    file.write_text(json.dumps({"transfers": [{"sources": ["normale"], "target": "curvature", "affinity": 0.5}]}))
    browser.open(explore(file) + "/affinities")
    assert "unknown task 'normale'; did you mean 'normal'?" in browser.text(".empty")
    assert "Make it with" not in browser.text(".empty"), "it is there"
    file.write_text(file.read_text().replace("normale", "xyzzy"))
    browser.open(explore(file) + "/affinities")
    assert "unknown task 'xyzzy'" in browser.text(".empty")
    whole = browser.find(".empty details p")
    assert not whole.is_displayed(), "a long list of all tasks"
    browser.find(".empty summary").send_keys(Keys.ENTER)
    browser.until(whole.is_displayed, "the whole sentence")
    assert "vanishing_point" in whole.text
