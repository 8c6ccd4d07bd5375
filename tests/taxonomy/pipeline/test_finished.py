"""Finished runs are looked at and never changed, and pictures drawn from them are those of the report."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from perception import UserError
from taxonomy.pipeline import measure, open_run
from taxonomy.pipeline.tiles import target_transfers, transfers_to
from tests.taxonomy.pipeline.tiny import tiny_options


@pytest.fixture
def whole(run_copy: Path, data: Path) -> Path:
    """A run with its images."""
    (run_copy / "data").symlink_to(data)
    return run_copy


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def test_pictures_are_those_of_the_run_itself_and_nothing_is_written(whole: Path, data: Path) -> None:
    result = measure(whole, data, tiny_options())
    before = content(whole)
    run = open_run(whole)
    assert set(run.targets) == set(result.targets)
    assert dict(run.sources) == dict(result.sources)
    assert {name: found.readouts for name, found in run.targets.items()} == {
        name: found.readouts for name, found in result.targets.items()
    }
    expected = target_transfers(run.dataset, result, run.table, run.bank, run.tests, 1)
    for target, row in zip(result.targets, expected, strict=True):
        found = transfers_to(target, run.dataset, run, run.table, run.bank, run.tests, 1)
        assert found.target == target
        for one, other in zip(found.transfers, row.transfers, strict=True):
            assert (one.sources, one.affinity, one.tile.caption) == (other.sources, other.affinity, other.tile.caption)
            np.testing.assert_array_equal(one.tile.picture, other.tile.picture)
    assert content(whole) == before


def test_of_two_units_of_one_order_the_one_that_was_measured_counts(whole: Path) -> None:
    right = open_run(whole).targets["normal"].readouts
    other = right[0].with_name("normal_order_1-" + "0" * 16)
    shutil.copytree(right[0], other)
    np.save(other / "losses.npy", np.load(right[0] / "losses.npy") + 1)
    assert open_run(whole).targets["normal"].readouts == right


def test_a_run_whose_images_lie_elsewhere_says_how_to_link_them(finished: Path) -> None:
    with pytest.raises(UserError, match=r"lie elsewhere; link them into it: ln -s DATASET .*run/data"):
        open_run(finished)


def test_other_images_are_not_taken_for_the_runs(whole: Path) -> None:
    manifest = json.loads((whole / "manifest.json").read_text())
    manifest["dataset"]["sha256"] = "0" * 64
    (whole / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="does not hold the images that the run was made with"):
        open_run(whole)


def test_what_is_no_finished_run_is_told_of(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing is no folder of a run: it has no manifest.json"):
        open_run(tmp_path / "nothing")
    shutil.rmtree(whole / "units")
    with pytest.raises(UserError, match="has no units of work"):
        open_run(whole)
    (whole / "affinity.json").unlink()
    with pytest.raises(UserError, match="is not finished"):
        open_run(whole)


def test_a_unit_that_readouts_need_and_that_is_gone_is_told_of(whole: Path) -> None:
    shutil.rmtree(next((whole / "units" / "objective").glob("normal-*")))
    with pytest.raises(UserError, match=r"lacks the unit [0-9a-f]{16}, which readouts need"):
        open_run(whole)


def test_readouts_that_are_gone_are_told_of(whole: Path) -> None:
    shutil.rmtree(next((whole / "units" / "readouts").glob("normal_order_2-*")))
    with pytest.raises(UserError, match=r"lacks the readout of \w+ \+ \w+ -> normal"):
        open_run(whole)
