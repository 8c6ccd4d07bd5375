"""Controls of the page of feature sets."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from perception import UserError
from server.explorer.addresses import refuse_unknown, senseless
from server.explorer.components import empty_state, field, message, panel
from server.explorer.content import Absent, Content
from server.explorer.page import Query
from server.explorer.pages.features.sets import computed_sets, sizes

_FIRST_SIZE = 4
_MOST_MARKS = 14


def layout(content: Content, query: Query) -> Sequence[Component]:
    """The page of an address."""
    known = sizes(content)
    if not known:
        return [
            empty_state(missing) for missing in (computed_sets(content), content.bank) if isinstance(missing, Absent)
        ]
    try:
        return _page(content, known, _asked(query, known))
    except UserError as error:
        return [message(str(error)), *_page(content, known, _first(known))]


def _asked(query: Query, known: Sequence[int]) -> int:
    refuse_unknown(query, ("k",))
    asked = query.get("k", str(_first(known)))
    if asked not in map(str, known):
        raise senseless("k", asked, f"a number of features from {known[0]} to {known[-1]}")
    return int(asked)


def _first(known: Sequence[int]) -> int:
    return min(max(_FIRST_SIZE, known[0]), known[-1])


def _page(content: Content, known: Sequence[int], size: int) -> list[Component]:
    costs = panel("What it costs", [html.Div(id="features-work"), *_measuring(content)])
    right = html.Div([html.Div(id="features-curves"), costs])
    return [
        panel("Size", [_slider(known, size), html.A("Link to this size", id="features-link", href="")]),
        panel("The set", dcc.Loading(html.Div(id="features-set"), delay_show=400, type="dot")),
        html.Div([html.Div(id="features-covered"), right], className="features-panels"),
        dcc.Store(id="features-query"),
        dcc.Store(id="features-drawn"),
    ]


def _slider(known: Sequence[int], size: int) -> Component:
    step = -(-len(known) // _MOST_MARKS)
    marks = {str(each): str(each) for each in known[::step]}
    control = dcc.Slider(known[0], known[-1], 1, value=size, marks=marks, id="features-size", included=True)
    return field("k, the most features in the set", control)


def _measuring(content: Content) -> list[Component]:
    button = html.Button("Measure on this machine", id="features-measure", disabled=isinstance(content.bank, Absent))
    words = html.Div(id="features-speed", role="status")
    return [html.Div([button, dcc.Loading(words, type="dot")], className="features-measuring")]
