"""How far our first-order affinities rank sources as published ones do."""

from dataclasses import asdict, dataclass

import numpy as np

from taxonomy.transfers import TransferTable

_FEWEST = 3


@dataclass(frozen=True)
class TargetAgreement:
    """One target in both tables.

    Args:
        target: Canonical name.
        correlation: Spearman's, of the affinities of the sources that both have.
        sources: How many these are.
    """

    target: str
    correlation: float
    sources: int

    def to_json(self) -> dict[str, object]:
        """As in `agreement.json`."""
        return asdict(self)


def rank_agreement(ours: TransferTable, published: TransferTable) -> list[TargetAgreement]:
    """Spearman's rank correlation of first-order affinities, for each target that both tables have.

    A target's readout of its own features, and `self`, are left out: they lead in both and would flatter. Targets with
    fewer than three sources in common, or of which a table says nothing but ties, have no correlation and are left out.
    """
    from scipy.stats import spearmanr

    mine, theirs = _first_order(ours), _first_order(published)
    found = []
    for target in ours.targets:
        shared = [source for source in mine.get(target, {}) if source in theirs.get(target, {})]
        if len(shared) >= _FEWEST:
            pairs = np.array([(mine[target][source], theirs[target][source]) for source in shared])
            if (np.ptp(pairs, axis=0) == 0).any():
                continue
            found.append(TargetAgreement(target, float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic), len(shared)))
    return found


def _first_order(table: TransferTable) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for transfer in table:
        if transfer.order == 1 and transfer.is_candidate and transfer.sources[0] not in ("self", transfer.target):
            found.setdefault(transfer.target, {})[transfer.sources[0]] = transfer.affinity
    return found
