"""Max-coverage sets of every size: computed from the affinities, the paper's, and the bank's own."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from threading import Lock

from perception import PUBLISHED_MAX_COVERAGE, UserError
from server.explorer.content import Absent, Content
from taxonomy import Coverage, CoverageSolver, TransferTable, affinity_distances, covered_by
from taxonomy.coverage import reaches_every_task

MOST_FEATURES_OF_A_CURVE = 40
"""Of as many, all sizes together are found in seconds; of a hundred, one can take minutes."""


class CoverageSets:
    """What `midlevel taxonomy coverage` finds for each size, found when it is first asked for; for all threads.

    Args:
        table: Affinities.

    Raises:
        UserError: If single features do not transfer to every target.
    """

    def __init__(self, table: TransferTable) -> None:
        self._distances = affinity_distances(table)
        self._solver = CoverageSolver(self._distances)
        self._found: dict[int, Coverage] = {}
        self._lock = Lock()
        self.sizes = tuple(range(self._solver.smallest_size, len(self._distances.features) + 1))
        """That reach every task, rising, without gaps."""

    def chosen(self, size: int) -> Coverage:
        """The best set of one of the sizes."""
        with self._lock:
            if size not in self._found:
                self._found[size] = self._solver.solve(size)
            return self._found[size]

    def curve(self) -> Mapping[int, Coverage]:
        """The best sets of all sizes; none where there are more than `MOST_FEATURES_OF_A_CURVE`."""
        if len(self._distances.features) > MOST_FEATURES_OF_A_CURVE:
            return {}
        return {size: self.chosen(size) for size in self.sizes}

    def published(self) -> Mapping[int, Coverage]:
        """The paper's sets on the same distances, as far as these have their features."""
        found = {size: self.given(features) for size, features in PUBLISHED_MAX_COVERAGE.items()}
        return {size: coverage for size, coverage in found.items() if coverage is not None}

    def given(self, features: Iterable[str]) -> Coverage | None:
        """How given features cover the tasks; None where they do not reach all of them, or one is not in the table."""
        names = tuple(features)
        return covered_by(self._distances, names) if reaches_every_task(self._distances, names) else None


@lru_cache(maxsize=4)
def coverage_sets(table: TransferTable) -> CoverageSets:
    """The one of a table that all visitors share."""
    return CoverageSets(table)


def computed_sets(content: Content) -> CoverageSets | Absent:
    """The sets of the results' affinities, or why there are none."""
    table = content.table
    if isinstance(table, Absent):
        return table
    try:
        return coverage_sets(table)
    except UserError as error:
        return Absent(f"{content.options.results}: {error}")


def banks_sets(content: Content) -> Mapping[int, tuple[str, ...]]:
    """The sets in the bank's index; none where there is no bank."""
    bank = content.bank
    return {} if isinstance(bank, Absent) else bank.coverage


def sizes(content: Content) -> tuple[int, ...]:
    """The sizes that can be shown, rising: of the affinities, or else of the bank; empty if neither has any."""
    found = computed_sets(content)
    return tuple(sorted(banks_sets(content))) if isinstance(found, Absent) else found.sizes


def features_of(content: Content, size: int) -> tuple[str, ...]:
    """The set of a size: of the affinities, or else of the bank.

    Raises:
        UserError: If there is none of that size.
    """
    known = sizes(content)
    if size not in known:
        raise UserError(f"there is no set of {size} features here; sizes are {', '.join(map(str, known)) or 'none'}.")
    found = computed_sets(content)
    return banks_sets(content)[size] if isinstance(found, Absent) else found.chosen(size).features
