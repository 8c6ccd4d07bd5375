"""Banks: folders of checkpoints, listed with their hashes in a `bank.json` that is written last."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perception.errors import UnknownNameError, UserError
from perception.feature_sets import published_set
from perception.files import is_folder, read_bytes, write_atomically
from perception.tasks import TASKS

if TYPE_CHECKING:
    from perception.bank.card import Card
    from perception.bank.checkpoint import Checkpoint
    from perception.bank.predictor import Prediction

BANK_FORMAT = 1
"""Version of the layout of a bank's folder."""

BUNDLED_BANKS = Path(__file__).with_name("banks")
"""Where the banks that come with the package lie."""

_LARGEST_INDEX_MIB = 4
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """A task's files in a bank.

    Args:
        weights_sha256: Of `<task>.safetensors`, as a file.
        card_sha256: Of `<task>.json`, as a file.
    """

    weights_sha256: str
    card_sha256: str


@dataclass(frozen=True, eq=False)
class Bank:
    """Frozen encoders, and heads where they have them, of one architecture.

    Args:
        folder: Where its files lie.
        name: What it is called.
        architecture: Name in `perception.networks.ARCHITECTURES`.
        entries: Files by task, in dictionary order, own tasks after those.
        coverage: Max-coverage sets by size, computed from the bank's own affinities; may be empty.
        provenance: Where it comes from, in words.
        sha256: Of `bank.json`, and so of everything in the bank.
    """

    folder: Path
    name: str
    architecture: str
    entries: Mapping[str, Entry]
    coverage: Mapping[int, tuple[str, ...]]
    provenance: str
    sha256: str

    @property
    def tasks(self) -> tuple[str, ...]:
        """Canonical names, in dictionary order."""
        return tuple(self.entries)

    def task_named(self, name: str) -> str:
        """The canonical name of a task of this bank.

        Raises:
            UnknownNameError: If no task has that name or alias, or this bank lacks it.
        """
        canonical = TASKS[name].name if name in TASKS else name
        if canonical not in self.entries:
            raise UnknownNameError(f"task of the bank {self.name}", name, self.entries)
        return canonical

    def card(self, task: str) -> "Card":
        """A task's card.

        Raises:
            UserError: If the bank lacks the task, or its card is missing or altered.
        """
        from perception.bank.checkpoint import read_card

        name = self.task_named(task)
        return read_card(self.folder / f"{name}.json", file_sha256=self.entries[name].card_sha256)

    def checkpoint(self, task: str) -> "Checkpoint":
        """A task's frozen networks, their hashes checked.

        Raises:
            UserError: If the bank lacks the task, or a file is missing, truncated or altered.
        """
        from perception.bank.checkpoint import read_checkpoint

        name = self.task_named(task)
        entry = self.entries[name]
        return read_checkpoint(
            self.folder, name, card_sha256=entry.card_sha256, weights_file_sha256=entry.weights_sha256
        )

    def feature_set(self, spec: str) -> tuple[str, ...]:
        """The tasks that a feature set's name stands for.

        Args:
            spec: Tasks with commas between them, "max-coverage:K" (of this bank) or "published:K" (Sax et al. 2018).

        Raises:
            UserError: If it is no such name, or the bank lacks a task or a set of that size.
        """
        kind, colon, size = spec.partition(":")
        if colon:
            if kind not in _SETS:
                raise UnknownNameError("kind of feature set", kind, _SETS)
            if not size.isascii() or not size.isdigit():
                raise UserError(f"the feature set {spec!r} has no size; write for example {kind}:4.")
            names: Sequence[str] = _SETS[kind](self, int(size))
        else:
            names = [name.strip() for name in spec.split(",")]
            if "" in names:
                raise UserError(f"the feature set {spec!r} has an empty name; write for example normal,reshading.")
        return check_distinct([self.task_named(name) for name in names])

    def coverage_set(self, size: int) -> tuple[str, ...]:
        """This bank's own max-coverage set.

        Raises:
            UserError: If none was computed for that size.
        """
        if size not in self.coverage:
            sizes = ", ".join(map(str, sorted(self.coverage))) or "none"
            raise UserError(f"the bank {self.name} has no max-coverage set of {size} features; it has sizes {sizes}.")
        return self.coverage[size]

    def predict(self, task: str, images: Any, *, seed: int = 0) -> "Prediction":
        """A task's prediction for photos; see `Predictor.predict`, which spares reading the weights every time."""
        from perception.bank.predictor import Predictor

        return Predictor(self.checkpoint(task)).predict(images, seed=seed)

    def verify(self) -> list[str]:
        """What is wrong with the bank's files, one sentence each; empty if all is well."""
        problems = []
        for task in self.tasks:
            try:
                self.checkpoint(task)
            except UserError as error:
                problems.append(str(error))
        known = {"bank.json", *(f"{task}{suffix}" for task in self.tasks for suffix in (".json", ".safetensors"))}
        for path in sorted(self.folder.iterdir()):
            if path.suffix in (".json", ".safetensors") and path.name not in known:
                problems.append(f"{path} is not listed in bank.json; remove it, or write the bank again.")
        return problems

    @cached_property
    def total_bytes(self) -> int:
        """Of all its files."""
        names = ["bank.json", *(f"{task}{suffix}" for task in self.tasks for suffix in (".json", ".safetensors"))]
        return sum((self.folder / name).stat().st_size for name in names)


_SETS: Mapping[str, Callable[[Bank, int], tuple[str, ...]]] = {
    "max-coverage": lambda bank, size: bank.coverage_set(size),
    "published": lambda _, size: published_set(size),
}


def check_distinct(tasks: Sequence[str]) -> tuple[str, ...]:
    """Canonical names as a tuple.

    Raises:
        UserError: If one occurs twice, or there is none.
    """
    if not tasks:
        raise UserError("no task was named; name at least one.")
    for position, name in enumerate(tasks):
        if name in tasks[:position]:
            raise UserError(f"the task {name!r} is named twice; name it once.")
    return tuple(tasks)


def bundled_banks() -> tuple[str, ...]:
    """Names of the banks that come with the package."""
    if not BUNDLED_BANKS.is_dir():
        return ()
    return tuple(sorted(path.parent.name for path in BUNDLED_BANKS.glob("*/bank.json")))


def load_bank(name_or_folder: str | Path) -> Bank:
    """Open a bank; its checkpoints are read, and their hashes checked, when they are asked for.

    Args:
        name_or_folder: Name of a bank that comes with the package, or a folder.

    Raises:
        UserError: If there is no such bank, or its `bank.json` is malformed or of another version.
    """
    if str(name_or_folder) in bundled_banks():
        folder = BUNDLED_BANKS / str(name_or_folder)
    else:
        folder = Path(name_or_folder)
        if not is_folder(folder):
            names = ", ".join(bundled_banks()) or "none"
            raise UserError(
                f"there is no bank {str(name_or_folder)!r}: neither a folder nor a bundled one (those are: {names})."
            )
    path = folder / "bank.json"
    if not path.exists():
        raise UserError(
            f"{folder} has no bank.json, which is written last; is it a bank, and was it written to the end?"
        )
    data = read_bytes(path, limit_mib=_LARGEST_INDEX_MIB)
    try:
        document = json.loads(data)
        if document["format"] != BANK_FORMAT:
            raise UserError(
                f"{path} has the format version {document['format']!r}; this midlevel reads {BANK_FORMAT}. "
                "Use the midlevel that wrote it, or get the bank again."
            )
        return _bank(folder, document, hashlib.sha256(data).hexdigest())
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} lists no bank: {type(error).__name__} {error}.") from error


def _bank(folder: Path, document: Mapping[str, Any], sha256: str) -> Bank:
    entries = {}
    for task, files in document["tasks"].items():
        entry = Entry(files["weights"], files["card"])
        if not (_SHA256.fullmatch(entry.weights_sha256) and _SHA256.fullmatch(entry.card_sha256)):
            raise ValueError(f"{task} has no sha256 of 64 hexadecimal digits")
        if Path(task).name != task:
            raise ValueError(f"{task!r} is no name of a task")
        entries[task] = entry
    coverage = {int(size): tuple(map(str, names)) for size, names in document["coverage"].items()}
    return Bank(
        folder, str(document["name"]), str(document["architecture"]), entries, coverage,
        str(document["provenance"]), sha256,
    )  # fmt: skip


def write_bank(
    folder: Path, name: str, *, coverage: Mapping[int, Sequence[str]] | None = None, provenance: str = ""
) -> Bank:
    """List the checkpoints that lie in a folder, which makes it a bank.

    Args:
        folder: With the files that `write_checkpoint` wrote.
        name: What the bank is called.
        coverage: Max-coverage sets by size.
        provenance: Where it comes from, in words.

    Raises:
        UserError: If there is no checkpoint, they are of several architectures, one of a pair of files is missing, or a
            coverage set names a task that is not there.
    """
    from perception.bank.checkpoint import LARGEST_CHECKPOINT_MIB, read_card

    cards = {path.stem: read_card(path) for path in sorted(folder.glob("*.json")) if path.name != "bank.json"}
    if not cards:
        raise UserError(f"{folder} has no checkpoint; write one first.")
    architectures = sorted({card.architecture for card in cards.values()})
    if len(architectures) > 1:
        raise UserError(f"{folder} has checkpoints of {' and '.join(architectures)}; a bank has one architecture.")
    tasks = {}
    for task in [*(task for task in TASKS if task in cards), *(task for task in cards if task not in TASKS)]:
        weights = read_bytes(folder / f"{task}.safetensors", limit_mib=LARGEST_CHECKPOINT_MIB)
        card = read_bytes(folder / f"{task}.json", limit_mib=_LARGEST_INDEX_MIB)
        tasks[task] = {"weights": hashlib.sha256(weights).hexdigest(), "card": hashlib.sha256(card).hexdigest()}
    sets = {str(size): list(names) for size, names in sorted((coverage or {}).items())}
    missing = [task for names in sets.values() for task in names if task not in tasks]
    if missing:
        raise UserError(f"a max-coverage set names {missing[0]!r}, of which {folder} has no checkpoint.")
    document = {
        "format": BANK_FORMAT, "name": name, "architecture": architectures[0], "provenance": provenance,
        "coverage": sets, "tasks": tasks,
    }  # fmt: skip
    write_atomically(folder / "bank.json", json.dumps(document, indent=2, allow_nan=False) + "\n")
    return load_bank(folder)
