"""The command that a dataset says it was rendered by, run again."""

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from midlevel import app
from taxonomy.dataset import HouseWorld, RenderSpec, open_dataset, render_dataset
from taxonomy.dataset.identity import command_of, dataset_sha256
from tests.taxonomy.dataset.box_world import BoxWorld


def midlevel(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(("layout", "more"), [("store", ""), ("published", " --format published")])
def test_the_command_of_a_dataset_renders_it_again(tmp_path: Path, layout: str, more: str) -> None:
    world = HouseWorld("fast", threads=1)
    render_dataset(tmp_path / "first", RenderSpec(1, 2, 16, seed=5), world=world, layouts=(layout,))
    first = open_dataset(tmp_path / "first")
    command = command_of(first)
    assert command == "midlevel data render --buildings 1 --views 2 --size 16 --seed 5 --quality fast" + more
    done = midlevel(*shlex.split(command)[1:], "--out", str(tmp_path / "again"))
    assert done.exit_code == 0, done.output
    assert dataset_sha256(open_dataset(tmp_path / "again")) == dataset_sha256(first)


@pytest.mark.parametrize("change", [{"world": "boxes"}, {"labels": ["abc"]}])
def test_other_worlds_and_labels_of_ones_own_have_no_such_command(tmp_path: Path, change: dict[str, object]) -> None:
    render_dataset(tmp_path / "data", RenderSpec(1, 2, 16, seed=5), world=BoxWorld())
    manifest = tmp_path / "data" / "manifest.json"
    document = json.loads(manifest.read_text())
    document["spec"] |= {"world": "houses, smooth"} | change
    manifest.write_text(json.dumps(document))
    assert command_of(open_dataset(tmp_path / "data")) is None


def test_a_folder_without_a_manifest_has_none(tmp_path: Path) -> None:
    render_dataset(tmp_path / "data", RenderSpec(1, 2, 16, seed=5), world=BoxWorld(), layouts=("published",))
    (tmp_path / "data" / "manifest.json").unlink()
    assert command_of(open_dataset(tmp_path / "data")) is None
