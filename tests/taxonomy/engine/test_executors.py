"""Wherever units are done, the same files come out, and a unit that fails does so alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from perception.errors import UserError
from taxonomy.engine import Done, Event, Executor, Failed, LocalExecutor, NoSpaceError, Outcome, Started, Store, Unit
from tests.taxonomy.engine.works import Failing, Fatal, Product, Sleeping, no_event, tree

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def two() -> Iterator[LocalExecutor]:
    with LocalExecutor(2) as executor:
        yield executor


@pytest.fixture(params=[1, 2])
def executor(request: pytest.FixtureRequest, two: LocalExecutor) -> LocalExecutor:
    return two if request.param == 2 else LocalExecutor()


def staged(executor: Executor, root: Path, stuck: str = "") -> list[Outcome]:
    """Four units, then two that need them; one of them may take for ever."""
    store = Store(root)

    def product(seed: int, stage: str) -> Product:
        return Product(seed, delay_s=3600.0 if f"{stage}{seed}" == stuck else 0.0)

    first = [Unit(f"{seed}", product(seed, "")) for seed in range(4)]
    second = [
        Unit(f"sum {seed}", product(seed, "sum "), {"a": first[seed].key, "b": first[3].key}) for seed in range(2)
    ]
    return [outcome for units in (first, second) for outcome in executor.run(units, store, no_event)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("undisturbed")
    staged(LocalExecutor(), root)
    return tree(root)


def test_the_number_of_workers_changes_no_byte(two: LocalExecutor, undisturbed: dict[str, str], tmp_path: Path) -> None:
    outcomes = staged(two, tmp_path)
    assert [outcome.unit.name for outcome in outcomes] == ["0", "1", "2", "3", "sum 0", "sum 1"]
    assert all(isinstance(outcome, Done) and not outcome.reused for outcome in outcomes)
    assert tree(tmp_path) == undisturbed
    assert len(undisturbed) == 18


def test_what_is_finished_is_not_done_again(executor: LocalExecutor, tmp_path: Path) -> None:
    events: list[Event] = []
    units = [Unit(f"{seed}", Product(seed, size=9)) for seed in range(3)]
    executor.run(units[1:], Store(tmp_path), no_event)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    outcomes = executor.run(units, Store(tmp_path), events.append)
    assert [getattr(outcome, "reused", None) for outcome in outcomes] == [False, True, True]
    assert [event.unit.name for event in events if isinstance(event, Started)] == ["0"]
    assert sorted(event.unit.name for event in events if isinstance(event, Done)) == ["0", "1", "2"]
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in before.items() if path.is_file())


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("reject", "all labels are invalid."),
        ("look_up", "unknown task 'normals'; did you mean 'normal'?"),
        ("exhaust", "there was not enough memory"),
    ],
)
def test_a_unit_fails_alone_and_the_rest_goes_on(
    executor: LocalExecutor, tmp_path: Path, action: str, told: str
) -> None:
    units = [Unit("before", Product(0, size=9)), Unit("bad", Failing(action)), Unit("after", Product(1, size=9))]
    before, bad, after = executor.run(units, Store(tmp_path), no_event)
    assert isinstance(before, Done)
    assert isinstance(after, Done)
    assert isinstance(bad, Failed)
    assert bad.reason.startswith(told)
    assert {name.split("/")[0] for name in tree(tmp_path)} == {"product"}


def test_a_unit_fails_alone_for_which_torch_finds_no_memory(tmp_path: Path) -> None:
    (outcome,) = LocalExecutor().run([Unit("bad", Failing("exhaust_torch"))], Store(tmp_path), no_event)
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("there was not enough memory")


@pytest.mark.parametrize(("action", "error"), [("divide", ZeroDivisionError), ("be_odd", Exception)])
def test_a_bug_stops_the_run_and_names_the_unit(
    executor: LocalExecutor, tmp_path: Path, action: str, error: type[Exception]
) -> None:
    units = [Unit("before", Product(0, size=9)), Unit("bad", Failing(action)), Unit("long", Sleeping(tmp_path))]
    start = time.perf_counter()
    with pytest.raises(error, match=r"a bug|very odd") as caught:
        executor.run(units[: 2 if executor.workers == 1 else 3], Store(tmp_path / "store"), no_event)
    assert time.perf_counter() - start < 20  # the long one was stopped
    notes = "\n".join(caught.value.__notes__)
    assert "while doing the unit 'failing bad'" in notes
    assert executor.workers == 1 or f"in {action}" in notes
    assert not any("failing" in name for name in tree(tmp_path / "store"))


@pytest.mark.parametrize("action", ["fill", "fill_in_rust"])
def test_a_full_disk_stops_the_run(executor: LocalExecutor, tmp_path: Path, action: str) -> None:
    with pytest.raises(NoSpaceError, match=r"cannot write .*/failing/full-.*: no space left on device; free some"):
        executor.run([Unit("full", Failing(action)), Unit("x", Product(0))], Store(tmp_path), no_event)
    assert not any("failing" in name for name in tree(tmp_path))


def test_a_unit_whose_process_is_killed_is_tried_again(two: LocalExecutor, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    units = [Unit("once", Fatal(1, marks)), Unit("always", Fatal(99, marks)), Unit("never", Product(0, size=9))]
    once, always, never = two.run(units, Store(tmp_path / "store"), no_event)
    assert isinstance(once, Done)
    assert isinstance(never, Done)
    assert isinstance(always, Failed)
    assert "its process was killed by SIGKILL, 2 times" in always.reason
    assert len(list(marks.glob("99-*"))) == 2
    assert {name.split("/")[0] for name in tree(tmp_path / "store")} == {"fatal", "product"}


def test_units_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two units 'product x'"):
        LocalExecutor().run([Unit("x", Product(0)), Unit("x", Product(1))], Store(tmp_path), no_event)


def test_a_work_that_no_other_process_knows_is_refused_with_the_units_name(two: LocalExecutor, tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Hidden(Product):
        pass

    with pytest.raises(Exception, match="local object") as caught:
        two.run([Unit("x", Hidden(0))], Store(tmp_path), no_event)
    assert "'product x'" in "\n".join(caught.value.__notes__)


def test_there_must_be_a_worker() -> None:
    with pytest.raises(UserError, match="workers is 0"):
        LocalExecutor(0)


PROGRAM = """
import signal
import sys
from pathlib import Path
from taxonomy.engine import LocalExecutor
from tests.taxonomy.engine.test_executors import staged

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where tests run in the background
    staged(LocalExecutor(int(sys.argv[2])), Path(sys.argv[1]), sys.argv[3])
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    return script


def started(script: Path, root: Path, workers: int, stuck: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "MARK": str(root)}
    command = [sys.executable, str(script), str(root), str(workers), stuck]
    return subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True)


def until(is_so: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.perf_counter() + seconds
    while not is_so():
        assert time.perf_counter() < end, "it never came to be"
        time.sleep(0.005)


def children_of(mark: str) -> list[str]:
    """Processes that carry a mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def finished(root: Path) -> list[Path]:
    return list(root.glob("product/*/unit.json"))


def is_stuck(root: Path, after: int) -> bool:
    """Whether so many units are finished, and another has written a part of its files."""
    return len(finished(root)) == after and len(list(root.glob(".unfinished/*/notes/dot.txt"))) == 1


@pytest.mark.parametrize(("workers", "stuck", "after"), [(1, "2", 2), (1, "sum 1", 5), (2, "0", 3)])
def test_a_killed_run_goes_on_and_loses_only_what_was_in_flight(
    program: Path, undisturbed: dict[str, str], tmp_path: Path, workers: int, stuck: str, after: int
) -> None:
    root = tmp_path / "store"
    process = started(program, root, workers, stuck)
    until(lambda: is_stuck(root, after))
    process.kill()
    process.communicate(timeout=10)
    until(lambda: children_of(str(root)) == [])
    done = {path: path.stat().st_mtime_ns for path in finished(root)}
    assert is_stuck(root, after)
    outcomes = staged(LocalExecutor(), root)
    assert sum(isinstance(outcome, Done) and outcome.reused for outcome in outcomes) == after
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in done.items())
    assert tree(root) == undisturbed


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_everything_at_once(program: Path, tmp_path: Path, workers: int) -> None:
    root = tmp_path / "store"
    process = started(program, root, workers, "3")
    until(lambda: is_stuck(root, 3))
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=10)
    assert told.count("KeyboardInterrupt") == 1
    assert told.count("Traceback") == 1
    assert children_of(str(root)) == []
    assert not any(".unfinished" in name for name in tree(root))
