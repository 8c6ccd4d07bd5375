"""What is not there yet: every page says what makes it, and shows it once it is made, without a restart."""

import json
import shutil
from pathlib import Path

import pytest

from server.explorer.content import Absent, Content
from server.explorer.options import ExploreOptions
from taxonomy import TransferTable
from tests.server.explorer.affinities.synthetic_runs import write_run
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore


def test_pages_show_what_was_made_since_they_were_empty(
    browser: Browser, explore: Explore, finished_run: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    address = explore(results, bank=str(results / "bank"))
    for path in ("/solver", "/affinities", "/features", "/transfers", "/live"):
        browser.open(address + path)
        assert browser.find(".empty")
    shutil.copytree(finished_run, results, dirs_exist_ok=True)
    for path, content in (
        ("/solver", "#solver-targets td"), ("/affinities", ".affinities-matrix .nsewdrag"),
        ("/features", "#features-chosen"), ("/transfers", "#transfers-grid .tile"), ("/live", "#live-upload"),
    ):  # fmt: skip
        browser.open(address + path)
        assert browser.find(content)
        assert not browser.find_all(".empty")


def test_the_command_makes_what_is_shown(tmp_path: Path) -> None:
    def command(results: Path) -> str | None:
        table = Content(ExploreOptions(results=results)).table
        assert isinstance(table, Absent)
        return table.command

    assert command(ExploreOptions().results) == "midlevel demo"
    assert command(tmp_path / "my run") == f"midlevel demo --out '{tmp_path / 'my run'}'"
    assert command(tmp_path / "affinity.json") == "midlevel demo"


@pytest.mark.parametrize("content", ["garbage", "", '{"transfers": [{"sources": ["normal"], "target": "x"}]}'])
def test_for_a_broken_file_no_command_is_offered(tmp_path: Path, content: str) -> None:
    file = tmp_path / "own.json"
    file.write_text(content)
    for options in (ExploreOptions(results=file), ExploreOptions(compared=file)):
        shown = Content(options)
        found = shown.compared if options.compared else shown.table
        assert isinstance(found, Absent)
        assert str(file) in found.why
        assert found.command is None


def test_all_that_is_shown_follows_the_files(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", images=20)
    content = Content(ExploreOptions(results=run, compared=run / "affinity.json"))
    before = content.table, content.compared
    assert before == (content.table, content.compared)
    file = run / "affinity.json"
    document = json.loads(file.read_text())
    document["transfers"] = document["transfers"][1:]
    file.write_text(json.dumps(document))
    for old, new in zip(before, (content.table, content.compared), strict=True):
        assert isinstance(old, TransferTable)
        assert isinstance(new, TransferTable)
        assert len(new) == len(old) - 1


def test_win_rates_that_come_later_are_read(published_folder: Path, tmp_path: Path) -> None:
    name = "all_affinities_16k.pkl"
    rates = next(path for path in published_folder.rglob("wins_vs_pixels_16k.pkl"))
    shutil.copy(published_folder / name, tmp_path)
    content = Content(ExploreOptions(results=tmp_path / name))

    def has_gain() -> bool:
        table = content.table
        assert isinstance(table, TransferTable)
        return any(transfer.gain is not None for transfer in table)

    assert not has_gain()
    shutil.copy(rates, tmp_path)
    assert has_gain()
