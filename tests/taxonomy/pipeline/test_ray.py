"""The pipeline on a Ray cluster of two processes on this machine: the same files as in this process."""

import os
import sys
from pathlib import Path

import pytest

from taxonomy.engine import RayExecutor
from tests.taxonomy.pipeline.test_run import contents
from tests.taxonomy.pipeline.tiny import run_without_report, tiny_options


def test_a_cluster_gives_the_same_bytes(
    finished: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), *sys.path]))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        run_without_report(tmp_path / "run", data, tiny_options(RayExecutor()))
    finally:
        ray.shutdown()
    assert contents(tmp_path / "run") == contents(finished)
    for stored in (finished / "units" / "network").glob("*/*.safetensors"):
        twin = tmp_path / "run" / stored.relative_to(finished)
        assert twin.read_bytes() == stored.read_bytes()
