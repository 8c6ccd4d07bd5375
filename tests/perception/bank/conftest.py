from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
import torch

from perception.bank import Bank, load_bank, write_bank
from tests.perception.bank.factory import make_bank


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small lose more by waiting for a second thread, on a busy machine, than they gain by it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def whole_bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """All 26 tasks; read only."""
    return make_bank(tmp_path_factory.mktemp("whole") / "bank")


@pytest.fixture
def small_bank(tmp_path: Path, whole_bank: Bank) -> Bank:
    """Two tasks, to be damaged."""
    folder = tmp_path / "small"
    folder.mkdir()
    for task in ("normal", "class_scene"):
        for suffix in (".json", ".safetensors"):
            copyfile(whole_bank.folder / f"{task}{suffix}", folder / f"{task}{suffix}")
    write_bank(folder, "small", coverage={2: ("normal", "class_scene")}, provenance="A test.")
    return load_bank(folder)
