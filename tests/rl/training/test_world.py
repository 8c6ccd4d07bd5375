"""Real runs in small buildings, and runs that there cannot be."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

import rl.training.world as worlds
from perception import load_bank
from perception.bank.frozen import weights_sha256
from perception.errors import UserError
from rl.file_scenes import GivenScenes
from rl.training import PpoSettings, RunSpec, build_world, read_progress, train
from tests.sim.hand_made import two_rooms

SPEC = RunSpec(
    "blind", environments=4, total_steps=64 * 4, ppo=PpoSettings(n_steps=16, batch_size=32, n_epochs=1), camera_px=16,
    episodes_per_building=5, threads=1, task_settings={"horizon_steps": 12},
)  # fmt: skip


@pytest.fixture
def small_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "scenes_of", lambda _: GivenScenes(train=(two_rooms("a"),)))


@pytest.mark.usefixtures("small_scenes")
@pytest.mark.parametrize(
    ("agent", "settings"),
    [
        ("blind", {"task": "PointGoal"}),
        ("scratch", {"task": "PointGoal", "recurrent": True}),
        ("scratch", {"task": "Explore"}),
        ("oracle", {"task": "VisualTarget", "episode_settings": {"category": "table", "min_m": 1.0}}),
    ],
)
def test_a_real_run_that_stops_and_goes_on_ends_with_the_same_bytes(
    agent: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    spec = dataclasses.replace(SPEC, agent=agent, **settings)
    train(spec, tmp_path / "whole")
    train(spec, tmp_path / "stopped", stop_after=128)
    train(spec, tmp_path / "stopped")
    whole, stopped = ((tmp_path / name / "policy.safetensors").read_bytes() for name in ("whole", "stopped"))
    assert whole == stopped
    records = read_progress(tmp_path / "whole")
    assert sum(record.episodes for record in records) >= 4 * 5
    assert [record.means for record in records] == [record.means for record in read_progress(tmp_path / "stopped")]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"task": "PointGaol"}, "unknown task 'PointGaol'; did you mean 'PointGoal'?"),
        ({"task_settings": {"horizon": 3}}, "unknown entry of the settings of PointGoal 'horizon'"),
        ({"agent": "normel"}, "did you mean 'normal'?"),
        ({"agent": "random"}, "the agent 'random' has nothing to learn"),
        ({"bank": "/nowhere", "agent": "normal"}, "there is no bank '/nowhere'"),
        ({"ppo": PpoSettings(n_steps=10**9)}, "a rollout of 1,000,000,000 steps in 4 environments takes"),
        ({"environments": 10**9}, "in 1,000,000,000 environments takes"),
    ],
)
def test_worlds_that_there_cannot_be_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=re.escape(words)):
        build_world(dataclasses.replace(SPEC, **settings))


@pytest.mark.usefixtures("small_scenes")
def test_a_real_encoders_weights_are_hashed_before_and_after(tmp_path: Path) -> None:
    spec = dataclasses.replace(SPEC, agent="normal", total_steps=64)
    train(spec, tmp_path)
    document = json.loads((tmp_path / "policy.json").read_text())
    checkpoint = load_bank(spec.bank).checkpoint("normal")
    assert document["encoders_sha256"] == {"normal": weights_sha256(checkpoint.encoder)}
    assert document["vision"]["sha256"] == load_bank(spec.bank).sha256
