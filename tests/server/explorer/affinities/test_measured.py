"""What was measured before AHP, against the files themselves."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perception import UserError
from server.explorer.content import Absent, Content
from server.explorer.options import ExploreOptions
from server.explorer.pages.affinities.measured import before_ahp
from taxonomy import TransferTable, read_transfers, transfer_key
from tests.server.explorer.affinities.synthetic_runs import write_run


def test_mean_losses_and_win_rates_are_those_of_the_files(run: Path) -> None:
    table = read_transfers(run)
    found = before_ahp(Content(ExploreOptions(results=run)), table)
    assert not isinstance(found, Absent)
    listed = json.loads((run / "losses" / "losses.json").read_text())["targets"]
    for entry in listed[::7]:
        losses = np.load(run / "losses" / entry["file"]).astype(float)
        ranked = [column for column, sources in enumerate(entry["sources"]) if sources != ["pixels"]]
        for column in ranked[::5]:
            measured = found[transfer_key(entry["sources"][column], entry["target"])]
            others = losses[:, [other for other in ranked if other != column]]
            wins = (losses[:, [column]] < others).mean() + (losses[:, [column]] == others).mean() / 2
            assert measured.mean_loss == pytest.approx(losses[:, column].mean())
            assert measured.win_rate == pytest.approx(wins)
            assert measured.images == len(losses)
    assert transfer_key(["pixels"], listed[0]["target"]) not in found, "it takes no part in AHP"


def test_images_on_which_a_loss_is_missing_do_not_count(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", images=20)
    file = folder / "losses" / "normal.npy"
    losses = np.load(file)
    losses[3, 1] = np.nan
    np.save(file, losses)
    found = before_ahp(Content(ExploreOptions(results=folder)), read_transfers(folder))
    assert not isinstance(found, Absent)
    sources = next(each for each in _listed(folder) if each["target"] == "normal")["sources"]
    measured = found[transfer_key(sources[0], "normal")]
    assert measured.images == 19
    assert measured.mean_loss == pytest.approx(np.delete(losses[:, 0], 3).mean())


def test_a_file_of_affinities_alone_has_no_before_and_says_what_has(run: Path) -> None:
    absent = before_ahp(Content(ExploreOptions(results=run / "affinity.json")), read_transfers(run))
    assert isinstance(absent, Absent)
    assert "holds affinities alone" in absent.why
    assert absent.command == "midlevel demo"


@pytest.mark.parametrize("damage", [b"", b"garbage", b'{"targets": [{"target": "normal"}]}'])
def test_garbage_for_losses_is_said_so_with_the_file(tmp_path: Path, damage: bytes) -> None:
    folder = write_run(tmp_path / "run", images=5)
    (folder / "losses" / "losses.json").write_bytes(damage)
    absent = before_ahp(Content(ExploreOptions(results=folder)), read_transfers(folder))
    assert isinstance(absent, Absent)
    assert "losses.json" in absent.why
    assert absent.command is None, "they are there"


def test_losses_of_other_transfers_are_refused(run: Path) -> None:
    from server.explorer.pages.affinities.grids import loss_grid
    from server.explorer.pages.affinities.matrices import matrix_of

    table: TransferTable = read_transfers(run)
    with pytest.raises(UserError, match="do losses and affinities come from one run"):
        loss_grid(matrix_of(table, 1, "tree"), {})


def _listed(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "losses" / "losses.json").read_text())["targets"]
    return found


def test_losses_that_are_measured_again_are_read_again(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    content = Content(ExploreOptions(results=copy))
    table = content.table
    assert isinstance(table, TransferTable)
    before = before_ahp(content, table)
    assert before_ahp(content, table) is before
    for file in (copy / "losses").glob("*.npy"):
        np.save(file, 2 * np.load(file))
    index = copy / "losses" / "losses.json"
    index.write_text(index.read_text() + " ")  # a run writes it last
    after = before_ahp(content, table)
    assert not isinstance(before, Absent)
    assert not isinstance(after, Absent)
    assert {key: each.mean_loss for key, each in after.items()} == pytest.approx(
        {key: 2 * each.mean_loss for key, each in before.items()}
    )
