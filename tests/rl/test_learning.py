"""Agents learn what their eyes allow, and no more: tiny budgets, in halls small enough to know what can be learned."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import rl.training.world as worlds
from rl.evaluation import Evaluation, evaluate
from rl.file_scenes import GivenScenes
from rl.training import PpoSettings, RunSpec, World, build_world, read_progress, train
from rl.training.progress import RolloutRecord
from tests.rl.courses import door_halls, pillar_halls

PPO = PpoSettings(n_steps=32, batch_size=128, learning_rate=2e-3, gamma=0.95)
PILLARS = GivenScenes(
    train=pillar_halls("train", [(-1.8, -1.8), (1.8, 1.8), (-1.8, 1.8), (1.8, -1.8)]),
    test=pillar_halls("test", [(-1.2, -2.0), (1.2, 2.0), (-2.0, 1.2), (2.0, -1.2)]),
)
FIND_THE_PILLAR = RunSpec(
    "scratch", task="VisualTarget", task_settings={"horizon_steps": 25},
    episode_settings={"category": "pillar", "min_m": 1.5}, total_steps=10_240, environments=32,
    episodes_per_building=50, camera_px=32, forward_m=0.5, stack=2, threads=1, ppo=PPO,
)  # fmt: skip
DOORS = GivenScenes(
    train=door_halls("train", [-2.1, -1.3, -0.4, 0.4, 1.3, 2.1]), test=door_halls("test", [-1.8, -0.8, 0.0, 0.8, 1.8])
)
GO_THROUGH_THE_DOOR = replace(
    FIND_THE_PILLAR, agent="oracle", episode_settings={"category": "pillar", "min_m": 2.5}, total_steps=20_480,
    camera_px=16, hfov_deg=110.0, turn_deg=45.0,
)  # fmt: skip
"""Most test episodes lead through a door, and leave hardly a step to grope for it."""


def world_to_start_in(spec: RunSpec) -> World:
    """Training has shorter walks as well, so that there are successes to learn from."""
    return build_world(replace(spec, episode_settings={**spec.episode_settings, "min_m": 1.0}))


def success_in(
    scenes: GivenScenes, subject: Path | RunSpec, monkeypatch: pytest.MonkeyPatch, deterministic: bool
) -> float:
    """Share of the episodes that are fulfilled, in buildings not trained in."""
    monkeypatch.setattr(worlds, "scenes_of", lambda _: scenes)
    found: Evaluation = evaluate(subject, episodes_per_building=30, environments=32, deterministic=deterministic)
    assert {summary.episode.building for summary in found.summaries} == {building.name for building in scenes.test}
    return sum(summary.is_success for summary in found.summaries) / len(found.summaries)


def trained_in(
    scenes: GivenScenes, spec: RunSpec, folder: Path, monkeypatch: pytest.MonkeyPatch,
    build: Callable[[RunSpec], World] = build_world,
) -> list[RolloutRecord]:  # fmt: skip
    """How the training of an agent went."""
    monkeypatch.setattr(worlds, "scenes_of", lambda _: scenes)
    train(spec, folder, build=build)
    return list(read_progress(folder))


@pytest.mark.parametrize("agent", ["scratch", "normal"])
def test_pixels_and_features_are_both_enough_to_find_a_pillar(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained_in(PILLARS, replace(FIND_THE_PILLAR, agent=agent), tmp_path, monkeypatch)
    assert success_in(PILLARS, tmp_path, monkeypatch, deterministic=False) >= 0.8


def test_walking_at_random_does_not_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert success_in(PILLARS, replace(FIND_THE_PILLAR, agent="random"), monkeypatch, deterministic=False) <= 0.3


def test_what_sees_true_labels_goes_through_doors_that_the_blind_do_not_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = {}
    for agent in ("oracle", "blind"):
        spec = replace(GO_THROUGH_THE_DOOR, agent=agent)
        trained_in(DOORS, spec, tmp_path / agent, monkeypatch, world_to_start_in)
        share[agent] = success_in(DOORS, tmp_path / agent, monkeypatch, deterministic=False)
    assert share["oracle"] >= 0.5
    assert share["blind"] <= 0.2


def test_the_same_seed_learns_the_same_and_another_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(FIND_THE_PILLAR, total_steps=2048)
    first, again, other = (
        [
            (record.episodes, record.means, record.learning)
            for record in trained_in(PILLARS, replace(spec, seed=seed), tmp_path / str(run), monkeypatch)
        ]
        for run, seed in enumerate((3, 3, 4))
    )
    assert first == again
    assert first != other
    policies = [(tmp_path / str(run) / "policy.safetensors").read_bytes() for run in range(3)]
    assert policies[0] == policies[1] != policies[2]
