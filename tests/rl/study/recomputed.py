"""A study's figures computed again, from the files of its cells and by other means."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

POINTS = 60


def seed_curves(folder: Path, task: str, agent: str, measure: str) -> list[tuple[list[float], list[float]]]:
    """Steps and levels of each seed of a study in a folder."""
    documents = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("cells/*/*/*/result.json"))]
    found = [entry for entry in documents if (entry["cell"]["task"], entry["cell"]["agent"]) == (task, agent)]
    return [(entry["curve"]["steps"], entry["curve"][measure]) for entry in found]


def mean_curve(folder: Path, task: str, agent: str, measure: str) -> dict[str, NDArray[np.float64]]:
    """Steps, mean, low and high: running means of five points, where all seeds have got to, and Student's interval."""
    curves = seed_curves(folder, task, agent, measure)
    steps = np.linspace(max(at[0] for at, _ in curves), min(at[-1] for at, _ in curves), POINTS)
    seeds = [np.interp(steps, at, _running_mean(np.array(levels))) for at, levels in curves]
    mean = np.mean(seeds, axis=0)
    low, high = stats.t.interval(0.95, len(seeds) - 1, mean, stats.sem(seeds, axis=0))
    return {"steps": steps, "mean": mean, "low": low, "high": high}


def _running_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([values[max(0, at - 2) : at + 3].mean() for at in range(len(values))])
