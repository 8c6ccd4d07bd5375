"""What happens when a control moves. Nothing of it is kept here: a visitor's state is in the page and its address."""

import base64
from collections.abc import Sequence
from typing import Any

from dash import ALL, Dash, Input, Output, State, callback_context, no_update
from dash.exceptions import PreventUpdate

from server.explorer.components import in_the_browser
from server.explorer.content import Absent, Content
from server.explorer.pages.solver.address import read_query
from server.explorer.pages.solver.answer import Answer, answer, details, unanswered
from server.explorer.pages.solver.controls import marks
from server.explorer.pages.solver.exports import EXPORTS, file_name
from server.explorer.pages.solver.looks import graph_style
from server.explorer.pages.solver.settings import Problem, Role, Settings, budget_range, problem_of
from server.explorer.pages.solver.solving import solution
from taxonomy import TransferTable

Ids = Sequence[dict[str, str]]
Numbers = Sequence[float | None]

_BUDGET = ("min", "max", "step", "marks", "value")
_PROBLEM = {
    "roles": Input("solver-roles", "data"),
    "max_order": Input("solver-order", "value"),
    "importance": Input({"type": "solver-importance", "task": ALL}, "value"),
    "cost": Input({"type": "solver-cost", "task": ALL}, "value"),
    "importance_ids": State({"type": "solver-importance", "task": ALL}, "id"),
    "cost_ids": State({"type": "solver-cost", "task": ALL}, "id"),
}
_ANSWER = {
    "query": Output("solver-query", "data"),
    "command": Output("solver-command", "children"),
    "trouble": Output("solver-message", "children"),
    "shown": Output("solver-shown", "data"),
    "look": Output("solver-graph-frame", "className"),
    "elements": Output("solver-graph", "elements"),
    "description": Output("solver-graph-frame", "aria-label"),
    "caption": Output("solver-graph-caption", "children"),
    "no_keeping": Output("solver-keep", "disabled"),
    "no_exports": [Output(f"solver-export-{kind}", "disabled") for kind in EXPORTS],
    "kept_elements": Output("solver-kept-graph", "elements"),
    "kept_description": Output("solver-kept-graph-frame", "aria-label"),
    "kept_caption": Output("solver-kept-graph-caption", "children"),
    "nothing_kept": [
        Output(name, "hidden") for name in ("solver-kept-side", "solver-comparison", "solver-forget")
    ],
}  # fmt: skip
"""A field of `Answer` for each."""


def register(app: Dash, content: Content) -> None:
    """Add the page's callbacks to an app."""
    _act_in_the_browser(app)
    _follow_costs(app, content)
    _answer(app, content)
    _details(app, content)
    _export(app, content)

    @app.callback(
        Output("solver-graph", "stylesheet"), Output("solver-kept-graph", "stylesheet"), Input("theme", "data")
    )
    def recolour(theme: str | None) -> tuple[Any, Any]:
        return graph_style(theme), graph_style(theme)


def _act_in_the_browser(app: Dash) -> None:
    """What needs no server, so that quick clicks overtake nothing."""
    roles, query, kept = (f"solver-{name}" for name in ("roles", "query", "kept"))
    clicks = [
        Input({"type": f"solver-{what}", key: ALL}, "n_clicks")
        for what, key in (("chip", "task"), ("all", "group"), ("none", "group"))
    ]
    offered = State("solver-offered", "data")
    in_the_browser(app, "solver.roles", Output(roles, "data"), *clicks, State(roles, "data"), offered)
    chip, word = ({"type": f"solver-{what}", "task": ALL} for what in ("chip", "word"))
    looks = Output(chip, "data-role"), Output(chip, "aria-label"), Output(word, "children")
    in_the_browser(app, "solver.chips", *looks, Input(roles, "data"), State(chip, "id"), offered)
    clicks = [Input("solver-keep", "n_clicks"), Input("solver-forget", "n_clicks")]
    in_the_browser(app, "solver.kept", Output(kept, "data"), *clicks, State("solver-shown", "data"))
    in_the_browser(app, "solver.address", Output("solver-link", "children"), Input(query, "data"), Input(kept, "data"))
    graphs = [Input(f"solver-{name}", "elements") for name in ("graph", "kept-graph")]
    in_the_browser(app, "solver.fit", Output("solver-graph-frame", "data-fitted"), *graphs)
    for what in ("command", "link"):
        clipboard = f"solver-{what}-clipboard"
        copied = Output(clipboard, "content"), Output(clipboard, "n_clicks")
        in_the_browser(
            app, "solver.copy", *copied, Input(f"solver-copy-{what}", "n_clicks"), State(f"solver-{what}", "children")
        )


def _follow_costs(app: Dash, content: Content) -> None:
    """Let the budget's slider end where all sources are trained."""

    @app.callback(
        output=[Output("solver-budget", name) for name in _BUDGET], inputs=_PROBLEM,
        state={name: State("solver-budget", name) for name in ("max", "step", "value")}, prevent_initial_call=True,
    )  # fmt: skip
    def follow(max: float, step: float, value: float | None, **problem: Any) -> tuple[Any, ...]:  # noqa: A002
        if problem["max_order"] is None:
            raise PreventUpdate  # the answer says so
        possible = budget_range(_problem_of(_table(content), **problem))
        if possible is None or (possible.highest, possible.step) == (max, step):
            raise PreventUpdate
        ends = possible.lowest, possible.highest
        return *ends, possible.step, marks(*ends), possible.nearest(possible.highest if value is None else value)


def _answer(app: Dash, content: Content) -> None:
    @app.callback(
        output=_ANSWER, inputs={**_PROBLEM, "budget": Input("solver-budget", "value"),
                                "kept": Input("solver-kept", "data")},
    )  # fmt: skip
    def solve(budget: float | None, kept: str | None, **problem: Any) -> dict[str, Any]:
        table = _table(content)
        if budget is None or problem["max_order"] is None:
            return _outputs(unanswered("budget" if budget is None else "maximum order", kept))
        settings = Settings(_problem_of(table, **problem), float(budget))
        return _outputs(answer(settings, kept, table, content.options.results))


def _details(app: Dash, content: Content) -> None:
    """The tables, after the graph: drawing them takes a browser as long as the graph itself."""

    @app.callback(
        Output("solver-summary", "children"), Output("solver-targets", "children"),
        Output("solver-difference", "children"), Input("solver-shown", "data"), Input("solver-kept", "data"),
    )  # fmt: skip
    def tell(shown: str | None, kept: str | None) -> tuple[Any, Any, Any]:
        if shown is None:
            raise PreventUpdate
        found = details(shown, kept, _table(content))
        return found.summary, found.targets, found.difference


def _export(app: Dash, content: Content) -> None:
    @app.callback(
        Output("solver-download", "data"), *(Input(f"solver-export-{kind}", "n_clicks") for kind in EXPORTS),
        State("solver-shown", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def save(*arguments: Any) -> dict[str, object]:
        kind = str(callback_context.triggered_id).removeprefix("solver-export-")
        table = _table(content)
        taxonomy = solution(table, read_query(arguments[-1], table))
        encoded = base64.b64encode(EXPORTS[kind](taxonomy, table)).decode()
        return {"filename": file_name(taxonomy, kind), "content": encoded, "base64": True}


def _outputs(found: Answer) -> dict[str, Any]:
    """An answer's fields; what it leaves open stays as it is in the page."""
    values = {name: getattr(found, name) for name in _ANSWER}
    spread = {name: [values[name]] * len(outputs) for name, outputs in _ANSWER.items() if isinstance(outputs, list)}
    return {name: no_update if value is None else value for name, value in values.items()} | spread


def _problem_of(
    table: TransferTable, roles: dict[str, str], max_order: int, importance: Numbers, cost: Numbers,
    importance_ids: Ids, cost_ids: Ids,
) -> Problem:  # fmt: skip
    return problem_of(
        table,
        {name: Role(role) for name, role in roles.items()},
        int(max_order),
        _by_task(importance_ids, importance),
        _by_task(cost_ids, cost),
    )


def _by_task(ids: Ids, values: Numbers) -> dict[str, float | None]:
    return {key["task"]: value for key, value in zip(ids, values, strict=True)}


def _table(content: Content) -> TransferTable:
    table = content.table
    if isinstance(table, Absent):
        raise PreventUpdate  # the page has no controls then
    return table
