"""A training and an evaluation that take no time, for studies of made-up agents."""

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perception.errors import UserError
from rl.scenes import Split
from rl.study.cells import Cell
from rl.study.config import StudyConfig
from rl.study.performing import PROGRESS_FILE, Work
from rl.study.results import CellResult, episodes_of
from rl.training import RolloutRecord

LEVELS: Mapping[str, float] = {"max-coverage:4": 0.9, "normal": 0.8, "keypoints2d": 0.6, "scratch": 0.4, "blind": 0.2}
ROLLOUT = 20


def study(**changes: Any) -> StudyConfig:
    """A study of one task, two agents and two seeds, with changes."""
    document = {
        "name": "made up",
        "tasks": [{"name": "PointGoal", "steps": 1000}],
        "agents": ["normal", "scratch"],
        "seeds": [0, 1],
        "evaluation": {"episodes_per_building": 3},
    }
    return StudyConfig.from_json({**document, **changes})


def rollouts(cell: Cell) -> list[dict[str, Any]]:
    """Progress of a cell as trainings write it: its return rises to the agent's level, sooner for higher ones."""
    level = LEVELS.get(cell.agent, 0.1)
    rng = np.random.default_rng([cell.seed, 1])
    rows = []
    for steps in range(ROLLOUT, cell.steps + 1, ROLLOUT):
        value = level * min(1.0, steps / cell.steps / (1.1 - level)) + rng.normal(0, 0.01)
        means = {"return": value, "success": max(0.0, value), "spl": 0.9 * max(0.0, value)}
        rows.append(RolloutRecord(steps, 1, means, {}, {"sim": 0.125, "learn": 0.0625}).to_json())
    return rows


def outcome_of(cell: Cell, split: Split, level: float | None = None, buildings: int = 6) -> dict[str, Any]:
    """An evaluation: rewards around the agent's level, higher in training buildings."""
    level = LEVELS.get(cell.agent, 0.1) if level is None else level
    rng = np.random.default_rng([cell.seed, len(cell.agent), len(cell.task), len(split.value)])
    bonus = 0.05 if split is Split.TEST else 0.3 - 0.2 * level
    episodes = [
        {
            "key": f"{split.value}_{building}/{number}",
            "is_success": bool(rng.random() < level),
            "spl": level / 2,
            "soft_spl": None,
            "reward": level + bonus + rng.normal(0, 0.03),
            "steps": 20 + number,
            "collisions": number,
            "measures": {"covered_m2": 10 * level},
        }
        for building in range(buildings)
        for number in range(cell.episodes_per_building)
    ]
    return {
        "split": split.value,
        "episodes": episodes,
        "summary": {"episodes": len(episodes), "spl": {"low": float("nan")}},
        "provenance": {
            "vision": {"bank_sha256": "ab12"},
            "scenes": "cd34",
            "policy_sha256": "ef56",
            "spec": {"large": 1},
        },
    }


def result(cell: Cell, level: float | None = None) -> CellResult:
    """A result without a study."""
    from rl.study.results import thinned_curve

    evaluations = {split.value: episodes_of(outcome_of(cell, split, level)["episodes"]) for split in cell.splits}
    return CellResult(cell, {"sim": 5.0, "test": 1.0}, thinned_curve(rollouts(cell)), evaluations, {})


def train(cell: Cell, folder: Path) -> None:
    """Go on from the rollouts that are there; what happens at the fifth, the settings of the training say."""
    path = folder / PROGRESS_FILE
    done = len(path.read_text().splitlines()) if path.exists() else 0
    with (folder / "sessions").open("a") as file:
        file.write(f"{done}\n")
    if cell.training.get(cell.name) == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    for number, row in enumerate(rollouts(cell)):
        if number < done:
            continue
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        if number == 4:
            _at_the_fifth(cell, folder, is_first=done == 0)


def _at_the_fifth(cell: Cell, folder: Path, *, is_first: bool) -> None:
    fate = cell.training.get(cell.name)
    if fate == "refuse":
        raise UserError("the reward is nan; finite numbers are expected.")
    if fate == "divide":
        raise ZeroDivisionError("division by zero")
    if fate == "die once" and is_first:
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == "wait" and is_first:
        (folder / "waiting").touch()
        time.sleep(60)


def evaluate(cell: Cell, folder: Path, split: Split) -> Mapping[str, Any]:
    """What was trained is there."""
    if not cell.is_scripted and not (folder / PROGRESS_FILE).exists():
        raise UserError(f"{folder} holds no training.")
    return outcome_of(cell, split)


def resolve(config: StudyConfig) -> StudyConfig:
    """Nothing to add."""
    return config


def check(cell: Cell) -> None:
    """One name is refused."""
    if cell.agent == "impossible":
        raise UserError("there is no agent 'impossible'.")


WORK = Work(resolve, check, train, evaluate)
