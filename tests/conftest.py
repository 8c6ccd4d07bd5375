"""Fixtures shared by all rooms' tests."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # networks this small are slower on several threads than on one
os.environ.setdefault("RAY_AUTH_MODE", "token")  # as in clusters that Ray itself starts; it is read once

import pytest

from taxonomy import TransferTable, read_transfers

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "data" / "taxonomy_results"


@pytest.fixture(scope="session")
def published_folder() -> Path:
    if not PUBLISHED.is_dir():
        pytest.skip(f"the result files that Taskonomy published are not in {PUBLISHED}")
    return PUBLISHED


@pytest.fixture(scope="session")
def published(published_folder: Path) -> TransferTable:
    return read_transfers(published_folder / "all_affinities_16k.pkl")
