"""Units of Step I: the objective of a task, and its network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file

from perception.errors import UserError
from perception.files import write_atomically
from perception.networks import TaskNetwork, build_encoder, build_head
from perception.objectives import Objective, objective_for, objective_from_json, objective_to_json
from perception.tasks import TASKS, Task, TaskDictionary
from taxonomy.dataset import open_dataset
from taxonomy.dataset.user_tasks import load_user_task
from taxonomy.engine.units import LOCAL
from taxonomy.training.samples import Samples, first_views, fit_objective, load_samples
from taxonomy.training.training import Schedule, constant_losses, per_image_losses, train

OBJECTIVE_FILE, ENCODER_FILE, HEAD_FILE, LOSSES_FILE, CONSTANT_FILE, RESULT_FILE = (
    "objective.json", "encoder.safetensors", "head.safetensors", "losses.npy", "constant_losses.npy", "result.json",
)  # fmt: skip


@dataclass(frozen=True)
class DataSource:
    """Which images a unit reads.

    Args:
        sha256: Of the dataset, and of the label files.
        train_images: Of the train split, that networks learn from; None for all.
        test_images: Of the test split; None for all.
        folder: The dataset.
        label_files: Python files with tasks of the user's own.
    """

    sha256: str
    train_images: int | None = None
    test_images: int | None = None
    folder: Path = field(default=Path("data"), metadata=LOCAL)
    label_files: tuple[Path, ...] = field(default=(), metadata=LOCAL)

    def tasks(self) -> TaskDictionary:
        """The dictionary, with the user's tasks."""
        return TASKS.extended(load_user_task(path).task for path in self.label_files)


@dataclass(frozen=True)
class ObjectiveWork:
    """Scales a task's objective to training labels: `objective.json`.

    Args:
        task: Canonical name.
        data: Where from.
    """

    kind: ClassVar[str] = "objective"
    version: ClassVar[int] = 1

    task: str
    data: DataSource

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        """See the class."""
        del inputs
        dataset, task = open_dataset(self.data.folder), self.data.tasks()[self.task]
        objective = objective_for(task, len(dataset.classes.get(task.name, ())) or None)
        images = first_views(dataset, "train", self.data.train_images)
        fitted = fit_objective(dataset, task, objective, images)
        write_atomically(folder / OBJECTIVE_FILE, json.dumps(objective_to_json(fitted), indent=1) + "\n")


@dataclass(frozen=True)
class NetworkWork:
    """Trains the network of one task and tests it on the test split; half of what it learns from is mirrored.

    Needs "objective". Writes `encoder.safetensors` and `head.safetensors` (float32), `losses.npy` and
    `constant_losses.npy` (float32 [N], of the network and of the best constant guess on each test sample), and
    `result.json`.

    Args:
        task: Canonical name.
        architecture: Of the encoder.
        data: Where from.
        schedule: How long and how fast.
        seed: Of weights, order and noise; the same for every task, so that all start from one encoder.
        frozen_encoder: Leave the encoder at its random weights and train the head alone: what Taskonomy compares with.
        threads: Of the CPU.
        device: PyTorch's name.
    """

    kind: ClassVar[str] = "network"
    version: ClassVar[int] = 2

    task: str
    architecture: str
    data: DataSource
    schedule: Schedule
    seed: int = 0
    frozen_encoder: bool = False
    threads: int = 1
    device: str = "cpu"

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        """See the class."""
        task, objective = self.data.tasks()[self.task], read_objective(inputs["objective"])
        samples = self._samples(task, objective, "train", self.data.train_images, augmented=True)
        network = TaskNetwork(
            build_encoder(self.architecture, self.seed), build_head(objective.output_shape, task.input.views, self.seed)
        )
        history = train(
            network,
            samples,
            objective,
            self.schedule,
            seed=self.seed,
            device=self.device,
            trained=network.head if self.frozen_encoder else network,
        )
        constant = objective.constant_guess(samples.targets)
        del samples
        tests = self._samples(task, objective, "test", self.data.test_images)
        losses = per_image_losses(network, tests, objective, device=self.device)
        constants = constant_losses(constant, tests, objective)
        for name, module in ((ENCODER_FILE, network.encoder), (HEAD_FILE, network.head)):
            save_file(
                {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}, folder / name
            )
        np.save(folder / LOSSES_FILE, losses)
        np.save(folder / CONSTANT_FILE, constants)
        result = {
            "task": self.task,
            "train_loss_by_epoch": history,
            "test_loss": float(np.nanmean(losses)),
            "constant_test_loss": float(np.nanmean(constants)),
            "win_rate_over_constant": win_rate(losses, constants),
        }
        write_atomically(folder / RESULT_FILE, json.dumps(result, indent=1) + "\n")

    def _samples(
        self, task: Task, objective: Objective, split: str, count: int | None, *, augmented: bool = False
    ) -> Samples:
        dataset = open_dataset(self.data.folder)
        return load_samples(dataset, task, objective, first_views(dataset, split, count), augmented=augmented)


def read_objective(folder: Path) -> Objective:
    """The objective that a unit of kind "objective" wrote."""
    return objective_from_json(json.loads((folder / OBJECTIVE_FILE).read_text()))


def win_rate(losses: NDArray[np.floating], rival: NDArray[np.floating]) -> float:
    """Share of the images on which the loss is smaller than the rival's, ties counted half; unlabelled ones left out.

    Raises:
        UserError: If no image has both losses.
    """
    known = ~(np.isnan(losses) | np.isnan(rival))
    if not known.any():
        raise UserError("two rows of losses have no image in common; they cannot be compared.")
    return float(((losses < rival)[known] + 0.5 * (losses == rival)[known]).mean())
