"""The solver's page in a browser, against `midlevel taxonomy solve`."""

import http.client
import io
import json
import re
import shlex
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from server.explorer.options import ExploreOptions
from server.explorer.pages.solver.looks import graph_style
from server.explorer.pages.solver.places import circle_order
from server.explorer.serving import listening
from taxonomy import TransferTable
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore
from tests.server.explorer.solver.tab import SolverTab, solved

Open = Callable[..., SolverTab]
RIGHT = Keys.ARROW_RIGHT


@pytest.fixture(scope="module")
def published_file(published_folder: Path) -> Path:
    return published_folder / "all_affinities_16k.pkl"


@pytest.fixture(scope="module")
def published_address(published_file: Path) -> Iterator[str]:
    """Of one app for all tests: what it keeps is nobody's."""
    with listening(ExploreOptions(results=published_file, port=0)) as listener:
        thread = threading.Thread(target=listener.serve, daemon=True)
        thread.start()
        yield listener.address
        listener.stop()
        thread.join(10)


@pytest.fixture
def open_solver(browser: Browser, explore: Explore, request: pytest.FixtureRequest) -> Open:
    def go(results: Path, query: str = "") -> SolverTab:
        is_published = results.suffix == ".pkl"
        address = request.getfixturevalue("published_address") if is_published else explore(results)
        browser.open(f"{address}/solver?{query}")
        return SolverTab(browser)

    return go


def write_table(path: Path, transfers: list[dict[str, object]], **more: object) -> Path:
    path.write_text(json.dumps({"transfers": transfers, **more}))
    return path


@pytest.mark.parametrize("order", [1, 4])
def test_moving_the_budget_slider_shows_exactly_what_the_command_prints(
    open_solver: Open, published_file: Path, order: int
) -> None:
    tab = open_solver(published_file, f"budget=1&order={order}")
    path = shlex.quote(str(published_file))
    for budget, keys in ((2, RIGHT), (7, RIGHT * 5), (26, Keys.END), (25, Keys.ARROW_LEFT)):
        tab.slide("budget", keys)
        command = f"midlevel taxonomy solve {path} --budget {budget} --max-order {order}"
        assert tab.browser.until(lambda wanted=command: tab.shows(wanted), command)  # type: ignore[misc]
        assert solved(tab.command()) == solved(command)
        assert f"budget={budget}" in tab.link()


def test_moving_the_order_slider_shows_exactly_what_the_command_prints(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "budget=5&order=1")
    for order in (2, 3):
        tab.slide("order", RIGHT)
        assert f"--max-order {order}" in tab.command()
        assert tab.shows(tab.command())


def test_every_task_stays_in_its_place_in_the_order_of_the_tree(
    open_solver: Open, published_file: Path, published: TransferTable
) -> None:
    tab = open_solver(published_file, "budget=2")
    before = {node["id"]: (node["x"], node["y"]) for node in tab.graph()["nodes"]}
    tab.slide("budget", RIGHT * 6)
    assert len(tab.trained()) == 8
    assert {node["id"]: (node["x"], node["y"]) for node in tab.graph()["nodes"]} == before
    assert set(before) == set(circle_order(published))


def test_excluding_a_task_removes_it(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "budget=4")
    assert "normal" in tab.trained()
    assert [tab.press("normal") for _ in range(3)] == ["source", "target", "off"]
    assert "normal" not in {node["id"] for node in tab.graph()["nodes"]}
    assert not any("normal" in {edge["source"], edge["target"]} for edge in tab.graph()["edges"])
    assert "off=normal" in tab.link()
    assert tab.shows(tab.command())


def test_a_chip_offers_only_what_the_table_has_transfers_for(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file)
    assert tab.browser.text(f"{tab.chip('jigsaw')} small") == "source"
    assert [tab.press("jigsaw") for _ in range(2)] == ["off", "source"]
    assert tab.browser.find(tab.chip("jigsaw")).get_attribute("aria-label") == "jigsaw: source"
    assert tab.browser.find(tab.chip("jigsaw")).get_attribute("data-role") == "source"


def test_a_whole_group_can_be_left_out_and_taken_back(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "budget=3")
    first = tab.graph()
    tab.browser.click("button[aria-label='semantic: none']")
    assert {"class_object", "class_scene", "class_selected", "segment_semantic"}.isdisjoint(
        node["id"] for node in tab.graph()["nodes"]
    )
    assert tab.shows(tab.command())
    tab.browser.click("button[aria-label='semantic: all']")
    assert "--targets" not in tab.command()
    assert tab.graph() == first


def test_importance_and_cost_count_as_for_the_command(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "budget=4")
    tab.browser.click("#solver-tasks summary")
    for row, column, number in (("class_object", 1, "100"), ("normal", 2, "2.5")):
        field = tab.browser.driver.find_element(By.XPATH, f"//th[.='{row}']/../td[{column}]//input")
        field.send_keys(number, Keys.ENTER)
        tab.browser.settle()
    assert "--importance class_object=100 --cost normal=2.5" in tab.command()
    assert tab.shows(tab.command())
    slider = tab.browser.find("#solver-budget [role=slider]")
    assert float(slider.get_attribute("aria-valuemax") or 0) == 27.5
    tab.slide("budget", Keys.ARROW_LEFT)
    assert tab.shows(tab.command())
    assert "--budget 4 " not in tab.command()


def test_a_link_restores_everything_in_a_fresh_tab(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "budget=3&order=2")
    tab.browser.click("#solver-keep")
    tab.press("reshading")
    tab.browser.click("button[aria-label='2D: none']")
    tab.browser.click("#solver-tasks summary")
    tab.browser.find_all("#solver-tasks td input")[-1].send_keys("4", Keys.ENTER)
    tab.slide("budget", RIGHT * 2)
    link, before = tab.link(), (tab.graph(), tab.command(), tab.graph("solver-kept-graph"))
    difference = tab.browser.text("#solver-difference")
    driver = tab.browser.driver
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    try:
        tab.browser.open(link)
        assert (tab.graph(), tab.command(), tab.graph("solver-kept-graph")) == before
        assert tab.browser.text("#solver-difference") == difference
        assert tab.link() == link
        assert tab.browser.find_all("#solver-tasks td input")[-1].get_attribute("value") == "4"
        assert tab.browser.text(f"{tab.chip('reshading')} small") == "source"
    finally:
        driver.close()
        driver.switch_to.window(first)


def test_a_kept_solution_is_compared_with_what_comes_after(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "budget=3")
    before = solved(tab.command())
    tab.browser.click("#solver-keep")
    tab.slide("budget", RIGHT * 2)
    after = solved(tab.command())
    comes = ", ".join(name for name in after["sources"] if name not in before["sources"])
    words = tab.browser.text("#solver-difference")
    assert f"Comes: {comes}" in words
    assert f"{after['objective'] - before['objective']:+.6f}" in words
    old, new = ({one["target"]: one for one in answer["transfers"]} for answer in (before, after))
    changed = [name for name in new if old[name] != new[name]]
    rows = tab.browser.find_all("#solver-difference tbody tr")
    assert [row.find_element(By.TAG_NAME, "td").text for row in rows] == changed
    for row, name in zip(rows, changed, strict=True):
        assert row.find_elements(By.TAG_NAME, "td")[3].text == f"{new[name]['affinity'] - old[name]['affinity']:+.6f}"
    assert {name: set(one["sources"]) for name, one in old.items()} == tab.drawn("solver-kept-graph")
    tab.browser.click("#solver-forget")
    assert not tab.browser.find("#solver-kept-graph").is_displayed()
    assert "kept=" not in tab.link()


def test_what_cannot_be_solved_is_said_and_the_last_graph_fades(open_solver: Open, tmp_path: Path) -> None:
    transfers: list[dict[str, object]] = [
        {"sources": ["edge_texture"], "target": "normal", "affinity": 0.5},
        {"sources": ["denoising"], "target": "curvature", "affinity": 0.4},
    ]
    tab = open_solver(write_table(tmp_path / "two.json", transfers), "budget=2")
    graph = tab.graph()
    tab.slide("budget", Keys.ARROW_LEFT)
    assert "reaching every target takes a budget of 2" in tab.browser.text("#solver-message")
    assert tab.browser.find("#solver-graph-frame.faded")
    assert tab.graph() == graph
    assert not any(tab.browser.find(f"#solver-{what}").is_enabled() for what in ("keep", "export-json", "export-png"))
    assert "budget=1" in tab.link()
    tab.slide("budget", RIGHT)
    assert tab.browser.text("#solver-message") == ""
    assert not tab.browser.find_all("#solver-graph-frame.faded")
    tab.browser.click("button[aria-label='2D: none']")
    assert "a taxonomy needs at least one" in tab.browser.text("#solver-message")
    tab.browser.click("button[aria-label='2D: all']")
    assert tab.graph() == graph


@pytest.mark.parametrize("name", ["budget", "order"])
def test_a_blank_number_is_said_so_until_one_is_typed(open_solver: Open, published_file: Path, name: str) -> None:
    tab = open_solver(published_file, "budget=3&order=2")
    graph, field = tab.graph(), tab.browser.find(f"#solver-{name} input")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.DELETE, Keys.ENTER)
    tab.browser.until(lambda: "is blank; give a number" in tab.browser.text("#solver-message"), "why not")
    assert tab.browser.find("#solver-graph-frame.faded")
    assert not tab.browser.find("#solver-export-json").is_enabled()
    assert tab.browser.text("#message") == ""
    field.send_keys("3" if name == "budget" else "2", Keys.ENTER)
    tab.browser.until(lambda: not tab.browser.text("#solver-message"), "the answer")
    assert not tab.browser.find_all("#solver-graph-frame.faded")
    assert tab.graph() == graph
    assert tab.shows(tab.command())


def test_every_slider_and_number_has_a_name_for_screen_readers(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "cost=normal:2")
    controls = tab.browser.find_all("#page input, #page [role=slider]")
    tab.browser.until(lambda: all(control.accessible_name for control in controls), "names")
    names = [control.accessible_name for control in controls]
    assert {"importance of reshading", "cost of reshading", "cost of jigsaw"} < set(names)
    assert "importance of jigsaw" not in names, "it is no target"
    assert sorted(name for name in names if " of " not in name) == [
        "Budget",
        "Budget",
        "Maximum order",
        "Maximum order",
    ]


def test_the_difference_table_fits_a_laptop(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "budget=4&kept=budget%3D8")
    assert tab.browser.find("#solver-difference td")
    script = "const at = document.querySelector('#solver-difference .scrolls'); return at.scrollWidth - at.clientWidth;"
    assert tab.browser.driver.execute_script(script) == 0


def test_hollow_nodes_are_filled_with_the_pages_background() -> None:
    sheet = files("server.explorer").joinpath("assets", "explorer.css").read_text("utf-8")
    filled = [
        next(rule["style"]["background-color"] for rule in graph_style(theme) if rule["selector"] == "node.task")
        for theme in ("light", "dark")
    ]
    assert filled == re.findall("--page: (#[0-9a-f]{6});", sheet)


def test_files_are_what_the_command_prints_and_the_reports_picture(
    open_solver: Open, published_file: Path, tmp_path: Path
) -> None:
    tab = open_solver(published_file, "budget=4&order=2")
    driver = tab.browser.driver
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    content = {}
    for kind in ("json", "svg", "png"):
        tab.browser.click(f"#solver-export-{kind}")
        file = tmp_path / f"taxonomy-budget-4-order-2.{kind}"
        content[kind] = tab.browser.until(lambda at=file: at.exists() and at.read_bytes(), kind)  # type: ignore[misc]
    answer = json.loads(content["json"])
    answer.pop("seconds")
    assert answer == solved(tab.command())
    assert ElementTree.fromstring(content["svg"]).tag.endswith("svg")
    with Image.open(io.BytesIO(content["png"])) as picture:
        assert picture.width > 800


def test_the_command_line_is_copied(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "off=normal")
    driver = tab.browser.driver
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": allowed})
    tab.browser.find("#solver-copy-command").send_keys(Keys.ENTER)
    read = "return navigator.clipboard.readText()"
    assert tab.browser.until(lambda: driver.execute_script(read) == tab.command(), "a copy")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("budget=nan", "'nan' as the budget"),
        ("off=normale", "Did you mean 'normal'"),
        ("kept=budget%3D4%26order%3D99", "order=99"),
    ],
)
def test_a_link_without_sense_is_answered_with_a_sentence_and_the_defaults(
    open_solver: Open, published_file: Path, query: str, words: str
) -> None:
    tab = open_solver(published_file, query)
    assert words.lower() in tab.browser.text("#page > .message").lower()
    assert tab.shows(f"midlevel taxonomy solve {shlex.quote(str(published_file))} --budget 6")


def test_two_users_at_once_never_see_each_others_state(open_solver: Open, published_file: Path) -> None:
    tab = open_solver(published_file, "budget=2")
    tab.browser.driver.execute_script(_RECORD)
    tab.slide("budget", RIGHT)
    body, link = tab.browser.driver.execute_script("return window.recorded"), tab.link()

    def visit(user: tuple[int, str]) -> list[tuple[str, dict[str, object]]]:
        order, off = user
        return [ask(link, body, budget, order, off) for budget in (3, 5, 8, 4, 6, 7)]

    users = [(1, "normal"), (4, "reshading")]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(visit, users))
    for (order, off), answers in zip(users, found, strict=True):
        for budget, (query, nodes) in zip((3, 5, 8, 4, 6, 7), answers, strict=True):
            assert query == f"budget={budget}&order={order}&off={off}"
            path = shlex.quote(str(published_file))
            everything = ",".join(name for name in nodes if name != off)
            command = f"midlevel taxonomy solve {path} --budget {budget} --max-order {order} --sources {everything}"
            targets = ",".join(name for name, sources in nodes.items() if sources is not None)
            answer = solved(f"{command} --targets {targets}")
            assert {one["target"]: one["sources"] for one in answer["transfers"]} == {
                name: sources for name, sources in nodes.items() if sources is not None
            }
    assert "budget=3" in tab.link()
    assert tab.shows(tab.command())


_RECORD = """
const fetch = window.fetch;
window.fetch = (where, how) => {
  if (how?.body?.includes("solver-graph.elements")) window.recorded = how.body;
  return fetch(where, how);
};
"""


def ask(link: str, body: str, budget: int, order: int, off: str) -> tuple[str, dict[str, object]]:
    """Send a request of the page once more with other settings: the settings of the answer, and sources by task."""
    request = json.loads(body)
    changed = {"solver-budget": budget, "solver-order": order}
    for value in request["inputs"]:
        if isinstance(value, dict) and value["id"] in changed:
            value["value"] = changed[value["id"]]
        if isinstance(value, dict) and value["id"] == "solver-roles":
            value["value"][off] = "off"
    where = urlsplit(link)
    connection = http.client.HTTPConnection(where.hostname or "", where.port)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/_dash-update-component", json.dumps(request), headers)
    answer = json.loads(connection.getresponse().read())["response"]
    connection.close()
    nodes = [one["data"] for one in answer["solver-graph"]["elements"] if "trained" in one["data"]]
    return answer["solver-query"]["data"], {node["id"]: node["sources"] for node in nodes}


def test_a_table_with_one_target_and_one_source_works(open_solver: Open, tmp_path: Path) -> None:
    file = write_table(tmp_path / "one.json", [{"sources": ["normal"], "target": "reshading", "affinity": 0.5}])
    tab = open_solver(file)
    assert tab.shows(f"midlevel taxonomy solve {file} --budget 1")
    assert tab.browser.text(f"{tab.chip('reshading')} small") == "target"


def test_own_tasks_with_odd_names_and_costs_keep_them_through_link_and_command(
    open_solver: Open, tmp_path: Path
) -> None:
    odd = 'it\'s 50% wet: & "cold"'
    transfers: list[dict[str, object]] = [
        {"sources": [odd], "target": "normal", "affinity": 0.9},
        {"sources": ["edge_texture"], "target": "normal", "affinity": 0.5},
        {"sources": ["edge_texture"], "target": odd, "affinity": 0.4},
        {"sources": ["self"], "target": odd, "affinity": 0.8},
    ]
    folder = tmp_path / "my $results"
    folder.mkdir()
    file = write_table(folder / "own.json", transfers, tasks=[{"name": odd, "group": "sem"}])
    tab = open_solver(file, "budget=0.75&cost=edge_texture:0.5")
    assert tab.shows(f"midlevel taxonomy solve {shlex.quote(str(file))} --budget 0.75 --cost edge_texture=0.5")
    tab.browser.find(".solver-chip[aria-label^='it']").send_keys(Keys.ENTER)
    tab.browser.settle()
    assert tab.shows(tab.command())
    tab.browser.open(tab.link())
    assert tab.shows(tab.command())
