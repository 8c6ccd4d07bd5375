"""What a study's results say: tables of agents and tasks, computed and not told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rl.scenes import Split
from rl.study.config import Measure, StudyAgent, StudyConfig, StudyTask
from rl.study.results import CellResult
from rl.study.statistics import (
    Interval,
    corrected,
    final_level,
    mean_interval,
    rank_sum_p,
    ranks,
    relative_reward,
    steps_to_reach,
    welch_p,
)

SCRATCH, BLIND = "scratch", "blind"


@dataclass(frozen=True)
class Row:
    """One agent in one task, over seeds.

    Args:
        agent: Which.
        seeds: That are done.
        test: Means over test episodes, by measure.
        train: The same in training buildings.
        gap: Train less test in the task's measure, seed by seed.
        relative: RR of the reward against blind.
        rank: Of the task's measure in test buildings.
        reach_steps: Steps to the task's threshold, by seed; infinite where it is not reached.
    """

    agent: StudyAgent
    seeds: int
    test: Mapping[Measure, Interval]
    train: Mapping[Measure, Interval]
    gap: Interval
    relative: Interval
    rank: float
    reach_steps: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """Two agents in one task.

    Args:
        task: Which.
        first: Text of an agent.
        second: Text of another one.
        difference: Of their means in test buildings, first less second, in the task's measure.
        p: Of the rank-sum test over seeds x buildings.
        q: The same, corrected for all comparisons of the study.
        p_seeds: Of Welch's t test over seeds.
        q_seeds: The same, corrected.
    """

    task: str
    first: str
    second: str
    difference: float
    p: float
    q: float
    p_seeds: float
    q_seeds: float

    @property
    def surely(self) -> tuple[float, float]:
        """The larger p and the larger q of both tests; NaN where one could not be made.

        The rank-sum test takes the buildings of one seed for independent, which they are not: of equal agents
        whose seeds differ by half as much as buildings, it tells a third apart (three seeds, 24 buildings). The test
        over seeds does not.
        """
        return float(np.maximum(self.p, self.p_seeds)), float(np.maximum(self.q, self.q_seeds))

    @property
    def turned(self) -> "Comparison":
        """The second agent against the first."""
        return replace(self, first=self.second, second=self.first, difference=-self.difference)


@dataclass(frozen=True, eq=False)
class TaskAnalysis:
    """What is known of a task.

    Args:
        task: Which.
        rows: Of agents that have a result, in the order of the config.
        least_reward: r_min of RR: the lowest mean reward of an agent in test buildings.
        threshold: Level of the learning curve that counts as learned; NaN where there is none.
    """

    task: StudyTask
    rows: tuple[Row, ...]
    least_reward: float
    threshold: float

    def row(self, agent: str) -> Row | None:
        """An agent's row, if it has one."""
        return next((row for row in self.rows if row.agent.agent == agent), None)


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is known of all tasks.

    Args:
        tasks: Those that have a result.
        comparisons: Of every two agents of a task.
        results: What it comes from.
    """

    tasks: tuple[TaskAnalysis, ...]
    comparisons: tuple[Comparison, ...]
    results: "Results"

    def comparison(self, task: str, first: str, second: str) -> Comparison | None:
        """Two agents in this order, if both have results."""
        for found in self.comparisons:
            if found.task == task and (found.first, found.second) == (first, second):
                return found
            if found.task == task and (found.first, found.second) == (second, first):
                return found.turned
        return None


@dataclass(frozen=True)
class Standing:
    """An agent's places in all tasks.

    Args:
        agent: Which.
        ranks: By task, in the order of the tasks; NaN where it has none.
        mean: Of those it has.
        worst: Of those it has.
    """

    agent: StudyAgent
    ranks: Mapping[str, float]
    mean: float
    worst: float


class Results:
    """Results by task and agent, in the order of seeds."""

    def __init__(self, results: Sequence[CellResult]) -> None:
        self._of: dict[tuple[str, str], list[CellResult]] = {}
        for result in sorted(results, key=lambda result: result.cell.seed):
            self._of.setdefault((result.cell.task, result.cell.agent), []).append(result)

    def of(self, task: str, agent: str) -> list[CellResult]:
        """Of all seeds that are done."""
        return self._of.get((task, agent), [])

    def means(self, task: str, agent: str, split: Split, measure: str) -> NDArray[np.float64]:
        """The mean over a split's episodes for each seed that has them: [S]."""
        parts = [result.evaluations.get(split.value) for result in self.of(task, agent)]
        return np.array([part.mean(measure) if part else math.nan for part in parts], np.float64)

    def by_building(self, task: str, agent: str, split: Split, measure: str) -> NDArray[np.float64]:
        """The mean in each building for each seed: [S * B]; what significance is tested on.

        Episodes of one policy in one building are alike and no independent values; these means are closer to that.
        """
        parts = [result.evaluations.get(split.value) for result in self.of(task, agent)]
        found = [part.building_means(measure) for part in parts if part]
        return np.concatenate(found) if found else np.empty(0)


def analyse(config: StudyConfig, results: Sequence[CellResult]) -> Analysis:
    """Everything that the report shows, from what is done so far."""
    known = Results(results)
    tasks = [_analysed(task, config, known) for task in config.tasks]
    found = tuple(task for task in tasks if task.rows)
    return Analysis(found, _comparisons(found, known), known)


def _analysed(task: StudyTask, config: StudyConfig, results: Results) -> TaskAnalysis:
    agents = [agent for agent in config.agents if results.of(task.name, agent.agent)]
    rewards = {
        agent.agent: _mean(results.means(task.name, agent.agent, Split.TEST, Measure.REWARD)) for agent in agents
    }
    least = min((reward for reward in rewards.values() if not math.isnan(reward)), default=math.nan)
    threshold = _threshold(task, results)
    levels = [_mean(results.means(task.name, agent.agent, Split.TEST, task.measure)) for agent in agents]
    rows = [
        _row(task, agent, results, rank, least, rewards.get(BLIND, math.nan), threshold)
        for agent, rank in zip(agents, ranks(levels), strict=True)
    ]
    return TaskAnalysis(task, tuple(rows), least, threshold)


def _row(
    task: StudyTask, agent: StudyAgent, results: Results, rank: float, least: float, blind: float, threshold: float
) -> Row:
    done = results.of(task.name, agent.agent)

    def of(split: Split, measure: Measure) -> NDArray[np.float64]:
        return results.means(task.name, agent.agent, split, measure)

    curves = [result.curve for result in done if result.curve["steps"].size]
    return Row(
        agent=agent,
        seeds=len(done),
        test={measure: mean_interval(of(Split.TEST, measure)) for measure in Measure},
        train={measure: mean_interval(of(Split.TRAIN, measure)) for measure in Measure},
        gap=mean_interval(gaps(results, task, agent.agent)),
        relative=mean_interval([relative_reward(r, least, blind) for r in of(Split.TEST, Measure.REWARD)]),
        rank=rank,
        reach_steps=tuple(
            math.nan if math.isnan(threshold) else steps_to_reach(curve["steps"], curve[task.curve], threshold)
            for curve in curves
        ),
    )


def standings(analysis: Analysis) -> tuple[Standing, ...]:
    """Every agent that has a place, the best mean place first."""
    agents = {row.agent.agent: row.agent for task in analysis.tasks for row in task.rows}
    found = []
    for name, agent in agents.items():
        ranks = {task.task.name: row.rank if (row := task.row(name)) else math.nan for task in analysis.tasks}
        known = [rank for rank in ranks.values() if not math.isnan(rank)]
        if known:
            found.append(Standing(agent, ranks, sum(known) / len(known), max(known)))
    return tuple(sorted(found, key=lambda standing: standing.mean))


def gaps(results: Results, task: StudyTask, agent: str) -> NDArray[np.float64]:
    """Train less test in the task's measure, seed by seed: [S]."""
    train, test = (results.means(task.name, agent, split, task.measure) for split in (Split.TRAIN, Split.TEST))
    difference: NDArray[np.float64] = train - test
    return difference


def _threshold(task: StudyTask, results: Results) -> float:
    """The config's, or where scratch ends."""
    if task.threshold is not None:
        return task.threshold
    return _mean(np.array([final_level(result.curve[task.curve]) for result in results.of(task.name, SCRATCH)]))


def _comparisons(tasks: Sequence[TaskAnalysis], results: Results) -> tuple[Comparison, ...]:
    pairs = [
        (task.task, first.agent.agent, second.agent.agent)
        for task in tasks
        for first, second in combinations(task.rows, 2)
    ]
    samples = [
        [results.by_building(task.name, agent, Split.TEST, task.measure) for agent in agents] for task, *agents in pairs
    ]
    means = [[results.means(task.name, agent, Split.TEST, task.measure) for agent in agents] for task, *agents in pairs]
    p_values = [rank_sum_p(first, second) for first, second in samples]
    p_seeds = [welch_p(first, second) for first, second in means]
    tests = zip(p_values, corrected(p_values), p_seeds, corrected(p_seeds), strict=True)
    return tuple(
        Comparison(task.name, first, second, _mean(a) - _mean(b), *found)
        for (task, first, second), (a, b), found in zip(pairs, samples, tests, strict=True)
    )


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan
