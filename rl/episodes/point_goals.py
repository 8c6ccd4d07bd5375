"""Episodes that lead from a point to a point."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.episodes.candidates import Candidates, Draw, check_number, check_range, length_faults, off_island
from rl.episodes.episode import Episode
from sim import Building, Simulator


@dataclass(frozen=True)
class PointGoals:
    """Starts and goals on the largest island, the one reachable from the other.

    Args:
        min_m: Of the shortest walk.
        max_m: Of the shortest walk.
        min_ratio: Of the walk's length to the straight line's; nearer to 1, hardly anything is in the way. 1.1 is
            Habitat's (Savva et al. 2019, "Habitat", section 4.1).
        straight_share: Largest share of episodes with a smaller ratio, 0 to 1.

    Raises:
        UserError: If a value is outside its range.
    """

    min_m: float = 1.5
    max_m: float = 12.0
    min_ratio: float = 1.1
    straight_share: float = 0.2

    target: ClassVar[None] = None

    def __post_init__(self) -> None:
        check_range(self.min_m, self.max_m)
        check_number("min_ratio", self.min_ratio, 1.0, np.inf)
        check_number("straight_share", self.straight_share, 0.0, 1.0)

    def check(self, buildings: Sequence[Building]) -> None:
        """See `EpisodeRules.check`; every building will do."""

    def draws(self, simulator: Simulator, building: int) -> Draw:
        """See `EpisodeRules.draws`."""

        def draw(count: int, rng: np.random.Generator) -> Candidates:
            points = simulator.random_navigable_points(2 * count, rng, building)
            starts, goals = points[:count], points[count:]
            walks_m = simulator.geodesic_distance(starts, goals, building).astype(np.float64)
            faults = {
                "not on the largest island": off_island(simulator, building, starts, goals),
                **length_faults(walks_m, self.min_m, self.max_m),
            }
            straight_m = np.linalg.norm(goals.astype(np.float64) - starts, axis=1)
            return Candidates(starts, goals, walks_m, faults, walks_m < self.min_ratio * straight_m)

        return draw

    def walks_m(self, simulator: Simulator, building: int, episodes: Sequence[Episode]) -> NDArray[np.float64]:
        """See `EpisodeRules.walks_m`."""
        lost = [episode.key for episode in episodes if episode.goal is None]
        if lost:
            raise UserError(f"episode {lost[0]} has no goal; PointGoal needs one in every episode.")
        starts, goals = (
            np.array([getattr(episode, end) for episode in episodes], np.float32) for end in ("start", "goal")
        )
        return simulator.geodesic_distance(starts, goals, building).astype(np.float64)
