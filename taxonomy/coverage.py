"""The max-coverage min-distance feature set: few features that leave no task far away (Sax et al. 2018, section 4).

A feature's distance to a task falls with how well it transfers to it. The set of at most k features that brings the
worst-covered task as near as possible (k-centre), and among those the nearest in total (k-median), is found exactly.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from taxonomy.programme import SolverError
from taxonomy.selection import Selection, SelectionSolver
from taxonomy.transfers import TransferTable


@dataclass(frozen=True)
class Distances:
    """How far each feature is from each task.

    Args:
        features: f names, in the order in which ties prefer them.
        tasks: t names.
        matrix: [f, t] float of any sign, infinite where a feature cannot serve a task.

    Raises:
        UserError: If the shapes disagree, an entry is NaN or minus infinity, or no feature serves some task.
    """

    features: tuple[str, ...]
    tasks: tuple[str, ...]
    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        expected = (len(self.features), len(self.tasks))
        if self.matrix.shape != expected or not all(expected):
            raise UserError(f"the distances have shape {self.matrix.shape}; expected {expected}, features by tasks.")
        if np.isnan(self.matrix).any() or (self.matrix == -np.inf).any():
            feature, task = np.argwhere(np.isnan(self.matrix) | (self.matrix == -np.inf))[0]
            raise UserError(
                f"the distance from {self.features[feature]!r} to {self.tasks[task]!r} is "
                f"{self.matrix[feature, task]}; expected a number, or infinity for none."
            )
        unserved = np.flatnonzero(np.isinf(self.matrix).all(axis=0))
        if unserved.size:
            raise UserError(f"no feature transfers to {self.tasks[unserved[0]]!r}; leave the task out.")


@dataclass(frozen=True)
class Coverage:
    """A feature set and how it covers the tasks.

    Args:
        features: The chosen features, in dictionary order; fewer than asked for where more would not help.
        nearest: For each task, the chosen feature nearest to it.
        distance: For each task, the distance to that feature.
        seconds: Time it took; 0 for a set that was given.
    """

    features: tuple[str, ...]
    nearest: Mapping[str, str]
    distance: Mapping[str, float]
    seconds: float = 0.0

    @property
    def worst_task(self) -> str:
        """The task that is farthest from its feature, the first of equals."""
        return max(self.distance, key=self.distance.__getitem__)

    @property
    def worst_distance(self) -> float:
        """The distance of the worst-covered task."""
        return self.distance[self.worst_task]

    @property
    def total_distance(self) -> float:
        """Sum of the tasks' distances."""
        return sum(self.distance.values())

    def to_json(self, size: int) -> dict[str, object]:
        """What `midlevel taxonomy coverage --json` prints, `size` being the number of features asked for."""
        return {
            "size": size,
            "features": list(self.features),
            "worst_distance": self.worst_distance,
            "total_distance": self.total_distance,
            "worst_task": self.worst_task,
            "seconds": self.seconds,
        }


def affinity_distances(
    table: TransferTable, *, features: Iterable[str] | None = None, tasks: Iterable[str] | None = None
) -> Distances:
    """Distances -log(affinity) of the first-order transfers.

    A feature covers its own task by its `self` transfer, or by its readout onto itself where that is better.

    Args:
        table: Affinities.
        features: Features to choose from; every trainable task of the table by default.
        tasks: Tasks to cover; every target of the table by default.

    Raises:
        UserError: For a name that is unknown or not in the table, none at all, or a task that no feature transfers to.
    """
    chosen_features = _chosen(table, "feature", features, table.trainable)
    chosen_tasks = _chosen(table, "task", tasks, table.targets)
    row = {name: index for index, name in enumerate(chosen_features)}
    column = {name: index for index, name in enumerate(chosen_tasks)}
    affinity = np.zeros((len(row), len(column)))
    for transfer in table:
        source = transfer.trained_sources[0]
        if transfer.order == 1 and transfer.is_candidate and source in row and transfer.target in column:
            place = row[source], column[transfer.target]
            affinity[place] = max(affinity[place], transfer.affinity)
    with np.errstate(divide="ignore"):
        return Distances(chosen_features, chosen_tasks, 0.0 - np.log(affinity))


def _chosen(table: TransferTable, kind: str, names: Iterable[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    chosen = known if names is None else table.tasks.canonical(names)
    for name in chosen:
        if name not in known:
            raise UserError(f"{name!r} cannot be a {kind} here; possible are {', '.join(known)}.")
    if not chosen:
        raise UserError(f"no {kind} is named; name at least one.")
    return table.tasks.in_order(chosen)


class CoverageSolver:
    """Finds the max-coverage set of any size; what one size taught helps the next.

    Exact, and the same on every run: of sets with equal worst and total distance (to a billionth) the smallest, then
    the one whose features come first.

    Args:
        distances: From every feature to every task.
    """

    def __init__(self, distances: Distances) -> None:
        self._distances = distances
        finite = distances.matrix[np.isfinite(distances.matrix)]
        self._radii = np.unique(finite)
        self._solvers: dict[int, SelectionSolver] = {}
        self._sizes: dict[int, float] = {}

    @property
    def smallest_size(self) -> int:
        """The fewest features that transfer to every task at all."""
        return round(self._fewest(len(self._radii) - 1))

    def solve(self, size: int) -> Coverage:
        """The best set of at most `size` features.

        Raises:
            UserError: If there are not that many features, or that few cannot serve every task.
        """
        features = self._distances.features
        if not 1 <= size <= len(features):
            raise UserError(f"the size is {size}; expected 1 to {len(features)}, the number of features.")
        start = time.perf_counter()
        radius = self._smallest_radius(size)
        if radius is None:
            raise UserError(f"no {size} of the features transfer to every task; it takes {self.smallest_size}.")
        choice = self._solver(radius).best(size)
        if choice is None:
            raise SolverError(f"{size} features reach every task within {self._radii[radius]}, but none were found.")
        chosen = [name for name, is_in in zip(features, choice.sources, strict=True) if is_in]
        covered = covered_by(self._distances, chosen)
        return Coverage(covered.features, covered.nearest, covered.distance, time.perf_counter() - start)

    def _smallest_radius(self, size: int) -> int | None:
        """Index of the smallest distance within which `size` features reach every task, by bisection."""
        low, high = 0, len(self._radii)
        while low < high:
            middle = (low + high) // 2
            if self._fewest(middle) <= size:
                high = middle
            else:
                low = middle + 1
        return low if low < len(self._radii) else None

    def _fewest(self, radius: int) -> float:
        """The smallest number of features within that radius of every task."""
        if radius not in self._sizes:
            reachable = (self._distances.matrix <= self._radii[radius]).any(axis=0).all()
            fewest = self._solver(radius).lowest_cost() if reachable else None
            self._sizes[radius] = np.inf if fewest is None else fewest
        return self._sizes[radius]

    def _solver(self, radius: int) -> SelectionSolver:
        if radius not in self._solvers:
            matrix = self._distances.matrix
            feature, task = np.nonzero(matrix <= self._radii[radius])
            needs = np.zeros((len(feature), matrix.shape[0]), dtype=np.bool_)
            needs[np.arange(len(feature)), feature] = True
            n = matrix.shape[0]
            self._solvers[radius] = SelectionSolver(
                Selection(needs, task, -matrix[feature, task], np.ones(n), np.zeros(n, dtype=np.bool_))
            )
        return self._solvers[radius]


def reaches_every_task(distances: Distances, features: Iterable[str]) -> bool:
    """Whether all these are among the features, and together transfer to every task."""
    names = set(features)
    rows = [index for index, name in enumerate(distances.features) if name in names]
    return len(rows) == len(names) and bool(np.isfinite(distances.matrix[rows]).any(axis=0).all())


def covered_by(distances: Distances, features: Iterable[str]) -> Coverage:
    """How a given set of features covers the tasks.

    Raises:
        UserError: If a name is none of the features, there is none, or they do not serve some task.
    """
    names = set(features)
    unknown = names.difference(distances.features)
    if unknown or not names:
        raise UserError(f"{sorted(unknown) or 'an empty set'} is not among the features.")
    rows = [index for index, name in enumerate(distances.features) if name in names]
    matrix = distances.matrix[rows]
    nearest = matrix.argmin(axis=0)
    distance = matrix.min(axis=0)
    if np.isinf(distance).any():
        raise UserError(f"{sorted(names)} do not transfer to {distances.tasks[int(np.isinf(distance).argmax())]!r}.")
    return Coverage(
        tuple(distances.features[row] for row in rows),
        {task: distances.features[rows[row]] for task, row in zip(distances.tasks, nearest, strict=True)},
        dict(zip(distances.tasks, map(float, distance), strict=True)),
    )


def max_coverage(distances: Distances, size: int) -> Coverage:
    """The max-coverage min-distance set of at most `size` features; errors as `CoverageSolver.solve`."""
    return CoverageSolver(distances).solve(size)
