"""Pieces that several pages are made of."""

from collections.abc import Sequence
from typing import Any

from dash import ClientsideFunction, Dash, html
from dash.development.base_component import Component

from perception import TaskDictionary
from server.explorer.content import Absent

_LONGEST = 400  # characters of a sentence

Children = str | Component | Sequence[str | Component]


def empty_state(absent: Absent) -> Component:
    """Why there is nothing to see, and the command that mends it."""
    mend = [] if absent.command is None else [html.P(["Make it with ", html.Code(absent.command)])]
    return html.Div([html.P(_clipped(absent.why)), *mend], className="empty")


def message(text: str) -> Component:
    """A sentence about what went wrong, read out by screen readers."""
    return html.Div(_clipped(text), className="message", role="alert")


def _clipped(text: str) -> Children:
    """The text; of one as long as a list of all tasks, its beginning, which shows the rest when it is asked to."""
    if len(text) <= _LONGEST:
        return text
    shown = f"{text[:_LONGEST].rpartition(' ')[0]} ..."
    return html.Details([html.Summary(shown), html.P(text)])


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
    """A control under its label, which `assets/names.js` makes the name of what dash has no label for."""
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


def in_the_browser(app: Dash, function: str, *wires: Any, **how: Any) -> None:
    """Add a callback that is a function of a script of `assets/`, and asks nobody.

    Args:
        app: Whose callback it is.
        function: The script's name and the function's: "explorer.permalink".
        wires: Dash's `Output`, `Input` and `State`.
        how: Further arguments of Dash's `callback`.
    """
    script, _, name = function.partition(".")
    app.clientside_callback(ClientsideFunction(script, name), *wires, **how)  # type: ignore[no-untyped-call]
