"""Opens the folder of a finished run, to look at what it measured; nothing in it is changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from perception.bank import Bank, load_bank
from perception.errors import UserError
from perception.tasks import TASKS, TaskDictionary
from taxonomy.dataset import Dataset, open_dataset
from taxonomy.dataset.files import read_json
from taxonomy.dataset.identity import dataset_sha256
from taxonomy.dataset.manifest import MANIFEST
from taxonomy.engine.store import RECORD
from taxonomy.losses import LossTable, read_losses
from taxonomy.pipeline.collation import TargetFolders, read_transfers_of
from taxonomy.pipeline.results import AFFINITY
from taxonomy.training import LOSSES_FILE, first_views
from taxonomy.transfer_files import read_transfers
from taxonomy.transfers import PIXELS, SELF, Transfer, TransferTable

_KEY_LETTERS = 16


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What a finished run left, for `taxonomy.pipeline.tiles`.

    Args:
        folder: The run's.
        dataset: That it ran on.
        tests: int64 [N], images of the dataset that networks and readouts were tested on.
        table: Its affinities.
        bank: Its networks.
        tasks: The dictionary.
        objectives: Folders of the objectives, by target.
        sources: Folders of the representations, by source.
        targets: Folders of the readouts, by target; a user's own tasks are left out, as their labels' code is not part
            of the run.
    """

    folder: Path
    dataset: Dataset
    tests: NDArray[np.int64]
    table: TransferTable
    bank: Bank
    tasks: TaskDictionary
    objectives: Mapping[str, Path]
    sources: Mapping[str, Path]
    targets: Mapping[str, TargetFolders]


def open_run(folder: Path) -> FinishedRun:
    """Open the folder of a run that is finished, without writing to it.

    Args:
        folder: With `manifest.json`, the results, the `bank`, the `units` and the images in `data`.

    Raises:
        UserError: If it is no run, not finished, damaged, or its images are not there.
    """
    if not (folder / MANIFEST).is_file():
        raise UserError(f"{folder} is no folder of a run: it has no {MANIFEST}.")
    manifest = read_json(folder / MANIFEST)
    if not (folder / AFFINITY).is_file():
        raise UserError(f"the run {folder} is not finished; run the same `midlevel taxonomy run` again, it goes on.")
    dataset = _dataset(folder, manifest)
    table = read_transfers(folder / AFFINITY)
    units = _units(folder / "units")
    if not units:
        raise UserError(f"{folder} has no units of work, so none of its readouts; was the folder copied whole?")
    losses = read_losses(folder / "losses")
    needs: dict[str, str] = {}
    objectives, targets = {}, {}
    for target in (name for name in table.targets if name in TASKS):
        found = _readouts(folder / "units", units, target, losses)
        _check_all_there(found, [transfer for transfer in table if transfer.target == target], folder)
        needs |= {source: key for unit in found for source, key in _needs(unit).items()}
        objectives[target] = _unit_of(units, needs["objective"], folder)
        targets[target] = TargetFolders(tuple(found))
    sources = {name: _unit_of(units, key, folder) for name, key in needs.items() if name != "objective"}
    tests = first_views(dataset, "test", _test_images(manifest, folder))
    return FinishedRun(folder, dataset, tests, table, load_bank(folder / "bank"), TASKS, objectives, sources, targets)


def _dataset(folder: Path, manifest: Mapping[str, object]) -> Dataset:
    if not (folder / "data").is_dir():
        raise UserError(
            f"the images that {folder} ran on lie elsewhere; link them into it: ln -s DATASET {folder / 'data'}"
        )
    dataset, facts = open_dataset(folder / "data"), manifest.get("dataset")
    if not isinstance(facts, dict) or facts.get("sha256") != dataset_sha256(dataset):
        raise UserError(f"{folder / 'data'} does not hold the images that the run was made with; put those there.")
    return dataset


def _test_images(manifest: Mapping[str, object], folder: Path) -> int | None:
    preset = manifest.get("preset")
    if not isinstance(preset, dict) or "test_images" not in preset:
        raise UserError(f"{folder / MANIFEST} lacks the preset's number of test images; it is damaged.")
    return cast("int | None", preset["test_images"])


def _units(root: Path) -> dict[str, Path]:
    """Finished units by the start of their key."""
    return {path.parent.name[-_KEY_LETTERS:]: path.parent for path in sorted(root.glob(f"[!.]*/*/{RECORD}"))}


def _needs(unit: Path) -> dict[str, str]:
    needs = read_json(unit / RECORD).get("needs")
    if not isinstance(needs, dict) or "objective" not in needs:
        raise UserError(f"{unit / RECORD} does not say what the unit was made from; it is damaged.")
    return needs


def _unit_of(units: Mapping[str, Path], key: str, folder: Path) -> Path:
    try:
        return units[key[:_KEY_LETTERS]]
    except KeyError:
        raise UserError(f"{folder} lacks the unit {key[:_KEY_LETTERS]}, which readouts need; run it again.") from None


def _readouts(root: Path, units: Mapping[str, Path], target: str, losses: LossTable) -> list[Path]:
    """Units of a target's readouts, orders rising: of several of one order, that which the results come from."""
    by_order: dict[str, list[Path]] = {}
    for unit in units.values():
        name = unit.name[: -_KEY_LETTERS - 1]
        if unit.parent == root / "readouts" and name.startswith(f"{target}_order_"):
            by_order.setdefault(name, []).append(unit)
    measured = {entry.target: entry for entry in losses}
    found = []
    for name in sorted(by_order, key=lambda name: int(name.rpartition("_")[2])):
        candidates = by_order[name]
        if len(candidates) > 1 and target in measured:
            rows = dict(zip(measured[target].sources, measured[target].open().T, strict=True))
            candidates = [unit for unit in candidates if _has_losses(unit, rows)]
        found += candidates[:1]
    return found


def _check_all_there(found: Sequence[Path], transfers: Sequence[Transfer], folder: Path) -> None:
    known = {(SELF,), (PIXELS,), *(sources for unit in found for sources in _transfers_of(unit))}
    for transfer in transfers:
        if transfer.sources not in known:
            raise UserError(f"{folder} lacks the readout of {transfer.key}; run the same command again, it goes on.")


def _has_losses(unit: Path, rows: Mapping[tuple[str, ...], NDArray[np.floating]]) -> bool:
    columns = zip(_transfers_of(unit), np.load(unit / LOSSES_FILE, allow_pickle=False).T, strict=True)
    known = [(rows[sources], column) for sources, column in columns if sources in rows]
    return bool(known) and all(np.array_equal(row, column, equal_nan=True) for row, column in known)


def _transfers_of(unit: Path) -> list[tuple[str, ...]]:
    try:
        return read_transfers_of(unit)
    except (OSError, json.JSONDecodeError, TypeError) as error:
        raise UserError(f"{unit} is damaged ({error}); run it again.") from error
