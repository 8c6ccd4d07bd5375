"""Transfer tables in files: the project's JSON, and the pickles that Taskonomy published."""

import codecs
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from perception import TASKS, Group, Task, TaskDictionary, UserError
from perception.files import is_folder, read_bytes, write_atomically
from taxonomy.published import unpickle_numbers
from taxonomy.transfers import Transfer, TransferKey, TransferTable, transfer_key

T = TypeVar("T")

SIZE_LIMIT_MIB = 64
"""About four hundred thousand transfers; the paper had three thousand."""

RUN_FILE = "affinity.json"
"""The name of the affinity file in a run directory."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a file, names resolved; which numbers it has depends on the file."""

    sources: tuple[str, ...]
    target: str
    numbers: Mapping[str, object]

    @property
    def key(self) -> TransferKey:
        return transfer_key(self.sources, self.target)


_PUBLISHED_WIN_RATES = {"gain": "wins_vs_pixels", "quality": "wins_vs_task"}


def read_transfers(path: str | Path, tasks: TaskDictionary = TASKS) -> TransferTable:
    """Read affinities from JSON, from a published pickle, or from a run directory.

    Args:
        path: The file, or a run directory holding `affinity.json`.
        tasks: The dictionary; a JSON file may add tasks of its own under "tasks".

    Returns:
        The table, in canonical names.

    Raises:
        UserError: Naming the file, and the entry where one is at fault.
    """
    path = _resolved(Path(path))
    entries, tasks = _read(path, tasks, "affinity")
    transfers = [
        Transfer(
            entry.sources,
            entry.target,
            affinity=_number(path, entry, "affinity", required=True),
            gain=_number(path, entry, "gain"),
            quality=_number(path, entry, "quality"),
        )
        for entry in entries
    ]
    return _with_origin(path, lambda: TransferTable(transfers, tasks))


def win_rate_files(affinities: Path) -> dict[str, Path]:
    """The files of win rates that were published with a file of affinities, by rate: "gain" and "quality".

    Args:
        affinities: The file; they are looked for beside it, as collected, and in the release's folder `winrates`.
    """
    found = {}
    for rate, published in _PUBLISHED_WIN_RATES.items():
        name = affinities.name.replace("all_affinities", published)
        for folder in (affinities.parent.parent / "winrates", affinities.parent):
            if name != affinities.name and (folder / name).is_file():
                found[rate] = folder / name
    return found


def read_win_rates(path: str | Path, rate: str, tasks: TaskDictionary = TASKS) -> dict[TransferKey, float]:
    """Read one win rate per transfer from a published pickle, or from the field named `rate` of a JSON file.

    Args:
        path: The file.
        rate: "gain" or "quality".
        tasks: The dictionary of the table that the rates are for.

    Raises:
        UserError: Naming the file, and the entry where one is at fault.
    """
    path = Path(path)
    entries, _ = _read(path, tasks, rate)
    rates: dict[TransferKey, float] = {}
    for entry in entries:
        value = _number(path, entry, rate)
        if value is None:
            continue
        if not 0 <= value <= 1:
            raise UserError(f"{path}: {entry.key} has {rate} {value}; expected a win rate from 0 to 1.")
        if entry.key in rates:
            raise UserError(f"{path}: {entry.key} appears twice; keep one.")
        rates[entry.key] = value
    if not rates:
        raise UserError(f"{path} has no {rate} for any transfer; is it the right file?")
    return rates


def transfers_to_document(table: TransferTable) -> dict[str, list[dict[str, object]]]:
    """The table as the objects of the project's JSON: own tasks, if any, and transfers."""
    own = [task for task in table.tasks.values() if task.name not in TASKS]
    tasks = [
        {"name": task.name, "group": str(task.group), "aliases": list(task.aliases), "source_only": task.source_only}
        for task in own
    ]
    transfers: list[dict[str, object]] = [
        {
            "sources": list(transfer.sources),
            "target": transfer.target,
            "affinity": transfer.affinity,
            "gain": transfer.gain,
            "quality": transfer.quality,
        }
        for transfer in table
    ]
    return {**({"tasks": tasks} if tasks else {}), "transfers": transfers}


def transfers_to_json(table: TransferTable) -> str:
    """The table as the project's JSON, a line for each entry, readable by `read_transfers`."""
    parts = [
        f'"{name}": [\n' + ",\n".join(json.dumps(entry, allow_nan=False) for entry in entries) + "\n]"
        for name, entries in transfers_to_document(table).items()
    ]
    return "{" + ",\n".join(parts) + "}\n"


def write_transfers(path: str | Path, table: TransferTable) -> None:
    """Write the table as JSON, atomically.

    Raises:
        UserError: If the file cannot be written.
    """
    write_atomically(Path(path), transfers_to_json(table))


def _resolved(path: Path) -> Path:
    if not is_folder(path):
        return path
    if not (path / RUN_FILE).exists():
        raise UserError(f"{path} is a folder without {RUN_FILE}; give a run directory or an affinity file.")
    return path / RUN_FILE


def _read(path: Path, tasks: TaskDictionary, number: str) -> tuple[list[_Entry], TaskDictionary]:
    content = read_bytes(path, limit_mib=SIZE_LIMIT_MIB)
    text = content.removeprefix(codecs.BOM_UTF8)
    if text.lstrip()[:1] in (b"{", b"["):
        return _read_json(path, text, tasks)
    return _read_pickle(path, content, tasks, number), tasks


def _read_pickle(path: Path, content: bytes, tasks: TaskDictionary, number: str) -> list[_Entry]:
    entries = []
    for name, value in unpickle_numbers(content, str(path)).items():
        *sources, target = name.split("__")
        if not sources:
            raise UserError(f"{path}: the entry {name!r:.80} names no source; expected 'source__target'.")
        entries.append(_entry(path, sources, target, tasks, {number: value}))
    return entries


def _read_json(path: Path, content: bytes, tasks: TaskDictionary) -> tuple[list[_Entry], TaskDictionary]:
    try:
        document: Any = json.loads(content, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("transfers"), list):
        raise UserError(f'{path} has no list of transfers; expected {{"transfers": [{{"sources": [...], ...}}]}}.')
    own = document.get("tasks", [])
    if not isinstance(own, list):
        raise UserError(f'{path}: "tasks" is a {type(own).__name__}; expected a list of {{"name": ..., "group": ...}}.')
    added = [_own_task(path, item) for item in own]
    added = [task for task in added if task.name not in tasks or tasks[task.name] != task]  # said again is no news
    tasks = _with_origin(path, lambda: tasks.extended(added))
    entries = []
    for index, item in enumerate(document["transfers"]):
        if not isinstance(item, dict):
            raise UserError(f"{path}: transfer {index} is {item!r:.60}; expected an object with sources and a target.")
        sources, target = item.get("sources"), item.get("target")
        if (
            not isinstance(sources, list)
            or not isinstance(target, str)
            or not all(isinstance(source, str) for source in sources)
        ):
            raise UserError(
                f"{path}: transfer {index} has sources {sources!r:.60} and target {target!r:.60}; "
                "expected a list of names and a name."
            )
        entries.append(_entry(path, sources, target, tasks, item))
    return entries, tasks


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {repeated!r:.40} comes twice in one object")
    return document


def _own_task(path: Path, item: Any) -> Task:
    groups = ", ".join(Group)
    try:
        aliases, source_only = item.get("aliases", []), item.get("source_only", False)
        if not isinstance(aliases, list) or not isinstance(source_only, bool):
            raise TypeError
        if not all(isinstance(name, str) for name in (item["name"], *aliases)):
            raise TypeError
        return Task(item["name"], Group(item["group"]), aliases=tuple(aliases), source_only=source_only)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(
            f'{path}: the task {item!r:.80} is incomplete; expected {{"name": ..., "group": one of {groups}}}.'
        ) from None


def _entry(path: Path, sources: list[str], target: str, tasks: TaskDictionary, numbers: Mapping[str, object]) -> _Entry:
    def resolve() -> _Entry:
        return _Entry(tasks.source_names(sources), tasks[target].name, numbers)

    return _with_origin(f"{path}: transfer {'__'.join((*sources, target))!r:.120}", resolve)


def _number(path: Path, entry: _Entry, field: str, *, required: bool = False) -> Any:
    value = entry.numbers.get(field)
    if value is None and not required:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{path}: {entry.key} has {field} {value!r:.40}; expected a number.")
    try:
        return float(value)
    except OverflowError:
        raise UserError(f"{path}: {entry.key} has {field} {value!r:.20}..., which is no finite number.") from None


def _with_origin(origin: object, action: Callable[[], T]) -> T:
    try:
        return action()
    except UserError as error:
        raise UserError(f"{origin}: {error}") from error
