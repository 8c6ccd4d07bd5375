"""The interactive taxonomy solver."""

from collections.abc import Sequence

from dash import Dash, html
from dash.development.base_component import Component

from server.explorer.components import empty_state
from server.explorer.content import Absent, Content
from server.explorer.page import Page, Query

__all__ = ["SOLVER"]


def _layout(content: Content, query: Query) -> Sequence[Component]:
    if isinstance(content.table, Absent):
        return [empty_state(content.table)]
    return [html.P(f"{len(content.table)} transfers")]


def _register(app: Dash, content: Content) -> None:
    pass


SOLVER = Page(
    "/solver", "Solver", "Which tasks to train under a budget, and how every target is reached from them.", _layout,
    _register,
)  # fmt: skip
