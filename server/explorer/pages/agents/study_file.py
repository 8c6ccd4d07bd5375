"""`report.json` of a study, which `midlevel rl report` writes and describes."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from perception import UserError
from server.explorer.fresh import itself, while_unchanged
from server.explorer.pages.agents.finding import REPORT_FILE
from server.explorer.pages.agents.reading import BROKEN, interval, number, read_json
from server.explorer.pages.agents.study_report import Agent, Claim, Comparison, Curve, Row, Standing, StudyReport, Task

FORMAT = 1
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def read_report(folder: Path) -> StudyReport:
    """The report of the study in a folder.

    Raises:
        UserError: If there is none, or it is broken.
    """
    return _read(folder / REPORT_FILE)


def is_outdated(report: StudyReport, folder: Path) -> bool:
    """Whether cells of the study in a folder were done since its report was made."""
    cells = folder / "cells"
    found = (path.parent.relative_to(cells).as_posix() for path in cells.glob("*/*/*/result.json"))
    done = {name.rpartition("-")[0] for name in found}  # behind a dash stands the fingerprint of its settings
    return not done.isdisjoint((*report.missing, *report.failed))


@while_unchanged(itself)
def _read(path: Path) -> StudyReport:
    mend = f"`midlevel rl report {path.parent}` makes it anew"
    try:
        document = read_json(path)
        if document["format"] != FORMAT:
            raise UserError(f"{path} has format {document['format']!r}; this program reads {FORMAT}: {mend}.")
        return _report(document)
    except UserError:
        raise
    except BROKEN as error:
        raise UserError(f"{path} is broken ({error!r}); {mend}.") from error


def _report(document: Mapping[str, Any]) -> StudyReport:
    agents = [_agent(entry) for entry in document["agents"]]
    report = StudyReport(
        study=str(document["study"]),
        done=int(document["done"]),
        cells=int(document["cells"]),
        seeds=tuple(document["seeds"]),
        failed=dict(document["failed"]),
        missing=tuple(document["missing"]),
        agents={agent.agent: agent for agent in agents},
        tasks={name: _task(name, entry) for name, entry in document["tasks"].items()},
        ranks=tuple(_standing(entry) for entry in document["ranks"]),
        claims=tuple(_claim(entry) for entry in document["claims"]),
        measures=dict(document["measures"]),
        hypotheses=dict(document["hypotheses"]),
    )
    for name in _named(report):
        if name not in report.agents:
            raise KeyError(name)
    return report


def _named(report: StudyReport) -> Iterator[str]:
    """Every agent that something is said of."""
    yield from (standing.agent for standing in report.ranks)
    for task in report.tasks.values():
        yield from task.rows
        for curves in task.curves.values():
            yield from curves


def _agent(entry: Mapping[str, Any]) -> Agent:
    for shade in ("light", "dark"):
        if not _COLOUR.fullmatch(entry[shade]):
            raise ValueError(f"{entry[shade]!r} stands where a colour is expected")
    dash = tuple(float(length) for length in entry["dash"])
    return Agent(str(entry["agent"]), str(entry["label"]), entry["light"], entry["dark"], dash)


def _claim(entry: Mapping[str, Any]) -> Claim:
    return Claim(
        hypothesis=str(entry["hypothesis"]),
        task=str(entry["task"]),
        subject=str(entry["subject"]),
        claim=str(entry["claim"]),
        ours=number(entry["ours"]),
        theirs=number(entry["theirs"]),
        unit=str(entry["unit"]),
        p=number(entry["p"]),
        q=number(entry["q"]),
        verdict=str(entry["verdict"]),
    )


def _task(name: str, entry: Mapping[str, Any]) -> Task:
    return Task(
        name=name,
        steps=int(entry["steps"]),
        measure=str(entry["measure"]),
        curve=str(entry["curve"]),
        threshold=number(entry["threshold"]),
        rows={agent: _row(row) for agent, row in entry["agents"].items()},
        curves={
            measure: {agent: _curve(curve) for agent, curve in curves.items()}
            for measure, curves in entry["curves"].items()
        },
        comparisons=_comparisons(entry["comparisons"]),
    )


def _curve(entry: Mapping[str, list[Any]]) -> Curve:
    return Curve(**{part: _numbers(entry[part]) for part in ("steps", "mean", "low", "high")})


def _row(entry: Mapping[str, Any]) -> Row:
    return Row(
        seeds=int(entry["seeds"]),
        test={measure: interval(value) for measure, value in entry["test"].items()},
        train={measure: interval(value) for measure, value in entry["train"].items()},
        gap=interval(entry["gap"]),
        relative=interval(entry["relative_reward"]),
        rank=number(entry["rank"]),
        reach_steps=_numbers(entry["steps_to_threshold"]),
    )


def _comparisons(entries: list[Mapping[str, Any]]) -> dict[tuple[str, str], Comparison]:
    found = {}
    for entry in entries:
        difference, q, is_sure = number(entry["difference"]), number(entry["q"]), bool(entry["is_sure"])
        turned = None if difference is None else -difference
        found[entry["first"], entry["second"]] = Comparison(difference, q, is_sure)
        found[entry["second"], entry["first"]] = Comparison(turned, q, is_sure)
    return found


def _standing(entry: Mapping[str, Any]) -> Standing:
    ranks = {task: number(rank) for task, rank in entry["ranks"].items()}
    return Standing(str(entry["agent"]), ranks, float(entry["mean"]), float(entry["worst"]))


def _numbers(column: list[Any]) -> tuple[float | None, ...]:
    return tuple(number(value) for value in column)
