"""Which buildings agents train, are chosen and are tested in; no building is in two splits."""

from collections.abc import Hashable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from perception import UserError
from perception.errors import UnknownNameError
from sim import Building
from sim.scene_files import SceneFile

Source = Building | SceneFile
"""What a simulator loads a building from; both have the building's `name`."""


class Split(StrEnum):
    """What a building is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"

    @classmethod
    def parse(cls, text: str) -> "Split":
        """The split of a name.

        Raises:
            UnknownNameError: If there is no such split.
        """
        if text not in set(cls):
            raise UnknownNameError("split", text, [split.value for split in cls])
        return cls(text)


class Scenes(Protocol):
    """Buildings in disjoint splits."""

    @property
    def fingerprint(self) -> str:
        """Hex digits that differ for other buildings or splits; episodes and policies carry it."""

    def names(self, split: Split) -> tuple[str, ...]:
        """Names of a split's buildings, in order; quick."""

    def buildings(self, split: Split, names: tuple[str, ...] | None = None) -> tuple[Source, ...]:
        """A split's buildings, all or those named, in that order; each one's `name` is the name here.

        Raises:
            UserError: If a name is not of the split.
        """


def check_disjoint(splits: Mapping[Split, Sequence[tuple[str, Hashable]]]) -> None:
    """Refuse buildings that are there twice, in one split or in two.

    Args:
        splits: For each split the name of every building, and what no other building has: its content's hash, or the
            seed that it is made from.

    Raises:
        UserError: If two buildings share a name or the rest; it names both and their splits.
    """
    names: dict[Hashable, str] = {}
    identities: dict[Hashable, str] = {}
    for split, buildings in splits.items():
        for name, identity in buildings:
            here = f"{name!r} in {split.value}"
            if name in names:
                raise UserError(f"building {here} has the name of {names[name]}; every building needs its own.")
            if identity in identities:
                raise UserError(f"building {here} is the same as {identities[identity]}; leave it out of one of them.")
            names[name] = identities[identity] = here


def chosen_indices(scenes: Scenes, split: Split, names: Sequence[str] | None) -> tuple[int, ...]:
    """Where names stand among those of a split; all of them if None.

    Raises:
        UserError: If a name is not of the split; it says of which other one it is.
    """
    known = {name: index for index, name in enumerate(scenes.names(split))}
    for name in names or ():
        if name not in known:
            raise _unknown_building(scenes, split, name)
    return tuple(known[name] for name in (known if names is None else names))


def _unknown_building(scenes: Scenes, split: Split, name: str) -> UserError:
    for other in Split:
        if name in scenes.names(other):
            return UserError(f"building {name!r} is for {other.value}, not for {split.value}; take one of that split.")
    return UnknownNameError(f"building of the split {split.value}", name, scenes.names(split))
