"""From losses or tournaments of every target to the table of affinities."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception import TASKS, TaskDictionary, UserError
from perception.files import read_bytes
from taxonomy.ahp import CHUNK_IMAGES, Missing, Priorities, Tournament, check_win_rates, priorities
from taxonomy.losses import LossTable, TargetLosses
from taxonomy.transfers import PIXELS, SELF, Transfer, TransferTable

TOURNAMENT_LIMIT_MIB = 256


@dataclass(frozen=True)
class TargetTournament:
    """Every two transfers to one target, compared.

    Args:
        target: Canonical name.
        sources: The m transfers' sources, in canonical names.
        win_rates: [m, m] share of images on which the row's transfer beats the column's, ties counted half.
        images: Images compared; 0 if unknown.
        images_with_missing: Images on which some transfer had no loss.
    """

    target: str
    sources: tuple[tuple[str, ...], ...]
    win_rates: NDArray[np.float64]
    images: int = 0
    images_with_missing: int = 0


@dataclass(frozen=True)
class TargetAffinities:
    """How one target's affinities came out.

    Args:
        tournament: What they were computed from.
        priorities: Weights (of all transfers but `pixels`), principal eigenvalue and consistency ratio.
    """

    tournament: TargetTournament
    priorities: Priorities


@dataclass(frozen=True)
class Affinities:
    """The affinity table, and for each target how consistent its tournament was."""

    table: TransferTable
    targets: tuple[TargetAffinities, ...]


def compute_affinities(
    losses: LossTable,
    *,
    missing: Missing = Missing.ERROR,
    on_target_done: Callable[[str], None] = lambda _: None,
) -> Affinities:
    """Step III: affinities, and gain and quality where the table has rows for them, from per-image losses.

    Targets are worked on in parallel; losses are streamed, so that memory does not grow with the number of images.

    Args:
        losses: Test losses of every transfer.
        missing: What to do about images on which some transfer has no loss.
        on_target_done: Called with each target's name when its tournament is complete.

    Raises:
        UserError: Naming the target whose losses cannot be used.
    """

    def play(entry: TargetLosses) -> TargetTournament:
        try:
            tournament = _play(entry, missing)
        except UserError as error:
            raise UserError(f"{entry.target}: {error}") from error
        on_target_done(entry.target)
        return tournament

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        tournaments = list(pool.map(play, losses))
    return affinities_from_tournaments(tournaments, tasks=losses.tasks)


def affinities_from_tournaments(
    tournaments: Iterable[TargetTournament], *, tasks: TaskDictionary = TASKS
) -> Affinities:
    """Step III from ready tournaments.

    `pixels` is no transfer and takes no part in the eigenvector; where it is in the tournament, the win rates over it
    are the transfers' gains, and those over `self` their qualities (Taskonomy, section 4).

    Raises:
        UserError: Naming the target whose tournament is none.
    """
    targets = tuple(map(_ranked, tournaments))
    return Affinities(TransferTable((t for result in targets for t in _transfers(result)), tasks), targets)


def _ranked(tournament: TargetTournament) -> TargetAffinities:
    rates, sources = tournament.win_rates.copy(), tournament.sources
    tournament = replace(tournament, win_rates=rates)
    if rates.shape != (len(sources), len(sources)):
        raise UserError(f"{tournament.target}: {len(sources)} transfers and a tournament of {list(rates.shape)}.")
    ranked = [row for row, names in enumerate(sources) if names != (PIXELS,)]
    if not ranked:
        raise UserError(f"{tournament.target}: no transfer but 'pixels'; nothing to rank.")
    try:
        if len(ranked) < len(rates):
            check_win_rates(rates)  # of `pixels` too
        np.fill_diagonal(rates, 0.5)  # whatever a file says, a transfer ties with itself
        return TargetAffinities(tournament, priorities(rates[np.ix_(ranked, ranked)]))
    except UserError as error:
        raise UserError(f"{tournament.target}: {error}") from error


def _transfers(result: TargetAffinities) -> Iterator[Transfer]:
    rates, sources = result.tournament.win_rates, result.tournament.sources
    gain, quality = (
        rates[:, sources.index((rival,))].tolist() if (rival,) in sources else [None] * len(sources)
        for rival in (PIXELS, SELF)
    )
    ranked = [row for row, names in enumerate(sources) if names != (PIXELS,)]
    for row, weight in zip(ranked, result.priorities.weights.tolist(), strict=True):
        yield Transfer(sources[row], result.tournament.target, weight, gain[row], quality[row])


def read_tournaments(path: str | Path, tasks: TaskDictionary = TASKS) -> list[TargetTournament]:
    """Read ready tournaments: `{"tournaments": [{"target", "sources": [[...]], "win_rates": [[...]]}]}`.

    Raises:
        UserError: Naming the file.
    """
    path = Path(path)
    try:
        document = json.loads(read_bytes(path, limit_mib=TOURNAMENT_LIMIT_MIB))
        listed = document["tournaments"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f'{path} is no file of tournaments; expected {{"tournaments": [...]}}.') from error
    return [_read_tournament(f"{path}: tournament {index}", item, tasks) for index, item in enumerate(listed)]


def _read_tournament(origin: str, item: Any, tasks: TaskDictionary) -> TargetTournament:
    try:
        names = [item["target"], *(name for sources in item["sources"] for name in sources)]
        if not all(isinstance(name, str) for name in names):
            raise TypeError("a name is no text")
        return TargetTournament(
            tasks[item["target"]].name,
            tuple(tasks.source_names(sources) for sources in item["sources"]),
            np.array(item["win_rates"], dtype=np.float64),
        )
    except UserError as error:
        raise UserError(f"{origin}: {error}") from error
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(
            f"{origin} is incomplete ({error}); expected a target, lists of sources, and a square of win rates."
        ) from error


def _play(entry: TargetLosses, missing: Missing) -> TargetTournament:
    losses = entry.open()
    tournament = Tournament(losses.shape[1], missing)
    for start in range(0, len(losses), CHUNK_IMAGES):
        tournament.update(np.asarray(losses[start : start + CHUNK_IMAGES]))
    return TargetTournament(
        entry.target, entry.sources, tournament.win_rates(), tournament.images, tournament.images_with_missing
    )
