"""Per-image test losses of transfers, in memory and in files.

A table is a folder: `losses.json` names the transfers to each target, and `<target>.npy` holds their losses,
[images, transfers], read through a memory map. Small tables may come as CSV with a line for each image and transfer.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception import TASKS, TaskDictionary, UserError
from perception.files import is_folder, read_bytes, write_atomically
from taxonomy.transfers import TransferKey, transfer_key

INDEX = "losses.json"
CSV_COLUMNS = ("image", "sources", "target", "loss")
SIZE_LIMIT_MIB = 64


@dataclass(frozen=True, slots=True)
class TargetLosses:
    """The losses of every transfer to one target.

    Args:
        target: Canonical name.
        sources: The m transfers' sources, in canonical names.
        open: Gives the losses, [images, m] floating, smaller is better, NaN where not measured. Called when they are
            needed and no earlier, so that a table may be larger than memory.
    """

    target: str
    sources: tuple[tuple[str, ...], ...]
    open: Callable[[], NDArray[np.floating]] = field(repr=False)


class LossTable(Sequence[TargetLosses]):
    """Losses of all targets.

    Args:
        targets: One entry for each target.
        tasks: The dictionary that the names come from.

    Raises:
        UserError: If there is no target, or a target or a transfer comes twice.
    """

    def __init__(self, targets: Iterable[TargetLosses], tasks: TaskDictionary = TASKS) -> None:
        self._targets = tuple(targets)
        self.tasks = tasks
        if not self._targets:
            raise UserError("the table of losses has no target; it needs at least one.")
        tasks.canonical(entry.target for entry in self._targets)
        for entry in self._targets:
            keys: set[TransferKey] = set()
            for sources in entry.sources:
                key = transfer_key(sources, entry.target)
                if key in keys:
                    raise UserError(f"the transfer {key} has losses twice; keep one.")
                keys.add(key)

    def __getitem__(self, index: Any) -> Any:
        return self._targets[index]

    def __iter__(self) -> Iterator[TargetLosses]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)


def read_losses(path: str | Path, tasks: TaskDictionary = TASKS) -> LossTable:
    """Read a table of losses from its folder, or from a CSV file with the columns image, sources, target, loss.

    In CSV, several sources of one transfer are joined by `+`; an image that lacks a transfer counts as missing.

    Raises:
        UserError: Naming the file, and the line or entry at fault.
    """
    path = Path(path)
    if is_folder(path):
        return _read_folder(path, tasks)
    return _read_csv(path, tasks)


def write_losses(folder: str | Path, table: LossTable) -> None:
    """Write a table of losses as a folder, the index last: a folder without one is not whole.

    Raises:
        UserError: If the folder cannot be written to.
    """
    folder = Path(folder)
    index = []
    for entry in table:
        buffer = io.BytesIO()
        np.save(buffer, entry.open(), allow_pickle=False)
        write_atomically(folder / f"{entry.target}.npy", buffer.getvalue())
        index.append({"target": entry.target, "sources": entry.sources, "file": f"{entry.target}.npy"})
    write_atomically(folder / INDEX, json.dumps({"targets": index}, indent=1) + "\n")


def _read_folder(folder: Path, tasks: TaskDictionary) -> LossTable:
    index = folder / INDEX
    try:
        document = json.loads(read_bytes(index, limit_mib=SIZE_LIMIT_MIB))
        listed = [(str(item["target"]), list(item["sources"]), str(item["file"])) for item in document["targets"]]
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{index} is no index of losses ({error}); expected targets with sources and a file."
        ) from error
    entries = []
    for target, sources, file in listed:
        if target not in tasks:
            raise UserError(f"{index}: unknown target {target!r:.60}; expected a task of the dictionary.")
        path = folder / Path(file).name
        resolved = _resolved_sources(index, sources, tasks)
        losses = _mapped(path)
        if losses.ndim != 2 or losses.shape[1] != len(resolved) or losses.dtype.kind != "f" or not len(losses):
            raise UserError(
                f"{path} holds {losses.dtype} {list(losses.shape)}; "
                f"expected floats [images, {len(resolved)} transfers], as {INDEX} says."
            )
        entries.append(TargetLosses(tasks[target].name, resolved, lambda path=path: _mapped(path)))  # type: ignore[misc]
    return LossTable(entries, tasks)


def _mapped(path: Path) -> NDArray[np.floating]:
    try:
        array: NDArray[np.floating] = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, OverflowError) as error:
        raise UserError(f"cannot read the losses in {path}: {error}.") from error
    return array


def _resolved_sources(origin: Path, listed: list[Any], tasks: TaskDictionary) -> tuple[tuple[str, ...], ...]:
    resolved = []
    for sources in listed:
        if not isinstance(sources, list) or not sources or not all(isinstance(name, str) for name in sources):
            raise UserError(f"{origin}: the sources {sources!r:.60} are no list of names.")
        try:
            resolved.append(tasks.source_names(sources))
        except UserError as error:
            raise UserError(f"{origin}: {error}") from error
    return tuple(resolved)


def _read_csv(path: Path, tasks: TaskDictionary) -> LossTable:
    try:
        text = read_bytes(path, limit_mib=SIZE_LIMIT_MIB).decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(text, newline=""), restval="")
        columns = rows.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is neither a folder of losses nor CSV text.") from error
    if not set(CSV_COLUMNS) <= set(columns):
        raise UserError(f"{path} has the columns {', '.join(columns)!r:.80}; expected {', '.join(CSV_COLUMNS)}.")
    losses: dict[str, dict[tuple[str, ...], dict[str, float]]] = {}
    try:
        for row in rows:
            target = tasks[row["target"]].name
            sources = tasks.source_names(row["sources"].split("+"))
            by_image = losses.setdefault(target, {}).setdefault(sources, {})
            if row["image"] in by_image:
                raise UserError(f"image {row['image']!r} comes twice for {TransferKey(sources, target)}; keep one.")
            by_image[row["image"]] = float(row["loss"])
    except (UserError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise UserError(f"{path}, line {rows.line_num}: {error}") from error
    if not losses:
        raise UserError(f"{path} has no line but its head; expected one for each image and transfer.")
    return LossTable((_from_mapping(target, by_sources) for target, by_sources in losses.items()), tasks)


def _from_mapping(target: str, losses: Mapping[tuple[str, ...], Mapping[str, float]]) -> TargetLosses:
    images = sorted({image for by_image in losses.values() for image in by_image})
    array = np.array([[by_image.get(image, np.nan) for by_image in losses.values()] for image in images])
    return TargetLosses(target, tuple(losses), lambda: array)
