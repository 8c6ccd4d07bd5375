"""From the folders of finished units to one table of per-image test losses."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.tasks import TaskDictionary
from taxonomy.losses import LossTable, TargetLosses
from taxonomy.training import LOSSES_FILE
from taxonomy.transfers import PIXELS, RANDOM, SELF

Losses = NDArray[np.float32]


@dataclass(frozen=True)
class TargetFolders:
    """The finished units that measured transfers to one target.

    Args:
        readouts: Folders of units of kind "readouts", orders rising.
        network: Of the target's own network; None if it failed or the target has none.
        pixels: Of the network from scratch; None if it failed.
    """

    readouts: tuple[Path, ...]
    network: Path | None = None
    pixels: Path | None = None


def target_losses(target: str, folders: TargetFolders) -> TargetLosses:
    """Every row measured for one target; those of readouts that diverged, and have no loss at all, are left out."""
    rows: dict[tuple[str, ...], Losses] = {}
    for unit in folders.readouts:
        rows.update(zip(read_transfers_of(unit), np.load(unit / LOSSES_FILE).T, strict=True))
    for name, folder in ((SELF, folders.network), (PIXELS, folders.pixels)):
        if folder is not None:
            rows[(name,)] = np.load(folder / LOSSES_FILE)
    measured = {sources: row for sources, row in rows.items() if not np.isnan(row).all()}
    table = np.stack(list(measured.values()), axis=1).astype(np.float32)
    return TargetLosses(target, tuple(measured), lambda: table)


def losses_on_random(folders: TargetFolders) -> Losses | None:
    """Losses [N] of the readout of a random encoder; None if it diverged."""
    losses = target_losses("", TargetFolders(folders.readouts[:1]))
    return losses.open()[:, losses.sources.index((RANDOM,))] if (RANDOM,) in losses.sources else None


def read_transfers_of(folder: Path) -> list[tuple[str, ...]]:
    """The sources of each readout of a unit, in the order of its losses' columns."""
    return [tuple(sources) for sources in json.loads((folder / "transfers.json").read_text())]


def loss_table(folders: Mapping[str, TargetFolders], tasks: TaskDictionary) -> LossTable:
    """The losses of all targets."""
    return LossTable((target_losses(target, found) for target, found in folders.items()), tasks)


def ranked_sources(losses: TargetLosses, candidates: Iterable[str], among: NDArray[np.bool_]) -> list[str]:
    """Single sources, best first: by the share of images on which they beat another source, ties counted half.

    Wins count, not mean losses, as in AHP: a few images with huge losses decide nothing.

    Args:
        losses: Of the target.
        candidates: Names of single sources.
        among: Which test images count; all of them if none of these has a label.
    """
    wanted = set(candidates)
    places = [place for place, sources in enumerate(losses.sources) if len(sources) == 1 and sources[0] in wanted]
    columns = losses.open()[:, places]
    known = ~np.isnan(columns).any(axis=1)
    columns = columns[known & among if (known & among).any() else known]
    wins = _mean_ranks(columns)
    order = np.argsort(-wins, kind="stable")
    return [losses.sources[places[place]][0] for place in order]


def _mean_ranks(columns: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean number of others that each column beats."""
    wins = np.zeros(columns.shape[1])
    for place in range(columns.shape[1]):
        mine = columns[:, place : place + 1]
        wins[place] = ((mine < columns) + 0.5 * (mine == columns)).sum(axis=1).mean()
    return wins


def diverged(folders: Iterable[Path]) -> Sequence[tuple[str, ...]]:
    """Transfers whose readout has no loss on any image."""
    found = []
    for folder in folders:
        empty = np.isnan(np.load(folder / LOSSES_FILE)).all(axis=0)
        found += [sources for sources, is_empty in zip(read_transfers_of(folder), empty, strict=True) if is_empty]
    return found
