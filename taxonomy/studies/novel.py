"""A task that nobody trained a network for: what the sources' features offer it (Taskonomy, section 4.3).

Leave-one-out: every target in turn plays the novel task. Its own network is out of the game; its transfers are ranked
on one half of the test buildings, and the best is measured on the other half.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from taxonomy.ahp import Missing, Tournament, priorities
from taxonomy.losses import LossTable, TargetLosses
from taxonomy.training import win_rate
from taxonomy.transfers import BASELINES, PIXELS, RANDOM, SELF


@dataclass(frozen=True)
class NovelTask:
    """What the taxonomy suggests for a task it has not seen, and how good that is.

    Args:
        task: Canonical name.
        sources: Of the suggested transfer.
        gain: Share of held-back images on which it beats a network trained from scratch on the same little data.
        over_random: On which it beats a readout of a random encoder.
        over_other_features: Mean share on which it beats a readout of another single feature.
        quality: Share on which it beats the task's own fully supervised network; None where there is none.
    """

    task: str
    sources: tuple[str, ...]
    gain: float | None
    over_random: float | None
    over_other_features: float | None
    quality: float | None

    def to_json(self) -> dict[str, object]:
        """As in `novel.json`."""
        return {**asdict(self), "sources": list(self.sources)}


def leave_one_out(losses: LossTable, held_back: Mapping[str, NDArray[np.bool_]]) -> list[NovelTask]:
    """Every target as a novel task, but for those that no other task transfers to, or that lack labels in one half.

    Args:
        losses: Test losses of all transfers.
        held_back: For each target, which of its test samples are measured on; the others rank the transfers. Both
            halves should come from different buildings.
    """
    return [
        novel_task(entry, held_back[entry.target])
        for entry in losses
        if _candidates(entry) and _has_both_halves(entry, held_back[entry.target])
    ]


def novel_task(entry: TargetLosses, held_back: NDArray[np.bool_]) -> NovelTask:
    """One target as a novel task; see `leave_one_out`.

    Args:
        entry: Its losses.
        held_back: bool [images], on which of them the best transfer is measured.

    Raises:
        UserError: If no other task transfers to it, or one half has no image on which all transfers have a loss.
    """
    candidates = _candidates(entry)
    if not candidates or not _has_both_halves(entry, held_back):
        raise UserError(
            f"{entry.target} cannot play a novel task: it has {len(candidates)} transfers from other tasks; expected "
            "at least 1, and images with a loss of each transfer in both halves of the test buildings."
        )
    table = entry.open()
    columns = {sources: table[:, place] for place, sources in enumerate(entry.sources)}
    best = _best(candidates, np.stack([columns[sources] for sources in candidates], axis=1)[~held_back])
    mine = columns[best][held_back]

    def over(sources: tuple[str, ...]) -> float | None:
        return win_rate(mine, columns[sources][held_back]) if sources in columns else None

    others = [over(sources) for sources in candidates if len(sources) == 1 and sources != best]
    known = [rate for rate in others if rate is not None]
    return NovelTask(
        entry.target, best, over((PIXELS,)), over((RANDOM,)), float(np.mean(known)) if known else None, over((SELF,))
    )


def _candidates(entry: TargetLosses) -> list[tuple[str, ...]]:
    """Transfers that need neither the target's own network nor a baseline."""
    return [sources for sources in entry.sources if not {entry.target, SELF, *BASELINES} & set(sources)]


def _has_both_halves(entry: TargetLosses, held_back: NDArray[np.bool_]) -> bool:
    complete = ~np.isnan(entry.open()).any(axis=1)
    return bool((complete & held_back).any() and (complete & ~held_back).any())


def _best(candidates: Sequence[tuple[str, ...]], losses: NDArray[np.floating]) -> tuple[str, ...]:
    tournament = Tournament(len(candidates), Missing.DROP)
    tournament.update(losses)
    return candidates[int(np.argmax(priorities(tournament.win_rates()).weights))]
