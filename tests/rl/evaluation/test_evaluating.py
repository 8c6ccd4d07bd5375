import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from perception import UserError
from rl.evaluation.cli import evaluate as evaluate_command
from rl.evaluation.commands import evaluate_run
from rl.evaluation.evaluating import evaluate
from rl.evaluation.evaluation import Evaluation
from rl.scenes import Split, chosen_indices
from rl.training.spec import RunSpec
from sim import Building
from tests.sim.navigation_cases import room

WALL = ((3.0, 3.2), (0.0, 2.5), (0.0, 3.0))
NAMES: Mapping[Split, tuple[str, ...]] = {
    Split.TRAIN: ("train_0",), Split.VALIDATION: (), Split.TEST: ("test_0", "test_1"),
}  # fmt: skip


@dataclass(frozen=True)
class BoxScenes:
    """Rooms of 6 m by 5 m with a wall across."""

    fingerprint: str = "boxes"

    def names(self, split: Split) -> tuple[str, ...]:
        return NAMES[split]

    def buildings(self, split: Split, names: tuple[str, ...] | None = None) -> tuple[Building, ...]:
        chosen = chosen_indices(self, split, names)
        return tuple(replace(room(6, 5 + 0.5 * index, WALL), name=NAMES[split][index]) for index in chosen)


@dataclass
class FakePolicy:
    """Goes straight on; deterministic ones stop at once."""

    spec: RunSpec
    identity: Mapping[str, Any]
    scenes: str = "boxes"

    def reset(self, lanes: NDArray[np.intp]) -> None:
        assert len(lanes)

    def act(
        self, observations: Mapping[str, NDArray[Any]], deterministic: bool, generator: np.random.Generator
    ) -> NDArray[np.int64]:
        count = len(observations["vector"])
        return np.zeros(count, np.int64) if deterministic else generator.integers(0, 4, count)


GREEDY = RunSpec(agent="greedy", task_settings={"horizon_steps": 60})
BLIND = {"kind": "blind"}


@pytest.fixture(autouse=True)
def box_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rl.training.world.scenes_of", lambda spec: BoxScenes())


def with_policy(monkeypatch: pytest.MonkeyPatch, folder: Path, **facts: Any) -> None:
    (folder / "policy.safetensors").write_bytes(b"parameters")
    policy = replace(FakePolicy(replace(GREEDY, agent="blind"), BLIND), **facts)
    monkeypatch.setattr("rl.training.policy.load_policy", lambda folder: policy)


def rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = evaluation.to_json()["episodes"]
    return found


def test_a_scripted_agent_does_every_episode_of_the_split_once(tmp_path: Path) -> None:
    told: list[str] = []
    found = evaluate(
        GREEDY, episodes_per_building=5, environments=3, out=tmp_path, on_episode=lambda it: told.append(it.episode.key)
    )
    keys = [row["key"] for row in rows(found)]
    assert [key.partition("/")[0] for key in keys] == ["test_0"] * 5 + ["test_1"] * 5
    assert len(set(keys)) == 10
    assert sorted(told) == sorted(keys)
    written = json.loads((tmp_path / "evaluation" / "test.json").read_text())
    assert written == json.loads(json.dumps(found.to_json()))
    assert written["provenance"]["buildings"] == ["test_0", "test_1"]
    assert RunSpec.from_json(written["provenance"]["spec"]) == GREEDY


def test_spl_and_its_mean_are_those_computed_anew_from_the_records() -> None:
    found = evaluate(GREEDY, episodes_per_building=6)
    spl, soft = [], []
    for row in rows(found):
        shortest_m, walked_m = row["shortest_path_m"], row["path_length_m"]
        ratio = shortest_m / max(shortest_m, walked_m)
        spl.append(ratio if row["is_success"] else 0.0)
        soft.append(max(0.0, 1 - row["measures"]["distance_m"] / shortest_m) * ratio)
        assert row["is_success"] is (row["measures"]["distance_m"] <= 0.36 and not row["is_cut_off"])
        assert (row["spl"], row["soft_spl"]) == pytest.approx((spl[-1], soft[-1]))
    estimates = found.estimates
    assert 0 < estimates["success"].mean < 1
    assert (estimates["spl"].mean, estimates["soft_spl"].mean) == pytest.approx((np.mean(spl), np.mean(soft)))


def test_the_same_evaluation_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        evaluate(GREEDY, episodes_per_building=3, seed=4, out=tmp_path / name)
    first, second = ((tmp_path / name / "evaluation" / "test.json").read_bytes() for name in ("a", "b"))
    assert first == second


def test_buildings_trained_in_are_refused_unless_allowed() -> None:
    with pytest.raises(UserError, match="'train' has the buildings that agents are trained in"):
        evaluate(GREEDY, split=Split.TRAIN)
    found = evaluate(GREEDY, split=Split.TRAIN, episodes_per_building=2, allow_training_buildings=True)
    assert {row["building"] for row in rows(found)} == {"train_0"}


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(UserError, match="no validation buildings"):
        evaluate(GREEDY, split=Split.VALIDATION)


def test_another_bank_is_refused_unless_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_policy(monkeypatch, tmp_path, identity={"kind": "blind", "sha256": "0123"})
    with pytest.raises(UserError, match="trained with other encoders: sha256 was '0123'"):
        evaluate(tmp_path, episodes_per_building=1)
    assert not (tmp_path / "evaluation").exists()
    found = evaluate(tmp_path, episodes_per_building=1, allow_other_bank=True)
    assert (tmp_path / "evaluation" / "test.json").is_file()
    assert found.provenance["vision"] == BLIND
    assert found.provenance["policy_sha256"] == hashlib.sha256(b"parameters").hexdigest()


def test_buildings_made_otherwise_than_in_training_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_policy(monkeypatch, tmp_path, scenes="older")
    with pytest.raises(UserError, match=r"\(older\) are made otherwise today \(boxes\)"):
        evaluate(tmp_path)


def test_a_policy_is_asked_for_the_likeliest_action_or_one_drawn_by_seed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_policy(monkeypatch, tmp_path)

    def steps(**how: Any) -> list[int]:
        return [row["steps"] for row in rows(evaluate(tmp_path, episodes_per_building=6, **how))]

    assert steps(deterministic=True) == [1] * 12  # it stops
    assert steps(seed=1) == steps(seed=1)
    assert steps(seed=1) != steps(seed=2)


def test_agents_that_learn_need_a_finished_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'scratch' learns; train it"):
        evaluate(replace(GREEDY, agent="scratch"))
    with pytest.raises(UserError, match=r"has no policy\.json; train to the end first"):
        evaluate(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"), [("episodes_per_building", 0), ("environments", 0), ("videos", -1), ("seed", 1.5)]
)
def test_numbers_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"{name} is {value}; expected a whole number"):
        evaluate(GREEDY, **{name: value})


def test_videos_need_a_folder_and_are_listed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="need a folder"):
        evaluate(GREEDY, videos=1)
    found = evaluate(GREEDY, episodes_per_building=1, videos=1, out=tmp_path)
    assert found.videos
    assert sorted((tmp_path / "evaluation" / "test_videos").iterdir()) == sorted(found.videos)


def test_the_command_prints_a_table_or_json(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(evaluate_command)
    asked = ["greedy", "--episodes-per-building", "2", "--out", str(tmp_path)]
    printed = CliRunner().invoke(app, asked, catch_exceptions=False).stdout
    assert "greedy, PointGoal: 4 episodes in 2 test buildings" in printed
    assert f"written: {tmp_path / 'evaluation' / 'test.json'}" in printed
    document = json.loads(CliRunner().invoke(app, [*asked, "--json"], catch_exceptions=False).stdout)
    assert len(document["episodes"]) == document["summary"]["episodes"] == 4
    shown = [line.split() for line in printed.splitlines() if line.startswith("SPL")]
    assert [float(cell) for cell in shown[0][1:]] == pytest.approx(
        [document["summary"]["spl"][part] for part in ("mean", "low", "high")], abs=1e-3
    )


def test_unknown_runs_and_splits_are_refused() -> None:
    with pytest.raises(UserError, match="no run 'greedi'; expected the folder of one, or one of random, forward"):
        evaluate_run("greedi")
    with pytest.raises(UserError, match="unknown split 'tset'; did you mean 'test'"):
        evaluate_run("greedy", split="tset")
