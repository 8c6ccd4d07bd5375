"""Reading JSON that others wrote."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perception.files import read_bytes

BROKEN = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What comes of taking JSON for something that it is not."""

_LARGEST_FILE_MIB = 64


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
