"""Affinities of one order as a matrix: which transfer stands in each cell, and in which order rows and columns come."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from taxonomy import Transfer, TransferTable
from taxonomy.similarity import first_order_matrix, similarity_tree
from taxonomy.transfers import SELF

Matrix = NDArray[np.float64]

Place = tuple[str, str]
"""A cell: a source and a target."""


@dataclass(frozen=True)
class OrderMatrix:
    """The transfers of one order, a cell for each source and target.

    Args:
        rows: Sources.
        columns: Targets.
        transfers: In each cell, of the transfers to that target which have that source among theirs, the one of highest
            affinity; `self` and baselines left out. At first order that is the one transfer there can be.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    transfers: Mapping[Place, Transfer]

    def values(self, number: Callable[[Transfer], float | None]) -> Matrix:
        """[rows, columns] a number of each cell's transfer, NaN where there is no such transfer or number."""
        found = np.full((len(self.rows), len(self.columns)), np.nan)
        for row, source in enumerate(self.rows):
            for column, target in enumerate(self.columns):
                transfer = self.transfers.get((source, target))
                value = None if transfer is None else number(transfer)
                found[row, column] = np.nan if value is None else value
        return found

    @property
    def affinities(self) -> Matrix:
        """[rows, columns], NaN where there is no transfer."""
        return self.values(lambda transfer: transfer.affinity)

    @property
    def is_own(self) -> NDArray[np.bool_]:
        """[rows, columns] whether the row's task is the column's."""
        return np.asarray(np.array(self.rows)[:, None] == np.array(self.columns))

    def among(self, rows: Sequence[str], columns: Sequence[str]) -> "OrderMatrix":
        """The part that two files share, in this one's order."""
        return OrderMatrix(
            tuple(name for name in self.rows if name in rows),
            tuple(name for name in self.columns if name in columns),
            self.transfers,
        )


def orders_of(table: TransferTable) -> tuple[int, ...]:
    """Orders of which there are transfers that a taxonomy may use, rising."""
    return tuple(sorted({transfer.order for transfer in table if _counts(transfer)}))


def matrix_of(table: TransferTable, order: int, arrangement: str) -> OrderMatrix:
    """The transfers of one order.

    Args:
        table: Affinities.
        order: Number of sources.
        arrangement: One of `arrangements(table)`.
    """
    best: dict[Place, Transfer] = {}
    for transfer in table:
        if transfer.order == order and _counts(transfer):
            for source in transfer.sources:
                place = source, transfer.target
                if place not in best or best[place].affinity < transfer.affinity:
                    best[place] = transfer
    rows, columns = ARRANGEMENTS[arrangement](table)
    return OrderMatrix(rows, columns, best)


def _counts(transfer: Transfer) -> bool:
    return transfer.is_candidate and transfer.sources != (SELF,)


def shares(matrix: OrderMatrix) -> Matrix:
    """[rows, columns] affinities as shares of the best one of their column that is not the target's own."""
    others = np.where(matrix.is_own, np.nan, matrix.affinities)
    best = np.array([np.nanmax(column, initial=0.0) or 1.0 for column in others.T])
    return np.asarray(matrix.affinities / best)


def ranks(matrix: OrderMatrix) -> Matrix:
    """[rows, columns] the place of each other source in its column, 1 for the best; equals share the better place.

    NaN for what is the target's own or missing.
    """
    others = np.where(matrix.is_own, np.nan, matrix.affinities)
    better = (others[None, :, :] > others[:, None, :]).sum(axis=1)
    return np.where(np.isnan(others), np.nan, 1.0 + better)


def arrangements(table: TransferTable) -> tuple[str, ...]:
    """The orders of rows and columns that this table can have, the one to begin with first."""
    return tuple(ARRANGEMENTS) if _has_tree(table) else tuple(ARRANGEMENTS)[1:]


def _has_tree(table: TransferTable) -> bool:
    return len(table.sources) > 1 and not np.isnan(first_order_matrix(table).values).all()


def _by_tree(table: TransferTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not _has_tree(table):
        raise UserError("there is no similarity tree: it takes first-order transfers of two sources or more.")
    rows = similarity_tree(first_order_matrix(table)).order
    columns = tuple(name for name in rows if name in table.targets)
    return rows, (*columns, *(name for name in table.targets if name not in columns))


ARRANGEMENTS: Mapping[str, Callable[[TransferTable], tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "tree": _by_tree,
    "dictionary": lambda table: (table.sources, table.targets),
    "alphabet": lambda table: (tuple(sorted(table.sources)), tuple(sorted(table.targets))),
}
"""Orders of rows and columns, by the name they have in an address."""
