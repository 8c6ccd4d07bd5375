"""Heatmaps of the page's grids."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from perception import TaskDictionary
from server.explorer.figures import THEMES, Theme, themed
from server.explorer.pages.affinities.grids import ColourBar, Grid

_CELL_PX = 21
_AROUND_PX = 186

_DIFFERENCES = {
    "light": [[0.0, "#b35806"], [0.5, "#f7f7f7"], [1.0, "#0b4f8a"]],
    "dark": [[0.0, "#ffa763"], [0.5, "#202328"], [1.0, "#7cc0f5"]],
}
"""Colours of differences, near the page's background where there is none."""

_FRAMES = {"light": "#1b1b1b", "dark": "#ff8c42"}
"""Colours of frames that are seen on the faintest cells and the strongest."""


def heatmap(grid: Grid, tasks: TaskDictionary, theme: str | None) -> go.Figure:
    """A grid's picture; each cell carries its number, its transfer's sources and target as `customdata`.

    Args:
        grid: What to draw.
        tasks: The dictionary of the rows and columns.
        theme: "light" or "dark"; light before the browser has told.
    """
    figure = themed(go.Figure(_cells(grid, theme or "light")), theme)
    colours = THEMES[theme or "light"]
    rows, columns = grid.matrix.rows, grid.matrix.columns
    labels = {"tickmode": "array", "showgrid": False, "ticks": "", "tickfont": {"size": 11}, "fixedrange": True}
    figure.update_xaxes(
        **labels, tickvals=list(range(len(columns))), ticktext=[_label(name, tasks, colours) for name in columns],
        tickangle=-90, side="top",
    )  # fmt: skip
    figure.update_yaxes(
        **labels, tickvals=list(range(len(rows))), ticktext=[_label(name, tasks, colours) for name in rows],
        autorange="reversed",
    )  # fmt: skip
    figure.update_layout(
        height=_CELL_PX * len(rows) + _AROUND_PX, margin={"l": 118, "r": 8, "t": 118, "b": 68},
        plot_bgcolor=colours.grid, shapes=_frames_of_own(grid, _FRAMES[theme or "light"]),
    )  # fmt: skip
    return figure


def _cells(grid: Grid, theme: str) -> go.Heatmap:
    rows, columns = grid.matrix.rows, grid.matrix.columns
    places = [[(row, column) for column in range(len(columns))] for row in range(len(rows))]
    return go.Heatmap(
        z=[[_number(grid.colours[place]) for place in line] for line in places],
        customdata=[[_data(grid, *place) for place in line] for line in places],
        text=[[_words(grid, *place) for place in line] for line in places],
        hovertemplate="%{text}<extra></extra>", hoverongaps=False, xgap=1, ygap=1,
        zmin=grid.bar.lowest, zmax=grid.bar.highest, reversescale=grid.bar.is_reversed,
        colorscale=_DIFFERENCES[theme] if grid.bar.is_difference else THEMES[theme].scale, colorbar=_bar(grid.bar),
    )  # fmt: skip


def _bar(bar: ColourBar) -> dict[str, object]:
    return {
        "title": {"text": bar.title, "font": {"size": 11}, "side": "top"}, "thickness": 10, "len": 0.6,
        "outlinewidth": 0, "orientation": "h", "x": 0.5, "xanchor": "center", "y": 0, "yanchor": "top",
        "tickvals": list(bar.ticks), "ticktext": list(bar.ticks.values()), "tickfont": {"size": 11},
    }  # fmt: skip


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _data(grid: Grid, row: int, column: int) -> list[object]:
    transfer = grid.matrix.transfers.get((grid.matrix.rows[row], grid.matrix.columns[column]))
    if transfer is None or np.isnan(grid.numbers[row, column]):
        return [None, "", ""]
    return [_number(grid.numbers[row, column]), ",".join(transfer.sources), transfer.target]


def _words(grid: Grid, row: int, column: int) -> str:
    if np.isnan(grid.numbers[row, column]):
        return ""
    transfer = grid.matrix.transfers[grid.matrix.rows[row], grid.matrix.columns[column]]
    rates = ((transfer.gain, "gain"), (transfer.quality, "quality"))
    measured = ", ".join(f"{name} {100 * rate:.0f} %" for rate, name in rates if rate is not None)
    lines = [f"<b>{escape(' + '.join(transfer.sources))} → {escape(transfer.target)}</b>", grid.words(row, column)]
    return "<br>".join([*lines, *([measured] if measured else [])])


def _label(name: str, tasks: TaskDictionary, colours: Theme) -> str:
    return f'<span style="color:{colours.groups[tasks[name].group]}">{escape(name)}</span>'


def _frames_of_own(grid: Grid, frame: str) -> list[dict[str, object]]:
    """Frames around the cells of tasks on their own features."""
    return [
        {
            "type": "rect", "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5,
            "line": {"color": frame, "width": 1.5},
        }
        for row, column in np.argwhere(grid.matrix.is_own).tolist()
    ]  # fmt: skip
