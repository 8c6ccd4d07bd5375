"""Reading JSON that others wrote, again when it has changed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from perception import UserError
from perception.files import read_bytes

T = TypeVar("T")

BROKEN = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What comes of taking JSON for something that it is not."""

_LARGEST_FILE_MIB = 64
_CACHED_FILES = 64


@dataclass(frozen=True)
class Interval:
    """A mean and how sure it is.

    Args:
        mean: Of values.
        low: Lower end of its interval; None where nothing is known of the spread.
        high: Upper end.
    """

    mean: float
    low: float | None
    high: float | None


def while_unchanged(read: Callable[[Path], T]) -> Callable[[Path], T]:
    """The same function of a file, which reads it again only when its size or time of change is another."""

    @lru_cache(_CACHED_FILES)
    def known(path: Path, _modified_ns: int, _size: int) -> T:
        return read(path)

    @wraps(read)
    def ask(path: Path) -> T:
        try:
            status = path.stat()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}.") from error
        return known(path, status.st_mtime_ns, status.st_size)

    return ask


def read_json(path: Path) -> Any:
    """The JSON in a file.

    Raises:
        UserError: If it cannot be read.
        ValueError: If it is none.
    """
    return json.loads(read_bytes(path, limit_mib=_LARGEST_FILE_MIB))


def number(value: Any) -> float | None:
    """A number, or None for null.

    Raises:
        TypeError: If it is something else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} stands where a number is expected")
    return float(value)


def interval(value: Any) -> Interval | None:
    """An interval, or None for null or one without a mean.

    Raises:
        KeyError, TypeError: If it is something else.
    """
    if value is None or (mean := number(value["mean"])) is None:
        return None
    return Interval(mean, number(value["low"]), number(value["high"]))
