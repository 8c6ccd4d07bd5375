"""Frozen dataclasses as JSON, and back with errors that name the entry."""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from perception.errors import UnknownNameError, UserError
from perception.files import read_bytes, write_atomically

T = TypeVar("T")

_LARGEST_MIB = 16


def dataclass_from(kind: type[T], document: object, where: str) -> T:
    """A dataclass of numbers, words, mappings and further dataclasses; entries left out keep their defaults.

    Args:
        kind: The dataclass.
        document: What was read from JSON or YAML.
        where: Where it stands, for messages.

    Raises:
        UserError: If an entry is unknown, missing, of another type, or refused by the dataclass.
    """
    if not isinstance(document, Mapping):
        raise UserError(f"{where} is {_shortened(document)}; expected entries by name.")
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    for name in document:
        if name not in fields:
            raise UnknownNameError(f"entry of {where}", str(name), fields)
    for name, field in fields.items():
        is_needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if is_needed and name not in document:
            raise UserError(f"{where} has no {name!r}, which is needed.")
    return kind(**{name: _value(hints[name], value, f"{where}.{name}") for name, value in document.items()})


def differences(old: object, new: object, where: str = "") -> list[str]:
    """In which entries two documents differ, as `name: old, now new`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = [*old, *(name for name in new if name not in old)]
        parts = (differences(old.get(name), new.get(name), f"{where}.{name}".strip(".")) for name in names)
        return [line for lines in parts for line in lines]
    return [] if old == new else [f"{where} was {_shortened(old)} and now is {_shortened(new)}"]


def read_json(path: Path) -> Any:
    """A JSON file of ours.

    Raises:
        UserError: If it cannot be read, or is no JSON.
    """
    try:
        return json.loads(read_bytes(path, limit_mib=_LARGEST_MIB))
    except UserError:
        raise
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON ({error}); was it changed by hand?") from error


def write_json(path: Path, document: object) -> None:
    """Write a JSON file, whole or not at all.

    Raises:
        UserError: If it cannot be written.
    """
    write_atomically(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def _value(hint: Any, value: object, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return dataclass_from(hint, value, where)  # type: ignore[arg-type]
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return _one_of(typing.get_args(hint), value, where)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise UserError(f"{where} is {_shortened(value)}; expected entries by name.")
        return dict(value)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise UserError(f"{where} is {_shortened(value)}; expected a list.")
        return tuple(_value(typing.get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    return _plain(hint, value, where)


def _one_of(hints: tuple[Any, ...], value: object, where: str) -> Any:
    if value is None and type(None) in hints:
        return None
    return _value(next(hint for hint in hints if hint is not type(None)), value, where)


def _plain(hint: Any, value: object, where: str) -> Any:
    words, is_such = _PLAIN[hint]
    if not is_such(value):
        raise UserError(f"{where} is {_shortened(value)}; expected {words}.")
    return float(value) if hint is float else value  # type: ignore[arg-type]


def _shortened(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


_PLAIN: Mapping[Any, tuple[str, Callable[[object], bool]]] = {
    bool: ("true or false", lambda value: type(value) is bool),
    int: ("a whole number", lambda value: type(value) is int),
    float: ("a number", lambda value: type(value) in (int, float)),
    str: ("words", lambda value: isinstance(value, str)),
}
