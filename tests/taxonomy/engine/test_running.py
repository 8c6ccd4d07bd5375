"""What people see of a run, and that there is one at a time."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from perception.errors import UserError
from taxonomy.engine import Done, Event, Failed, LocalExecutor, RunLock, Started, Store, Unit, run_units
from taxonomy.engine.tally import Tally
from tests.taxonomy.engine.works import Failing, Product

UNITS = [Unit("a", Product(0, size=9), cost=3.0), Unit("b", Failing("reject"), cost=1.0), Unit("c", Product(1, size=9))]


def test_a_line_tells_of_each_unit_where_nobody_watches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path)
    run_units(UNITS[:1], store, LocalExecutor(), title="networks")
    capsys.readouterr()
    events: list[Event] = []
    a, b, c = run_units(UNITS, store, LocalExecutor(), title="networks", on_event=events.append)
    assert isinstance(a, Done)
    assert isinstance(b, Failed)
    assert isinstance(c, Done)
    assert [type(event) for event in events] == [Done, Started, Failed, Started, Done]
    shown = capsys.readouterr()
    assert shown.out == ""
    first, second, third = shown.err.splitlines()
    assert first == "networks: b failed: all labels are invalid."
    assert second.startswith("networks: c took 0.")
    assert second.endswith(" s (3/3)")
    assert third == "networks: 1 of 3 were done already"


def test_a_bar_is_drawn_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    run_units(UNITS, Store(tmp_path), LocalExecutor(), title="networks")
    shown = terminal.getvalue()
    assert "networks: b failed: all labels are invalid." in shown
    assert "took" not in shown


def test_the_time_left_follows_the_costs_and_leaves_out_what_was_there() -> None:
    now = 100.0
    tally = Tally(cost=13.0, count=4, clock=lambda: now)
    costs = {"there": 6.0, "first": 2.0, "second": 4.0, "third": 1.0}
    there, first, second, third = (Unit(name, Product(0), cost=cost) for name, cost in costs.items())
    tally.add(Done(there, Path(), 50.0, reused=True))
    assert tally.seconds_left() is None
    tally.add(Started(first))
    now = 110.0
    assert tally.seconds_left() is None
    tally.add(Done(first, Path(), 10.0, reused=False))
    assert tally.seconds_left() == 25.0  # 10 s for 2, and 5 to go
    tally.add(Started(second))
    now = 114.0
    assert tally.seconds_left() == 21.0
    now = 200.0
    assert tally.seconds_left() == 0.0  # it takes longer than was thought
    now = 130.0
    tally.add(Failed(second, "a reason"))
    tally.add(Started(third))
    assert tally.seconds_left() == 5.0  # 30 s for 6, and 1 to go
    assert (tally.ended, tally.reused, list(tally.running.values())) == (3, 1, [third])


def test_two_runs_are_not_in_one_folder_at_a_time(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from taxonomy.engine import RunLock\n"
        "with RunLock(Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    other = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "run"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    told = f"run is in use by process {other.pid} on {socket.gethostname()}; wait for it, stop it, or choose another"
    with pytest.raises(UserError, match=told), RunLock(tmp_path / "run"):
        pass
    other.kill()
    other.communicate()
    with (
        RunLock(tmp_path / "run"),
        pytest.raises(UserError, match=f"process {os.getpid()} on"),
        RunLock(tmp_path / "run"),
    ):
        pass
    assert (tmp_path / "run" / "run.lock").read_bytes() == b""


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"cannot write .*choose another folder"), RunLock(tmp_path / "file"):
        pass
