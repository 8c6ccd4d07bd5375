"""Exploration: see as much of the floor as possible."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rl.tasks.checks import check_horizon, check_numbers
from rl.tasks.floor_grid import FloorGrid, floor_grid
from rl.tasks.task import Lanes, Moment, Outcome
from sim import Action, Sensor


@dataclass(frozen=True)
class Explore:
    """See floor that was not seen before.

    A short-sighted scanner looks ahead over `scan_deg` and sees the cells of walkable floor up to `range_m`, as far as
    nothing in between blocks the way (Sax et al. 2018). The reward of a step is for the cells seen for the first time.
    The cells seen from the start are not rewarded.

    Args:
        range_m: How far the scanner sees.
        scan_deg: How wide.
        cell_m: Side of a cell.
        cell_reward: For each new cell.
        horizon_steps: After which an episode is cut off; nothing else ends it.

    Raises:
        UserError: If a value is negative, not finite, or no number, or a cell or range is 0.
    """

    range_m: float = 1.5
    scan_deg: float = 90.0
    cell_m: float = 0.2
    cell_reward: float = 0.02
    horizon_steps: int = 200

    name: ClassVar[str] = "Explore"
    actions: ClassVar[tuple[Action, ...]] = (Action.FORWARD, Action.TURN_LEFT, Action.TURN_RIGHT)
    sensors: ClassVar[tuple[Sensor, ...]] = ()
    vector_size: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_numbers(self.name, cell_reward=self.cell_reward)
        check_numbers(self.name, least=0.01, range_m=self.range_m, scan_deg=self.scan_deg, cell_m=self.cell_m)
        check_horizon(self.name, self.horizon_steps)

    def progress(self, count: int) -> "ExploreProgress":
        """See `NavigationTask.progress`."""
        return ExploreProgress(self, count)

    def scan(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where the scanner looks: angles float32 [A] in radians from straight ahead, distances float32 [D] in metres.

        Neighbouring samples lie at most half a cell apart, so that no cell is missed.
        """
        half_cell = self.cell_m / 2
        spread = np.radians(self.scan_deg)
        angles = np.linspace(-spread / 2, spread / 2, 2 + int(spread * self.range_m / half_cell))
        distances = np.linspace(0, self.range_m, 2 + int(self.range_m / half_cell))
        return angles.astype(np.float32), distances.astype(np.float32)


class ExploreProgress:
    """What floor N agents have seen in their episodes."""

    def __init__(self, task: Explore, count: int) -> None:
        self._task = task
        self._count = count
        self._angles, self._distances = task.scan()
        self._seen = np.zeros((count, 0, 0), np.bool_)
        self._grids: dict[int, FloorGrid] = {}
        self._where: list[FloorGrid | None] = [None] * count
        self._floor_m = np.zeros(count, np.float32)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Cells, bool [N, R, C], that each agent has seen; `grid` says where they are."""
        return self._seen

    def grid(self, lane: int) -> FloorGrid | None:
        """The cells of an agent's building."""
        return self._where[lane]

    def begin(self, lanes: Lanes, moment: Moment) -> None:
        """See `Progress.begin`."""
        self._floor_m[lanes] = moment.simulator.agents.positions[lanes, 1]
        for lane in lanes:
            self._find_grid(int(lane), moment)
        self._seen[lanes] = False
        self._look(lanes, moment)

    def advance(self, chosen: NDArray[np.int64], moment: Moment) -> Outcome:  # noqa: ARG002
        """See `Progress.advance`."""
        for lane in range(self._count):
            if self._where[lane] is None:  # restored
                self._find_grid(lane, moment)
        before = self._seen.sum(axis=(1, 2))
        self._look(np.arange(self._count), moment)
        after = self._seen.sum(axis=(1, 2))
        nobody = np.zeros(self._count, np.bool_)
        area = np.array([grid.cell_m**2 / max(grid.area_m2, 1e-9) for grid in self._where if grid is not None])
        measures = {"covered_m2": after * self._task.cell_m**2, "covered_share": after * area}
        return Outcome((after - before) * self._task.cell_reward, nobody, nobody, measures)

    def vector(self, moment: Moment) -> NDArray[np.float32]:  # noqa: ARG002
        """Nothing: float32 [N, 0]."""
        return np.zeros((self._count, 0), np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """See `Progress.state`."""
        shape = np.array(self._seen.shape)
        return {"seen": np.packbits(self._seen), "shape": shape, "floor_m": self._floor_m.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Progress.restore`."""
        shape = tuple(state["shape"].tolist())
        self._seen = np.unpackbits(state["seen"], count=int(np.prod(shape))).astype(np.bool_).reshape(shape)
        self._floor_m = state["floor_m"].copy()
        self._where = [None] * self._count

    def _find_grid(self, lane: int, moment: Moment) -> None:
        building = int(moment.simulator.agents.buildings[lane])
        grid = self._grids.get(building)
        if grid is None or not grid.is_on(self._floor_m[lane]):
            grid = self._grids[building] = floor_grid(
                moment.simulator, building, float(self._floor_m[lane]), self._task.cell_m
            )
        self._where[lane] = grid
        rows, columns = np.maximum(self._seen.shape[1:], grid.free.shape)
        if (rows, columns) != self._seen.shape[1:]:
            grown = np.zeros((self._count, rows, columns), np.bool_)
            grown[:, : self._seen.shape[1], : self._seen.shape[2]] = self._seen
            self._seen = grown

    def _look(self, lanes: Lanes, moment: Moment) -> None:
        agents = moment.simulator.agents
        for grid in {id(grid): grid for lane in lanes if (grid := self._where[lane]) is not None}.values():
            here = np.array([lane for lane in lanes if self._where[lane] is grid])
            which, row, column = grid.visible(
                agents.positions[here], agents.headings_rad[here], self._angles, self._distances
            )
            self._seen[here[which], row, column] = True
