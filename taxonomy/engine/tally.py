"""How far a run is, and how long it will take."""

import time
from collections.abc import Callable

from taxonomy.engine.outcomes import Done, Event, Started
from taxonomy.engine.units import Unit


class Tally:
    """Counts units and their costs.

    Args:
        cost: Of all units.
        count: Of all units.
        clock: Seconds from any origin.
    """

    def __init__(self, cost: float, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.cost = cost
        self.count = count
        self.ended = 0
        self.reused = 0
        self.cost_ended = 0.0
        self.running: dict[str, Unit] = {}
        self._clock = clock
        self._cost_worked = 0.0
        self._began: float | None = None
        self._last_end = 0.0

    def add(self, event: Event) -> None:
        """Take note of what happened."""
        if isinstance(event, Started):
            self._began = self._clock() if self._began is None else self._began
            self.running[event.unit.key] = event.unit
            return
        self.running.pop(event.unit.key, None)
        self.ended += 1
        self.cost_ended += event.unit.cost
        if isinstance(event, Done) and event.reused:
            self.reused += 1
        elif self._began is not None:
            self._cost_worked += event.unit.cost
            self._last_end = self._clock()

    def seconds_left(self) -> float | None:
        """Time left, if all goes on as since the first unit was started; None before one has come to an end."""
        if self._began is None or self._cost_worked == 0:
            return None
        pace = (self._last_end - self._began) / self._cost_worked
        return max(0.0, pace * (self.cost - self.cost_ended) - (self._clock() - self._last_end))
