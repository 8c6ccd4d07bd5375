"""The pictures that the page can show, as numbers and words: what is in each cell, and how strong its colour is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perception import UserError
from server.explorer.pages.affinities.matrices import Matrix, OrderMatrix, ranks, shares
from server.explorer.pages.affinities.measured import Measured, Measurements
from taxonomy import Transfer

_FAINTEST = 0.03
"""Shares of the best that are smaller look alike: the paper's affinities span five powers of ten."""


@dataclass(frozen=True)
class ColourBar:
    """What colours mean.

    Args:
        title: Of the bar.
        lowest: Value of the faintest colour.
        highest: Of the strongest.
        ticks: Words beside the bar, by value.
        is_reversed: Whether the lowest value is the strongest colour.
        is_difference: Whether values go both ways from 0.
    """

    title: str
    lowest: float
    highest: float
    ticks: dict[float, str]
    is_reversed: bool = False
    is_difference: bool = False


@dataclass(frozen=True)
class Grid:
    """One picture.

    Args:
        title: Above it.
        matrix: Rows, columns, and the transfer of each cell.
        numbers: [rows, columns] what is shown, NaN for nothing.
        colours: [rows, columns] the same on the bar's scale.
        bar: What colours mean.
        words: A cell's number in words, by row and column.
    """

    title: str
    matrix: OrderMatrix
    numbers: Matrix
    colours: Matrix
    bar: ColourBar
    words: Callable[[int, int], str]


def affinity_grid(matrix: OrderMatrix, title: str) -> Grid:
    """Affinities, coloured by their share of the target's best other source, so that every column uses all colours."""
    share, rank = shares(matrix), ranks(matrix)
    counts = (~np.isnan(rank)).sum(axis=0)
    numbers = matrix.affinities

    def words(row: int, column: int) -> str:
        place = f"rank {rank[row, column]:.0f} of {counts[column]}, " if not np.isnan(rank[row, column]) else ""
        return f"affinity {numbers[row, column]:.4g}<br>{place}{share[row, column]:.3g} of the best other"

    ticks = {float(np.log10(tick)): f"{tick:g}" for tick in (_FAINTEST, 0.1, 0.3, 1)}
    bar = ColourBar("share of the target's best other source", float(np.log10(_FAINTEST)), 0.0, ticks)
    return Grid(title, matrix, numbers, np.log10(np.clip(share, _FAINTEST, 1)), bar, words)


def loss_grid(matrix: OrderMatrix, measurements: Measurements) -> Grid:
    """Mean losses, on one scale for all columns, which is what cannot be compared."""
    numbers = _measured(matrix, measurements, lambda measured: measured.mean_loss)
    positive = numbers[np.isfinite(numbers) & (numbers > 0)]
    lowest, highest = (float(positive.min()), float(positive.max())) if positive.size else (1.0, 1.0)

    def words(row: int, column: int) -> str:
        measured = measurements[matrix.transfers[matrix.rows[row], matrix.columns[column]].key]
        return f"mean loss {measured.mean_loss:.4g} over {measured.images} images"

    ticks = {float(np.log10(at)): f"{at:.2g}" for at in np.geomspace(lowest, highest, 5)}
    bar = ColourBar("mean loss", min(ticks), max(ticks), ticks, is_reversed=True)
    return Grid("Before AHP: mean loss", matrix, numbers, np.log10(np.clip(numbers, lowest, highest)), bar, words)


def win_grid(matrix: OrderMatrix, measurements: Measurements) -> Grid:
    """How often each transfer beats the target's others."""
    numbers = _measured(matrix, measurements, lambda measured: measured.win_rate)

    def words(row: int, column: int) -> str:
        return f"beats the target's other transfers in {100 * numbers[row, column]:.1f} % of comparisons"

    ticks = {0.0: "0 %", 0.25: "25 %", 0.5: "50 %", 0.75: "75 %", 1.0: "100 %"}
    return Grid("Before AHP: win rate", matrix, numbers, numbers, ColourBar("win rate", 0.0, 1.0, ticks), words)


def _measured(matrix: OrderMatrix, measurements: Measurements, number: Callable[[Measured], float]) -> Matrix:
    """Of each cell's transfer.

    Raises:
        UserError: If the losses have none of them.
    """

    def of(transfer: Transfer) -> float | None:
        measured = measurements.get(transfer.key)
        return None if measured is None else number(measured)

    found = matrix.values(of)
    if not np.isfinite(found).any():
        raise UserError("the losses have none of these transfers; do losses and affinities come from one run?")
    return found


def difference_grid(ours: OrderMatrix, theirs: OrderMatrix) -> Grid:
    """By how many places each source stands higher with the one file than with the other.

    Args:
        ours: The results'.
        theirs: The other file's, of the same rows and columns.
    """
    mine, other = _of_both(ours, theirs)
    numbers = other - mine
    most = float(np.nanmax(np.abs(numbers), initial=1.0))

    def words(row: int, column: int) -> str:
        return (
            f"rank {mine[row, column]:.0f} here, {other[row, column]:.0f} there<br>affinity "
            f"{ours.affinities[row, column]:.4g} here, {theirs.affinities[row, column]:.4g} there"
        )

    ticks = {-most: f"{most:.0f} lower", 0.0: "the same", most: f"{most:.0f} higher"}
    bar = ColourBar("places higher here than there", -most, most, ticks, is_difference=True)
    return Grid("Here against there: difference in rank", ours, numbers, numbers, bar, words)


def _of_both(ours: OrderMatrix, theirs: OrderMatrix) -> tuple[Matrix, Matrix]:
    """Ranks among the cells that both have."""
    shared = set(ours.transfers) & set(theirs.transfers)
    mine, other = (
        ranks(
            OrderMatrix(
                ours.rows, ours.columns, {place: transfer for place, transfer in m.transfers.items() if place in shared}
            )
        )
        for m in (ours, theirs)
    )
    return mine, other
