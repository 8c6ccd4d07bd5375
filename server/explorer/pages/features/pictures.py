"""The curve of distances over sizes."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from server.explorer.figures import THEMES, themed
from server.explorer.pages.features.sets import CoverageSets

_ACCENT = {"light": "#0b57d0", "dark": "#8ab4f8"}
_CURVES = (("worst_distance", "worst task's distance"), ("total_distance", "total distance"))


def curve(sets: CoverageSets, size: int, theme: str | None) -> go.Figure:
    """Worst and total distance of the set of each size, with one size marked.

    Args:
        sets: To draw; also the published ones, as crosses. They have a curve.
        size: To mark.
        theme: "light" or "dark"; light before the browser has told.
    """
    accent, colours = _ACCENT[theme or "light"], THEMES[theme or "light"]
    computed, published = sets.curve(), sets.published()
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for row, (number, title) in enumerate(_CURVES, start=1):
        for name, found, look in (
            ("computed", computed, {"mode": "lines+markers", "line": {"color": accent, "width": 2}}),
            ("published", published, {"mode": "markers", "marker": {"color": colours.ink, "symbol": "x"}}),
        ):
            figure.add_trace(
                go.Scatter(
                    x=list(found), y=[getattr(each, number) for each in found.values()], name=name,
                    text=[", ".join(each.features) for each in found.values()], showlegend=row == 1 and bool(found),
                    hovertemplate="k = %{x}: %{y:.4f}<br>%{text}<extra>" + name + "</extra>", **look,
                ),
                row=row, col=1,
            )  # fmt: skip
        marked = getattr(computed[size], number)
        ring = {"color": accent, "size": 15, "symbol": "circle-open", "line": {"width": 2}}
        figure.add_trace(
            go.Scatter(x=[size], y=[marked], mode="markers", marker=ring, showlegend=False, hoverinfo="skip"),
            row=row, col=1,
        )  # fmt: skip
        figure.update_yaxes(title={"text": title, "font": {"size": 12}}, rangemode="tozero", row=row, col=1)
    themed(figure, theme)
    figure.update_xaxes(title="k, features", row=2, col=1)
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    figure.update_layout(height=420, legend={"orientation": "h", "y": 1.1, "x": 0}, margin={"l": 56})
    return figure
