"""What a visitor looks at, from an address and back into it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from perception import TASKS, UserError
from server.explorer.addresses import refuse_unknown
from server.explorer.page import Query

FIRST_TARGET = "normal"
"""Shown where none is asked for, if the run has it."""

_KEYS = ("target", "image", "orders", "among", "sources")


@dataclass(frozen=True)
class Offer:
    """What there is to choose from.

    Args:
        targets: In dictionary order.
        sources: Likewise.
        orders: Rising.
        images: How many test images.
    """

    targets: tuple[str, ...]
    sources: tuple[str, ...]
    orders: tuple[int, ...]
    images: int


@dataclass(frozen=True)
class Choice:
    """One grid of transfers.

    Args:
        target: Canonical name.
        image: Position among the test images.
        orders: Numbers of sources that are shown.
        among: Only transfers with one of these sources; all if empty.
        marked: Sources of the transfer that stands out, sorted; empty for none.
    """

    target: str
    image: int
    orders: tuple[int, ...]
    among: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()

    def to_query(self, offer: Offer) -> str:
        """For an address, without the question mark; what is as usual is left out."""
        parts = {"target": self.target, "image": str(self.image)}
        if self.orders != offer.orders:
            parts["orders"] = ",".join(map(str, self.orders))
        if self.among:
            parts["among"] = ",".join(self.among)
        if self.marked:
            parts["sources"] = ",".join(self.marked)
        return urlencode(parts, safe=",")


def read_choice(query: Query, offer: Offer) -> Choice:
    """What an address asks for.

    Args:
        query: `target`, `image`, `orders`, `among`, and the `sources` of a transfer to be marked; each may be missing.
        offer: Of the run.

    Raises:
        UserError: If it asks for something that the run does not have.
    """
    refuse_unknown(query, _KEYS)
    usual = usual_choice(offer)
    target = _one_of(query.get("target", usual.target), offer.targets, "target")
    among = tuple(_one_of(name, offer.sources, "source") for name in _names(query.get("among", "")))
    marked = tuple(sorted(_one_of(name, offer.sources, "source") for name in _names(query.get("sources", ""))))
    orders = tuple(_number(word, offer.orders, "order") for word in _names(query.get("orders", "")))
    image = _number(query.get("image", "0"), range(offer.images), "image")
    return Choice(target, image, tuple(sorted(orders)) or offer.orders, among, marked)


def usual_choice(offer: Offer) -> Choice:
    """What is shown where nothing is asked for."""
    target = FIRST_TARGET if FIRST_TARGET in offer.targets else offer.targets[0]
    return Choice(target, 0, offer.orders)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _one_of(name: str, known: Sequence[str], what: str) -> str:
    canonical = TASKS[name].name if name in TASKS else name
    if canonical not in known:
        raise UserError(f"this run has no {what} {name!r:.60}; it has {', '.join(known)}.")
    return canonical


def _number(word: str, known: Collection[int], what: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10 and int(word) in known):
        raise UserError(f"this run has no {what} {word!r:.60}; it has {min(known)} to {max(known)}.")
    return int(word)
