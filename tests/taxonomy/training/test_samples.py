"""What networks learn from, and what they are tested on."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import TASKS
from perception.objectives import Objective, objective_for
from perception.tasks import Task
from taxonomy.dataset import Dataset, RenderSpec, open_dataset, render_dataset
from taxonomy.dataset.identity import dataset_sha256
from taxonomy.readouts import PixelsWork
from taxonomy.readouts import pixels_work as pixels_module
from taxonomy.training import DataSource, NetworkWork, ObjectiveWork, Samples, Schedule, first_views, load_samples
from taxonomy.training import network_work as network_module
from taxonomy.training.samples import fit_objective
from tests.taxonomy.dataset.box_world import BoxWorld


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("samples") / "data"
    render_dataset(folder, RenderSpec(3, 12, 128, seed=2), world=BoxWorld())
    return open_dataset(folder)


def samples_of(dataset: Dataset, task: str, *, augmented: bool) -> Samples:
    indices = first_views(dataset, "train", None)
    objective = fit_objective(dataset, TASKS[task], objective_for(TASKS[task]), indices)
    return load_samples(dataset, TASKS[task], objective, indices, augmented=augmented)


def test_augmented_samples_are_all_groups_in_every_order_and_mirrored(dataset: Dataset) -> None:
    plain, augmented = (samples_of(dataset, "fixated_pose", augmented=each) for each in (False, True))
    inside = dataset.pairs("fixated_pose", "train")
    assert plain.mirror is None
    assert len(plain) == min(len(inside), len(plain.images))
    assert len(augmented) == 2 * len(inside)
    assert augmented.in_epoch == min(2 * len(inside), len(augmented.images))
    assert augmented.mirror is not None
    turned = augmented.mirror(augmented.targets)
    assert not np.allclose(turned.astype(float), augmented.targets.astype(float))
    np.testing.assert_allclose(augmented.mirror(turned).astype(float), augmented.targets.astype(float), atol=1e-5)


@pytest.mark.parametrize("kind", ["network", "pixels"])
def test_networks_learn_from_augmented_samples_and_are_tested_on_plain_ones(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    seen: list[tuple[int, bool]] = []

    def loaded(
        of: Dataset, task: Task, objective: Objective, indices: NDArray[np.int64], *, augmented: bool = False
    ) -> Samples:
        seen.append((int(indices[0]), augmented))
        return load_samples(of, task, objective, indices, augmented=augmented)

    monkeypatch.setattr(network_module, "load_samples", loaded)
    monkeypatch.setattr(pixels_module, "load_samples", loaded)
    data = DataSource(dataset_sha256(dataset), folder=dataset.root)
    inputs: Mapping[str, Path] = {"objective": tmp_path / "objective"}
    for folder in (inputs["objective"], tmp_path / "unit"):
        folder.mkdir()
    ObjectiveWork("normal", data)(inputs["objective"], {})
    works: Mapping[str, NetworkWork | PixelsWork] = {
        "network": NetworkWork("normal", "compact", data, Schedule(1, 8)),
        "pixels": PixelsWork("normal", "compact", data, Schedule(1, 8)),
    }
    works[kind](tmp_path / "unit", inputs)
    learned = {"network": "train", "pixels": "val"}[kind]
    assert seen == [(int(dataset.split(learned)[0]), True), (int(dataset.split("test")[0]), False)]
