"""Small random instances for property-based tests."""

from dataclasses import dataclass, field
from itertools import combinations

from hypothesis import strategies as st

from perception import Group, Task, TaskDictionary
from taxonomy import Transfer, TransferTable

TASKS = TaskDictionary(Task(name, Group.TWO_D) for name in "abcdefgh")


@dataclass(frozen=True)
class Instance:
    table: TransferTable
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    budget: float
    max_order: int
    importance: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    forced: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


def affinities(tied: bool) -> st.SearchStrategy[float]:
    """Few values with exact sums where ties are wanted, and else numbers that differ by far more than a tie."""
    if tied:
        return st.integers(0, 3).map(lambda n: n / 4)
    return st.integers(0, 1_000_003).map(lambda n: n / 1_000_003)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Tables of 2 to 6 sources and 1 to 6 targets, orders to 3, with gaps, ties, `self` and baselines."""
    names = tuple(TASKS)
    sources = names[: draw(st.integers(2, 6))]
    targets = names[draw(st.integers(0, 2)) :][: draw(st.integers(1, 6))]
    number = affinities(draw(st.booleans()))
    transfers: list[Transfer] = []
    for target in targets:
        possible: list[tuple[str, ...]] = [subset for k in (1, 2, 3) for subset in combinations(sources, k)]
        possible += [("self",), ("random",), ("pixels",), ("random", sources[0])]
        wanted = draw(st.lists(st.sampled_from(possible), min_size=1, max_size=12, unique=True))
        transfers += [Transfer(subset, target, draw(number)) for subset in wanted]
    table = TransferTable(transfers, TASKS)
    trainable = TASKS.in_order({*table.sources, *(t.target for t in transfers if t.sources == ("self",))})
    whole = draw(st.booleans())
    cost = {} if whole else {s: draw(st.integers(1, 6)) / 2 for s in trainable if draw(st.booleans())}
    pool = st.sampled_from(trainable or sources)
    forbidden = tuple(draw(st.lists(pool, max_size=1))) if draw(st.booleans()) else ()
    forced = tuple(s for s in (draw(st.lists(pool, max_size=1)) if draw(st.booleans()) else []) if s not in forbidden)
    return Instance(
        table,
        trainable,
        table.targets,
        budget=float(draw(st.integers(1, max(1, len(trainable))))),
        max_order=draw(st.integers(1, 3)),
        importance={t: draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])) for t in table.targets if draw(st.booleans())},
        cost=cost,
        forced=forced,
        forbidden=forbidden,
    )
