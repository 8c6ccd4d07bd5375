"""Controls of the page of affinities."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from perception import UserError
from server.explorer.components import empty_state, field, message, panel
from server.explorer.content import Absent, Content
from server.explorer.page import Query
from server.explorer.pages.affinities.choice import VIEWS, Choice, first_choice, read_choice
from server.explorer.pages.affinities.matrices import arrangements, orders_of
from taxonomy import TransferTable

_ARRANGEMENTS = {"tree": "similarity tree", "dictionary": "task dictionary", "alphabet": "alphabet"}


def layout(content: Content, query: Query) -> Sequence[Component]:
    """The page of an address."""
    table = content.table
    if isinstance(table, Absent):
        return [empty_state(table)]
    try:
        return _page(content, table, read_choice(query, table))
    except UserError as error:
        if not orders_of(table):
            return [message(str(error))]
        return [message(str(error)), *_page(content, table, first_choice(table))]


def _page(content: Content, table: TransferTable, choice: Choice) -> list[Component]:
    matrices = html.Div(id="affinities-matrices", className="affinities-matrices")
    return [
        html.Div(
            [_view(content, choice), _order(table, choice), _arrangement(table, choice)],
            className="affinities-controls",
        ),
        dcc.Loading(matrices, delay_show=400, overlay_style={"visibility": "visible"}),
        panel("Transfers to one target", _listed(table, choice)),
        html.P(html.A("Link to this view", id="affinities-link", href="")),
        dcc.Store(id="affinities-query"),
    ]


def _view(content: Content, choice: Choice) -> Component:
    options = [{"label": words, "value": view} for view, words in VIEWS.items()]
    control = dcc.RadioItems(options, choice.view, id="affinities-view", className="affinities-radio")
    compared = content.options.compared
    return field("Show", control, "" if compared is None else f"the other file is {compared}")


def _order(table: TransferTable, choice: Choice) -> Component:
    options = [{"label": str(order), "value": order} for order in orders_of(table)]
    control = dcc.Dropdown(options, choice.order, id="affinities-order", clearable=False, searchable=False)
    return field("Order", control, "sources of a transfer")


def _arrangement(table: TransferTable, choice: Choice) -> Component:
    options = [{"label": _ARRANGEMENTS[name], "value": name} for name in arrangements(table)]
    control = dcc.RadioItems(options, choice.arrangement, id="affinities-arrangement", className="affinities-radio")
    hint = "" if "tree" in arrangements(table) else "no tree: it takes first-order transfers of two sources"
    return field("Rows and columns by", control, hint)


def _listed(table: TransferTable, choice: Choice) -> list[Component]:
    control = dcc.Dropdown(list(table.targets), choice.target, id="affinities-target", clearable=False)
    details = html.Details(
        [html.Summary("As a table, sorted, all orders"), field("Target", control), html.Div(id="affinities-transfers")],
        id="affinities-details",
    )
    return [details]
