"""The Boolean programme of a selection problem, written down in PuLP and kept in HiGHS.

Instead of the textbook's row per (option, source) it has one row per (target, source): the sum of the target's options
that need the source is at most the source. Its linear relaxation is far tighter, and mostly whole already.
The model is built once; every further question changes a bound or the objective and continues from the last basis.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import pulp
from numpy.typing import NDArray

_WHOLE = 1e-9  # how near to 0 or 1 a source must be to be read as whole
_SCALE = 1e3  # the largest coefficient of the objective: puts HiGHS' absolute tolerances below a billionth of it
_SETTINGS: dict[str, Any] = {
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
    "mip_feasibility_tolerance": 1e-9,
    # What is left for branch and bound is proof: a good choice is known, and most sources are fixed already.
    "mip_heuristic_effort": 0.0,
    "mip_allow_restart": False,
}


COST_TOLERANCE = 1e-9
"""A total cost may exceed the budget by this share of it: sums of costs are rounded."""


def magnitude(values: NDArray[np.float64]) -> float:
    """The largest absolute value, against which tolerances are measured; 1 where all are (nearly) 0."""
    largest = float(np.abs(values).max())
    return largest if largest > 1e-100 else 1.0


class SolverError(RuntimeError):
    """The solver failed, or its answer did not survive a check: a fault of the program, never of the input."""


@dataclass(frozen=True)
class Relaxation:
    """An optimum of the linear relaxation.

    Args:
        sources: [n], from 0 to 1.
        objective: Value of the objective, which bounds that of every whole answer.
        reduced_cost: [n], by how much at least the objective worsens when the source is moved to its other bound.
    """

    sources: NDArray[np.float64]
    objective: float
    reduced_cost: NDArray[np.float64]

    @property
    def chosen(self) -> NDArray[np.bool_]:
        """[n] sources nearer to 1 than to 0."""
        return self.sources > 0.5

    @property
    def whole(self) -> NDArray[np.bool_]:
        """[n] sources that are 0 or 1."""
        return np.abs(self.sources - self.sources.round()) <= _WHOLE

    @property
    def is_whole(self) -> bool:
        """Whether it solves the Boolean programme itself."""
        return bool(self.whole.all())


class Programme:
    """Which sources to choose so that every target has one usable option.

    Args:
        needs: [m, n] bool, the sources that an option needs.
        target: [m] int, the target that an option serves.
        value: [m] float, what an option is worth.
        cost: [n] float, what a source costs.
    """

    def __init__(
        self,
        needs: NDArray[np.bool_],
        target: NDArray[np.intp],
        value: NDArray[np.float64],
        cost: NDArray[np.float64],
    ) -> None:
        self._cost_unit = float(cost.min())
        self._cost = cost / self._cost_unit
        self._unit = magnitude(value) / _SCALE
        self._scaled_value = value / self._unit
        self._build(needs, target)

    def limit_cost(self, budget: float) -> None:
        """Allow sources of this total cost, up to the rounding of a sum."""
        limit = budget / self._cost_unit * (1 + 1e-12)
        self._highs.changeRowBounds(self._cost_row, -math.inf, limit)

    def require_value(self, value: float) -> None:
        """Allow choices worth at least this; minus infinity allows all."""
        self._highs.changeRowBounds(self._value_row, value / self._unit, math.inf)

    def exclude(self, sources: NDArray[np.bool_] | None) -> None:
        """Forbid having all of these sources at once; None forbids nothing."""
        if sources is None:
            self._highs.changeRowBounds(self._excluding_row, -math.inf, math.inf)
            return
        for column, excluded in zip(self._y.tolist(), sources.tolist(), strict=True):
            self._highs.changeCoeff(self._excluding_row, column, float(excluded))
        self._highs.changeRowBounds(self._excluding_row, -math.inf, float(sources.sum()) - 1)

    def bound_sources(self, low: NDArray[np.bool_], high: NDArray[np.bool_]) -> None:
        """Fix sources: those in `low` are chosen, those not in `high` are not."""
        self._highs.changeColsBounds(len(self._y), self._y, low.astype(float), high.astype(float))

    def maximise_value(self) -> None:
        """Ask for the largest sum of values."""
        self._minimise(-self._scaled_value, self._x)

    def minimise_cost(self) -> None:
        """Ask for the cheapest sources."""
        self._minimise(self._cost, self._y)

    def relax(self) -> Relaxation | None:
        """Solve without wholeness; None if even so there is no answer.

        Raises:
            SolverError: If HiGHS ends without an optimum or a proof that there is none.
        """
        if not self._run():
            return None
        solution = self._highs.getSolution()
        unit = self._unit if self._maximises else 1.0
        objective = self._highs.getObjectiveValue() * unit
        return Relaxation(
            np.array(solution.col_value)[self._y],
            -objective if self._maximises else objective,
            np.abs(np.array(solution.col_dual)[self._y]) * unit,
        )

    def solve(self) -> NDArray[np.bool_] | None:
        """[n] chosen sources of an exact optimum, by branch and bound where the relaxation is not whole; or None.

        Raises:
            SolverError: As `relax`.
        """
        relaxation = self.relax()
        if relaxation is None or relaxation.is_whole:
            return None if relaxation is None else relaxation.chosen
        return self.branch_and_bound()

    def branch_and_bound(self) -> NDArray[np.bool_] | None:
        """[n] chosen sources of an exact optimum; None if there is no answer.

        Raises:
            SolverError: As `relax`.
        """
        basis = self._highs.getBasis()
        self._set_integrality(highspy.HighsVarType.kInteger)
        try:
            if not self._run():
                return None
            sources = np.array(self._highs.getSolution().col_value)[self._y]
            return np.array(sources > 0.5)
        finally:
            self._set_integrality(highspy.HighsVarType.kContinuous)
            self._highs.setBasis(basis)

    def _run(self) -> bool:
        self._highs.run()
        status = self._highs.getModelStatus()
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible):
            raise SolverError(f"HiGHS stopped with {self._highs.modelStatusToString(status)!r}, not at an optimum.")
        return bool(status == highspy.HighsModelStatus.kOptimal)

    def _minimise(self, coefficients: NDArray[np.float64], columns: NDArray[np.int32]) -> None:
        self._maximises = columns is self._x
        objective = np.zeros(len(self._x) + len(self._y))
        objective[columns] = coefficients
        self._highs.changeColsCost(len(objective), np.arange(len(objective), dtype=np.int32), objective)

    def _set_integrality(self, kind: Any) -> None:
        self._highs.changeColsIntegrality(len(self._y), self._y, np.full(len(self._y), kind))

    def _build(self, needs: NDArray[np.bool_], target: NDArray[np.intp]) -> None:
        model = pulp.LpProblem("selection", pulp.LpMinimize)
        y = [model.add_variable(f"source_{s}", 0, 1, cat=pulp.LpInteger) for s in range(needs.shape[1])]
        x = [model.add_variable(f"option_{i}", 0) for i in range(needs.shape[0])]  # whole wherever the sources are
        serving: dict[int, dict[Any, float]] = defaultdict(dict)
        needing: dict[tuple[int, int], dict[Any, float]] = defaultdict(dict)
        for option, its_target, its_needs in zip(x, target.tolist(), needs, strict=True):
            serving[its_target][option] = 1
            for source in np.flatnonzero(its_needs).tolist():
                needing[its_target, source][option] = 1
        for terms in serving.values():
            model.addConstraint(pulp.LpAffineExpression(terms) == 1)
        for (_, source), terms in needing.items():
            terms[y[source]] = -1
            model.addConstraint(pulp.LpAffineExpression(terms) <= 0)
        cost = pulp.LpAffineExpression(dict(zip(y, self._cost.tolist(), strict=True)))
        value = pulp.LpAffineExpression(dict(zip(x, self._scaled_value.tolist(), strict=True)))
        excluding = pulp.LpAffineExpression(dict.fromkeys(y, 1.0))
        cost_row, value_row, excluding_row = cost <= 0, value >= 0, excluding <= 0
        for row in (cost_row, value_row, excluding_row):
            model.addConstraint(row)
        model.setObjective(cost)

        solver = pulp.HiGHS(mip=False, msg=False, threads=1, gapRel=0, gapAbs=1e-6, **_SETTINGS)
        solver.createAndConfigureSolver(model)
        solver.buildSolverModel(model)
        self._highs: Any = model.solverModel
        self._x = np.array([variable.index for variable in x], dtype=np.int32)
        self._y = np.array([variable.index for variable in y], dtype=np.int32)
        self._cost_row, self._value_row, self._excluding_row = (
            row.index for row in (cost_row, value_row, excluding_row)
        )
        self.limit_cost(math.inf)
        self.require_value(-math.inf)
        self.exclude(None)
