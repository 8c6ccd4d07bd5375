"""Which transfers of several sources are worth training."""

from collections.abc import Sequence
from itertools import combinations

from perception.errors import UserError

BEAM = 5
"""Best first-order sources whose subsets are tried (Taskonomy, section 3.2)."""


def higher_order_transfers(first_order_ranking: Sequence[str], order: int) -> list[tuple[str, ...]]:
    """Source sets of one order for a target: all subsets of its 5 best sources, above order 5 the best `order`.

    Args:
        first_order_ranking: The target's sources by their first-order transfers, best first.
        order: Number of sources, 2 or more.

    Returns:
        Each with its names sorted, and sorted among themselves; none where there are fewer sources than `order`.

    Raises:
        UserError: If the order is below 2, or a source is ranked twice.
    """
    if order < 2:
        raise UserError(f"order {order} is no higher order; expected 2 or more.")
    if len(set(first_order_ranking)) < len(first_order_ranking):
        raise UserError(f"a source is ranked twice in {list(first_order_ranking)}; name each once.")
    best = sorted(first_order_ranking[: max(BEAM, order)])
    return list(combinations(best, order))
