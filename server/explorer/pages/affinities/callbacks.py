"""What happens on the page of affinities."""

from dash import ALL, Dash, Input, Output, State
from dash.development.base_component import Component

from server.explorer.components import empty_state, in_the_browser
from server.explorer.content import Absent, Content
from server.explorer.pages.affinities.choice import read_choice
from server.explorer.pages.affinities.shown import MATRIX, panels, transfers_to


def register(app: Dash, content: Content) -> None:
    """Add the page's callbacks."""

    @app.callback(
        Output("affinities-matrices", "children"),
        Input("affinities-view", "value"), Input("affinities-order", "value"),
        Input("affinities-arrangement", "value"), Input("theme", "data"),
    )  # fmt: skip
    def show(view: str, order: int, arrangement: str, theme: str | None) -> list[Component]:
        table = content.table
        if isinstance(table, Absent):
            return [empty_state(table)]
        choice = read_choice({"view": view, "order": str(order), "arrangement": arrangement}, table)
        return panels(content, table, choice, theme)

    @app.callback(Output("affinities-transfers", "children"), Input("affinities-target", "value"))
    def listed(target: str) -> Component:
        table = content.table
        if isinstance(table, Absent):
            return empty_state(table)
        return transfers_to(table, read_choice({"target": target}, table).target)

    in_the_browser(
        app, "affinities.query", Output("affinities-query", "data"),
        Input("affinities-view", "value"), Input("affinities-order", "value"),
        Input("affinities-arrangement", "value"), Input("affinities-target", "value"),
    )  # fmt: skip
    in_the_browser(app, "explorer.permalink", Output("affinities-link", "href"), Input("affinities-query", "data"))
    in_the_browser(
        app, "affinities.open", Input({"type": MATRIX, "index": ALL}, "clickData"),
        State({"type": MATRIX, "index": ALL}, "figure"), prevent_initial_call=True,
    )  # fmt: skip
