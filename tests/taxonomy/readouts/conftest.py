"""One thread, as units have; and a rendered dataset with everything that readouts need."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from taxonomy.dataset import RenderSpec, render_dataset
from tests.taxonomy.dataset.box_world import BoxWorld


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def dataset_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three buildings, one for each split."""
    folder = tmp_path_factory.mktemp("data") / "small"
    render_dataset(folder, RenderSpec(buildings=3, views=12, size=64, seed=5), world=BoxWorld())
    return folder
