from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def run(finished_run: Path) -> Path:
    """Not to be changed."""
    return finished_run
