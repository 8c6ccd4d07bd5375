"""What sets two solutions apart."""

from dataclasses import dataclass

from taxonomy import Taxonomy, Transfer


@dataclass(frozen=True)
class TargetDifference:
    """How a target is reached in two solutions.

    Args:
        target: Its name.
        before: Its transfer in the first; None where it is not wanted there.
        after: In the second.
    """

    target: str
    before: Transfer | None
    after: Transfer | None

    def change(self, what: str) -> float | None:
        """How much `affinity`, `gain` or `quality` rises; None where one of the two lacks it."""
        first, second = getattr(self.before, what, None), getattr(self.after, what, None)
        return None if first is None or second is None else second - first


@dataclass(frozen=True)
class Difference:
    """What sets the second of two solutions apart from the first.

    Args:
        gained: Sources that are trained only in the second.
        lost: Sources that are trained only in the first.
        objective: How much it rises.
        targets: x
        unchanged: How many are reached alike.
    """

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    objective: float
    targets: tuple[TargetDifference, ...]
    unchanged: int


def difference(before: Taxonomy, after: Taxonomy) -> Difference:
    """What sets `after` apart from `before`; both of one table."""
    first = {transfer.target: transfer for transfer in before.transfers}
    second = {transfer.target: transfer for transfer in after.transfers}
    names = [*second, *(name for name in first if name not in second)]
    pairs = [TargetDifference(name, first.get(name), second.get(name)) for name in names]
    changed = tuple(pair for pair in pairs if pair.before != pair.after)
    return Difference(
        gained=tuple(name for name in after.sources if name not in before.sources),
        lost=tuple(name for name in before.sources if name not in after.sources),
        objective=after.objective - before.objective,
        targets=changed,
        unchanged=len(pairs) - len(changed),
    )
