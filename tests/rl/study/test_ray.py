"""The same cells as tasks of a Ray cluster of two processes on this machine."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perception.errors import UserError
from rl.study.execution import executor_named
from rl.study.performing import Job
from rl.study.ray_cluster import RayExecutor
from rl.study.running import run_study
from tests.ray_cluster import ray_cluster
from tests.rl.study.test_running import InThisProcess, content, sessions, without_time
from tests.rl.study.works import WORK, study


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayExecutor]:
    with ray_cluster():
        yield RayExecutor()


def test_a_cluster_changes_no_result_and_failures_stay_alone(cluster: RayExecutor, tmp_path: Path) -> None:
    config = study(training={"PointGoal/normal/seed-0": "die once", "PointGoal/scratch/seed-0": "divide"})
    found = run_study(config, tmp_path / "cluster", cluster, work=WORK)
    ((failed, reason),) = found.failures
    assert (failed.name, reason) == ("PointGoal/scratch/seed-0", "ZeroDivisionError: division by zero")
    assert len(found.results) == 3
    lost = found.results[0].cell
    assert lost.name == "PointGoal/normal/seed-0"
    assert sessions(tmp_path / "cluster", lost) == [0, 5]
    again = run_study(config, tmp_path / "cluster", InThisProcess(), work=WORK)
    assert not again.failures
    for result in again.results:
        target = tmp_path / "local" / "runs" / result.cell.folder
        target.mkdir(parents=True)
        done = tmp_path / "cluster" / "runs" / result.cell.folder / "progress.jsonl"
        (target / "progress.jsonl").write_bytes(done.read_bytes())
    run_study(config, tmp_path / "local", InThisProcess(), work=WORK)
    assert without_time(content(tmp_path / "cluster")) == without_time(content(tmp_path / "local"))


def test_a_task_that_is_lost_each_time_fails(cluster: RayExecutor, tmp_path: Path) -> None:
    config = study(training={"PointGoal/normal/seed-0": "die"}, seeds=[0], agents=["normal"])
    ((_, reason),) = run_study(config, tmp_path, cluster, work=WORK).failures
    assert reason.startswith("its Ray task was lost 2 times (")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_cluster_that_does_not_answer_is_told_of_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    start = time.perf_counter()
    with pytest.raises(UserError, match=f"no Ray cluster answers at {address}"):
        next(RayExecutor(address).run([object.__new__(Job)]))
    assert time.perf_counter() - start < 5


def test_the_command_that_installs_ray_is_told_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'midlevel\[ray\]'"):
        executor_named("ray", workers=None, ray_address=None)
