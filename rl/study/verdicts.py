"""The three hypotheses of the study, put to the test agent by agent.

H1, sample efficiency: features reach the task's threshold in fewer steps than `scratch`. Welch's t test over seeds; a
training that never reaches it counts as reaching it at its last step, which favours those that do not learn.

H2, generalisation: features lose less from training to new buildings than `scratch` (Welch's t test over seeds of the
gap), and do better there (rank-sum test over seeds x buildings, and Welch's over seeds: both have to be significant,
see `Comparison.surely`).

H3, no single feature is best everywhere: two features whose order in one task is significantly reversed in another
(by the same two tests, in both tasks).

Each test's p is corrected for the number of tests of its kind, comparisons for all comparisons of the study, and what
is not significant then is undecided: it is no evidence for or against.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np

from rl.agents.kinds import Family
from rl.study.analysis import SCRATCH, Analysis, TaskAnalysis, gaps
from rl.study.cells import family_of
from rl.study.statistics import corrected, mean_interval, welch_p

ALPHA = 0.05
HYPOTHESES: Mapping[str, str] = {
    "H1": "features learn with fewer steps than pixels",
    "H2": "features keep working in new buildings (losing little is no merit alone: who learned nothing loses nothing)",
    "H3": "no single feature is best everywhere (pairs of features, in pairs of tasks)",
}
"""In words."""

_UNSEEN = "is better in new buildings than scratch"
_REVERSED = "better in the first task, worse in the second"


class Verdict(StrEnum):
    """What a test says of a claim."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Claim:
    """One claim put to the test.

    Args:
        hypothesis: "H1", "H2" or "H3".
        task: Where; two tasks for H3.
        subject: Label of the agent, or of the better and the worse one for H3.
        text: What is claimed of it.
        ours: The figure that is claimed to be better.
        theirs: What it is compared with.
        unit: Of both.
        p: Of the test.
        q: Corrected.
        verdict: Of the corrected test.
    """

    hypothesis: str
    task: str
    subject: str
    text: str
    ours: float
    theirs: float
    unit: str
    p: float
    q: float
    verdict: Verdict


def is_feature(agent: str) -> bool:
    """Whether an agent sees through trained features, one or several."""
    return family_of(agent) is Family.FEATURES


def is_single_feature(agent: str) -> bool:
    """Whether it sees through one feature."""
    return is_feature(agent) and not any(mark in agent for mark in ",:")


def judge(analysis: Analysis) -> tuple[Claim, ...]:
    """All claims that the results can be asked about."""
    return (*_sample_efficiency(analysis), *_gap(analysis), *_unseen(analysis), *_reversals(analysis))


def _sample_efficiency(analysis: Analysis) -> list[Claim]:
    def sample(task: TaskAnalysis, agent: str) -> list[float]:
        row = task.row(agent)
        return [] if row is None else [min(steps, task.task.steps) for steps in row.reach_steps]

    return _against_scratch(analysis, "H1", "learns with fewer steps than scratch", "steps", sample)


def _gap(analysis: Analysis) -> list[Claim]:
    def sample(task: TaskAnalysis, agent: str) -> list[float]:
        found: list[float] = gaps(analysis.results, task.task, agent).tolist()
        return found

    return _against_scratch(analysis, "H2", "loses less in new buildings than scratch", "", sample)


def _against_scratch(
    analysis: Analysis, hypothesis: str, text: str, unit: str, sample: Callable[[TaskAnalysis, str], Sequence[float]]
) -> list[Claim]:
    """Claims that an agent's figures are lower than scratch's."""
    drafts = []
    for task in analysis.tasks:
        theirs = sample(task, SCRATCH)
        for row in task.rows:
            ours = sample(task, row.agent.agent)
            if is_feature(row.agent.agent) and _has_values(ours) and _has_values(theirs):
                what = unit or task.task.measure.value
                drafts.append((task.task.name, row.agent.label, what, ours, theirs))
    p_values = [welch_p(ours, theirs) for *_, ours, theirs in drafts]
    claims = []
    for (task_name, label, what, ours, theirs), p, q in zip(drafts, p_values, corrected(p_values), strict=True):
        means = mean_interval(ours).mean, mean_interval(theirs).mean
        verdict = _verdict(means[0] < means[1], q)
        claims.append(Claim(hypothesis, task_name, label, text, *means, what, p, q, verdict))
    return claims


def _unseen(analysis: Analysis) -> list[Claim]:
    claims = []
    for task in analysis.tasks:
        theirs = task.row(SCRATCH)
        for row in task.rows:
            found = analysis.comparison(task.task.name, row.agent.agent, SCRATCH)
            if theirs is None or found is None or not is_feature(row.agent.agent):
                continue
            measure = task.task.measure
            p, q = found.surely
            verdict = _verdict(found.difference > 0, q)
            figures = row.test[measure].mean, theirs.test[measure].mean
            claims.append(Claim("H2", task.task.name, row.agent.label, _UNSEEN, *figures, measure.value, p, q, verdict))
    return claims


def _reversals(analysis: Analysis) -> list[Claim]:
    """For every two tasks and single features: is their order significantly reversed?"""
    claims = []
    for first, second in combinations(analysis.tasks, 2):
        singles = [row.agent for row in first.rows if is_single_feature(row.agent.agent)]
        for one, other in combinations(singles, 2):
            found = [analysis.comparison(task.task.name, one.agent, other.agent) for task in (first, second)]
            here, there = found
            if here is None or there is None:
                continue
            is_reversed = here.difference * there.difference < 0
            p, q = np.maximum(here.surely, there.surely).tolist()  # both orders have to be sure
            verdict = Verdict.UNDECIDED
            if q < ALPHA:
                verdict = Verdict.HOLDS if is_reversed else Verdict.FAILS
            winner, loser = (one, other) if here.difference > 0 else (other, one)
            subject = f"{winner.label} > {loser.label}"
            sign = 1 if here.difference > 0 else -1
            claims.append(
                Claim(
                    "H3", f"{first.task.name}, {second.task.name}", subject, _REVERSED, sign * here.difference,
                    sign * there.difference, "differences", p, q, verdict,
                )
            )  # fmt: skip
    return claims


def _verdict(is_better: bool, q: float) -> Verdict:
    if math.isnan(q) or q >= ALPHA:
        return Verdict.UNDECIDED
    return Verdict.HOLDS if is_better else Verdict.FAILS


def _has_values(values: Sequence[float]) -> bool:
    return bool(np.isfinite(np.array(values, np.float64)).any())
