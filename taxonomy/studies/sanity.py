"""Whether each network learned anything: the paper's table of win rates (Taskonomy, table 1 of the supplement)."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from taxonomy.training import CONSTANT_FILE, LOSSES_FILE, win_rate


@dataclass(frozen=True)
class SanityRow:
    """How one task's network does on held-out buildings.

    Args:
        task: Canonical name.
        test_loss: Mean over the test samples.
        constant_loss: Of the best constant guess.
        random_loss: Of the same head trained on an encoder with random weights; None if that was not trained.
        win_over_constant: Share of test samples on which the network's loss is smaller.
        win_over_random: Likewise.
        images: Test samples with a label.
    """

    task: str
    test_loss: float
    constant_loss: float
    random_loss: float | None
    win_over_constant: float
    win_over_random: float | None
    images: int

    def to_json(self) -> dict[str, object]:
        """As in `sanity.json`."""
        return asdict(self)


def sanity_row(task: str, network: Path, on_random: Path | None) -> SanityRow:
    """Compare a task's network with its rivals.

    Args:
        task: Canonical name.
        network: Folder of its unit.
        on_random: Folder of the unit whose encoder stayed random.
    """
    losses, constants = np.load(network / LOSSES_FILE), np.load(network / CONSTANT_FILE)
    random = None if on_random is None else np.load(on_random / LOSSES_FILE)
    return SanityRow(
        task,
        float(np.nanmean(losses)),
        float(np.nanmean(constants)),
        None if random is None else float(np.nanmean(random)),
        win_rate(losses, constants),
        None if random is None else win_rate(losses, random),
        int((~np.isnan(losses)).sum()),
    )
