"""`midlevel data`: results on stdout, exit codes, JSON."""

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from perception import UserError
from taxonomy.data_cli import app
from taxonomy.dataset import open_dataset
from taxonomy.dataset.best_views import best_views
from tests.taxonomy.dataset.box_world import BoxWorld

RUN = CliRunner()


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxonomy.dataset.world.HouseWorld", lambda *arguments, **options: BoxWorld())


@pytest.mark.usefixtures("boxes")
def test_render_prints_figures_beside_the_published_ones(tmp_path: Path) -> None:
    arguments = ["render", "--buildings", "1", "--views", "4", "--size", "16", "--workers", "1"]
    arguments += ["--out", str(tmp_path / "d"), "--contact-sheet", str(tmp_path / "s.png")]
    result = RUN.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "field_of_view_deg" in result.stdout
    assert "61.2" in result.stdout
    assert size_of(tmp_path / "s.png")[0] > 100
    again = RUN.invoke(app, [*arguments, "--json"])
    document = json.loads(again.stdout)
    assert document["houses"] == {"rendered": 0, "found": 1}
    assert document["images"] == 4
    assert document["statistics"]["roll_deg"]["mean"] == pytest.approx(0, abs=1e-4)


def test_verify_exits_with_1_where_something_is_wrong(rendered: Path, copy: Path) -> None:
    clean = RUN.invoke(app, ["verify", str(rendered)])
    assert (clean.exit_code, "all sound" in clean.stdout) == (0, True)
    (copy / "store" / "house_0000" / "rgb.npy").unlink()
    bad = RUN.invoke(app, ["verify", str(copy), "--json"])
    assert bad.exit_code == 1
    assert json.loads(bad.stdout)["problems"] == [{"path": "store/house_0000/rgb.npy", "reason": "missing"}]


def test_sheet_draws_views_and_labels(rendered: Path, tmp_path: Path) -> None:
    for arguments in (["--count", "5"], ["--labels", "--view", "3"]):
        result = RUN.invoke(app, ["sheet", str(rendered), "--out", str(tmp_path / "p.png"), *arguments])
        assert result.exit_code == 0, result.output
        assert result.stdout.strip() == str(tmp_path / "p.png")
        assert size_of(tmp_path / "p.png")[1] > 100


def test_the_best_sheet_shows_each_kind_of_room_once(rendered: Path, tmp_path: Path) -> None:
    result = RUN.invoke(app, ["sheet", str(rendered), "--out", str(tmp_path / "p.png"), "--best"])
    assert result.exit_code == 0, result.output
    dataset = open_dataset(rendered)
    best = best_views(dataset)
    kinds = dataset.batch(range(len(dataset)), ["class_scene"]).labels["class_scene"].values
    names = dataset.classes["class_scene"]
    assert list(best) == sorted({names[kind] for kind in kinds})
    assert all(names[kinds[index]] == name for name, index in best.items())
    both = RUN.invoke(app, ["sheet", str(rendered), "--out", str(tmp_path / "p.png"), "--best", "--labels"])
    assert isinstance(both.exception, UserError)


def test_statistics_of_a_dataset_are_printed(rendered: Path) -> None:
    document = json.loads(RUN.invoke(app, ["statistics", str(rendered / "published"), "--json"]).stdout)
    assert document["cameras_per_point"]["published"] == 5
    assert 47 < document["field_of_view_deg"]["mean"] < 75


@pytest.mark.usefixtures("boxes")
def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["render", "--buildings", "1", "--out", str(tmp_path), "--format", "tar"])
    assert isinstance(result.exception, UserError)
    assert "store, published, both" in str(result.exception)
