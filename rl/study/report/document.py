"""A study's results as JSON, for programs: `report.json` beside the page, with all that the page shows.

The names of `document_of` and `summary_of` are a contract: what is there stays as it is while `format` is 1, and more
may be added. Numbers that JSON lacks (NaN, infinity) are null.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perception.files import write_atomically
from rl.study.analysis import Analysis, Row, TaskAnalysis, analyse, standings
from rl.study.cells import cells_of
from rl.study.config import CurveMeasure
from rl.study.curves import mean_curves
from rl.study.report.charts import MEASURE_NAMES
from rl.study.report.style import looks_of
from rl.study.running import Study
from rl.study.statistics import CONFIDENCE, Interval
from rl.study.verdicts import ALPHA, HYPOTHESES, judge

DOCUMENT_FILE = "report.json"
FORMAT = 1


def write_document(study: Study, folder: Path) -> Path:
    """Write `report.json` of what is known so far.

    Args:
        study: See `rl.study.read_study`.
        folder: Where; made if missing.

    Raises:
        UserError: If it cannot be written.
    """
    path = folder / DOCUMENT_FILE
    write_atomically(path, json.dumps(document_of(study), separators=(",", ":"), allow_nan=False) + "\n")
    return path


def document_of(study: Study) -> dict[str, Any]:
    """What `report.json` holds.

    Returns:
        All of `summary_of`, and

        - "format": 1; "cells": how many the study has in all; "seeds": those of trainings;
        - "confidence": of intervals, 0.95; "alpha": what a q has to be below, 0.05;
        - "agents": of the study in its order: "agent" and "label", the colours "light" and "dark" for light and dark
          pages, and "dash", the lengths of strokes and gaps in widths of the line, [] for a solid one;
        - "measures": names of measures, and what people call them; "hypotheses": "H1" and so on, and what they say;
        - "ranks": the best mean first: "agent", "ranks" by task, their "mean" and the "worst";
        - in each of "tasks" also "steps" (of its trainings), "measure" (that agents are ranked by), "curve" (that the
          threshold is of), "curves" (by measure and agent: "steps", "mean", "low" and "high", a list each, over seeds),
          and "comparisons" (of every two agents, in test buildings: "first", "second", "difference" of their means,
          "p", "q", "p_seeds", "q_seeds" as `rl.study.analysis.Comparison` has them, and "is_sure": both q are below
          alpha).
    """
    analysis = analyse(study.config, study.results)
    summary = _summary(study, analysis)
    for task in analysis.tasks:
        summary["tasks"][task.task.name] |= _details(study, analysis, task)
    return {
        "format": FORMAT,
        "cells": len(cells_of(study.config)),
        "seeds": list(study.config.seeds),
        "confidence": CONFIDENCE,
        "alpha": ALPHA,
        "agents": _agents(study),
        "measures": {measure.value: name for measure, name in MEASURE_NAMES.items()},
        "hypotheses": dict(HYPOTHESES),
        "ranks": [
            {
                "agent": found.agent.agent, "ranks": {task: _number(rank) for task, rank in found.ranks.items()},
                "mean": found.mean, "worst": found.worst,
            }
            for found in standings(analysis)
        ],
        **summary,
    }  # fmt: skip


def summary_of(study: Study) -> dict[str, Any]:
    """The study in figures, as JSON; what `midlevel rl report --json` prints.

    Returns:
        - "study": its name; "done": how many cells are;
        - "failed": why, by the cell's name; "missing": names of cells that are neither;
        - "tasks" by name: "threshold" (of the learning curve, null for none), "least_reward", and "agents" by name:
          "seeds" that are done, "test" and "train" by measure, "gap", "relative_reward" (each with "mean", "low" and
          "high", or null where nothing is known), "rank", and "steps_to_threshold" by seed (null where it is never
          reached, or there is none);
        - "claims": each with "hypothesis", "task", "subject", "claim", "ours", "theirs", "unit", "p", "q", "verdict".
    """
    return _summary(study, analyse(study.config, study.results))


def _summary(study: Study, analysis: Analysis) -> dict[str, Any]:
    return {
        "study": study.config.name,
        "done": len(study.results),
        "failed": {cell.name: reason for cell, reason in study.failures},
        "missing": [cell.name for cell in study.missing],
        "tasks": {task.task.name: _task(task) for task in analysis.tasks},
        "claims": [
            {
                "hypothesis": claim.hypothesis, "task": claim.task, "subject": claim.subject, "claim": claim.text,
                "ours": _number(claim.ours), "theirs": _number(claim.theirs), "unit": claim.unit,
                "p": _number(claim.p), "q": _number(claim.q), "verdict": claim.verdict.value,
            }
            for claim in judge(analysis)
        ],
    }  # fmt: skip


def _task(task: TaskAnalysis) -> dict[str, Any]:
    return {
        "threshold": _number(task.threshold),
        "least_reward": _number(task.least_reward),
        "agents": {row.agent.agent: _row(row) for row in task.rows},
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "seeds": row.seeds,
        "test": {measure.value: _interval(interval) for measure, interval in row.test.items()},
        "train": {measure.value: _interval(interval) for measure, interval in row.train.items()},
        "gap": _interval(row.gap),
        "relative_reward": _interval(row.relative),
        "rank": _number(row.rank),
        "steps_to_threshold": [_number(steps) for steps in row.reach_steps],
    }


def _details(study: Study, analysis: Analysis, task: TaskAnalysis) -> dict[str, Any]:
    name = task.task.name
    results = {agent.agent: analysis.results.of(name, agent.agent) for agent in study.config.agents}
    curves = {measure.value: mean_curves(results, measure.value) for measure in CurveMeasure}
    return {
        "steps": task.task.steps,
        "measure": task.task.measure.value,
        "curve": task.task.curve.value,
        "curves": {
            measure: {agent: _columns(vars(curve)) for agent, curve in found.items()}
            for measure, found in curves.items()
        },
        "comparisons": [
            {
                "first": found.first, "second": found.second, "difference": _number(found.difference),
                "p": _number(found.p), "q": _number(found.q), "p_seeds": _number(found.p_seeds),
                "q_seeds": _number(found.q_seeds), "is_sure": found.surely[1] < ALPHA,
            }
            for found in analysis.comparisons
            if found.task == name
        ],
    }  # fmt: skip


def _agents(study: Study) -> list[dict[str, Any]]:
    looks = looks_of(study.config.agents)
    return [
        {"agent": agent.agent, "label": agent.label, "light": look.light, "dark": look.dark, "dash": list(look.strokes)}
        for agent in study.config.agents
        for look in (looks[agent.agent],)
    ]


def _columns(columns: Mapping[str, Any]) -> dict[str, list[float | None]]:
    return {name: [_number(value) for value in column] for name, column in columns.items()}


def _interval(interval: Interval) -> dict[str, float | None] | None:
    if interval.count == 0:
        return None
    return {"mean": _number(interval.mean), "low": _number(interval.low), "high": _number(interval.high)}


def _number(value: float) -> float | None:
    return float(value) if abs(value) < float("inf") else None
