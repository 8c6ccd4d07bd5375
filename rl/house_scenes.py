"""Generated houses as scenes: every house of every split from a seed of its own."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from perception import UserError
from perception.errors import UnknownNameError
from rl.scenes import Split, check_disjoint, chosen_indices
from sim import Building, SimulatorError
from sim.building_files import read_building, write_building
from sim.houses import HouseSpec, generate_house, load_spec

GENERATOR = 1
"""To be raised when a seed and spec give another house than before; it is part of every fingerprint."""

MOST_HOUSES = 10_000
"""In one split."""

_ATTEMPTS = 20
_HOUSES_KEPT = 48  # of about 9 MB each; the default splits have 40
_KINDS = Path(__file__).parents[1] / "sim_configs" / "buildings"


@dataclass(frozen=True)
class HouseScenes:
    """Procedural houses; `train_003` is the same house wherever these settings are the same.

    Houses are made when they are first asked for (about 0.7 s each) and kept in a cache on disk (`cache_folder`).
    `HouseScenes(**asdict(it))` gives the scenes back, also after a way through JSON.

    Args:
        kind: A name of `sim_configs/buildings`, a YAML file, or the spec itself (or its values by name).
        train: Number of houses to train in.
        validation: Number of houses to choose among agents in.
        test: Number of houses to test in.
        seed: Of all houses.
        containing: Categories that every house has a thing of where agents of the usual size can walk up to it and see
            it, for tasks that look for it; other houses are drawn again, which takes about 0.5 s more for each house.
            Of 40 default houses one had no refrigerator, and of 24 with one it was walled in by furniture in one.

    Raises:
        UserError: If a number is no whole number, negative or too large, the kind is unknown, or houses would repeat.
        SimulatorError: If the kind's file or values cannot be used.
    """

    kind: str | HouseSpec | Mapping[str, Any] = "default"
    train: int = 12
    validation: int = 4
    test: int = 24
    seed: int = 0
    containing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.kind, Mapping):
            object.__setattr__(self, "kind", house_spec(self.kind))
        for name in (*(split.value for split in Split), "seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise UserError(f"houses {name} is {value!r}; a whole number from 0 on is expected.")
        if max(self._count(split) for split in Split) > MOST_HOUSES:
            raise UserError(f"{max(self._count(split) for split in Split)} houses; at most {MOST_HOUSES} a split.")
        given: object = self.containing
        if not isinstance(given, (tuple, list)) or not all(isinstance(category, str) for category in given):
            raise UserError(f"houses containing is {self.containing!r}; a list of categories is expected.")
        object.__setattr__(self, "containing", tuple(self.containing))
        house_spec(self.kind)
        check_disjoint({split: self._identified(split) for split in Split})

    @property
    def fingerprint(self) -> str:
        """Hex digits that differ for other houses or splits."""
        settings = asdict(replace(self, kind=house_spec(self.kind)))
        text = json.dumps({"houses": GENERATOR, **_alike(settings)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def names(self, split: Split) -> tuple[str, ...]:
        """Names of a split's houses: `train_000`, `train_001`, ..."""
        return tuple(f"{split.value}_{index:03d}" for index in range(self._count(split)))

    def buildings(self, split: Split, names: tuple[str, ...] | None = None) -> tuple[Building, ...]:
        """A split's houses, all or those named, in that order.

        Raises:
            UserError: If a name is not of the split, or no house with all of `containing` is found.
        """
        known = self.names(split)
        return tuple(
            replace(self._house(split, index), name=known[index]) for index in chosen_indices(self, split, names)
        )

    def seeds(self, split: Split, index: int) -> tuple[int, ...]:
        """What house `index` of a split is generated from: the first seed, unless what it has to contain is missing."""
        number = list(Split).index(split)
        sequence = np.random.SeedSequence([self.seed, number, index])
        return tuple(int(seed) for seed in sequence.generate_state(_ATTEMPTS, np.uint64))

    def _count(self, split: Split) -> int:
        count: int = getattr(self, split.value)
        return count

    def _identified(self, split: Split) -> list[tuple[str, int]]:
        """Every house that may be drawn for a split, and its seed."""
        attempts = _ATTEMPTS if self.containing else 1
        return [
            (name if attempt == 0 else f"{name}, drawn again {attempt} times", seed)
            for index, name in enumerate(self.names(split))
            for attempt, seed in enumerate(self.seeds(split, index)[:attempts])
        ]

    def _house(self, split: Split, index: int) -> Building:
        house = _first_fitting(self.seeds(split, index), house_spec(self.kind), self.containing)
        if house is None:
            raise UserError(
                f"{_ATTEMPTS} houses were drawn for {split.value}_{index:03d}, and none has "
                f"{', '.join(self.containing)} where an agent can come near and see it; ask for other categories, or "
                "for houses with more rooms or furniture."
            )
        return house


def house_spec(kind: str | HouseSpec | Mapping[str, Any]) -> HouseSpec:
    """What houses of a kind may be like.

    Args:
        kind: A name of `sim_configs/buildings`, a YAML file, the spec itself, or its values by name. "default" is known
            without a file.

    Raises:
        UserError: If there is no such kind.
        SimulatorError: If a file or value cannot be used.
    """
    if isinstance(kind, HouseSpec):
        return kind
    if isinstance(kind, Mapping):
        return HouseSpec.from_mapping(kind)
    if not isinstance(kind, str) or not kind:
        raise UserError(f"houses kind is {kind!r}; a name, a YAML file or a HouseSpec is expected.")
    if kind.endswith((".yaml", ".yml")):
        return _read(Path(kind))
    known = {"default", *(path.stem for path in _KINDS.glob("*.yaml"))}
    if kind not in known:
        raise UnknownNameError("kind of houses", kind, known)
    return HouseSpec() if kind == "default" else _read(_KINDS / f"{kind}.yaml")


def _alike(values: Any) -> Any:
    """Values of JSON in which 0 and 0.0, lists and tuples are written alike."""
    if isinstance(values, dict):
        return {name: _alike(value) for name, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_alike(value) for value in values]
    is_count = isinstance(values, int) and not isinstance(values, bool)
    return float(values) if is_count and abs(values) < 2**53 else values


@lru_cache(maxsize=64)  # so that the scenes stay what they are while the program runs
def _read(path: Path) -> HouseSpec:
    return load_spec(path)


@lru_cache(maxsize=_HOUSES_KEPT)
def _first_fitting(seeds: tuple[int, ...], spec: HouseSpec, containing: tuple[str, ...]) -> Building | None:
    facts = json.dumps([GENERATOR, seeds, asdict(spec), containing], sort_keys=True)
    path = cache_folder() / "houses" / f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}.npz"
    with suppress(SimulatorError):  # none there, or cut short by a full disk: made anew
        return read_building(path)
    house = _drawn(seeds, spec, containing)
    if house is not None:
        with suppress(SimulatorError):  # a place that cannot be written to costs time, nothing else
            write_building(path, house)
    return house


def cache_folder() -> Path:
    """Where houses are kept between runs, about 9 MB each: `$MIDLEVEL_CACHE`, or the user's cache; may be deleted."""
    own = os.environ.get("MIDLEVEL_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "midlevel"


def _drawn(seeds: tuple[int, ...], spec: HouseSpec, containing: tuple[str, ...]) -> Building | None:
    for seed in seeds:
        house = generate_house(seed, spec)
        if set(containing) <= set(house.categories) and can_find(house, containing):
            return house
    return None


def can_find(house: Building, categories: tuple[str, ...]) -> bool:
    """Whether agents of the usual size can walk up to a thing of every category in a house and see it."""
    if not categories:
        return True
    from rl.episodes import VisualTargets
    from rl.episodes.sighting import sighting_points
    from sim.raycast import RaycastSimulator

    usual = VisualTargets()
    simulator = RaycastSimulator([house])
    return all(
        len(sighting_points(simulator, 0, category, usual.reach_m, usual.least_share)) for category in categories
    )
