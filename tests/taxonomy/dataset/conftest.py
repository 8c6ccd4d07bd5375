"""A small dataset in both layouts, rendered once."""

import shutil
from pathlib import Path

import pytest

from taxonomy.dataset import Dataset, RenderSpec, open_dataset, render_dataset
from tests.taxonomy.dataset.box_world import BoxWorld

SPEC = RenderSpec(buildings=3, views=9, size=24, seed=5)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layouts; not to be changed."""
    out = tmp_path_factory.mktemp("data") / "both"
    render_dataset(out, SPEC, world=BoxWorld(), layouts=("store", "published"))
    return out


@pytest.fixture
def copy(rendered: Path, tmp_path: Path) -> Path:
    """Both layouts, to be damaged."""
    return Path(shutil.copytree(rendered, tmp_path / "copy"))


@pytest.fixture
def store_copy(rendered: Path, tmp_path: Path) -> Path:
    """The compact layout alone, to be damaged."""
    return Path(shutil.copytree(rendered / "store", tmp_path / "store"))


@pytest.fixture(scope="session")
def stored(rendered: Path) -> Dataset:
    return open_dataset(rendered / "store")


@pytest.fixture(scope="session")
def published(rendered: Path) -> Dataset:
    return open_dataset(rendered / "published")
