"""The shell in a browser: every page opens, wide and narrow, without a word on the console."""

import http.client
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from perception import UserError
from server.explorer.options import ExploreOptions
from server.explorer.page import Page
from server.explorer.pages import PAGES
from server.explorer.serving import listening
from tests.server.explorer.agents.made_up import write_run, write_study
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore


@pytest.mark.parametrize("width_px", [1280, 390])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_every_page_opens_and_fits_its_width(
    browser: Browser, explore: Explore, published_folder: Path, page: Page, width_px: int
) -> None:
    browser.resize(width_px)
    browser.open(explore(published_folder / "all_affinities_16k.pkl") + page.path)
    assert browser.text("#page h1") == page.title
    assert browser.text(".sentence")
    assert browser.find('nav a[aria-current="page"]').text == page.title
    wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width_px


_OF_A_RUN = {
    "/solver": "#solver-targets td",
    "/affinities": "#affinities-matrices > :nth-child(2) .nsewdrag",
    "/features": "#features-curve .nsewdrag",
    "/transfers": "#transfers-grid .tile img",
    "/live": "#live-upload",
    "/agents": "#agents-curves .nsewdrag",
}
"""What a page shows of a run with a study of agents."""


@pytest.fixture(scope="module")
def run_with_agents(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    folder = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("shell") / "run"))
    write_study(folder / "agent" / "study", leave_out=3)
    write_run(folder / "agent" / "run")
    return folder


@pytest.mark.parametrize(("width_px", "theme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_every_page_shows_a_run_and_fits_its_width(
    browser: Browser, explore: Explore, run_with_agents: Path, page: Page, width_px: int, theme: str
) -> None:
    browser.resize(width_px)
    browser.open(explore(run_with_agents) + page.path)
    if browser.find("html").get_attribute("data-theme") != theme:
        browser.click("#theme-toggle")
    assert browser.find(_OF_A_RUN[page.path])
    browser.settle()
    assert not browser.find_all(".empty, .message")
    assert browser.text("#message") == ""
    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= width_px
    back, ink = browser.driver.execute_script(_COLOURS)
    assert (back > ink) == (theme == "light")


_COLOURS = """
const style = getComputedStyle(document.body), bright = (colour) => Number(colour.match(/[0-9]+/)[0]);
return [bright(style.backgroundColor), bright(style.color)];
"""


def test_results_that_are_not_there_are_said_so_with_the_command_that_makes_them(
    browser: Browser, explore: Explore, tmp_path: Path
) -> None:
    browser.open(explore(tmp_path / "nothing"))
    assert "midlevel demo" in browser.text(".empty")


def test_the_theme_is_remembered(browser: Browser, explore: Explore, tmp_path: Path) -> None:
    address = explore(tmp_path)
    browser.open(address)
    before = browser.find("html").get_attribute("data-theme")
    browser.click("#theme-toggle")
    assert browser.find("html").get_attribute("data-theme") != before
    browser.open(address)
    assert browser.find("html").get_attribute("data-theme") != before


def test_a_page_of_another_site_cannot_reach_it_by_a_name_of_its_own(explore: Explore, tmp_path: Path) -> None:
    where = urlsplit(explore(tmp_path))
    connection = http.client.HTTPConnection(where.hostname or "", where.port)
    connection.request("GET", "/", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 403
    connection.close()


def test_listening_beyond_this_machine_needs_tls_or_the_users_word() -> None:
    with (
        pytest.raises(UserError, match="can be reached from other machines"),
        listening(ExploreOptions(host="0.0.0.0", port=0)),
    ):
        pass
