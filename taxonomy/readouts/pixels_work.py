"""The unit that trains a network from scratch on the readouts' little data: the `pixels` row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from perception.files import write_atomically
from perception.networks import TaskNetwork, build_encoder, build_head
from perception.objectives import Objective
from taxonomy.dataset import open_dataset
from taxonomy.readouts.representations_work import LEARNING, TESTING
from taxonomy.training import (
    LOSSES_FILE,
    RESULT_FILE,
    DataSource,
    Samples,
    Schedule,
    first_views,
    load_samples,
    per_image_losses,
    read_objective,
    train,
)


@dataclass(frozen=True)
class PixelsWork:
    """Trains encoder and head of a target on what its readouts learn from, and tests them on the test split.

    Augmented as task networks are: what gains are measured against should be as good as it can be.

    Needs "objective". Writes `losses.npy` (float32 [N]) and `result.json`.

    Args:
        target: Canonical name.
        architecture: Of the encoder.
        data: Where samples come from; `test_images` of the test split.
        schedule: How long and how fast.
        images: Of the validation split; None for all.
        seed: Of weights, order and noise.
        threads: Of the CPU.
        device: PyTorch's name.
    """

    kind: ClassVar[str] = "pixels"
    version: ClassVar[int] = 2

    target: str
    architecture: str
    data: DataSource
    schedule: Schedule
    images: int | None = None
    seed: int = 0
    threads: int = 1
    device: str = "cpu"

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        """See the class."""
        objective = read_objective(inputs["objective"])
        samples = self._samples(objective, LEARNING, self.images, augmented=True)
        network = TaskNetwork(
            build_encoder(self.architecture, self.seed),
            build_head(objective.output_shape, samples.task.input.views, self.seed),
        )
        history = train(network, samples, objective, self.schedule, seed=self.seed, device=self.device)
        tests = self._samples(objective, TESTING, self.data.test_images)
        losses = per_image_losses(network, tests, objective, device=self.device)
        np.save(folder / LOSSES_FILE, losses)
        result = {
            "target": self.target,
            "learned_from": len(samples),
            "tested_on": len(tests),
            "train_loss_by_epoch": history,
            "test_loss": float(np.nanmean(losses)),
        }
        write_atomically(folder / RESULT_FILE, json.dumps(result, indent=1) + "\n")

    def _samples(self, objective: Objective, split: str, count: int | None, *, augmented: bool = False) -> Samples:
        dataset, task = open_dataset(self.data.folder), self.data.tasks()[self.target]
        return load_samples(dataset, task, objective, first_views(dataset, split, count), augmented=augmented)
