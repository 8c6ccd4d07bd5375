"""Folders of agents, as `midlevel rl` leaves them."""

import json
from pathlib import Path

import numpy as np

from rl.evaluation import Evaluation, write_evaluation, write_video
from rl.scenes import Split
from rl.study.cells import cells_of
from rl.study.config import StudyConfig
from rl.study.report import write_document
from rl.training import RunSpec
from tests.rl.evaluation.episodes import summary
from tests.rl.study.test_report import made_up
from tests.rl.study.works import rollouts, study

LABEL = "<b>points</b>"
VIDEOS = ("success_a_0", "failure_b_0")
RED, BLUE = (200, 20, 20), (20, 20, 200)


def config() -> StudyConfig:
    """Five agents, one of them in one task only, two tasks, three seeds."""
    agents = ["normal", {"agent": "keypoints2d", "label": LABEL}, "scratch", "blind",
              {"agent": "greedy", "tasks": ["PointGoal"]}]  # fmt: skip
    tasks = [
        {"name": "PointGoal", "steps": 1000, "measure": "is_success", "curve": "success"},
        {"name": "Explore", "steps": 700, "measure": "covered_m2"},
    ]
    return study(agents=agents, tasks=tasks, seeds=[0, 1, 2])


def write_study(folder: Path, leave_out: int = 0) -> Path:
    """A study with its `report.json`, without the last cells, the first of which has failed."""
    write_document(made_up(folder, config(), leave_out=leave_out), folder)
    return folder


def write_run(folder: Path) -> Path:
    """A run of ten rollouts with an evaluation in new buildings and two videos, red and then blue."""
    cell = next(cell for cell in cells_of(config()) if cell.agent == "normal")
    folder.mkdir(parents=True, exist_ok=True)
    spec = RunSpec(agent="normal", task="PointGoal", seed=3, total_steps=1000)
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "spec": spec.to_json()}))
    (folder / "progress.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rollouts(cell)))
    summaries = (
        summary(0, "a", spl=0.5, reward=3.25, steps=12, measures={"distance_m": 0.125}),
        summary(0, "b", spl=0.0, reward=-1.0, is_success=False, is_cut_off=True, measures={"distance_m": 5.0}),
    )
    write_evaluation(folder, Evaluation(Split.TEST, summaries, {}))
    frames = [np.full((64, 96, 3), colour, np.uint8) for colour in (RED, BLUE) for _ in range(16)]
    (folder / "evaluation" / "test_videos").mkdir()
    for name in VIDEOS:
        write_video(folder / "evaluation" / "test_videos" / f"{name}.mp4", frames)
    return folder
