"""What was measured before AHP: every transfer's mean loss, and how often it beats the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from shlex import quote

import numpy as np

from perception import UserError
from server.explorer.content import Absent, Content
from server.explorer.fresh import Stamp, stamp
from taxonomy import Missing, TransferKey, TransferTable, compute_affinities, read_losses, transfer_key
from taxonomy.affinity import TargetTournament
from taxonomy.losses import INDEX, TargetLosses
from taxonomy.transfers import PIXELS


@dataclass(frozen=True)
class Measured:
    """One transfer before AHP.

    Args:
        mean_loss: Over the test images on which every transfer to the target has one, in the target's own unit.
        win_rate: Share of comparisons with the target's other transfers, image by image, in which this one has the
            lower loss; a tie counts half.
        images: Compared.
    """

    mean_loss: float
    win_rate: float
    images: int


Measurements = Mapping[TransferKey, Measured]


def before_ahp(content: Content, table: TransferTable) -> Measurements | Absent:
    """What the results' `losses` say, or why there is nothing."""
    results = content.options.results
    run = content.run
    if isinstance(run, Absent):
        why = f"{results} holds affinities alone; the losses they were computed from lie in the folder of a run."
        return Absent(why, content.making)
    folder = run / "losses"
    state = stamp([folder / INDEX])
    try:
        return _measured(folder, state, table)
    except UserError as error:
        return Absent(str(error), None if any(state) else f"midlevel taxonomy run --out {quote(str(results))}")


@lru_cache(maxsize=4)
def _measured(folder: Path, state: Stamp, table: TransferTable) -> Measurements:
    del state  # another one, other losses
    losses = read_losses(folder, table.tasks)
    tournaments = [target.tournament for target in compute_affinities(losses, missing=Missing.DROP).targets]
    found: dict[TransferKey, Measured] = {}
    for entry, tournament in zip(losses, tournaments, strict=True):
        found |= _of_target(entry, tournament)
    return found


def _of_target(entry: TargetLosses, tournament: TargetTournament) -> dict[TransferKey, Measured]:
    """Of all transfers but `pixels`, which is none and takes no part in AHP."""
    losses = np.asarray(entry.open(), np.float64)
    complete = losses[~np.isnan(losses).any(axis=1)]
    means = complete.mean(axis=0)
    ranked = [column for column, sources in enumerate(entry.sources) if sources != (PIXELS,)]
    rates = tournament.win_rates[np.ix_(ranked, ranked)]
    wins = (rates.sum(axis=1) - rates.diagonal()) / max(1, len(ranked) - 1)
    return {
        transfer_key(entry.sources[column], entry.target): Measured(float(means[column]), float(win), len(complete))
        for column, win in zip(ranked, wins, strict=True)
    }
