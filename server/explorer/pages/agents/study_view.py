"""What is shown of a study."""

from collections.abc import Sequence
from pathlib import Path

from dash import dcc, html
from dash.development.base_component import Component

from server.explorer.components import Children, field, panel
from server.explorer.figures import GRAPH_CONFIG
from server.explorer.page import Query
from server.explorer.pages.agents.finding import Subject
from server.explorer.pages.agents.study_file import is_outdated
from server.explorer.pages.agents.study_report import StudyReport, Task
from server.explorer.pages.agents.study_tables import (
    claims_table,
    rank_table,
    results_table,
    significance_table,
    verdicts_table,
)
from server.explorer.pages.agents.videos import videos_panel
from server.explorer.pages.agents.words import measure_words, number_text

GRAPH_STYLE = {"height": "440px"}
_SPLITS = "Filled bars: new buildings; hollow: those it trained in. Lines are 95 % intervals over seeds."
_RANKS = "Places by the mean in new buildings in each task's measure; 1 is best, equal ones share a place."
_SIGNIFICANCE = (
    "q of the row's agent against the column's in new buildings, corrected for all pairs of all tasks. ▲ better and ▼ "
    "worse: both the rank-sum test over seeds and buildings and Welch's test over seeds have q < 0.05; △ and ▽: the "
    "rank-sum test alone, which finds too much where seeds differ."
)
_VERDICTS = "A claim is undecided where its q is 0.05 or more: that is no evidence for or against it."


def study_view(report: StudyReport, root: Path, subject: Subject, query: Query) -> Sequence[Component]:
    """The study as an address asks for it; what is no task or measure of it is as if nothing was asked."""
    parts = [html.P(_facts(report), id="agents-facts"), *_freshness(report, subject.folder)]
    if report.tasks:
        task = report.tasks.get(query.get("task", ""), next(iter(report.tasks.values())))
        parts += [_controls(report, task, query.get("curve")), *_task_parts(), *_whole(report)]
    return [*parts, *_missing(report), videos_panel(root, subject)]


def curve_options(task: Task) -> list[dict[str, str]]:
    """Measures that the task's trainings have."""
    return [{"label": measure_words(name), "value": name} for name, curves in task.curves.items() if curves]


def curve_of(task: Task, asked: str | None) -> str | None:
    """The measure that is asked for if the task has it, or its own; None before any training is done."""
    known = [option["value"] for option in curve_options(task)]
    return next((name for name in (asked, task.curve, *known) if name in known), None)


def curve_words(task: Task, measure: str | None) -> str:
    """What the chart of curves shows."""
    if measure is None:
        return "No agent of this task was trained yet."
    words = (
        f"Means over seeds of {task.name} while training, and their 95 % intervals as bands; click a name to hide it."
    )
    if measure == task.curve and task.threshold is not None:
        words += f" Dotted: the threshold, {number_text(task.threshold)}, at which it counts as learned."
    return words


def task_tables(task: Task, report: StudyReport) -> tuple[Component, Component]:
    """Results and significance of one task."""
    return results_table(task, report), significance_table(task, report.agents)


def _facts(report: StudyReport) -> str:
    trained = ", ".join(f"{task.name} {task.steps:,} steps" for task in report.tasks.values())
    return (
        f"{report.study}: {report.done} of {report.cells} cells are done: {len(report.agents)} agents, "
        f"{len(report.seeds)} seeds" + (f"; trained for {trained}." if trained else ".")
    )


def _freshness(report: StudyReport, folder: Path) -> list[Component]:
    if not is_outdated(report, folder):
        return []
    words: Children = [
        "Cells were done since this report was made; ",
        html.Code(f"midlevel rl report {folder}"),
        " takes them in.",
    ]
    return [html.P(words, id="agents-outdated")]


def _controls(report: StudyReport, task: Task, curve: str | None) -> Component:
    choices = [
        field("Task", dcc.RadioItems(list(report.tasks), task.name, id="agents-task", inline=True)),
        field("Curve", dcc.RadioItems(curve_options(task), curve_of(task, curve), id="agents-curve", inline=True)),
    ]
    return html.Div(choices, className="agents-controls")


def _task_parts() -> list[Component]:
    """Filled by callbacks, which know the task."""
    curves = [
        html.P(id="agents-curve-words", className="sentence"),
        dcc.Graph(id="agents-curves", config=GRAPH_CONFIG, style=GRAPH_STYLE),
        dcc.Store(id="agents-query"),
    ]
    splits = [
        html.P(_SPLITS, className="sentence"),
        dcc.Graph(id="agents-splits", config=GRAPH_CONFIG, style=GRAPH_STYLE),
    ]
    significance = [html.P(_SIGNIFICANCE, className="sentence"), html.Div(id="agents-compared")]
    return [
        html.Div(
            [panel("Learning curves", curves), panel("New and training buildings", splits)], className="agents-pair"
        ),
        panel("Results in new buildings", html.Div(id="agents-results")),
        panel("Significance", significance),
    ]


def _whole(report: StudyReport) -> list[Component]:
    """Of all tasks."""
    ranks = panel("Ranks", [html.P(_RANKS, className="sentence"), rank_table(report)])
    if not report.claims:
        return [ranks]
    every = html.Details([html.Summary(f"All {len(report.claims)} claims"), claims_table(report)])
    verdicts = panel("What holds", [html.P(_VERDICTS, className="sentence"), verdicts_table(report), every])
    return [html.Div([ranks, verdicts], className="agents-pair")]


def _missing(report: StudyReport) -> list[Component]:
    parts: list[Component] = []
    if report.failed:
        parts.append(html.Ul([html.Li(f"{name} failed: {reason}") for name, reason in report.failed.items()]))
    if report.missing:
        names = html.Ul([html.Li(name) for name in report.missing])
        parts.append(html.Details([html.Summary(f"{len(report.missing)} cells are not done yet"), names]))
    return [panel("What is missing", parts, id="agents-missing")] if parts else []
