import dataclasses
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from perception import UserError
from perception.bank import load_bank, weights_sha256
from perception.networks import build_head
from taxonomy import read_losses, read_transfers, solve
from taxonomy.coverage import affinity_distances, max_coverage
from taxonomy.dataset import RenderSpec, render_dataset
from taxonomy.engine import LocalExecutor
from taxonomy.pipeline import Preset, RunOptions, measure, preset_named, run_everything
from taxonomy.readouts import readout_losses
from taxonomy.report import Findings, read_findings
from taxonomy.training import Schedule
from tests.taxonomy.dataset.box_world import BoxWorld
from tests.taxonomy.pipeline.tiny import TASKS, TINY, run_without_report, tiny_dataset, tiny_options

RESULTS = ("affinity.json", "taxonomy.json", "coverage.json", "sanity.json", "novel.json")
TARGETS = ("denoising", "normal", "vanishing_point", "class_scene")


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in RESULTS}


def test_affinities_come_from_all_rows_and_sum_to_one(finished: Path) -> None:
    table = read_transfers(finished)
    assert table.targets == TARGETS
    for target in TARGETS:
        transfers = [transfer for transfer in table if transfer.target == target]
        assert sum(transfer.affinity for transfer in transfers) == pytest.approx(1)
        names = {transfer.sources for transfer in transfers}
        assert names >= {(source,) for source in TASKS} | {("random",), ("self",)}
        assert sum(len(sources) == 2 for sources in names) == 6  # the pairs of the four other tasks
        assert all(transfer.gain is not None and transfer.quality is not None for transfer in transfers)


def test_win_rates_are_those_of_the_stored_losses(finished: Path) -> None:
    losses = {entry.target: entry for entry in read_losses(finished / "losses")}
    for transfer in read_transfers(finished):
        entry = losses[transfer.target]
        column, pixels, own = (
            entry.open()[:, entry.sources.index(sources)] for sources in (transfer.sources, ("pixels",), ("self",))
        )
        known = ~np.isnan(entry.open()).any(axis=1)
        for rate, rival in ((transfer.gain, pixels), (transfer.quality, own)):
            wins = [(a < b) + 0.5 * (a == b) for a, b in zip(column[known], rival[known], strict=True)]
            assert rate == pytest.approx(np.mean(wins))


def test_the_written_taxonomies_and_sets_are_what_the_solvers_say(finished: Path) -> None:
    table = read_transfers(finished)
    written = json.loads((finished / "taxonomy.json").read_text())["max_order"]
    assert set(written) == {"1", "2"}
    for order, sweep in written.items():
        for found in sweep:
            expected = solve(table, found["budget"], max_order=int(order)).to_json()
            assert found == {name: value for name, value in expected.items() if name != "seconds"}
    sets = json.loads((finished / "coverage.json").read_text())["sets"]
    for size, features in sets.items():
        assert tuple(features) == max_coverage(affinity_distances(table), int(size)).features


def test_the_bank_holds_every_network_and_its_weights(finished: Path) -> None:
    from safetensors.torch import load_file

    bank = load_bank(finished / "bank")
    assert bank.tasks == TASKS
    assert bank.verify() == []
    card = bank.card("normal")
    assert card.training["images"] == 54
    assert card.training["buildings"] == 6
    assert 0 <= card.metrics["win_over_constant"] <= 1
    encoder = bank.checkpoint("normal").encoder
    (unit,) = (finished / "units" / "network").glob("normal-*")
    trained = load_file(unit / "encoder.safetensors")
    for name, tensor in encoder.network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(tensor, trained[name], rtol=2e-3, atol=1e-4)
    assert weights_sha256(encoder) == card.encoder_sha256
    assert bank.feature_set("max-coverage:2")


def test_a_finished_run_is_not_done_again_and_keeps_its_bytes(run_copy: Path, data: Path) -> None:
    before = contents(run_copy)
    stamps = {path: path.stat().st_mtime_ns for path in (run_copy / "units").rglob("*.npy")}
    run_without_report(run_copy, data, tiny_options())
    assert contents(run_copy) == before
    assert {path: path.stat().st_mtime_ns for path in (run_copy / "units").rglob("*.npy")} == stamps


def test_a_corrupted_unit_is_made_again(run_copy: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(run_copy)
    (unit,) = (run_copy / "units" / "readouts").glob("normal_order_1-*")
    with (unit / "losses.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff\xff")
    run_without_report(run_copy, data, tiny_options())
    assert "normal" in capsys.readouterr().err
    assert contents(run_copy) == before


@pytest.mark.parametrize("after", ["network/jigsaw", "readouts/vanishing_point_order_1"])
def test_a_run_killed_in_the_middle_goes_on_and_ends_with_the_same_bytes(
    after: str, finished: Path, data: Path, tmp_path: Path
) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from tests.taxonomy.pipeline.tiny import run_without_report, tiny_options;"
        "run_without_report(Path(sys.argv[1]), Path(sys.argv[2]), tiny_options())"
    )
    out = tmp_path / "run"
    command = [sys.executable, "-c", script, str(out), str(data)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[3])
    kind, name = after.split("/")
    deadline = time.monotonic() + 120
    while not list((out / "units" / kind).glob(f"{name}-*")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "affinity.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in (out / "units").rglob("unit.json")}
    assert kept
    run_without_report(out, data, tiny_options())
    assert contents(out) == contents(finished)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())


class _Exploding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, representations: torch.Tensor) -> torch.Tensor:
        return torch.exp(self.weight * 1e4) * torch.ones(len(representations), 2)


def test_a_network_whose_loss_diverges_fails_alone_and_the_report_says_so(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taxonomy.training import network_work

    def head(output_shape: tuple[int, ...], views: int, seed: int) -> nn.Module:
        return _Exploding() if output_shape == (2,) else build_head(output_shape, views, seed)

    monkeypatch.setattr(network_work, "build_head", head)
    run_everything(tmp_path / "run", data, tiny_options(tasks=("normal", "jigsaw", "class_scene")))
    reason = "class_scene: the loss became nan at step 1 of 6; lower the learning rate"
    assert reason in (tmp_path / "run" / "left_out.json").read_text()
    assert reason in html.unescape((tmp_path / "run" / "report" / "report.html").read_text())
    table = read_transfers(tmp_path / "run")
    assert ("self",) not in {transfer.sources for transfer in table if transfer.target == "class_scene"}
    assert table.trainable == ("jigsaw", "normal")
    assert load_bank(tmp_path / "run" / "bank").tasks == ("jigsaw", "normal")


INVALID = """
import numpy as np
from perception import Group, Input, Loss, OutputKind, OutputSpec, Task
from perception.labels import Label

TASK = Task("odd", Group.THREE_D, OutputSpec(OutputKind.VECTOR, 2, -1, 1, "none"), Loss.L2, Input.RGB)

def label(view):
    return Label(np.zeros(2, np.float32), np.bool_(False))
"""


def test_a_task_whose_labels_are_all_invalid_fails_alone(tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_text(INVALID)
    data = tiny_dataset(tmp_path / "data", (file,))
    result = measure(tmp_path / "run", data, tiny_options(tasks=("normal", "class_scene"), novel=(file,)))
    assert {entry.target for entry in result.losses} == {"normal", "class_scene"}
    assert any("none of 9 labels of 'odd' is valid" in failure.reason for failure in result.failures)


NOVEL = """
import numpy as np
from perception import Group, Input, Loss, OutputKind, OutputSpec, Task
from perception.labels import Label

TASK = Task("mean_depth", Group.THREE_D, OutputSpec(OutputKind.VECTOR, 1, 0, 100, "m"), Loss.L2, Input.RGB)

def label(view):
    return Label(np.array([view.depth_m.mean()], np.float32), np.bool_(True))
"""


def test_a_novel_task_becomes_a_target_without_a_network_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mean_depth.py"
    file.write_text(NOVEL)
    data = tiny_dataset(tmp_path / "data", (file,))
    out = tmp_path / "run"
    run_everything(out, data, tiny_options(tasks=("normal", "jigsaw", "class_scene"), novel=(file,)))
    table = read_transfers(out)
    mine = {transfer.sources: transfer for transfer in table if transfer.target == "mean_depth"}
    assert {("normal",), ("jigsaw",), ("class_scene",), ("random",)} <= set(mine)
    assert ("self",) not in mine
    assert ("mean_depth",) not in mine
    assert all(transfer.gain is not None for transfer in mine.values())
    assert "mean_depth" not in load_bank(out / "bank").tasks
    suggestion = json.loads((out / "novel_tasks" / "mean_depth.json").read_text())
    best = max((t for t in mine.values() if t.is_candidate), key=lambda t: t.affinity)
    assert tuple(suggestion["sources"]) == best.sources
    assert (out / "novel_tasks" / "mean_depth.safetensors").stat().st_size > 0


def test_a_novel_task_that_the_dataset_lacks_is_explained(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "mean_depth.py"
    file.write_text(NOVEL)
    result = measure(tmp_path / "run", data, tiny_options(tasks=("normal", "jigsaw"), novel=(file,)))
    assert [(f.name, f.reason) for f in result.failures] == [
        ("mean_depth", "the dataset has no labels for it; render with --label")
    ]


def test_a_dataset_without_one_domain_goes_on_without_that_task(data: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(data, tmp_path / "data"))
    for path in copy.glob("*/normal.npy"):
        path.unlink()
    result = measure(tmp_path / "run", copy, tiny_options(tasks=("normal", "jigsaw", "class_scene", "curvature")))
    assert {entry.target for entry in result.losses} == {"class_scene", "curvature"}
    assert any(failure.name == "normal" and "normal.npy" in failure.reason for failure in result.failures)


def test_too_few_tasks_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only 1 task networks are left, and transfers need two"):
        measure(tmp_path / "run", data, tiny_options(tasks=("normal",)))


def test_one_run_at_a_time(data: Path, tmp_path: Path) -> None:
    from taxonomy.engine import RunLock

    with RunLock(tmp_path / "run"), pytest.raises(UserError, match="is in use by process"):
        run_everything(tmp_path / "run", data, tiny_options())


def test_two_workers_give_the_same_bytes(finished: Path, data: Path, tmp_path: Path) -> None:
    run_without_report(tmp_path / "run", data, tiny_options(LocalExecutor(2)))
    assert contents(tmp_path / "run") == contents(finished)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(UserError, match="unknown preset 'standart'; did you mean 'standard'"):
        preset_named("standart")


def test_another_schedule_is_another_run(data: Path, tmp_path: Path) -> None:
    options = tiny_options(tasks=("normal", "class_scene"))
    first = measure(tmp_path / "run", data, options)
    longer = Preset(**{**{f: getattr(TINY, f) for f in TINY.__dataclass_fields__}, "networks": Schedule(2, 8)})
    second = measure(tmp_path / "run", data, RunOptions(longer, LocalExecutor(1), ("normal", "class_scene")))
    assert first.networks["normal"] != second.networks["normal"]


def test_a_runs_studies_are_read_back_for_another_report(run_copy: Path) -> None:
    findings = read_findings(run_copy)
    written = json.loads((run_copy / "sanity.json").read_text())["sanity"]
    assert [row.to_json() for row in findings.sanity] == written
    assert tuple(row.task for row in findings.sanity) == TASKS
    assert [row.to_json() for row in findings.novel] == json.loads((run_copy / "novel.json").read_text())["novel"]
    assert read_findings(run_copy / "affinity.json") == Findings()
    (run_copy / "novel.json").write_text('{"novel": [{"task": "normal"}]}')
    with pytest.raises(UserError, match=r"novel\.json is no table of a run: KeyError 'sources'; run it again"):
        read_findings(run_copy)


def test_without_training_from_scratch_there_is_everything_but_gains(data: Path, tmp_path: Path) -> None:
    options = tiny_options(tasks=("normal", "jigsaw", "class_scene"))
    page = run_everything(tmp_path / "run", data, dataclasses.replace(options, gains=False))
    transfers = list(read_transfers(tmp_path / "run"))
    assert transfers
    assert all(transfer.gain is None and transfer.quality is not None for transfer in transfers)
    units = tmp_path / "run" / "units"
    assert len(list((units / "network").iterdir())) == 6, "three networks, and three heads on random encoders"
    assert not (units / "pixels").exists()
    bank = load_bank(tmp_path / "run" / "bank")
    assert bank.coverage
    assert "--tasks normal,jigsaw,class_scene --no-gains: " in bank.provenance
    assert page.is_file()


def test_the_study_of_supervision_can_be_left_out(run_copy: Path, data: Path) -> None:
    studied = measure(run_copy, data, tiny_options()).evidence
    assert studied is not None
    assert set(studied.full) == {"normal", "vanishing_point", "class_scene"}
    left_out = measure(run_copy, data, dataclasses.replace(tiny_options(), supervision=False)).evidence
    assert left_out is not None
    assert not left_out.full


def test_half_a_picture_and_a_missing_building_are_told_of_and_the_rest_goes_on(tmp_path: Path) -> None:
    spec = RenderSpec(9, 9, 128, seed=3)
    render_dataset(tmp_path / "data", spec, world=BoxWorld(), layouts=("published",))
    (tmp_path / "data" / "manifest.json").unlink()  # as of a download, which has none
    victims = sorted((tmp_path / "data" / "house_0001").rglob("*_domain_rgb.png"))
    victims[0].write_bytes(victims[0].read_bytes()[:300])
    shutil.rmtree(tmp_path / "data" / "house_0004")
    result = measure(tmp_path / "run", tmp_path / "data", tiny_options(tasks=("normal", "edge_texture", "class_scene")))
    assert any(victims[0].name.partition("_domain")[0] in failure.name for failure in result.failures)
    assert {"normal", "edge_texture"} <= {entry.target for entry in result.losses}


def test_an_option_changed_in_a_finished_folder_leaves_nothing_of_the_run_before(run_copy: Path, data: Path) -> None:
    options = tiny_options(tasks=("normal", "jigsaw", "class_scene"))
    run_everything(run_copy, data, dataclasses.replace(options, studies=False))
    assert load_bank(run_copy / "bank").tasks == ("jigsaw", "normal", "class_scene")
    assert load_bank(run_copy / "bank").verify() == []
    rows = json.loads((run_copy / "sanity.json").read_text())["sanity"]
    assert [row["task"] for row in rows] == ["jigsaw", "normal", "class_scene"]
    assert all(row["win_over_random"] is None for row in rows)
    assert set(read_transfers(run_copy).targets) == {"normal", "class_scene"}


def test_a_target_whose_readouts_all_diverge_is_left_out(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taxonomy.readouts import readouts_work

    def losses(readouts: Any, samples: Any, objective: Any, **settings: Any) -> Any:
        found = readout_losses(readouts, samples, objective, **settings)
        return np.full_like(found, np.nan) if objective.task == "normal" else found

    monkeypatch.setattr(readouts_work, "readout_losses", losses)
    result = measure(tmp_path / "run", data, tiny_options(tasks=("normal", "jigsaw", "class_scene")))
    assert {entry.target for entry in result.losses} == {"class_scene"}
    assert any(f.name == "normal" and "all its transfers diverged" in f.reason for f in result.failures)
