"""What a dataset's folder says about itself: settings, classes, splits, storage, hashes."""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perception.errors import UserError
from perception.files import write_atomically
from perception.labels.classes import ClassLists
from taxonomy.dataset.files import read_json
from taxonomy.dataset.quantisation import Quantisation

MANIFEST = "manifest.json"
FORMAT = "midlevel-dataset"
VERSION = 1
SPLITS = ("train", "val", "test")
SPLIT_SHARES = (0.7, 0.15, 0.15)

_PACKAGES = ("midlevel", "numpy", "scipy", "pillow", "mitsuba", "drjit")


@dataclass(frozen=True)
class RenderSpec:
    """What decides every byte of a rendered dataset.

    Args:
        buildings: How many.
        views: Of each building.
        size: Of the images, pixels a side.
        seed: Of everything.
        world: Name of what made the buildings and rendered them.
        labels: Names and hashes of label functions beyond the dictionary's.

    Raises:
        UserError: If a number is out of range.
    """

    buildings: int
    views: int
    size: int = 128
    seed: int = 0
    world: str = "houses"
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least, most in (
            ("buildings", 1, 1_000_000),
            ("views", 1, 100_000),
            ("size", 8, 4096),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise UserError(f"{name} is {value}; expected {least} to {most}.")


@dataclass(frozen=True)
class Manifest:
    """One folder in one layout.

    Args:
        layout: "store" or "published".
        spec: What was asked for.
        classes: What class indices mean.
        quantisation: How each domain is stored; "rgb" among them.
        splits: Buildings of each split.
        versions: Of what made it.
        shards: SHA-256 of each building's index, once all are there.
        labels: Output specifications of tasks beyond the dictionary, by name.
    """

    layout: str
    spec: RenderSpec
    classes: ClassLists
    quantisation: Mapping[str, Quantisation]
    splits: Mapping[str, tuple[str, ...]]
    versions: Mapping[str, str] = field(default_factory=dict)
    shards: Mapping[str, str] | None = None

    @property
    def buildings(self) -> tuple[str, ...]:
        """All buildings, in the order of their names."""
        return tuple(sorted(name for names in self.splits.values() for name in names))

    def split_of(self, building: str) -> str:
        """The split that a building is in."""
        return next(split for split, names in self.splits.items() if building in names)

    def write(self, folder: Path) -> None:
        """Write it into a dataset's folder, whole or not at all."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "complete": self.shards is not None,
            "layout": self.layout,
            "spec": {**asdict(self.spec), "labels": list(self.spec.labels)},
            "versions": dict(self.versions),
            "splits": {split: list(names) for split, names in self.splits.items()},
            "classes": {name: list(values) for name, values in asdict(self.classes).items()},
            "quantisation": {name: stored.to_json() for name, stored in self.quantisation.items()},
            "shards": None if self.shards is None else dict(sorted(self.shards.items())),
        }
        document["sha256"] = _sha256_of(document)
        write_atomically(folder / MANIFEST, json.dumps(document, indent=1, allow_nan=False) + "\n")

    def with_shards(self, shards: Mapping[str, str]) -> "Manifest":
        """The same, complete."""
        return replace(self, shards=shards)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a dataset's folder.

    Raises:
        UserError: If there is none, or it is another program's, a newer one's, or damaged.
    """
    path = folder / MANIFEST
    document = read_json(path)
    if document.get("format") != FORMAT:
        raise UserError(f"{path} is another program's; a folder that `midlevel data render` wrote is expected.")
    if document.get("version") != VERSION:
        raise UserError(
            f"{path} has version {document.get('version')}; this program reads {VERSION}: render again, or use the "
            "program that wrote it."
        )
    try:
        return _manifest(document)
    except UserError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{path} is damaged: {type(error).__name__} {error}; render again.") from None


def is_as_written(folder: Path) -> bool:
    """Whether a manifest is as it was written, by the hash of its content that it carries.

    Raises:
        UserError: If it is no JSON.
    """
    document = read_json(folder / MANIFEST)
    return document.pop("sha256", None) == _sha256_of(document)


def _sha256_of(document: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _manifest(document: Mapping[str, object]) -> Manifest:
    tables: dict[str, dict[str, object]] = {
        name: dict(document[name])  # type: ignore[call-overload]
        for name in ("spec", "classes", "splits", "versions", "quantisation")
    }
    shards = document["shards"]
    spec = tables["spec"]
    return Manifest(
        str(document["layout"]),
        RenderSpec(**{**spec, "labels": tuple(spec["labels"])}),  # type: ignore[arg-type]
        ClassLists(**{name: tuple(values) for name, values in tables["classes"].items()}),  # type: ignore[arg-type]
        {name: Quantisation.from_json(stored) for name, stored in tables["quantisation"].items()},  # type: ignore[arg-type]
        {name: tuple(buildings) for name, buildings in tables["splits"].items()},  # type: ignore[arg-type]
        {name: str(value) for name, value in tables["versions"].items()},
        None if shards is None else dict(shards),  # type: ignore[call-overload]
    )


def building_names(count: int) -> tuple[str, ...]:
    """Names of rendered buildings, in order: "house_0000" and so on."""
    digits = max(4, len(str(count - 1)))
    return tuple(f"house_{index:0{digits}d}" for index in range(count))


def split_buildings(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Divide buildings 70 : 15 : 15; each split gets one as soon as there are three.

    Neighbours in the list go to different splits, so that a list sorted by size or source divides evenly.
    """
    held_out = max(1, round(SPLIT_SHARES[2] * len(names))) if len(names) >= 3 else 0
    chosen = [int((k + 0.5) * len(names) / (2 * held_out)) for k in range(2 * held_out)]
    test, val = ({names[i] for i in chosen[start::2]} for start in (0, 1))
    train = tuple(name for name in names if name not in test and name not in val)
    return {"train": train, "val": tuple(sorted(val)), "test": tuple(sorted(test))}


def installed_versions() -> dict[str, str]:
    """Versions of the packages that labels depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found
