"""The same units on a Ray cluster of two processes on this machine."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perception.errors import UserError
from taxonomy.engine import Done, Failed, LocalExecutor, NoSpaceError, RayExecutor, Store, Unit
from tests.ray_cluster import ray_cluster
from tests.taxonomy.engine.test_executors import staged
from tests.taxonomy.engine.works import Failing, Fatal, Product, no_event, tree


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayExecutor]:
    with ray_cluster(), RayExecutor(attempts=2) as executor:
        yield executor


def test_a_cluster_changes_no_byte(cluster: RayExecutor, tmp_path: Path) -> None:
    staged(LocalExecutor(), tmp_path / "local")
    outcomes = staged(cluster, tmp_path / "cluster")
    assert [outcome.unit.name for outcome in outcomes] == ["0", "1", "2", "3", "sum 0", "sum 1"]
    assert all(isinstance(outcome, Done) and not outcome.reused for outcome in outcomes)
    assert tree(tmp_path / "cluster") == tree(tmp_path / "local")
    assert all(isinstance(outcome, Done) and outcome.reused for outcome in staged(cluster, tmp_path / "local"))


def test_a_lost_process_is_tried_again_and_failures_stay_alone(cluster: RayExecutor, tmp_path: Path) -> None:
    units = [
        Unit("once", Fatal(1, tmp_path)),
        Unit("always", Fatal(99, tmp_path)),
        Unit("rejected", Failing("reject")),
        Unit("good", Product(0, size=9)),
    ]
    once, always, rejected, good = cluster.run(units, Store(tmp_path / "store"), no_event)
    assert isinstance(once, Done)
    assert isinstance(good, Done)
    assert isinstance(always, Failed)
    assert "killed, or its machine lost, 2 times" in always.reason
    assert isinstance(rejected, Failed)
    assert rejected.reason == "all labels are invalid."
    assert {name.split("/")[0] for name in tree(tmp_path / "store")} == {"fatal", "product"}


def test_a_bug_or_a_full_disk_stops_the_run(cluster: RayExecutor, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="a bug") as caught:
        cluster.run([Unit("bad", Failing("divide"))], Store(tmp_path), no_event)
    assert "while doing the unit 'failing bad'" in "\n".join(caught.value.__notes__)
    with pytest.raises(NoSpaceError, match="free some space"):
        cluster.run([Unit("full", Failing("fill"))], Store(tmp_path), no_event)


def test_a_cluster_without_gpus_is_refused_where_they_are_asked_for(cluster: RayExecutor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no machine of the Ray cluster has 5 GPUs"):
        RayExecutor(gpus=5).run([Unit("x", Product(0))], Store(tmp_path), no_event)
    with pytest.raises(UserError, match="gpus is -1"):
        RayExecutor(gpus=-1)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_a_cluster_that_does_not_answer_is_told_of_at_once(address: str, tmp_path: Path) -> None:
    ray = sys.modules["ray"]
    executor = RayExecutor(address)
    start = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray, "is_initialized", lambda: False)
        with pytest.raises(UserError, match=f"no Ray cluster answers at {address}"):
            executor.run([Unit("x", Product(0))], Store(tmp_path), no_event)
    assert time.perf_counter() - start < 5


def test_the_command_that_installs_ray_is_told_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'midlevel\[ray\]'"):
        RayExecutor()
