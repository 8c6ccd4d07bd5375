"""The page in a browser, on a small run: what is shown is what the run's files say."""

import json
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from perception import UserError
from server.explorer.content import Absent, Content
from server.explorer.options import ExploreOptions
from server.explorer.pages.transfers.pictures import compare, run_of
from taxonomy import TransferTable, read_transfers
from taxonomy.pipeline import FinishedRun, open_run
from taxonomy.pipeline.tiles import transfers_to
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore
from tests.server.explorer.live.asking import decoded


@pytest.fixture
def address(explore: Explore, run: Path) -> str:
    return explore(run) + "/transfers"


@pytest.fixture(scope="module")
def table(run: Path) -> TransferTable:
    return read_transfers(run)


def ranked(table: TransferTable, target: str) -> list[tuple[str, ...]]:
    """Sources of every transfer that is shown, largest affinity first, straight from the file."""
    found = [t for t in table if t.target == target and not {"self", "random", "pixels"} & set(t.sources)]
    return [t.sources for t in sorted(found, key=lambda t: (-t.affinity, t.order, t.sources))]


def shown(browser: Browser) -> list[tuple[str, ...]]:
    tiles = browser.find_all("#transfers-grid .tile")
    return [tuple((tile.get_attribute("data-sources") or "").split(",")) for tile in tiles]


def choose(browser: Browser, dropdown: str, name: str) -> None:
    browser.find(f"#{dropdown}").click()
    browser.until(lambda: option(browser, name), name)
    option(browser, name)[0].click()
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)


def option(browser: Browser, name: str) -> list[WebElement]:
    """What the open dropdown calls so."""
    options = browser.find_all(".dash-dropdown-content .dash-options-list-option")
    return [one for one in options if one.text.split()[:1] == [name]]


def query(browser: Browser) -> dict[str, list[str]]:
    return parse_qs(urlsplit(browser.driver.current_url).query)


def test_every_transfer_stands_in_the_order_of_its_affinity_with_its_numbers(
    browser: Browser, address: str, table: TransferTable
) -> None:
    browser.open(f"{address}?target=class_scene")
    expected = ranked(table, "class_scene")
    browser.until(lambda: shown(browser) == expected, "all transfers")
    by_sources = {t.sources: t for t in table if t.target == "class_scene"}
    for rank, tile in enumerate(browser.find_all("#transfers-grid .tile"), start=1):
        transfer = by_sources[expected[rank - 1]]
        assert f"rank {rank} of {len(expected)}" in tile.text
        assert f"affinity {transfer.affinity:.3g}" in tile.text
        assert f"gain {transfer.gain:.2f}" in tile.text
        assert f"quality {transfer.quality:.2f}" in tile.text
    titles = browser.text("#transfers-references")
    for title in ("photo", "label of class_scene", "class_scene's own network", "readout of a random encoder"):
        assert title in titles


def test_pictures_are_those_of_the_report(browser: Browser, address: str, run: Path, table: TransferTable) -> None:
    browser.open(f"{address}?target=normal&image=2")
    browser.until(lambda: len(shown(browser)) == len(ranked(table, "normal")), "all transfers")
    opened = open_run(run)
    row = transfers_to("normal", opened.dataset, opened, opened.table, opened.bank, opened.tests, 2)
    expected = {transfer.sources: transfer.tile.picture for transfer in row.transfers}
    for figure in browser.find_all("#transfers-grid .tile"):
        sources = tuple((figure.get_attribute("data-sources") or "").split(","))
        source = figure.find_element("css selector", "img").get_attribute("src") or ""
        np.testing.assert_array_equal(decoded(source), expected[sources], err_msg=str(sources))


def test_a_link_from_the_matrix_opens_with_its_transfer_marked_and_in_view(
    browser: Browser, address: str, table: TransferTable
) -> None:
    last = ranked(table, "normal")[-1]
    browser.resize(390)
    browser.open(f"{address}?target=normal&sources={','.join(reversed(last))}&image=0")
    marked = browser.find("#transfers-marked")
    assert marked.get_attribute("data-sources") == ",".join(last)
    where = "const box = arguments[0].getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight"
    browser.until(lambda: browser.driver.execute_script(where, marked), "the marked transfer in view")
    assert query(browser)["sources"] == [",".join(sorted(last))]


def test_a_transfer_that_the_run_lacks_is_told_of(browser: Browser, address: str) -> None:
    browser.open(f"{address}?target=normal&sources=class_scene,normal")
    browser.until(lambda: "no transfer from class_scene + normal to normal" in browser.text("#transfers-summary"), "it")
    browser.open(f"{address}?target=curvature")
    assert browser.text("#page .message").startswith("this run has no target 'curvature'")


def test_orders_sources_and_target_choose_and_the_address_keeps_them(
    browser: Browser, address: str, table: TransferTable
) -> None:
    browser.open(f"{address}?target=normal")
    expected = ranked(table, "normal")
    browser.until(lambda: shown(browser) == expected, "all transfers")
    browser.find("#transfers-orders input[value='1']").click()
    pairs = [sources for sources in expected if len(sources) == 2]
    browser.until(lambda: shown(browser) == pairs, "transfers of order 2 alone")
    browser.find("#transfers-orders input[value='1']").click()
    choose(browser, "transfers-among", "autoencoding")
    among = [sources for sources in expected if "autoencoding" in sources]
    browser.until(lambda: shown(browser) == among, "transfers from autoencoding alone")
    choose(browser, "transfers-target", "class_scene")
    other = [sources for sources in ranked(table, "class_scene") if "autoencoding" in sources]
    browser.until(lambda: shown(browser) == other, "transfers to class_scene")
    browser.until(lambda: query(browser).get("target") == ["class_scene"], "the address")
    assert query(browser)["among"] == ["autoencoding"]
    browser.open(browser.driver.current_url)
    browser.until(lambda: shown(browser) == other, "the same again")


def test_images_are_gone_through_with_the_arrow_keys(
    browser: Browser, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.explorer.pages.transfers.controls.AT_ONCE", 4)
    browser.open(address)
    photo = "#transfers-references .tile img"
    before = browser.find(photo).get_attribute("src")
    browser.find("#transfers-image input:checked").send_keys(Keys.ARROW_RIGHT)
    browser.until(lambda: query(browser).get("image") == ["1"], "image 1 in the address")
    assert browser.find(photo).get_attribute("src") != before
    browser.click("#transfers-later")
    browser.until(lambda: query(browser).get("image") == ["4"], "image 4 in the address")
    browser.click("#transfers-earlier")
    browser.until(lambda: query(browser).get("image") == ["0"], "image 0 in the address")


def test_a_run_that_is_not_finished_is_told_of_until_it_is(
    browser: Browser, explore: Explore, run: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    (copy / "affinity.json").rename(copy / "kept")
    address = explore(copy) + "/transfers"
    browser.open(address)
    assert "is not finished" in browser.text(".empty")
    (copy / "kept").rename(copy / "affinity.json")
    browser.open(address)
    browser.until(lambda: shown(browser), "transfers")


def test_of_a_run_that_was_made_again_pictures_and_affinities_are_the_new_ones(copy: Path) -> None:
    content = Content(ExploreOptions(results=copy))
    before = run_of(content), content.table
    assert (run_of(content), content.table) == before, "the same objects while nothing changes"
    file = copy / "affinity.json"
    document = json.loads(file.read_text())
    for transfer in document["transfers"]:
        transfer["affinity"] /= 2
    file.write_text(json.dumps(document))
    opened, table = run_of(content), content.table
    assert isinstance(opened, FinishedRun)
    assert isinstance(table, TransferTable)
    assert isinstance(before[1], TransferTable)
    halves = [transfer.affinity / 2 for transfer in before[1]]
    assert [transfer.affinity for transfer in table] == halves
    assert [transfer.affinity for transfer in opened.table] == halves


def test_an_address_with_unknown_words_gives_a_message_and_the_page(browser: Browser, address: str) -> None:
    browser.open(f"{address}?zzz=1")
    assert "'zzz'; it can say target, image, orders, among, sources" in browser.text("#page .message")
    browser.until(lambda: shown(browser), "transfers")


def test_a_run_that_lacks_its_images_is_sent_to_no_command_that_would_not_mend_it(
    browser: Browser, explore: Explore, copy: Path
) -> None:
    (copy / "data").rename(copy / "elsewhere")
    browser.open(explore(copy) + "/transfers")
    assert "link them into it" in browser.text(".empty")
    assert "Make it with" not in browser.text(".empty")


def test_a_file_of_affinities_alone_has_no_pictures(browser: Browser, explore: Explore, run: Path) -> None:
    browser.open(explore(run / "affinity.json") + "/transfers")
    assert "is no folder of a run" in browser.text(".empty")


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def cut_short(folder: Path, name: str) -> None:
    """Cut all files of a name."""
    found = list(folder.rglob(name))
    assert found
    for path in found:
        path.write_bytes(path.read_bytes()[:40])


def test_a_damaged_run_is_a_sentence_on_the_page(browser: Browser, explore: Explore, copy: Path) -> None:
    cut_short(copy, "test_rgb.npy")
    browser.open(explore(copy) + "/transfers")
    browser.until(lambda: "test_rgb.npy" in browser.text("#message"), "a sentence that names the file")
    assert browser.find("#transfers-target")


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json", "affinity.json", "unit.json", "transfers.json", "objective.json", "readouts.safetensors",
        "test_rgb.npy", "bank.json", "index.json", "rgb.npy", "normal.safetensors",
    ],
)  # fmt: skip
def test_whatever_file_is_damaged_it_is_a_sentence_that_names_the_run(copy: Path, name: str) -> None:
    cut_short(copy, name)
    found = run_of(Content(ExploreOptions(results=copy)))
    if isinstance(found, Absent):
        assert str(copy) in found.why
    else:
        with pytest.raises(UserError, match=str(copy)):
            compare(found, "normal", 0)


def test_looking_changes_nothing(run: Path) -> None:
    def content() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in run.rglob("*")}

    before = content()
    opened = run_of(Content(ExploreOptions(results=run)))
    assert isinstance(opened, FinishedRun)
    compare(opened, "normal", 3)
    assert content() == before
