"""Episodes that end at a thing to be found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.episodes.candidates import Candidates, Draw, Points, check_number, check_range, length_faults, off_island
from rl.episodes.episode import Episode
from rl.episodes.sighting import nearest_walks_m, sighting_points
from rl.targets import target_boxes
from sim import Building, Simulator


@dataclass(frozen=True)
class VisualTargets:
    """Starts on the largest island, some way off a thing that can be walked up to and seen.

    The shortest walk is the one to the nearest point within `reach_m` of a thing of the category, in plan, from which
    the agent's own camera sees it: being near it on the other side of a wall is not enough.

    Args:
        category: Of the things looked for.
        reach_m: How near, in plan, to a thing's bounding box is there.
        least_share: Of the picture that the thing has to fill.
        min_m: Of the shortest walk.
        max_m: Of the shortest walk.

    Raises:
        UserError: If a value is outside its range.
    """

    category: str = "refrigerator"
    reach_m: float = 1.0
    least_share: float = 0.005
    min_m: float = 2.0
    max_m: float = 30.0

    straight_share: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not (isinstance(self.category, str) and self.category):
            raise UserError(f"episodes: category is {self.category!r}; the name of one is expected.")
        check_range(self.min_m, self.max_m)
        check_number("reach_m", self.reach_m, 0.01, np.inf)
        check_number("least_share", self.least_share, 0.0, 1.0)

    @property
    def target(self) -> str:
        """See `EpisodeRules.target`."""
        return self.category

    def check(self, buildings: Sequence[Building]) -> None:
        """See `EpisodeRules.check`: every building needs a thing of the category."""
        lacking = [building for building in buildings if self.category not in building.categories]
        if lacking:
            known = sorted(set.intersection(*(set(building.categories[1:]) for building in buildings)))
            raise UserError(
                f"{len(lacking)} of {len(buildings)} buildings have no {self.category!r}: "
                f"{', '.join(building.name for building in lacking)}. What all have: {', '.join(known) or 'nothing'}; "
                "choose one of that, or buildings that have it."
            )
        for building in buildings:
            target_boxes(building, self.category)

    def draws(self, simulator: Simulator, building: int) -> Draw:
        """See `EpisodeRules.draws`."""
        ends = self._ends(simulator, building)

        def draw(count: int, rng: np.random.Generator) -> Candidates:
            starts = simulator.random_navigable_points(count, rng, building)
            walks_m = nearest_walks_m(simulator, building, starts, ends)
            faults = {
                "not on the largest island": off_island(simulator, building, starts),
                **length_faults(walks_m, self.min_m, self.max_m),
            }
            return Candidates(starts, None, walks_m, faults, np.zeros(count, dtype=bool))

        return draw

    def walks_m(self, simulator: Simulator, building: int, episodes: Sequence[Episode]) -> NDArray[np.float64]:
        """See `EpisodeRules.walks_m`."""
        other = [episode for episode in episodes if episode.target != self.category]
        if other:
            raise UserError(f"episode {other[0].key} has the target {other[0].target!r}, not {self.category!r}.")
        starts = np.array([episode.start for episode in episodes], np.float32)
        return nearest_walks_m(simulator, building, starts, self._ends(simulator, building))

    def _ends(self, simulator: Simulator, building: int) -> Points:
        ends = sighting_points(simulator, building, self.category, self.reach_m, self.least_share)
        if not len(ends):
            raise UserError(
                f"no {self.category!r} in building {simulator.buildings[building].name!r} can be seen from a point "
                f"within {self.reach_m:g} m of it where an agent can walk to; raise reach_m, lower least_share, or "
                "choose another category."
            )
        return ends
