"""What changes on the page as somebody chooses."""

from pathlib import Path
from urllib.parse import urlencode

import plotly.graph_objects as go
from dash import Dash, Input, Output, State
from dash.development.base_component import Component

from perception import UserError
from server.explorer.components import in_the_browser
from server.explorer.content import Absent, Content
from server.explorer.pages.agents.figures import curves_figure, run_figure, splits_figure
from server.explorer.pages.agents.finding import Subject, subject_named
from server.explorer.pages.agents.run_files import read_progress
from server.explorer.pages.agents.study_file import read_report
from server.explorer.pages.agents.study_report import StudyReport, Task
from server.explorer.pages.agents.study_view import curve_of, curve_options, curve_words, task_tables
from server.explorer.pages.agents.view import body
from server.explorer.pages.agents.words import measure_words


def register_callbacks(app: Dash, content: Content) -> None:
    """Add them to the app; each reads the files anew if they have changed."""

    @app.callback(Output("agents-body", "children"), Input("agents-subject", "value"), prevent_initial_call=True)
    def show(name: str) -> list[Component]:
        root, subject = _subject(content, name)
        return list(body(root, subject, {}))

    @app.callback(
        Output("agents-curve", "options"), Output("agents-curve", "value"), Output("agents-results", "children"),
        Output("agents-compared", "children"), Input("agents-task", "value"), State("agents-curve", "value"),
        State("agents-shown", "data"),
    )  # fmt: skip
    def choose_task(
        task_name: str, curve: str | None, shown: str
    ) -> tuple[list[dict[str, str]], str | None, Component, Component]:
        report, task = _task(content, shown, task_name)
        return curve_options(task), curve_of(task, curve), *task_tables(task, report)

    @app.callback(
        Output("agents-curves", "figure"), Output("agents-curve-words", "children"), Output("agents-query", "data"),
        Input("agents-task", "value"), Input("agents-curve", "value"), Input("theme", "data"),
        State("agents-shown", "data"),
    )  # fmt: skip
    def draw_curves(task_name: str, curve: str | None, theme: str | None, shown: str) -> tuple[go.Figure, str, str]:
        report, task = _task(content, shown, task_name)
        measure = curve_of(task, curve)
        figure = curves_figure(task, measure or task.curve, report.agents, theme)
        return figure, curve_words(task, measure), _query(shown, task=task_name, curve=measure)

    @app.callback(
        Output("agents-splits", "figure"), Input("agents-task", "value"), Input("theme", "data"),
        State("agents-shown", "data"),
    )  # fmt: skip
    def draw_splits(task_name: str, theme: str | None, shown: str) -> go.Figure:
        report, task = _task(content, shown, task_name)
        words = report.measures.get(task.measure, measure_words(task.measure))
        return splits_figure(task, words, report.agents, theme)

    @app.callback(
        Output("agents-run-curves", "figure"), Output("agents-run-query", "data"), Input("agents-run-curve", "value"),
        Input("theme", "data"), State("agents-shown", "data"),
    )  # fmt: skip
    def draw_run(curve: str, theme: str | None, shown: str) -> tuple[go.Figure, str]:
        _, subject = _subject(content, shown)
        progress = read_progress(subject.folder)
        if progress is None or curve not in progress.measures:
            raise UserError(f"the run {shown} has no {curve!r} any more; open the page again.")
        return run_figure(progress, curve, theme), _query(shown, curve=curve)

    for store, part in (("agents-query", "data-study"), ("agents-run-query", "data-run")):
        in_the_browser(app, "explorer.permalink", Output("agents-address", part), Input(store, "data"))


def _query(shown: str, **chosen: str | None) -> str:
    show = {} if shown == "." else {"show": shown}
    return urlencode({**show, **{name: value for name, value in chosen.items() if value is not None}})


def _subject(content: Content, name: str) -> tuple[Path, Subject]:
    root = content.agents
    if isinstance(root, Absent):
        raise UserError(f"{root.why} `{root.command}` makes one.")
    return root, subject_named(root, name)


def _task(content: Content, shown: str, name: str) -> tuple[StudyReport, Task]:
    _, subject = _subject(content, shown)
    report = read_report(subject.folder)
    if name not in report.tasks:
        raise UserError(f"the study {report.study} has no task {name!r} any more; open the page again.")
    return report, report.tasks[name]
