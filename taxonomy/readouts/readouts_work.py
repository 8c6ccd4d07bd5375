"""The unit that trains and tests the readouts of many transfers to one target."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file

from perception.errors import UserError
from perception.files import write_atomically
from perception.objectives import Objective
from taxonomy.dataset import open_dataset
from taxonomy.readouts.network import Readouts, Transfers, transfer_name
from taxonomy.readouts.representations import open_representations, variant_of
from taxonomy.readouts.representations_work import LEARNING, TESTING
from taxonomy.readouts.training import ReadoutSamples, readout_losses, train_readouts
from taxonomy.training import LOSSES_FILE, RESULT_FILE, DataSource, Schedule, read_objective
from taxonomy.training.samples import first_views, load_targets

TRANSFERS_FILE, WEIGHTS_FILE = "transfers.json", "readouts.safetensors"


@dataclass(frozen=True)
class ReadoutsWork:
    """Trains the readouts of transfers to one target on the validation split, and tests them on the test split.

    Needs "objective", the target's, and under each source's name its representations. Writes `losses.npy` (float32
    [N, S]; NaN where a sample has no label or a readout diverged), `transfers.json` (sources of each column),
    `readouts.safetensors` (weights by transfer) and `result.json`.

    Args:
        target: Canonical name.
        transfers: Sources of each, orders rising; names are those of `needs`, such as `random` beside tasks.
        data: Where labels come from; `test_images` of the test split.
        schedule: How long and how fast.
        images: Of the validation split; None for all. As the representations were made.
        seed: Of weights and order.
        threads: Of the CPU.
        device: PyTorch's name.
    """

    kind: ClassVar[str] = "readouts"
    version: ClassVar[int] = 5

    target: str
    transfers: Transfers
    data: DataSource
    schedule: Schedule
    images: int | None = None
    seed: int = 0
    threads: int = 1
    device: str = "cpu"

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        """See the class."""
        objective = read_objective(inputs["objective"])
        sources = {name: inputs[name] for transfer in self.transfers for name in transfer}
        learning = self._samples(objective, sources, LEARNING, self.images)
        trained = [
            train_readouts(tuple(group), learning, objective, self.schedule, seed=self.seed, device=self.device)
            for _, group in groupby(self.transfers, key=len)
        ]
        testing = self._samples(objective, sources, TESTING, self.data.test_images)
        losses = np.concatenate([readout_losses(r, testing, objective, device=self.device) for r in trained], axis=1)
        np.save(folder / LOSSES_FILE, losses)
        write_atomically(folder / TRANSFERS_FILE, json.dumps([list(t) for t in self.transfers]) + "\n")
        save_file({name: values for r in trained for name, values in r.by_name().items()}, folder / WEIGHTS_FILE)
        write_atomically(
            folder / RESULT_FILE, json.dumps(self._result(losses, len(learning), trained), indent=1) + "\n"
        )

    def _samples(
        self, objective: Objective, folders: Mapping[str, Path], split: str, count: int | None
    ) -> ReadoutSamples:
        dataset, task = open_dataset(self.data.folder), self.data.tasks()[self.target]
        indices = first_views(dataset, split, count)
        rows, targets = load_targets(dataset, task, objective, indices)
        variant = variant_of(task)
        found = {name: open_representations(path, split, variant) for name, path in folders.items()}
        for name, values in found.items():
            if len(values) != len(indices):
                raise UserError(
                    f"{name!r} represents {len(values)} images of the {split} split, not {len(indices)}; "
                    "make the representations from the same dataset, with the same number of images."
                )
        return ReadoutSamples(found, rows, targets)

    def _result(self, losses: NDArray[np.float32], learned: int, trained: Iterable[Readouts]) -> dict[str, object]:
        is_measured = np.atleast_1d(np.isfinite(losses).any(axis=0))
        means = {
            transfer_name(sources): float(np.nanmean(losses[:, place])) if is_measured[place] else None
            for place, sources in enumerate(self.transfers)
        }
        return {
            "target": self.target,
            "learned_from": learned,
            "tested_on": len(losses),
            "parameters": sum(readouts.parameters.numel() for readouts in trained),
            "test_loss": means,
            "diverged": [name for name, mean in means.items() if mean is None],
        }
