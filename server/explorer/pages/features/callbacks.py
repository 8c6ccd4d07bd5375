"""What happens on the page of feature sets."""

from dash import Dash, Input, Output, State, ctx, html
from dash.development.base_component import Component

from server.explorer.components import empty_state, in_the_browser
from server.explorer.content import Absent, Content
from server.explorer.pages.features.costs import measure, work_of
from server.explorer.pages.features.sets import features_of
from server.explorer.pages.features.shown import covered_panels, curve_panels, set_of, speed_words, work_table


def register(app: Dash, content: Content) -> None:
    """Add the page's callbacks."""

    @app.callback(
        Output("features-set", "children"), Output("features-covered", "children"),
        Output("features-drawn", "data"), Output("features-query", "data"), Input("features-size", "value"),
    )  # fmt: skip
    def show(size: int) -> tuple[list[Component], list[Component], int, str]:
        features_of(content, size)
        return set_of(content, size), covered_panels(content, size), size, f"k={size}"

    @app.callback(Output("features-curves", "children"), Input("features-drawn", "data"), Input("theme", "data"))
    def draw(size: int | None, theme: str | None) -> list[Component]:
        return [] if size is None else curve_panels(content, size, theme)

    @app.callback(Output("features-work", "children"), Input("features-drawn", "data"), prevent_initial_call=True)
    def work(size: int) -> Component:
        bank = content.bank
        if isinstance(bank, Absent):
            return empty_state(bank)
        return work_table(work_of(bank), len(features_of(content, size)))

    @app.callback(
        Output("features-speed", "children"), Input("features-measure", "n_clicks"), Input("features-drawn", "data"),
        State("features-size", "value"), prevent_initial_call=True,
    )  # fmt: skip
    def speed(_: int | None, __: int, size: int) -> Component | str:
        bank = content.bank
        if ctx.triggered_id != "features-measure" or isinstance(bank, Absent):
            return "Milliseconds depend on the machine; nothing was measured for this set yet."
        features = features_of(content, size)
        return html.Strong(speed_words(measure(bank, features), len(features)))

    in_the_browser(app, "explorer.permalink", Output("features-link", "href"), Input("features-query", "data"))
