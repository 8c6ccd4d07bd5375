"""Which transfer stands in a cell, its share and its rank."""

import math

import numpy as np
import pytest

from perception import UserError
from server.explorer.pages.affinities.choice import read_choice
from server.explorer.pages.affinities.grids import difference_grid
from server.explorer.pages.affinities.matrices import arrangements, matrix_of, orders_of, ranks, shares
from taxonomy import Transfer, TransferTable
from taxonomy.similarity import first_order_matrix

TABLE = TransferTable(
    [
        Transfer(("self",), "normal", 0.9),
        Transfer(("normal",), "normal", 0.5),
        Transfer(("reshading",), "normal", 0.2),
        Transfer(("autoencoding",), "normal", 0.05),
        Transfer(("random",), "normal", 0.01),
        Transfer(("reshading", "autoencoding"), "normal", 0.3),
        Transfer(("reshading", "normal"), "normal", 0.25),
        Transfer(("autoencoding",), "reshading", 0.1),
        Transfer(("normal",), "reshading", 0.1),
    ]
)


def test_at_first_order_the_cells_are_the_first_order_affinities() -> None:
    matrix = matrix_of(TABLE, 1, "dictionary")
    known = first_order_matrix(TABLE)
    assert (matrix.rows, matrix.columns) == (known.sources, known.targets)
    assert np.array_equal(matrix.affinities, known.values, equal_nan=True)


def test_at_higher_orders_a_cell_is_the_best_transfer_that_has_the_source_among_its_own() -> None:
    matrix = matrix_of(TABLE, 2, "dictionary")
    chosen = {place: transfer.sources for place, transfer in matrix.transfers.items()}
    assert chosen == {
        ("reshading", "normal"): ("reshading", "autoencoding"),
        ("autoencoding", "normal"): ("reshading", "autoencoding"),
        ("normal", "normal"): ("reshading", "normal"),
    }


def test_orders_are_those_that_a_taxonomy_may_use() -> None:
    assert orders_of(TABLE) == (1, 2)


def test_shares_and_ranks_leave_a_targets_own_features_out() -> None:
    matrix = matrix_of(TABLE, 1, "dictionary")
    cell = {name: row for row, name in enumerate(matrix.rows)}
    column = matrix.columns.index("normal")
    share, rank = shares(matrix)[:, column], ranks(matrix)[:, column]
    assert share[cell["reshading"]] == 1
    assert math.isclose(share[cell["autoencoding"]], 0.25)
    assert math.isclose(share[cell["normal"]], 2.5), "its own may be more than the best other"
    assert (rank[cell["reshading"]], rank[cell["autoencoding"]]) == (1, 2)
    assert np.isnan(rank[cell["normal"]])
    assert sorted(ranks(matrix)[:, matrix.columns.index("reshading")].tolist())[:2] == [1, 1], "equals share a place"


def test_without_first_order_transfers_there_is_no_tree_and_the_dictionary_comes_first() -> None:
    table = TransferTable([Transfer(("normal", "reshading"), "curvature", 0.2)])
    assert arrangements(table) == ("dictionary", "alphabet")
    assert read_choice({}, table).arrangement == "dictionary"
    with pytest.raises(UserError, match="arrangement=tree; expected one of dictionary, alphabet"):
        read_choice({"arrangement": "tree"}, table)


def test_ranks_of_two_files_are_among_the_sources_that_both_have() -> None:
    theirs = TransferTable([Transfer(("autoencoding",), "normal", 0.4), Transfer(("reshading",), "normal", 0.3)])
    mine = matrix_of(TABLE, 1, "dictionary").among(theirs.sources, theirs.targets)
    grid = difference_grid(mine, matrix_of(theirs, 1, "dictionary").among(mine.rows, mine.columns))
    found = dict(zip(grid.matrix.rows, grid.numbers[:, 0].tolist(), strict=True))
    assert found == {"autoencoding": -1.0, "reshading": 1.0}
