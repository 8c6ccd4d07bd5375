"""What there is to do, and the key that says so: everything that decides a result, hashed."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

LOCAL: Mapping[str, bool] = {"local": True}
"""Metadata of a dataclass field that does not enter the key, such as a path or a device: `field(metadata=LOCAL)`."""


class Work(Protocol):
    """What a unit does: a frozen dataclass at the top of its module, whose fields decide the result.

    Fields that do not (paths, devices) are marked `LOCAL`. A work that computes with torch has an attribute
    `threads`, how many CPU threads torch may use; it decides the result in the last bits, so it belongs to the key.
    NumPy's linear algebra always has one.

    The work itself makes its own randomness, from a seed among its fields. It raises `UnitError`, or another
    `UserError`, where it cannot succeed and the other units can; anything else is a bug, and stops the run.
    """

    kind: ClassVar[str]
    """The folder of the store, for example "network"."""

    version: ClassVar[int]
    """To be raised when the code changes what comes out."""

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        """Do it.

        Args:
            folder: Where its files go, and nothing else is written.
            inputs: Folders of the units it needs, by the names it gave them; not to be written to.
        """


@dataclass(frozen=True)
class Unit:
    """One piece of work, with a folder of its own in the store.

    Args:
        name: Unique within its kind in one run.
        work: What is done.
        needs: Keys of finished units, by the names that the work knows them by.
        cost: Expected time, in any unit that all units of a run share; for the time left only.

    Raises:
        ValueError: If the kind, the name or the cost is unfit.
    """

    name: str
    work: Work
    needs: Mapping[str, str] = field(default_factory=dict)
    cost: float = 1.0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.work.kind):
            raise ValueError(
                f"the kind {self.work.kind!r} is no folder's name; expected small letters, digits, _ or -."
            )
        if not self.name:
            raise ValueError(f"a unit of kind {self.work.kind!r} has no name.")
        if not 0 < self.cost < math.inf:
            raise ValueError(f"the unit {self.name!r} has cost {self.cost}; expected a number above 0.")

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of all that decides the result: hexadecimal.

        Raises:
            TypeError: If a field has no canonical form.
        """
        parts = [self.work.kind, self.work.version, self.name, self.described_fields, dict(self.needs)]
        return hashlib.sha256(canonical_json(parts).encode()).hexdigest()

    @property
    def described_fields(self) -> dict[str, object]:
        """The work's fields that decide the result, as JSON's types."""
        return _described_fields(self.work, f"{type(self.work).__name__} {self.name!r}")

    def __str__(self) -> str:
        return f"{self.work.kind} {self.name}"


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: the same text for the same content."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _described_fields(value: Any, where: str) -> dict[str, object]:
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{where} is a {type(value).__name__}; expected a dataclass, whose fields decide the result.")
    return {
        item.name: _described(getattr(value, item.name), f"{where}: {item.name}")
        for item in fields(value)
        if not _is_local(item)
    }


def _is_local(item: Field[Any]) -> bool:
    return bool(item.metadata.get("local", False))


def _described(value: Any, where: str) -> object:
    """A value as JSON's types, so that unequal values of a work's fields look different."""
    if isinstance(value, Enum):
        return {"enum": type(value).__name__, "name": value.name}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": str(float(value))}
    if isinstance(value, tuple | list):
        return [_described(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping) and all(type(name) is str for name in value):
        return {"mapping": {name: _described(item, f"{where}[{name!r}]") for name, item in value.items()}}
    if is_dataclass(value) and not isinstance(value, type):
        return {"class": type(value).__name__, "fields": _described_fields(value, where)}
    raise TypeError(
        f"{where} is a {type(value).__name__}, which has no canonical form; expected numbers, strings, enumerations, "
        "sequences, mappings with names, dataclasses, or a field marked LOCAL."
    )
