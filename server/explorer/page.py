"""What a page is to the shell around it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dash import Dash
from dash.development.base_component import Component

from server.explorer.content import Content

Query = Mapping[str, str]
"""What stands behind the question mark of an address."""


@dataclass(frozen=True)
class Page:
    """One page.

    Args:
        path: Of its address, "/solver".
        title: In the navigation.
        sentence: What one is looking at.
        layout: Makes the page for an address, whenever somebody opens it.
        register: Adds its callbacks, once; their ids begin with the path's name, "solver-budget".
    """

    path: str
    title: str
    sentence: str
    layout: Callable[[Content, Query], Sequence[Component]]
    register: Callable[[Dash, Content], None]
