"""Runs whose features come from a server."""

import dataclasses
import functools
from pathlib import Path

import pytest

import rl.training.world as worlds
from perception import LocalEncoder
from rl.file_scenes import GivenScenes
from rl.training import PpoSettings, Report, RolloutRecord, RunSpec, StoppedError, train
from tests.perception.remote.serving import served
from tests.sim.hand_made import two_rooms

SPEC = RunSpec(
    "normal", environments=4, total_steps=64 * 3, ppo=PpoSettings(n_steps=16, batch_size=32, n_epochs=1), camera_px=16,
    episodes_per_building=5, threads=1,
)  # fmt: skip


def test_features_of_a_server_train_as_those_made_here_and_its_death_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "scenes_of", lambda _: GivenScenes(train=(two_rooms("a"),)))
    monkeypatch.setattr("rl.agents.visions.PATIENCE_S", 5.0)
    exact = functools.partial(LocalEncoder, precision="float32")  # as that server has it
    monkeypatch.setattr("rl.agents.visions.LocalEncoder", exact)
    train(SPEC, tmp_path / "here")
    serving = served("--local")
    spec = dataclasses.replace(SPEC, server=f"grpc://{serving.__enter__()}")

    def stop_serving(record: RolloutRecord) -> None:
        if record.steps == 128:
            serving.__exit__(None, None, None)

    with pytest.raises(StoppedError, match=r"The first 128 steps are kept in .*; the same command goes on"):
        train(spec, tmp_path / "there", report=Report(rollout=stop_serving))
    with served("--local") as place:
        train(dataclasses.replace(SPEC, server=f"grpc://{place}"), tmp_path / "there")
    here, there = ((tmp_path / name / "policy.safetensors").read_bytes() for name in ("here", "there"))
    assert here == there
