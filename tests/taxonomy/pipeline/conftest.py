import shutil
from pathlib import Path

import pytest

from taxonomy.pipeline import run_everything
from tests.taxonomy.pipeline.tiny import tiny_dataset, tiny_options


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 images of eight rooms; not to be changed."""
    return tiny_dataset(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="session")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on them; not to be changed."""
    out = tmp_path_factory.mktemp("tiny") / "run"
    run_everything(out, data, tiny_options())
    return out


@pytest.fixture
def run_copy(finished: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(finished, tmp_path / "run"))
