"""Every task's prediction for a visitor's own photo."""

import time
import uuid
from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from perception import UserError
from server.explorer.addresses import refuse_unknown
from server.explorer.components import data, empty_state, in_the_browser, labelled, message, panel
from server.explorer.content import Absent, Content
from server.explorer.page import Page, Query
from server.explorer.pages.live.intake import LARGEST_PHOTO_MIB, LARGEST_PHOTO_MPX, admitted, square_of
from server.explorer.pages.live.local import LocalModels
from server.explorer.pages.live.predicting import Models
from server.explorer.pages.live.sheet import sheet
from server.explorer.pages.live.wanted import photo_of

__all__ = ["LIVE"]

_NOTICED_S = 0.05
"""What takes less, and should, is no stage of its own."""


def _layout(content: Content, query: Query) -> Sequence[Component]:
    try:
        refuse_unknown(query, ())
    except UserError as error:
        return [message(str(error))]
    if content.options.server is None and isinstance(content.bank, Absent):
        return [empty_state(content.bank)]
    return [
        panel("Your photo", [_upload(), _buttons(), _camera(), html.Div(id="live-message", role="alert")]),
        html.Div(id="live-sheet"),
        dcc.Store(id="live-photo"),
        html.Div(id="live-done", hidden=True),
        html.Div(id="live-silent", hidden=True),
    ]


def _upload() -> Component:
    words: list[str | Component] = ["Drop a photo here, or ", html.Span("choose one", className="button")]
    upload = dcc.Upload(words, id="live-upload", max_size=LARGEST_PHOTO_MIB << 20, className="drop", style={})
    limits = f"up to {LARGEST_PHOTO_MIB} MiB and {LARGEST_PHOTO_MPX} million pixels"
    hint = html.Small(f"PNG, JPEG, ... {limits}; it is looked at in memory and kept nowhere.")
    wire = {**data(limit=str(LARGEST_PHOTO_MIB)), **labelled("Drop or choose a photo")}
    return html.Div([upload, hint], id="live-drop", role="group", **wire)


def _buttons() -> Component:
    return html.Div(
        [
            html.Button("Use the webcam", id="live-camera"),
            html.Button("A view of a new building", id="live-building"),
            html.Button("The sample room", id="live-sample"),
        ],
        className="buttons",
    )


def _camera() -> Component:
    """Hidden until the webcam is on."""
    video = html.Video(id="live-video", autoPlay=True, muted=True, **labelled("What the webcam sees"))
    buttons = [html.Button("Take a picture", id="live-shoot"), html.Button("Stop", id="live-stop")]
    return html.Div([video, html.Div(buttons, className="buttons")], id="live-camera-view", hidden=True)


def _register(app: Dash, content: Content) -> None:
    models = _models(content)

    in_the_browser(
        app, "explorer.choosePhoto", Output("live-photo", "data"), Output("live-upload", "contents"),
        Input("live-upload", "contents"), Input("live-building", "n_clicks"), Input("live-sample", "n_clicks"),
        State("live-upload", "filename"),
    )  # fmt: skip

    @app.callback(Output("live-sheet", "children"), Output("live-done", "data-photo"), Input("live-photo", "data"))
    def predict(wanted: object) -> Any:
        if wanted is None:
            raise PreventUpdate
        try:
            with admitted():
                found = _predicted(wanted, models)
        except UserError as error:  # what is shown is of the photo before, and stays faded
            set_props("live-message", {"children": str(error)})
            return no_update, no_update
        set_props("message", {"children": ""})
        set_props("live-sheet", {"className": ""})
        return found, uuid.uuid4().hex

    in_the_browser(app, "explorer.openCamera", Output("live-silent", "title"), Input("live-camera", "n_clicks"))
    in_the_browser(app, "explorer.takePicture", Output("live-silent", "lang"), Input("live-shoot", "n_clicks"))
    in_the_browser(app, "explorer.closeCamera", Output("live-silent", "dir"), Input("live-stop", "n_clicks"))


def _predicted(wanted: object, models: Models) -> list[Component]:
    """The sheet of a photo, and how long each stage took."""
    began = time.perf_counter()
    photo, name = photo_of(wanted)
    got = time.perf_counter()
    side_px = models.side_px()
    ready = time.perf_counter()
    square = square_of(photo, name, side_px)
    answer = models.predict(square.pixels)
    first = {"getting the photo": got - began, "getting ready": ready - got, "waiting for others": square.wait_s}
    seconds = {stage: spent for stage, spent in first.items() if spent > _NOTICED_S}
    seconds |= {"decoding": square.decode_s, "resizing": square.resize_s, **answer.seconds}
    return sheet(square, answer, name, {**seconds, "all of it": time.perf_counter() - began})


def _models(content: Content) -> Models:
    if content.options.server is None:
        return LocalModels(content)
    from server.explorer.pages.live.remote import RemoteModels

    return RemoteModels(content.options.server)


LIVE = Page(
    "/live", "Try a photo",
    "What every task's network makes of one photo of yours, and the features that it hands on.", _layout, _register,
)  # fmt: skip
