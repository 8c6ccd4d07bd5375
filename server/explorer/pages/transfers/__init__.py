"""Every transfer of a run, on any of its test images."""

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, ctx, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from perception import UserError
from server.explorer.components import empty_state, in_the_browser, message, panel
from server.explorer.content import Absent, Content
from server.explorer.page import Page, Query
from server.explorer.pages.transfers.choice import Choice, read_choice, usual_choice
from server.explorer.pages.transfers.controls import choosers, ends, image_row, thumbnails, turned
from server.explorer.pages.transfers.grid import references, summary, transfer_tiles
from server.explorer.pages.transfers.pictures import compare, offer_of, run_of

__all__ = ["TRANSFERS"]


def _layout(content: Content, query: Query) -> Sequence[Component]:
    run = run_of(content)
    if isinstance(run, Absent):
        return [empty_state(run)]
    notes = []
    try:
        offer = offer_of(run)
    except UserError as error:
        return [empty_state(Absent(str(error)))]
    try:
        choice = read_choice(query, offer)
    except UserError as error:
        choice, notes = usual_choice(offer), [message(str(error))]
    own = [name for name in run.table.targets if name not in run.targets]
    if own:
        notes.append(html.P(f"Tasks of your own are not shown here: {', '.join(own)}.", className="sentence"))
    return [
        *notes,
        panel("Image", [image_row(run, choice, offer), html.Small(id="transfers-place")]),
        html.Div(
            [
                html.Div([panel("Choose", choosers(offer, choice, run.tasks)), _references_panel()]),
                panel("Transfers", [html.P(id="transfers-summary"), html.Div(id="transfers-grid", className="tiles")]),
            ],
            className="columns transfers",
        ),
        dcc.Store(id="transfers-mark", data=[choice.target, list(choice.marked)]),
        dcc.Store(id="transfers-query"),
        html.Div(id="transfers-address", hidden=True),
        html.Div(id="transfers-arrived", hidden=True),
    ]


def _references_panel() -> Component:
    return panel("To compare with", html.Div(id="transfers-references", className="tiles"))


def _register(app: Dash, content: Content) -> None:
    _register_grid(app, content)
    _register_images(app, content)
    in_the_browser(app, "explorer.permalink", Output("transfers-address", "title"), Input("transfers-query", "data"))
    in_the_browser(
        app, "explorer.showMarked", Output("transfers-arrived", "title"), Input("transfers-grid", "children")
    )


def _register_grid(app: Dash, content: Content) -> None:
    @app.callback(
        Output("transfers-references", "children"), Output("transfers-grid", "children"),
        Output("transfers-summary", "children"), Output("transfers-place", "children"),
        Output("transfers-query", "data"),
        Input("transfers-target", "value"), Input("transfers-orders", "value"), Input("transfers-among", "value"),
        Input("transfers-image", "value"), State("transfers-mark", "data"),
    )  # fmt: skip
    def draw(target: str, orders: list[int], among: list[str] | None, image: int, mark: tuple[str, list[str]]) -> Any:
        run = run_of(content)
        if isinstance(run, Absent):
            raise UserError(run.why)
        offer = offer_of(run)
        marked = tuple(mark[1]) if target == mark[0] else ()
        choice = Choice(target, int(image), tuple(sorted(orders)), tuple(among or ()), marked)
        found = compare(run, choice.target, choice.image)
        place = f"Image {choice.image} of 0 to {offer.images - 1}, in a building that nothing here learned from."
        words: list[str | Component] = [summary(found, choice)]
        if marked and not found.has(marked):
            words.append(message(f"The run has no transfer from {' + '.join(marked)} to {target}."))
        tiles = transfer_tiles(found, choice, run.tasks)
        return references(found, target), tiles, words, place, choice.to_query(offer)


def _register_images(app: Dash, content: Content) -> None:
    @app.callback(
        Output("transfers-images", "children"),
        Output("transfers-earlier", "disabled"), Output("transfers-later", "disabled"),
        Input("transfers-earlier", "n_clicks"), Input("transfers-later", "n_clicks"),
        State("transfers-image", "value"), prevent_initial_call=True,
    )  # fmt: skip
    def turn(earlier: int | None, later: int | None, image: int) -> Any:
        run = run_of(content)
        if isinstance(run, Absent):
            raise UserError(run.why)
        if not (earlier or later):
            raise PreventUpdate
        start = turned(int(image), 1 if ctx.triggered_id == "transfers-later" else -1, len(run.tests))
        return thumbnails(run, start, start), *ends(start, len(run.tests))


TRANSFERS = Page(
    "/transfers", "Transfers",
    "What readouts on the features of other tasks make of one image, beside the label and the target's own network.",
    _layout, _register,
)  # fmt: skip
