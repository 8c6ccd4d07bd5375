"""The page as it stands before anybody moves a control."""

from collections.abc import Sequence

import dash_cytoscape
from dash import dcc, html
from dash.development.base_component import Component

from perception import UserError
from server.explorer.components import empty_state, labelled, message, panel
from server.explorer.content import Absent, Content
from server.explorer.page import Query
from server.explorer.pages.solver.address import Address, read_address, write_query
from server.explorer.pages.solver.controls import controls
from server.explorer.pages.solver.exports import EXPORTS
from server.explorer.pages.solver.looks import graph_style
from server.explorer.pages.solver.settings import default_settings
from taxonomy import TransferTable

_CAPTION = (
    "Filled: trained. Thick ring: trained, and serves itself. Thin ring: reached from the trained ones. "
    "Faded: not used. Thick line: high affinity. "
    "A small circle joins as many sources as it says."
)


def layout(content: Content, query: Query) -> Sequence[Component]:
    """The page for an address."""
    table = content.table
    if isinstance(table, Absent):
        return [empty_state(table)]
    address, trouble = _asked(query, table)
    kept = write_query(address.kept, table) if address.kept else None
    return [
        *trouble,
        html.Div(id="solver-message", role="alert"),
        html.Div([html.Div(controls(address.settings, table)), html.Div(_results())], className="columns solver"),
        dcc.Store(id="solver-query"),
        dcc.Store(id="solver-shown"),
        dcc.Store(id="solver-kept", data=kept),
        dcc.Download(id="solver-download"),
    ]


def _asked(query: Query, table: TransferTable) -> tuple[Address, list[Component]]:
    """What the address asks for; where that makes no sense, why, and the defaults."""
    try:
        return read_address(query, table), []
    except UserError as error:
        words = f"This link cannot be followed: {error} What you see is where everybody starts."
        return Address(default_settings(table)), [message(words)]


def _results() -> list[Component]:
    return [
        panel(
            "Taxonomy",
            [html.Div([_graph("solver-graph"), _kept()], className="solver-graphs"), _keeping()],
            id="solver-taxonomy",
        ),
        panel("Difference to the kept one", html.Div(id="solver-difference"), id="solver-comparison", hidden=True),
        panel("Targets", [html.Div(id="solver-summary"), html.Div(id="solver-targets")]),
        panel("Take it with you", _exports()),
    ]


def _graph(name: str) -> Component:
    graph = dash_cytoscape.Cytoscape(
        id=name, layout={"name": "preset", "fit": True, "padding": 0}, stylesheet=graph_style(None), elements=[],
        style={"width": "100%", "height": "100%"}, autoungrabify=True, autounselectify=True,
        userPanningEnabled=False, userZoomingEnabled=False, boxSelectionEnabled=False,
        autoRefreshLayout=False,
    )  # fmt: skip
    picture = html.Div(graph, id=f"{name}-frame", className="solver-graph", role="img")
    return html.Figure([html.Figcaption(id=f"{name}-caption"), picture], className="solver-figure")


def _kept() -> Component:
    return html.Div(_graph("solver-kept-graph"), id="solver-kept-side", hidden=True)


def _keeping() -> Component:
    return html.Div(
        [
            html.Small(_CAPTION),
            html.Div(
                [
                    html.Button("Keep this one to compare", id="solver-keep"),
                    html.Button("Forget the kept one", id="solver-forget"),
                ],
                className="solver-buttons",
            ),
        ]
    )


def _exports() -> list[Component]:
    files = [
        html.Button(kind.upper(), id=f"solver-export-{kind}", **labelled(f"Save as {kind.upper()}")) for kind in EXPORTS
    ]
    return [
        html.Div(files, className="solver-buttons"),
        *_copied("The same on the command line", "command"),
        *_copied("A link to this page as it is", "link"),
    ]


def _copied(label: str, what: str) -> list[Component]:
    """Words with a button that copies them; dash's own copy icon is out of the keyboard's reach."""
    return [
        html.P(label, className="label"),
        html.Div(
            [
                html.Code(id=f"solver-{what}"),
                html.Button("Copy", id=f"solver-copy-{what}", **labelled(f"Copy: {label}")),
                dcc.Clipboard(id=f"solver-{what}-clipboard", children="", copied_children="copied"),
            ],
            className="solver-copied",
        ),
    ]
