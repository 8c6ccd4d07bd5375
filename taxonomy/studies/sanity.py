"""Whether each network learned anything: the paper's table of win rates (Taskonomy, table 1 of the supplement)."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
        readout_loss: Of the transfers' readout of an encoder with random weights, which learned from the readouts' few
            images; None for a task that is no target.
        win_over_readout: Likewise.
    """

    task: str
    test_loss: float
    constant_loss: float
    random_loss: float | None
    win_over_constant: float
    win_over_random: float | None
    images: int
    readout_loss: float | None = None
    win_over_readout: float | None = None

    def to_json(self) -> dict[str, object]:
        """As in `sanity.json`."""
        return asdict(self)


def sanity_row(
    task: str, network: Path, on_random: Path | None, readout: NDArray[np.floating] | None = None
) -> SanityRow:
    """Compare a task's network with its rivals.

    Args:
        task: Canonical name.
        network: Folder of its unit.
        on_random: Folder of the unit whose encoder stayed random.
        readout: Losses [N] of the transfers' readout of a random encoder, on the same test samples.
    """
    random = None if on_random is None else np.load(on_random / LOSSES_FILE)
    return sanity_of(task, np.load(network / LOSSES_FILE), np.load(network / CONSTANT_FILE), random, readout)


def sanity_of(
    task: str,
    losses: NDArray[np.floating],
    constants: NDArray[np.floating],
    on_random: NDArray[np.floating] | None = None,
    readout: NDArray[np.floating] | None = None,
) -> SanityRow:
    """Compare losses [N] on the same test samples; NaN where a sample has no label.

    Args:
        task: Canonical name.
        losses: Of its network.
        constants: Of the best constant guess.
        on_random: Of a head trained on an encoder that stays random.
        readout: Of the transfers' readout of a random encoder.
    """
    random_loss, over_random = _rival(losses, on_random)
    readout_loss, over_readout = _rival(losses, readout)
    return SanityRow(
        task,
        float(np.nanmean(losses)),
        float(np.nanmean(constants)),
        random_loss,
        win_rate(losses, constants),
        over_random,
        int((~np.isnan(losses)).sum()),
        readout_loss,
        over_readout,
    )


def _rival(losses: NDArray[np.floating], rival: NDArray[np.floating] | None) -> tuple[float, float] | tuple[None, None]:
    """A rival's mean loss and the win rate over it."""
    return (None, None) if rival is None else (float(np.nanmean(rival)), win_rate(losses, rival))
