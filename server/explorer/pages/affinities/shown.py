"""What the page shows for a choice: panels with pictures, captions and tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from perception import UserError
from server.explorer.components import empty_state, labelled, message, panel, table, task_name
from server.explorer.content import Absent, Content
from server.explorer.figures import GRAPH_CONFIG
from server.explorer.pages.affinities.choice import Choice
from server.explorer.pages.affinities.grids import Grid, affinity_grid, difference_grid, loss_grid, win_grid
from server.explorer.pages.affinities.matrices import OrderMatrix, matrix_of
from server.explorer.pages.affinities.measured import Measurements, before_ahp
from server.explorer.pages.affinities.pictures import heatmap
from taxonomy import TransferTable
from taxonomy.studies import rank_agreement

_CONFIG: Any = {**GRAPH_CONFIG, "displayModeBar": False}

MATRIX = "affinities-matrix"
"""Type of the ids of heatmaps, whose index is their place."""


def panels(content: Content, ours: TransferTable, choice: Choice, theme: str | None) -> list[Component]:
    """The panels of a choice, side by side where there is room."""
    return _VIEWS[choice.view](content, ours, choice, theme)


def _measured_view(draw: Callable[[OrderMatrix, Measurements], Grid], words: str) -> "_View":
    def show(content: Content, ours: TransferTable, choice: Choice, theme: str | None) -> list[Component]:
        matrix = matrix_of(ours, choice.order, choice.arrangement)
        after = affinity_grid(matrix, "After AHP: affinity")
        before = before_ahp(content, ours)
        if isinstance(before, Absent):
            first = panel("Before AHP", empty_state(before))
        else:
            try:
                first = _picture(draw(matrix, before), words, ours, theme, 0)
            except UserError as error:
                first = panel("Before AHP", message(str(error)))
        return [first, _picture(after, f"{_cells(choice.order)} {_AFTER}", ours, theme, 1)]

    return show


def _side(content: Content, ours: TransferTable, choice: Choice, theme: str | None) -> list[Component]:
    theirs = content.compared
    if isinstance(theirs, Absent):
        return [empty_state(theirs)]
    mine, other = _shared(ours, theirs, choice)
    files = str(content.options.results), str(content.options.compared)
    pictures = [
        _picture(affinity_grid(matrix, name), f"{_cells(choice.order)} {_AFTER}", ours, theme, place)
        for place, (matrix, name) in enumerate(zip((mine, other), files, strict=True))
    ]
    return [*pictures, _agreement(ours, theirs)]


def _difference(content: Content, ours: TransferTable, choice: Choice, theme: str | None) -> list[Component]:
    theirs = content.compared
    if isinstance(theirs, Absent):
        return [empty_state(theirs)]
    grid = difference_grid(*_shared(ours, theirs, choice))
    words = (
        f"Here is {content.options.results}, there {content.options.compared}. {_cells(choice.order)} Ranks are among "
        "the sources that both have for a target. Affinities themselves depend on how many transfers a file has, since "
        "each target's sum to 1; their order hardly does."
    )
    return [_picture(grid, words, ours, theme, 0), _agreement(ours, theirs)]


_View = Callable[[Content, TransferTable, Choice, str | None], list[Component]]

_VIEWS: Mapping[str, _View] = {
    "losses": _measured_view(
        loss_grid,
        "The test loss of each cell's transfer, averaged over images, on a logarithmic scale; strong is low. Every "
        "target has a unit and a scale of its own, so columns cannot be compared. AHP uses only which of two transfers "
        "has the lower loss.",
    ),
    "wins": _measured_view(
        win_grid,
        "How often each cell's transfer has a lower loss than another transfer to that target, on the same image: the "
        "row means of the tournament whose principal eigenvector AHP takes.",
    ),
    "side": _side,
    "difference": _difference,
}


def _shared(ours: TransferTable, theirs: TransferTable, choice: Choice) -> tuple[OrderMatrix, OrderMatrix]:
    """One order of both files, on the tasks that both have, in the order of the first."""
    mine = matrix_of(ours, choice.order, choice.arrangement).among(theirs.sources, theirs.targets)
    other = matrix_of(theirs, choice.order, "dictionary")
    if not set(mine.transfers) & set(other.transfers):
        raise UserError(
            f"the two files have no transfer of order {choice.order} between the same tasks; none to compare."
        )
    return mine, OrderMatrix(mine.rows, mine.columns, other.transfers)


_AFTER = (
    "Colour is the affinity as a share of the target's best other source, on a logarithmic scale. Framed: a task on "
    "its own features."
)


def _cells(order: int) -> str:
    if order == 1:
        return "Rows are the features, columns the target that a small readout was trained for on top of them."
    return (
        f"A cell is the best transfer of {order} sources to the column's target that has the row's feature among them; "
        "point at it to see all of them."
    )


def _picture(grid: Grid, words: str, ours: TransferTable, theme: str | None, place: int) -> Component:
    title, figure = grid.title, heatmap(grid, ours.tasks, theme)
    graph = dcc.Graph(
        figure=figure, id={"type": MATRIX, "index": place}, config=_CONFIG,
        style={"height": f"{figure.layout.height}px"}, className="affinities-matrix",
    )  # fmt: skip
    spoken = f"{title}, a picture; the table below has a target's numbers"
    caption = html.P([html.Small(f"{words} A click leads to the transfer.")])
    return panel(title, [html.Div(graph, className="scrolls", tabIndex=0, role="group", **labelled(spoken)), caption])


def _agreement(ours: TransferTable, theirs: TransferTable) -> Component:
    found = sorted(rank_agreement(ours, theirs), key=lambda each: -each.correlation)
    title = "Do both rank sources alike?"
    if not found:
        return panel(title, html.P("No target has three first-order sources in common whose affinities differ."))
    middle = float(np.median([each.correlation for each in found]))
    caption = (
        f"Spearman's rank correlation of first-order affinities for each target, a target's own features left out: "
        f"1 the same order, 0 unrelated, -1 reversed. Median {middle:.2f} over {len(found)} targets."
    )
    rows = [
        [task_name(each.target, ours.tasks), _signed(each.correlation), html.Span(each.sources, className="number")]
        for each in found
    ]
    found_table = table(["target", "correlation", "sources in both"], rows)
    return panel(title, [html.P(html.Small(caption)), found_table], id="affinities-agreement")


def _signed(correlation: float) -> Component:
    """A number and a bar to the left or right of the middle."""
    width, left = f"{50 * abs(correlation):.1f}%", f"{50 + 50 * min(0.0, correlation):.1f}%"
    bar = html.Span(html.Span(style={"width": width, "marginLeft": left}), className="affinities-bar")
    return html.Span([html.Span(f"{correlation:+.2f}"), bar], className="affinities-signed")


def transfers_to(ours: TransferTable, target: str) -> Component:
    """Every transfer to one target, the best first."""
    found = sorted((each for each in ours if each.target == target), key=lambda each: -each.affinity)
    rows: list[Sequence[str | Component | Sequence[str | Component]]] = []
    for transfer in found:
        names = [task_name(name, ours.tasks) for name in transfer.sources]
        rows.append(
            [
                [piece for name in names for piece in (" + ", name)][1:],
                str(transfer.order), f"{transfer.affinity:.6g}", _rate(transfer.gain), _rate(transfer.quality),
                dcc.Link("look", href=f"/transfers?target={target}&sources={','.join(transfer.sources)}")
                if ours.tasks.keys() >= set(transfer.sources) else "",
            ]
        )  # fmt: skip
    caption = (
        f"All {len(found)} transfers to {target}, of every order. self is the target's own network, random an "
        "untrained one. Gain is the win rate over training from scratch, quality over full supervision."
    )
    listed = table(["sources", "order", "affinity", "gain", "quality", "pictures"], rows)
    return html.Div([html.P(html.Small(caption)), listed])


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.0f} %"
