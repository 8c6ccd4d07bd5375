"""The page of an address: what is shown, and the choice between several."""

from collections.abc import Sequence
from pathlib import Path

from dash import dcc, html
from dash.development.base_component import Component

from perception import UserError
from server.explorer.addresses import refuse_unknown
from server.explorer.components import empty_state, field, message
from server.explorer.content import Absent, Content
from server.explorer.page import Query
from server.explorer.pages.agents.finding import REPORT_FILE, Kind, Subject, subject_named, subjects
from server.explorer.pages.agents.run_view import run_view
from server.explorer.pages.agents.study_file import read_report
from server.explorer.pages.agents.study_view import study_view

_STUDY_COMMAND = "midlevel rl study sim_configs/studies/minute.yaml --out FOLDER"


def layout(content: Content, query: Query) -> Sequence[Component]:
    """Everything that an address asks for, by `show`, `task` and `curve`."""
    root = content.agents
    if isinstance(root, Absent):
        return [_nothing(root)]
    try:
        refuse_unknown(query, ("show", "task", "curve"))
        found = subjects(root)
        subject = subject_named(root, query["show"]) if "show" in query else next(iter(found), None)
    except UserError as error:
        return [message(str(error))]
    if subject is None:
        return [_nothing(Absent(f"{root} holds no study and no run of an agent.", f"midlevel rl demo --out {root}"))]
    shown = html.Div(list(body(root, subject, query)), id="agents-body")
    return [*_choice(found, subject), shown, html.Div(id="agents-address", hidden=True)]


def body(root: Path, subject: Subject, query: Query) -> Sequence[Component]:
    """A study or a run; where its files are broken, a message that says so."""
    known = dcc.Store(id="agents-shown", data=subject.name)
    try:
        if subject.kind is Kind.RUN:
            return [known, *run_view(root, subject, query)]
        if not (subject.folder / REPORT_FILE).is_file():
            why = f"{subject.folder} is a study without a report yet; unfinished studies have one too."
            return [known, empty_state(Absent(why, f"midlevel rl report {subject.folder}"))]
        return [known, *study_view(read_report(subject.folder), root, subject, query)]
    except UserError as error:
        return [known, message(str(error))]


def _choice(found: Sequence[Subject], subject: Subject) -> list[Component]:
    if len(found) < 2:
        return []
    options = [{"label": one.title, "value": one.name} for one in found]
    return [field("Shown", dcc.Dropdown(options, subject.name, id="agents-subject", clearable=False))]


def _nothing(absent: Absent) -> Component:
    commands = html.P(
        [
            "One agent: ", html.Code("midlevel rl demo"), "; a study of several: ", html.Code(_STUDY_COMMAND),
            "; shown by ", html.Code("midlevel explore --agents FOLDER"), ".",
        ]
    )  # fmt: skip
    return html.Div([empty_state(absent), commands])
