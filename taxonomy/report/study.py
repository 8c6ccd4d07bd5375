"""Everything that a report shows, computed once: the pictures only draw it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perception import PUBLISHED_MAX_COVERAGE, UserError
from taxonomy.coverage import Coverage, CoverageSolver, affinity_distances, covered_by, reaches_every_task
from taxonomy.evaluation import RandomTaxonomies, random_taxonomies
from taxonomy.similarity import AffinityMatrix, SimilarityTree, first_order_matrix, similarity_tree
from taxonomy.solver import Taxonomy, TaxonomySolver
from taxonomy.transfers import TransferTable

ORDERS = (1, 2, 4)
"""Maximum orders compared by default, as far as the table has them."""


@dataclass(frozen=True)
class Study:
    """A table of affinities, solved and evaluated.

    Args:
        table: What was studied.
        sweeps: For each maximum order, the optimal taxonomies of every feasible budget, in rising order.
        random: For each budget of the largest order, random feasible taxonomies to compare with.
        matrix: First-order affinities.
        tree: Tasks by how they transfer out; None if the table has no two sources to compare by first-order transfers.
        coverage: The max-coverage set of each size, from the fewest features that reach every task; empty if single
            features do not.
        published_coverage: For each size that the paper lists, how its set covers this table's tasks.
    """

    table: TransferTable
    sweeps: Mapping[int, tuple[Taxonomy, ...]]
    random: Mapping[float, RandomTaxonomies]
    matrix: AffinityMatrix
    tree: SimilarityTree | None
    coverage: Mapping[int, Coverage]
    published_coverage: Mapping[int, Coverage]

    @property
    def largest_order(self) -> int:
        """The largest maximum order that was solved for."""
        return max(self.sweeps)

    @property
    def order(self) -> tuple[str, ...]:
        """Every trainable task, in the order of the tree where there is one."""
        known = self.tree.order if self.tree else ()
        return (*known, *(name for name in self.table.trainable if name not in known))

    def has_win_rates(self, name: str) -> bool:
        """Whether any transfer that a taxonomy may use has a measured `gain` or `quality`."""
        return any(getattr(transfer, name) is not None for transfer in self.table if transfer.is_candidate)

    def sample_budgets(self, count: int) -> tuple[float, ...]:
        """At most `count` budgets that show how solutions grow, denser among the small ones."""
        budgets = [taxonomy.budget for taxonomy in self.sweeps[self.largest_order]]
        places = np.geomspace(min(2, len(budgets)), max(2, 0.62 * len(budgets)), num=count).round().astype(int)
        return tuple(dict.fromkeys(budgets[min(place, len(budgets)) - 1] for place in places.tolist()))


def step_count(table: TransferTable, orders: Sequence[int] = ORDERS) -> int:
    """How many steps `run_study` reports."""
    return sum(order <= table.max_order for order in dict.fromkeys(orders)) + 2


def run_study(
    table: TransferTable,
    *,
    orders: Sequence[int] = ORDERS,
    random_count: int = 1000,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> Study:
    """Solve every budget and order, draw random taxonomies, cluster, and cover.

    Args:
        table: Affinities, with gain and quality where they are known.
        orders: Maximum orders to compare; those beyond the table's largest, or that leave a target out of reach, are
            left out.
        random_count: Random taxonomies for each budget.
        seed: Fixes the random taxonomies.
        on_step: Called with the name of each step when it is done; there are `step_count` of them.

    Raises:
        UserError: If no order is left, or at none of them every target can be reached.
    """
    solvers = _feasible(table, [order for order in dict.fromkeys(orders) if order <= table.max_order])
    if not solvers:
        raise UserError(f"the orders {list(orders)} are all beyond the table's largest, {table.max_order}.")
    sweeps = {}
    for order, solver in sorted(solvers.items()):
        sweeps[order] = tuple(solver.sweep())
        on_step(f"order {order}")
    largest = solvers[max(sweeps)]
    random = {
        float(taxonomy.budget): random_taxonomies(largest, taxonomy.budget, random_count, seed=seed)
        for taxonomy in sweeps[max(sweeps)]
    }
    on_step("random taxonomies")
    coverage, published = _coverage(table)
    on_step("coverage")
    matrix = first_order_matrix(table)
    has_tree = len(matrix.sources) > 1 and not np.isnan(matrix.values).all()
    return Study(table, sweeps, random, matrix, similarity_tree(matrix) if has_tree else None, coverage, published)


def _feasible(table: TransferTable, orders: Sequence[int]) -> dict[int, TaxonomySolver]:
    """A solver for each maximum order at which every target can be reached."""
    solvers, problem = {}, None
    for order in orders:
        try:
            solvers[order] = TaxonomySolver(table, max_order=order)
        except UserError as error:
            problem = error
    if problem is not None and not solvers:
        raise problem
    return solvers


def _coverage(table: TransferTable) -> tuple[dict[int, Coverage], dict[int, Coverage]]:
    """The sets of every size, computed and published; none where single features do not reach every task."""
    try:
        distances = affinity_distances(table)
    except UserError:
        return {}, {}
    solver = CoverageSolver(distances)
    computed = {size: solver.solve(size) for size in range(solver.smallest_size, len(distances.features) + 1)}
    published = {
        size: covered_by(distances, features)
        for size, features in PUBLISHED_MAX_COVERAGE.items()
        if reaches_every_task(distances, features)
    }
    return computed, published
