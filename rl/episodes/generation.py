"""Episodes drawn from a seed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perception import UserError
from rl.episodes.candidates import Candidates, EpisodeRules
from rl.episodes.episode import Episode
from rl.episodes.rules import rules_of
from rl.scenes import Scenes, Split, chosen_indices
from sim import Simulator, SimulatorError
from sim.episodes import Point

TRIES = 200
"""A building is given up where fewer than one candidate in so many will do; of a house's, one in two or three does."""

_LEAST_BATCH, _LARGEST_BATCH = 64, 4096


def generate_episodes(
    task: str,
    scenes: Scenes,
    split: Split,
    simulator: Simulator,
    *,
    per_building: int,
    seed: int = 0,
    rules: EpisodeRules | Mapping[str, Any] | None = None,
    names: Sequence[str] | None = None,
) -> tuple[Episode, ...]:
    """Draw episodes; all start on the largest island of their building, and all can be fulfilled from there.

    A building's episodes depend on the seed, split, building and rules, not on which other buildings there are.

    Args:
        task: "PointGoal", "VisualTarget" or "Explore".
        scenes: The buildings.
        split: Which of them.
        simulator: With those buildings loaded, in any order, and agents of the size that will walk there.
        per_building: Number of episodes for each building.
        seed: Of everything drawn.
        rules: What they have to be like: the task's class in `RULES`, or its values by name; its defaults if None.
        names: Of the buildings; all of the split if None.

    Returns:
        The episodes, building by building.

    Raises:
        UserError: If a building is not loaded, has no such things or too few such episodes, or a number is negative.
        SimulatorError: If agents can stand nowhere in a building.
    """
    for label, number in (("per_building", per_building), ("seed", seed)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise UserError(f"episodes: {label} is {number!r}; a whole number from 0 on is expected.")
    found = rules_of(task, rules)
    chosen = chosen_indices(scenes, split, names)
    known = scenes.names(split)
    loaded = loaded_indices(simulator, [known[index] for index in chosen])
    found.check([simulator.buildings[building] for building in loaded])
    episodes: list[Episode] = []
    for index, building in zip(chosen, loaded, strict=True):
        rng = np.random.default_rng([seed, list(Split).index(split), index])
        episodes += _draw(found, simulator, building, per_building, rng)
    return tuple(episodes)


def loaded_indices(simulator: Simulator, names: Sequence[str]) -> tuple[int, ...]:
    """Indices of a simulator's buildings.

    Raises:
        UserError: If one is not loaded.
    """
    known = {building.name: index for index, building in enumerate(simulator.buildings)}
    missing = [name for name in names if name not in known]
    if missing:
        raise UserError(f"building {missing[0]!r} is not loaded; the simulator has {', '.join(known)}.")
    return tuple(known[name] for name in names)


def _draw(
    rules: EpisodeRules, simulator: Simulator, building: int, count: int, rng: np.random.Generator
) -> list[Episode]:
    """Episodes of one building."""
    name = simulator.buildings[building].name
    _check_ground(simulator, building, name)
    draw = rules.draws(simulator, building)
    most_straight = int(rules.straight_share * count)
    episodes: list[Episode] = []
    straight, tries = 0, 0
    refused: dict[str, int] = {}
    while len(episodes) < count:
        if tries >= TRIES * (len(episodes) + 10):
            raise UserError(_too_few(name, len(episodes), count, tries, refused))
        candidates = draw(int(np.clip(3 * (count - len(episodes)), _LEAST_BATCH, _LARGEST_BATCH)), rng)
        tries += len(candidates.starts)
        good = ~np.any(list(candidates.faults.values()), axis=0)
        too_straight = good & candidates.is_straight
        too_straight &= np.cumsum(too_straight) > most_straight - straight
        faults = {**candidates.faults, f"nearly straight (straight_share={rules.straight_share:g})": too_straight}
        for reason, mask in faults.items():
            refused[reason] = refused.get(reason, 0) + int(mask.sum())
        kept = np.flatnonzero(good & ~too_straight)[: count - len(episodes)]
        straight += int(candidates.is_straight[kept].sum())
        headings = rng.uniform(-np.pi, np.pi, len(kept))
        episodes += [
            _episode(f"{len(episodes) + i:04d}", name, candidates, int(lane), float(heading), rules.target)
            for i, (lane, heading) in enumerate(zip(kept, headings, strict=True))
        ]
    return episodes


def _check_ground(simulator: Simulator, building: int, name: str) -> None:
    try:
        simulator.random_navigable_points(1, np.random.default_rng(0), building)
    except SimulatorError as error:
        spec = simulator.spec
        raise UserError(
            f"building {name!r} has nowhere to walk for an agent of radius {spec.radius_m:g} m and height "
            f"{spec.height_m:g} m: {error}"
        ) from error


def _episode(
    episode_id: str, building: str, candidates: Candidates, lane: int, heading_rad: float, target: str | None
) -> Episode:
    goals, lengths_m = candidates.goals, candidates.lengths_m
    return Episode(
        episode_id=episode_id,
        building=building,
        start=_point(candidates.starts[lane]),
        heading_rad=heading_rad,
        goal=None if goals is None else _point(goals[lane]),
        target=target,
        geodesic_distance_m=None if lengths_m is None else float(lengths_m[lane]),
    )


def _point(values: np.ndarray[Any, np.dtype[np.float32]]) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _too_few(name: str, found: int, count: int, tries: int, refused: Mapping[str, int]) -> str:
    reasons = sorted(((number, reason) for reason, number in refused.items() if number), reverse=True)
    said = ", ".join(f"{number} were {reason}" for number, reason in reasons)
    return (
        f"building {name!r}: {found} of {count} episodes in {tries} tries; {said}. Loosen the limit that refused most, "
        "or leave the building out."
    )
