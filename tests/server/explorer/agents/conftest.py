"""A made-up study and a made-up run, written by what writes real ones."""

from pathlib import Path

import pytest

from tests.server.explorer.agents.made_up import write_run, write_study


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    return write_study(tmp_path_factory.mktemp("agents") / "study", leave_out=3)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    return write_run(tmp_path_factory.mktemp("agents") / "run")
