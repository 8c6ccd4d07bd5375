"""The shell: navigation, the page of an address, and messages where something went wrong."""

import logging
from collections.abc import Sequence
from importlib.resources import files
from urllib.parse import parse_qsl

from dash import Dash, Input, Output, State, dcc, html, set_props
from dash.development.base_component import Component

from perception import UserError
from server.explorer.components import in_the_browser, labelled
from server.explorer.content import Content
from server.explorer.page import Page
from server.explorer.pages import PAGES

TITLE = "midlevel explorer"

_LOG = logging.getLogger(__name__)
_NOTHING_HERE = "There is no such page; choose one above."


def create_app(content: Content, pages: Sequence[Page] = PAGES) -> Dash:
    """The app, ready to be served: `app.server` speaks WSGI.

    Args:
        content: What is shown.
        pages: The first one stands at "/".
    """
    assets = files("server.explorer").joinpath("assets")
    app = Dash(
        TITLE, assets_folder=str(assets), title=TITLE, update_title="", serve_locally=True,
        suppress_callback_exceptions=True, on_error=_tell, meta_tags=[_VIEWPORT],
    )  # fmt: skip
    app.index_string = files("server.explorer").joinpath("assets", "index.html").read_text("utf-8")
    app.layout = html.Div(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="theme"),
            html.A("Skip to the page", href="#page", className="skip"),
            html.Header([html.Strong(TITLE), _navigation(pages), _theme_button()]),
            html.Div(id="message", role="alert"),
            html.Main(id="page", tabIndex=-1),
        ]
    )
    _route(app, content, {"/": pages[0], **{page.path: page for page in pages}})
    in_the_browser(app, "explorer.theme", Output("theme", "data"), Input("theme-toggle", "n_clicks"))
    for page in pages:
        page.register(app, content)
    return app


_VIEWPORT = {"name": "viewport", "content": "width=device-width, initial-scale=1"}


def _route(app: Dash, content: Content, pages: dict[str, Page]) -> None:
    @app.callback(
        Output("page", "children"), Output("message", "children"), Input("url", "pathname"), State("url", "search")
    )
    def show(path: str | None, search: str | None) -> tuple[Sequence[Component], str]:
        page = pages.get(path or "/")
        if page is None:
            return [html.H1("Nothing here"), html.P(_NOTHING_HERE)], ""
        query = dict(parse_qsl((search or "").removeprefix("?"), keep_blank_values=True))
        return [html.H1(page.title), html.P(page.sentence, className="sentence"), *page.layout(content, query)], ""

    in_the_browser(app, "explorer.arrived", Output("page", "data-path"), Input("url", "pathname"))


def _navigation(pages: Sequence[Page]) -> Component:
    links = [dcc.Link(page.title, href=page.path, className="nav-link") for page in pages]
    return html.Nav(links, **labelled("Pages"))


def _theme_button() -> Component:
    return html.Button("◐", id="theme-toggle", title="Light or dark", **labelled("Light or dark"))


def _tell(error: Exception) -> None:
    """Put a message on the page of whoever caused it; the app goes on."""
    if isinstance(error, UserError):
        words = str(error)
    else:
        _LOG.error("a callback failed", exc_info=error)
        words = f"That did not work, and it is our fault ({type(error).__name__}); the terminal says more."
    set_props("message", {"children": words})
