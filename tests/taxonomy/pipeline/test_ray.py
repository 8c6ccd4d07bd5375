"""The pipeline on a Ray cluster of two processes on this machine: the same files as in this process."""

from pathlib import Path

from taxonomy.engine import RayExecutor
from tests.ray_cluster import ray_cluster
from tests.taxonomy.pipeline.test_run import contents
from tests.taxonomy.pipeline.tiny import run_without_report, tiny_options


def test_a_cluster_gives_the_same_bytes(finished: Path, data: Path, tmp_path: Path) -> None:
    with ray_cluster():
        run_without_report(tmp_path / "run", data, tiny_options(RayExecutor()))
    assert contents(tmp_path / "run") == contents(finished)
    for stored in (finished / "units" / "network").glob("*/*.safetensors"):
        twin = tmp_path / "run" / stored.relative_to(finished)
        assert twin.read_bytes() == stored.read_bytes()
