"""What `midlevel rl study` and `midlevel rl report` do."""

from pathlib import Path
from typing import Any

from rl.study.analysis import Analysis, analyse
from rl.study.cells import cells_of, chosen
from rl.study.config import read_config
from rl.study.execution import executor_named
from rl.study.report import write_report
from rl.study.running import Study, read_study, run_study
from rl.study.statistics import Interval
from rl.study.verdicts import judge


def study_command(
    config: Path, folder: Path, *, executor: str, workers: int | None, ray_address: str | None, only: str | None
) -> dict[str, Any]:
    """Do what is not done of a study, and write its report.

    Returns:
        See `summary_of`; "failed" is of the cells asked for.

    Raises:
        UserError: If the config, an option or a cell is refused.
    """
    plan = read_config(config)
    study = run_study(plan, folder, executor_named(executor, workers=workers, ray_address=ray_address), only=only)
    asked = {cell.name for cell in chosen(cells_of(plan), only)}
    summary = report_command(folder, study)
    return {**summary, "failed": {name: why for name, why in summary["failed"].items() if name in asked}}


def report_command(folder: Path, study: Study | None = None) -> dict[str, Any]:
    """Write the report of what is known of the study in a folder.

    Raises:
        UserError: If there is no study, or a file is broken.
    """
    known = study or read_study(folder)
    path = write_report(known, folder)
    return {"report": str(path), **summary_of(known)}


def summary_of(study: Study) -> dict[str, Any]:
    """The study in figures, as JSON: cells, tables and claims; None for what is not known."""
    analysis = analyse(study.config, study.results)
    return {
        "study": study.config.name,
        "done": len(study.results),
        "failed": {cell.name: reason for cell, reason in study.failures},
        "missing": [cell.name for cell in study.missing],
        "tasks": {task.task.name: _task(analysis, index) for index, task in enumerate(analysis.tasks)},
        "claims": [
            {
                "hypothesis": claim.hypothesis, "task": claim.task, "subject": claim.subject, "claim": claim.text,
                "ours": _number(claim.ours), "theirs": _number(claim.theirs), "unit": claim.unit,
                "p": _number(claim.p), "q": _number(claim.q), "verdict": claim.verdict.value,
            }
            for claim in judge(analysis)
        ],
    }  # fmt: skip


def _task(analysis: Analysis, index: int) -> dict[str, Any]:
    task = analysis.tasks[index]
    return {
        "threshold": _number(task.threshold),
        "least_reward": _number(task.least_reward),
        "agents": {
            row.agent.agent: {
                "seeds": row.seeds,
                "test": {measure.value: _interval(interval) for measure, interval in row.test.items()},
                "train": {measure.value: _interval(interval) for measure, interval in row.train.items()},
                "gap": _interval(row.gap),
                "relative_reward": _interval(row.relative),
                "rank": _number(row.rank),
                "steps_to_threshold": [_number(steps) for steps in row.reach_steps],
            }
            for row in task.rows
        },
    }


def _interval(interval: Interval) -> dict[str, float | None] | None:
    if interval.count == 0:
        return None
    return {"mean": _number(interval.mean), "low": _number(interval.low), "high": _number(interval.high)}


def _number(value: float) -> float | None:
    return float(value) if abs(value) < float("inf") else None
