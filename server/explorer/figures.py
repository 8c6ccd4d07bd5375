"""Plotly figures in the page's colours, light and dark."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from perception import Group
from taxonomy.report.style import GROUP_COLOURS, GROUP_COLOURS_ON_DARK


@dataclass(frozen=True)
class Theme:
    """Colours of figures.

    Args:
        ink: Of text.
        quiet: Of axes and captions.
        grid: Of guide lines.
        groups: Of tasks.
        scale: Plotly's name of a colour scale whose low end is near the page's background.
    """

    ink: str
    quiet: str
    grid: str
    groups: dict[Group, str]
    scale: str


THEMES = {
    "light": Theme("#1b1b1b", "#5c5c5c", "#e6e6e6", GROUP_COLOURS, "Blues"),
    "dark": Theme("#ececec", "#a8a8a8", "#33363b", GROUP_COLOURS_ON_DARK, "Blues_r"),
}
"""By what the store `theme` holds."""


def themed(figure: go.Figure, theme: str | None) -> go.Figure:
    """The figure, transparent, with text and lines that are readable on the page's background.

    Args:
        figure: Changed in place.
        theme: "light" or "dark"; light before the browser has told.
    """
    colours = THEMES[theme or "light"]
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", font={"color": colours.ink, "size": 12},
        margin={"l": 48, "r": 12, "t": 32, "b": 40}, hoverlabel={"font": {"size": 12}},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": colours.quiet, "activecolor": colours.ink},
    )  # fmt: skip
    figure.update_xaxes(gridcolor=colours.grid, linecolor=colours.quiet, zeroline=False)
    figure.update_yaxes(gridcolor=colours.grid, linecolor=colours.quiet, zeroline=False)
    return figure


GRAPH_CONFIG: Any = {"displayModeBar": False, "responsive": True}
"""For `dcc.Graph`: its bar of buttons has one that takes the chart to Plotly's cloud."""
