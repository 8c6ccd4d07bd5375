"""Pieces that several pages are made of."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from dash import ClientsideFunction, Dash, html
from dash.development.base_component import Component
from numpy.typing import NDArray

from perception import TaskDictionary
from perception.pictures import png
from server.explorer.content import Absent

Children = str | Component | Sequence[str | Component]


def empty_state(absent: Absent) -> Component:
    """Why there is nothing to see, and the command that mends it."""
    return html.Div([html.P(absent.why), html.P(["Make it with ", html.Code(absent.command)])], className="empty")


def message(text: str) -> Component:
    """A sentence about what went wrong, read out by screen readers."""
    return html.P(text, className="message", role="alert")


def labelled(label: str) -> dict[str, Any]:
    """What screen readers say of an element, for the arguments of its constructor."""
    return {"aria-label": label}


def data(**values: str) -> dict[str, Any]:
    """`data-` attributes of an element, for the arguments of its constructor: `group` is `data-group`."""
    return {f"data-{name}": value for name, value in values.items()}


def panel(title: str, children: Children, **how: Any) -> Component:
    """A titled part of a page."""
    parts = [children] if isinstance(children, str | Component) else list(children)
    return html.Section([html.H2(title), *parts], className="panel", **how)


def field(label: str, control: Component, hint: str = "") -> Component:
    """A control under its label; dash's own sliders and dropdowns have no label of their own."""
    words = [html.Span(label, className="label")] + ([html.Small(hint)] if hint else [])
    return html.Div([*words, control], className="field", role="group", **labelled(label))


def table(headings: Sequence[str], rows: Sequence[Sequence[Children]], caption: str = "") -> Component:
    """A table that scrolls sideways by itself on a narrow screen."""
    head = html.Thead(html.Tr([html.Th(heading, scope="col") for heading in headings]))
    body = html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in rows])
    parts = [html.Caption(caption)] if caption else []
    return html.Div(html.Table([*parts, head, body]), className="scrolls", tabIndex=0)


def task_name(name: str, tasks: TaskDictionary) -> Component:
    """A task's name in its group's colour, the same on every page."""
    group = str(tasks[name].group) if name in tasks else ""
    return html.Span(name, className="task", **data(group=group))


def picture(pixels: NDArray[np.uint8], caption: str, alt: str = "") -> Component:
    """A picture with words under it.

    Args:
        pixels: uint8 [H, W, 3].
        caption: Below it.
        alt: For those who do not see it; the caption by default.
    """
    source = f"data:image/png;base64,{base64.b64encode(png(pixels)).decode()}"
    return html.Figure([html.Img(src=source, alt=alt or caption), html.Figcaption(caption)], className="tile")


def in_the_browser(app: Dash, function: str, *wires: Any) -> None:
    """Add a callback that is a function of `assets/explorer.js` and asks nobody.

    Args:
        app: Whose callback it is.
        function: Its name there.
        wires: Dash's `Output`, `Input` and `State`.
    """
    app.clientside_callback(ClientsideFunction("explorer", function), *wires)  # type: ignore[no-untyped-call]
