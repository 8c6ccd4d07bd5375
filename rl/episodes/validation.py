"""Episodes checked against the buildings that they are run in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.episodes.candidates import EpisodeRules
from rl.episodes.episode import Episode
from rl.episodes.generation import loaded_indices
from rl.episodes.rules import rules_of
from sim import Simulator

TOLERANCE = 0.01
"""By which part, and by how many metres besides, a walk may differ from what an episode says of it."""

_TOLD = 5


def validate_episodes(
    task: str,
    episodes: Sequence[Episode],
    simulator: Simulator,
    *,
    rules: EpisodeRules | Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
) -> None:
    """Make sure that every episode can be run and fulfilled, and that what it says of its shortest walk is so.

    Args:
        task: "PointGoal", "VisualTarget" or "Explore".
        episodes: At least one.
        simulator: With their buildings loaded, and agents of the size that will walk there.
        rules: As for `generate_episodes`; of "VisualTarget" they say what is within reach.
        tolerance: See `TOLERANCE`; episodes made for another simulator or agent differ more.

    Raises:
        UserError: If there are none, ids repeat, a building is not loaded, a start is not navigable, a goal cannot be
            reached, or a length is missing or wrong; it names the first ones and says how many there are.
    """
    if not episodes:
        raise UserError("there are no episodes; generate some, or check the file.")
    check_unique(episodes)
    asked = rules_of(task, rules)
    faults: list[str] = []
    for lanes, building in _by_building(episodes, simulator):
        here = [episodes[lane] for lane in lanes]
        found = _unnavigable(here, simulator, building)
        faults += found or _wrong_lengths(here, asked.walks_m(simulator, building, here), tolerance)
    if faults:
        more = f", and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
        raise UserError(
            f"{len(faults)} of {len(episodes)} episodes do not fit the buildings and agent: "
            f"{'; '.join(faults[:_TOLD])}{more}. Were they made for other buildings, or an agent of another size?"
        )


def with_walks(
    task: str,
    episodes: Sequence[Episode],
    simulator: Simulator,
    *,
    rules: EpisodeRules | Mapping[str, Any] | None = None,
) -> tuple[Episode, ...]:
    """The same episodes with `geodesic_distance_m` as it is in this simulator for this agent.

    For episodes of others, whose agent is of another size or whose file does not say.

    Raises:
        UserError: If a building is not loaded, or a goal cannot be reached.
    """
    measured = list(episodes)
    for lanes, building in _by_building(episodes, simulator):
        here = [episodes[lane] for lane in lanes]
        walks_m = rules_of(task, rules).walks_m(simulator, building, here)
        for i, lane in enumerate(lanes):
            length_m = None if walks_m is None else float(walks_m[i])
            if length_m == np.inf:
                raise UserError(f"episode {here[i].key} cannot be fulfilled: there is no walk; leave it out.")
            measured[lane] = replace(here[i], geodesic_distance_m=length_m)
    return tuple(measured)


def check_unique(episodes: Sequence[Episode]) -> None:
    """Refuse episodes of the same building with the same id.

    Raises:
        UserError: That names the first.
    """
    seen: set[str] = set()
    for episode in episodes:
        if episode.key in seen:
            raise UserError(f"episode {episode.key} is there twice; ids have to be unique within a building.")
        seen.add(episode.key)


def _by_building(episodes: Sequence[Episode], simulator: Simulator) -> list[tuple[list[int], int]]:
    lanes: dict[str, list[int]] = {}
    for lane, episode in enumerate(episodes):
        lanes.setdefault(episode.building, []).append(lane)
    return list(zip(lanes.values(), loaded_indices(simulator, list(lanes)), strict=True))


def _unnavigable(episodes: Sequence[Episode], simulator: Simulator, building: int) -> list[str]:
    faults = []
    for end in ("start", "goal"):
        having = [episode for episode in episodes if getattr(episode, end) is not None]
        points = np.array([getattr(episode, end) for episode in having], np.float32).reshape(-1, 3)
        standing = simulator.is_navigable(points, building)
        faults += [
            f"{episode.key} has its {end} where nobody can stand"
            for episode in (having[lane] for lane in np.flatnonzero(~standing))
        ]
    return faults


def _wrong_lengths(episodes: Sequence[Episode], walks_m: NDArray[np.float64] | None, tolerance: float) -> list[str]:
    if walks_m is None:
        return []
    faults = []
    for episode, walk_m in zip(episodes, walks_m.tolist(), strict=True):
        said_m = episode.geodesic_distance_m
        if walk_m == np.inf:
            faults.append(f"{episode.key} cannot be fulfilled: there is no walk")
        elif said_m is None:
            faults.append(f"{episode.key} does not say how long its shortest walk is")
        elif not abs(walk_m - said_m) <= tolerance * (1 + walk_m):
            faults.append(f"{episode.key} says that its shortest walk is {said_m:.2f} m, and it is {walk_m:.2f} m")
    return faults
