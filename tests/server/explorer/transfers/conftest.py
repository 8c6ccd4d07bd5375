"""A run so small that it takes seconds, with its images."""

import dataclasses
from pathlib import Path

import pytest

from taxonomy.pipeline import run_everything
from tests.taxonomy.pipeline.tiny import tiny_dataset, tiny_options

TASKS = ("autoencoding", "normal", "class_scene")


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; not to be changed."""
    folder = tmp_path_factory.mktemp("transfers") / "run"
    tiny_dataset(folder / "data")
    options = dataclasses.replace(tiny_options(tasks=TASKS), studies=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("taxonomy.pipeline.everything.write_report", lambda *_, **__: folder)  # nobody looks at it
        patched.setattr("taxonomy.pipeline.everything.gather_findings", lambda *_: None)
        run_everything(folder, folder / "data", options)
    return folder
