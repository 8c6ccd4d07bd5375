"""What a run's folder says besides its affinities."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from perception import UserError
from perception.files import is_folder, read_bytes
from taxonomy.report.findings import Findings
from taxonomy.studies import NovelTask, Policy, SanityRow, TargetAgreement

_LARGEST_MIB = 16
_Row = TypeVar("_Row")


def read_findings(folder: Path) -> Findings:
    """The studies that lie in a run's folder; nothing for a file, or where there are none.

    Raises:
        UserError: If one of them is no such table.
    """
    if not is_folder(folder):
        return Findings()
    return Findings(
        sanity=_rows(folder, "sanity", lambda row: SanityRow(**row)),
        agreement=_rows(folder, "agreement", lambda row: TargetAgreement(**row)),
        policies=_rows(folder, "supervision", lambda row: Policy(**row)),
        novel=_rows(folder, "novel", lambda row: NovelTask(**{**row, "sources": tuple(row["sources"])})),
        left_out=_rows(folder, "left_out", lambda row: (row["stage"], row["name"], row["reason"])),
    )


def _rows(folder: Path, name: str, read: Callable[[dict[str, Any]], _Row]) -> list[_Row]:
    path = folder / f"{name}.json"
    if not path.exists():
        return []
    try:
        return [read(row) for row in json.loads(read_bytes(path, limit_mib=_LARGEST_MIB))[name]]
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is no table of a run: {type(error).__name__} {error}; run it again.") from error
