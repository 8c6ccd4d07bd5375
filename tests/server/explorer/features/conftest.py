from pathlib import Path

import pytest

from tests.server.explorer.affinities.synthetic_runs import write_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    return write_run(tmp_path_factory.mktemp("explored") / "run")
