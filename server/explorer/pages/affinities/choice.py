"""What a visitor chose on the page of affinities, as it stands in the address."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from perception import UserError
from server.explorer.addresses import refuse_unknown, senseless
from server.explorer.page import Query
from server.explorer.pages.affinities.matrices import arrangements, orders_of
from taxonomy import TransferTable

VIEWS: Mapping[str, str] = {
    "losses": "Mean losses before AHP, affinities after",
    "wins": "Win rates before AHP, affinities after",
    "side": "Affinities beside those of the other file",
    "difference": "Difference in rank from the other file",
}
"""What can be shown, by the name it has in an address."""


@dataclass(frozen=True)
class Choice:
    """What to show.

    Args:
        view: One of `VIEWS`.
        order: Of the transfers.
        arrangement: One of the table's `arrangements`.
        target: Whose transfers the table lists.
    """

    view: str
    order: int
    arrangement: str
    target: str

    def query(self) -> str:
        """As it stands behind the question mark of an address."""
        return urlencode(asdict(self))


def first_choice(table: TransferTable) -> Choice:
    """What a visit without wishes shows."""
    orders = orders_of(table)
    if not orders:
        raise UserError("the file has baselines alone, and no transfer that a taxonomy may use; nothing to show.")
    return Choice("losses", orders[0], arrangements(table)[0], table.targets[0])


def read_choice(query: Query, table: TransferTable) -> Choice:
    """What an address asks for.

    Raises:
        UserError: For a word that is none of those possible.
    """
    first = first_choice(table)
    refuse_unknown(query, tuple(asdict(first)))
    target = query.get("target", first.target)
    return Choice(
        _one_of("view", query.get("view", first.view), tuple(VIEWS)),
        int(_one_of("order", query.get("order", str(first.order)), tuple(map(str, orders_of(table))))),
        _one_of("arrangement", query.get("arrangement", first.arrangement), arrangements(table)),
        _one_of("target", table.tasks[target].name, table.targets),
    )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise senseless(name, value, f"one of {', '.join(known)}")
    return value
