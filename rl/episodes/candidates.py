"""What the rules of every task's episodes have to offer, and what they share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.episodes.episode import Episode
from sim import Building, Simulator
from sim.checks import is_number

Points = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Candidates:
    """N starts, with what was found out about them.

    Args:
        starts: float32 [N, 3].
        goals: float32 [N, 3], or None where there is no place to reach.
        lengths_m: float64 [N], shortest walks that fulfil the task, or None where it has none.
        faults: For each reason to refuse one: bool [N], those refused; the reason says what to loosen.
        is_straight: bool [N]: hardly anything is in the way; only a share may be so.
    """

    starts: Points
    goals: Points | None
    lengths_m: NDArray[np.float64] | None
    faults: Mapping[str, Mask]
    is_straight: Mask


Draw = Callable[[int, np.random.Generator], Candidates]


class EpisodeRules(Protocol):
    """What the episodes of one task have to be like: a frozen dataclass of plain values."""

    @property
    def straight_share(self) -> float:
        """Largest share of straight episodes, 0 to 1."""

    @property
    def target(self) -> str | None:
        """Category of what is to be found."""

    def check(self, buildings: Sequence[Building]) -> None:
        """Refuse buildings that can have no such episodes, all at once.

        Raises:
            UserError: That names them.
        """

    def draws(self, simulator: Simulator, building: int) -> Draw:
        """A function that draws so many candidates in a building."""

    def walks_m(self, simulator: Simulator, building: int, episodes: Sequence[Episode]) -> NDArray[np.float64] | None:
        """float64 [N]: shortest walks that fulfil episodes of a building, inf where there is none; None if all do."""


def off_island(simulator: Simulator, building: int, *ends: Points) -> Mask:
    """Whether, bool [N], any of the ends [N, 3] is not on the largest island."""
    off: Mask = np.any([simulator.island(points, building) != 0 for points in ends], axis=0)
    return off


def length_faults(walks_m: NDArray[np.float64], min_m: float, max_m: float) -> dict[str, Mask]:
    """Which of N walks are none, too short or too long, by what to say of them."""
    reachable = np.isfinite(walks_m)
    return {
        "not reachable": ~reachable,
        f"nearer than min_m={min_m:g}": walks_m < min_m,
        f"farther than max_m={max_m:g}": reachable & (walks_m > max_m),
    }


def check_range(min_m: object, max_m: object) -> None:
    """Refuse limits of lengths that no walk is within.

    Raises:
        UserError: That names the value.
    """
    low, high = check_number("min_m", min_m, 0.0, np.inf), check_number("max_m", max_m, 0.0, np.inf)
    if low > high:
        raise UserError(f"episodes: min_m is {min_m} and max_m is {max_m}; min_m must not be more.")


def check_number(name: str, value: object, least: float, most: float) -> float:
    """A number within limits.

    Raises:
        UserError: If it is none, or outside.
    """
    if isinstance(value, bool) or not is_number(value) or not least <= value <= most:
        raise UserError(f"episodes: {name} is {value!r}; a number within [{least:g}, {most:g}] is expected.")
    return value
