"""What is kept of a finished cell: one file of a few dozen kB, to be committed."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.files import read_bytes, write_atomically
from rl.study.cells import Cell

FORMAT = 1
RESULT_FILE = "result.json"
ERROR_FILE = "error.json"
MOST_CURVE_POINTS = 200
NUMBERS = ("is_success", "spl", "soft_spl", "reward", "steps", "collisions", "covered_m2")
"""What is kept of an episode, besides its key."""

PROVENANCE = ("vision", "policy_sha256", "scenes")
"""What is kept of an evaluation's provenance: vision with its bank's hash, the policy's hash, the buildings' hash."""

_CURVE = ("steps", "return", "success", "spl")
_LARGEST_FILE_MIB = 16
_DIGITS = 5


@dataclass(frozen=True, eq=False)
class Episodes:
    """Test episodes of a split, in columns.

    Args:
        keys: Building and id of each of N.
        numbers: float64 [N] by name, see `NUMBERS`; NaN where a task does not measure it.
    """

    keys: tuple[str, ...]
    numbers: Mapping[str, NDArray[np.float64]]

    @property
    def buildings(self) -> NDArray[np.str_]:
        """The building of each: [N]."""
        return np.array([key.rpartition("/")[0] for key in self.keys])

    def mean(self, measure: str) -> float:
        """Over all episodes."""
        return float(np.mean(self.numbers[measure]))

    def building_means(self, measure: str) -> NDArray[np.float64]:
        """The mean in each building, in the order of their names: [B]."""
        buildings = self.buildings
        return np.array([self.numbers[measure][buildings == name].mean() for name in np.unique(buildings)])


@dataclass(frozen=True, eq=False)
class CellResult:
    """What came of a cell.

    Args:
        cell: Which.
        seconds: By part: "sim", "encode", "learn", "test", whatever was timed.
        curve: float64 [K] by name: "steps", "return", "success", "spl" of the episodes that ended while training.
        evaluations: By split.
        summaries: By split, what the evaluation says of it in all.
        provenance: What was evaluated, see `PROVENANCE`.
    """

    cell: Cell
    seconds: Mapping[str, float]
    curve: Mapping[str, NDArray[np.float64]]
    evaluations: Mapping[str, Episodes]
    summaries: Mapping[str, Mapping[str, Any]]
    provenance: Mapping[str, Any] = field(default_factory=dict)


def episodes_of(rows: Sequence[Mapping[str, Any]]) -> Episodes:
    """Columns of the rows of an evaluation; measures of a task may be nested under "measures"."""
    flat = [{**row.get("measures", {}), **row} for row in rows]
    columns = {name: np.array([_number(row.get(name)) for row in flat], np.float64) for name in NUMBERS}
    return Episodes(tuple(str(row["key"]) for row in flat), columns)


def thinned_curve(rows: Sequence[Mapping[str, Any]], most: int = MOST_CURVE_POINTS) -> dict[str, NDArray[np.float64]]:
    """At most `most` points of a learning curve; each is the mean of rows beside each other, at the last one's steps.

    Args:
        rows: Of progress, in order, as `RolloutRecord.to_json` has them; None where no episode ended.
        most: Points.

    Returns:
        float64 [K] by name: "steps", "return", "success", "spl"; NaN where no episode ended.

    Raises:
        KeyError: If a row lacks one of them.
    """
    table = [[_number(row[name]) for name in _CURVE] for row in rows]
    values = np.array(table, np.float64).reshape(-1, len(_CURVE))
    groups = np.array_split(values, min(most, len(values))) if len(values) else []
    points = np.array([[group[-1, 0], *(_mean(column) for column in group[:, 1:].T)] for group in groups])
    return dict(zip(_CURVE, points.reshape(-1, len(_CURVE)).T, strict=True))


def write_result(path: Path, result: CellResult) -> None:
    """Write a result; the file is whole or absent.

    Raises:
        UserError: If it cannot be written.
    """
    document = {
        "format": FORMAT,
        "name": result.cell.name,
        "fingerprint": result.cell.fingerprint,
        "cell": result.cell.to_json(),
        "provenance": dict(result.provenance),
        "seconds": {name: round(value, 2) for name, value in result.seconds.items()},
        "curve": {name: _plain(column) for name, column in result.curve.items()},
        "evaluations": {
            split: {
                "summary": _without_nan(result.summaries.get(split, {})),
                "episodes": {
                    "key": list(episodes.keys),
                    **{name: _plain(column) for name, column in episodes.numbers.items()},
                },
            }
            for split, episodes in result.evaluations.items()
        },
    }
    write_atomically(path, _compact(document) + "\n")


def read_result(path: Path, cell: Cell) -> CellResult:
    """Read the result of a cell.

    Raises:
        UserError: If it cannot be read, is broken, or is another cell's.
    """
    try:
        document = json.loads(read_bytes(path, limit_mib=_LARGEST_FILE_MIB))
        if document["format"] != FORMAT:
            raise UserError(f"{path} has format {document['format']!r}; this program reads format {FORMAT}.")
        if document["fingerprint"] != cell.fingerprint:
            raise UserError(f"{path} is the result of another cell ({document['name']}); delete it to do this one.")
        evaluations = {split: _episodes(part["episodes"]) for split, part in document["evaluations"].items()}
        curve = {name: _column(document["curve"][name]) for name in _CURVE}
        summaries = {split: part["summary"] for split, part in document["evaluations"].items()}
        return CellResult(cell, document["seconds"], curve, evaluations, summaries, document["provenance"])
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is broken ({error!r}); delete it to do the cell again.") from error


def _episodes(columns: Mapping[str, Any]) -> Episodes:
    keys = tuple(str(key) for key in columns["key"])
    numbers = {name: _column(columns[name]) for name in NUMBERS}
    wrong = [name for name, column in numbers.items() if column.shape != (len(keys),)]
    if wrong:
        raise ValueError(f"{wrong[0]} has {numbers[wrong[0]].size} episodes, and there are {len(keys)}")
    return Episodes(keys, numbers)


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([_number(value) for value in values], np.float64)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _plain(column: NDArray[np.float64]) -> list[float | int | None]:
    """Numbers as short as they can be written; None for NaN."""
    rounded = [None if math.isnan(value) else round(value, _DIGITS) for value in column.tolist()]
    return [int(value) if value is not None and value == int(value) else value for value in rounded]


def _without_nan(value: Any) -> Any:
    """The same JSON, with None for numbers that JSON lacks."""
    if isinstance(value, Mapping):
        return {str(name): _without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def _compact(document: Mapping[str, Any]) -> str:
    """JSON with a line for each part and column, so that differences of two versions can be read."""

    def lines(value: object, indent: str) -> str:
        if not isinstance(value, Mapping) or not any(isinstance(item, Mapping | list) for item in value.values()):
            return json.dumps(value, separators=(",", ":"), allow_nan=False)
        inner = indent + " "
        parts = [f"{inner}{json.dumps(name)}: {lines(item, inner)}" for name, item in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + indent + "}"

    return lines(document, "")
