"""Scene files and buildings at hand as scenes."""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from perception import UserError
from rl.scenes import Split, check_disjoint, chosen_indices
from sim import Building
from sim.scene_files import SceneFile, find_scene


@dataclass(frozen=True)
class FileScenes:
    """Buildings from files: GLB for either simulator, or what habitat-sim opens. A building's name is its file's.

    Args:
        train: Files to train in.
        validation: Files to choose among agents in.
        test: Files to test in.

    Raises:
        UserError: If two files have the same name, or the same content, whatever they are called.
        SimulatorError: If a file is missing, or of no known kind.
    """

    train: tuple[Path, ...] = ()
    validation: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        for split in Split:
            object.__setattr__(self, split.value, tuple(Path(path) for path in getattr(self, split.value)))
        check_disjoint(self._identified)

    @property
    def fingerprint(self) -> str:
        """Hex digits that differ for other files or splits; where the files lie does not matter."""
        return _fingerprint(self._identified)

    def names(self, split: Split) -> tuple[str, ...]:
        """Names of a split's files, without folder and ending."""
        return tuple(scene.name for scene in self._scenes[split])

    def buildings(self, split: Split, names: tuple[str, ...] | None = None) -> tuple[SceneFile, ...]:
        """A split's scene files, all or those named, in that order; `rl.simulators` loads them.

        Raises:
            UserError: If a name is not of the split.
        """
        return tuple(self._scenes[split][index] for index in chosen_indices(self, split, names))

    @cached_property
    def _scenes(self) -> dict[Split, tuple[SceneFile, ...]]:
        return {split: tuple(find_scene(path) for path in getattr(self, split.value)) for split in Split}

    @cached_property
    def _identified(self) -> dict[Split, list[tuple[str, Hashable]]]:
        return {
            split: [(scene.name, _file_hash(scene.path)) for scene in scenes] for split, scenes in self._scenes.items()
        }


@dataclass(frozen=True, eq=False)
class GivenScenes:
    """Buildings that are already there.

    Args:
        train: Buildings to train in.
        validation: Buildings to choose among agents in.
        test: Buildings to test in.

    Raises:
        UserError: If two have the same name, or are the same but for the name.
    """

    train: tuple[Building, ...] = ()
    validation: tuple[Building, ...] = ()
    test: tuple[Building, ...] = ()

    def __post_init__(self) -> None:
        check_disjoint(self._identified)

    @property
    def fingerprint(self) -> str:
        """Hex digits that differ for other buildings or splits."""
        return _fingerprint(self._identified)

    def names(self, split: Split) -> tuple[str, ...]:
        """Names of a split's buildings."""
        return tuple(building.name for building in self._given(split))

    def buildings(self, split: Split, names: tuple[str, ...] | None = None) -> tuple[Building, ...]:
        """A split's buildings, all or those named, in that order.

        Raises:
            UserError: If a name is not of the split.
        """
        return tuple(self._given(split)[index] for index in chosen_indices(self, split, names))

    def _given(self, split: Split) -> tuple[Building, ...]:
        return tuple(getattr(self, split.value))

    @cached_property
    def _identified(self) -> dict[Split, list[tuple[str, Hashable]]]:
        return {split: [(given.name, building_hash(given)) for given in self._given(split)] for split in Split}


def building_hash(building: Building) -> str:
    """Hex digits that differ for buildings that look or are named otherwise inside; its own name does not count.

    Lights, rooms and materials' reflection do not count either: two buildings that differ in those alone are one.
    """
    digest = hashlib.sha256()
    for array in (building.vertices, building.triangles, building.triangle_instance, building.triangle_material):
        digest.update(f"{array.shape}".encode())
        digest.update(array.tobytes())
    digest.update(repr([(thing.name, thing.category) for thing in building.instances]).encode())
    for material in building.materials:
        digest.update(repr(material.base_color).encode())
        if material.texture is not None:
            digest.update(material.texture.tobytes())
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from error


def _fingerprint(identified: Mapping[Split, Sequence[tuple[str, Hashable]]]) -> str:
    text = repr([(split.value, list(buildings)) for split, buildings in identified.items()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
