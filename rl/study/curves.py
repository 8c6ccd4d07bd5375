"""Learning curves of agents: means over seeds with their intervals, the same wherever they are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl.study.results import CellResult
from rl.study.statistics import RUNNING_MEAN, mean_interval

_GRID_POINTS = 60


@dataclass(frozen=True, eq=False)
class MeanCurve:
    """A learning curve over seeds.

    Args:
        steps: Environment steps, float64 [G], up to where all seeds have got.
        mean: Over seeds, of the running mean of each: [G].
        low: Lower end of the 95 % interval: [G]; NaN where there is one seed only.
        high: Upper end.
    """

    steps: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def mean_curves(results: Mapping[str, Sequence[CellResult]], measure: str) -> dict[str, MeanCurve]:
    """The curve of each agent that has one.

    Args:
        results: All seeds of a task, by agent.
        measure: "return", "success" or "spl".

    Returns:
        By agent; nothing where every curve is 0 everywhere, because the task does not measure it.
    """
    curves = {agent: curve for agent, done in results.items() if (curve := _mean_curve(done, measure)) is not None}
    is_measured = any(np.nanmax(np.abs(curve.mean)) > 0 for curve in curves.values())
    return curves if is_measured else {}


def _mean_curve(results: Sequence[CellResult], measure: str) -> MeanCurve | None:
    curves = [
        (result.curve["steps"][known], _smooth(result.curve[measure][known]))
        for result in results
        if (known := ~np.isnan(result.curve[measure])).any()
    ]
    if not curves:
        return None
    steps = np.linspace(max(at[0] for at, _ in curves), min(at[-1] for at, _ in curves), _GRID_POINTS)
    table = np.array([np.interp(steps, at, level) for at, level in curves])
    intervals = [mean_interval(column) for column in table.T]
    mean, low, high = np.array([(item.mean, item.low, item.high) for item in intervals]).T
    return MeanCurve(steps, mean, low, high)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A running mean, narrower at the ends."""
    weights = np.ones(min(RUNNING_MEAN, len(values)))
    smooth: NDArray[np.float64] = np.convolve(values, weights, "same") / np.convolve(
        np.ones(len(values)), weights, "same"
    )
    return smooth
