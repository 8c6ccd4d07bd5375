"""What is shown of an agent's run."""

from collections.abc import Callable, Sequence
from pathlib import Path

from dash import dcc, html
from dash.development.base_component import Component

from perception import UserError
from server.explorer.components import Children, field, message, panel, table
from server.explorer.figures import GRAPH_CONFIG
from server.explorer.page import Query
from server.explorer.pages.agents.finding import Subject
from server.explorer.pages.agents.run_files import (
    Evaluation,
    Progress,
    evaluation_files,
    read_evaluation,
    read_progress,
    read_spec,
)
from server.explorer.pages.agents.videos import videos_panel
from server.explorer.pages.agents.words import interval_text, measure_words

_FIRST = "return"


def run_view(root: Path, subject: Subject, query: Query) -> Sequence[Component]:
    """The run as an address asks for it; where a file of it is broken, a message stands in place of its part."""
    folder = subject.folder
    return [
        _or_message(lambda: html.P(_facts(folder), id="agents-facts")),
        _or_message(lambda: _training(folder, query.get("curve"))),
        _or_message(lambda: _evaluations(folder)),
        videos_panel(root, subject),
    ]


def run_curve_of(progress: Progress, asked: str | None) -> str:
    """The measure that is asked for if the run has it, or its return."""
    return asked if asked is not None and asked in progress.measures else _FIRST


def _or_message(part: Callable[[], Component]) -> Component:
    try:
        return part()
    except UserError as error:
        return message(str(error))


def _facts(folder: Path) -> str:
    spec = read_spec(folder)
    if spec is None:
        return f"{folder.name}: an agent that is not trained."
    return f"{spec.agent} in {spec.task}, seed {spec.seed}, to be trained for {spec.total_steps:,} steps."


def _training(folder: Path, curve: str | None) -> Component:
    progress = read_progress(folder)
    if progress is None:
        return panel("Learning curve", html.P("There is no rollout yet; look again in a minute."))
    options = [{"label": measure_words(name), "value": name} for name in progress.measures]
    chosen = dcc.RadioItems(options, run_curve_of(progress, curve), id="agents-run-curve", inline=True)
    total_s = sum(progress.seconds.values())
    parts = ", ".join(f"{name} {value:.0f} s" for name, value in progress.seconds.items())
    words = (
        f"{progress.steps[-1]:,.0f} steps so far, in {total_s:.0f} s ({parts}). Each point is the mean over the "
        + ("episodes that ended in one rollout.")
    )
    graph = dcc.Graph(id="agents-run-curves", config=GRAPH_CONFIG, style={"height": "360px"})
    query = dcc.Store(id="agents-run-query")
    return panel("Learning curve", [html.P(words, className="sentence"), field("Curve", chosen), graph, query])


def _evaluations(folder: Path) -> Component:
    found = [read_evaluation(path) for path in evaluation_files(folder)]
    if not found:
        words: Children = [
            "It was not tested yet. ",
            html.Code(f"midlevel rl evaluate {folder}"),
            " tests it in new buildings.",
        ]
        return panel("Evaluation", html.P(words))
    measures = dict.fromkeys(name for one in found for name in one.summary)
    rows = [[measure_words(name), *(interval_text(one.summary.get(name)) for one in found)] for name in measures]
    headings = ["measure", *(_split_words(one) for one in found)]
    caption = html.P("Means over episodes with their 95 % intervals.", className="sentence")
    return panel("Evaluation", [caption, html.Div(table(headings, rows), id="agents-evaluation")])


def _split_words(evaluation: Evaluation) -> str:
    return f"{evaluation.split}: {len(evaluation.episodes)} episodes in {evaluation.buildings} buildings"
