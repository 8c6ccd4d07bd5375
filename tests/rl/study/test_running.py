"""Studies in processes of their own: finished, stopped, killed and failing cells."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from perception.errors import UserError
from rl.study.cells import Cell, cells_of
from rl.study.execution import Event, LocalExecutor, Phase, core_share, executor_named
from rl.study.performing import LOCK_FILE, Job, perform, read_progress
from rl.study.running import Study, read_study, run_study
from rl.study.watching import Watch, duration
from tests.rl.study.works import LEVELS, ROLLOUT, WORK, rollouts, study

ROOT = Path(__file__).parents[3]


class InThisProcess:
    """Does cells where they can be watched."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        for job in jobs:
            yield Event(Phase.STARTED, job)
            perform(job)
            self.done.append(job.cell.name)
            yield Event(Phase.ENDED, job)


def sessions(folder: Path, cell: Cell) -> list[int]:
    """How many rollouts were there each time a training began."""
    path = folder / "runs" / cell.folder / "sessions"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def content(folder: Path) -> dict[str, bytes]:
    """What is to be committed."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("cells/**/result.json")}


def without_time(files: dict[str, bytes]) -> dict[str, object]:
    """The same without how long tests took."""
    documents = {name: json.loads(data) for name, data in files.items()}
    return {name: {**document, "seconds": None} for name, document in documents.items()}


def test_every_cell_is_trained_and_tested_in_the_order_of_seeds(tmp_path: Path) -> None:
    executor = InThisProcess()
    found = run_study(study(agents=["normal", "random"]), tmp_path, executor, work=WORK)
    assert executor.done == [f"PointGoal/{agent}/seed-{seed}" for seed in (0, 1) for agent in ("normal", "random")]
    assert not found.failures
    assert not found.missing
    trained, scripted = found.results[:2]
    assert trained.curve["steps"].tolist() == list(range(ROLLOUT, 1001, ROLLOUT))
    assert trained.seconds["sim"] == 6.25
    assert scripted.curve["steps"].size == 0
    assert sessions(tmp_path, scripted.cell) == []
    assert set(scripted.evaluations) == {"test", "train"}
    assert scripted.evaluations["test"].keys[0] == "test_0/0"


def test_what_is_done_stays_and_more_seeds_only_add(tmp_path: Path) -> None:
    run_study(study(), tmp_path, InThisProcess(), work=WORK)
    before = content(tmp_path)
    executor = InThisProcess()
    found = run_study(study(seeds=[0, 1, 2]), tmp_path, executor, work=WORK)
    assert executor.done == ["PointGoal/normal/seed-2", "PointGoal/scratch/seed-2"]
    assert len(found.results) == 6
    assert before.items() <= content(tmp_path).items()
    changed = study(tasks=[{"name": "PointGoal", "steps": 500}])
    assert len(run_study(changed, tmp_path, InThisProcess(), work=WORK).results) == 4
    assert before.items() <= content(tmp_path).items(), "the results of other settings are kept"


def test_only_the_cells_asked_for_are_done(tmp_path: Path) -> None:
    executor = InThisProcess()
    found = run_study(study(), tmp_path, executor, only="*/scratch/seed-1", work=WORK)
    assert executor.done == ["PointGoal/scratch/seed-1"]
    assert [cell.name for cell in found.missing] == [
        "PointGoal/normal/seed-0",
        "PointGoal/scratch/seed-0",
        "PointGoal/normal/seed-1",
    ]


def test_a_failing_cell_is_recorded_and_tried_again_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = study(training={"PointGoal/normal/seed-0": "refuse", "PointGoal/scratch/seed-0": "divide"})
    found = run_study(config, tmp_path, InThisProcess(), work=WORK)
    assert [(cell.name, why) for cell, why in found.failures] == [
        ("PointGoal/normal/seed-0", "the reward is nan; finite numbers are expected."),
        ("PointGoal/scratch/seed-0", "ZeroDivisionError: division by zero"),
    ]
    assert len(found.results) == 2
    errors = capsys.readouterr().err
    assert "study: PointGoal/normal/seed-0 failed: the reward is nan; finite numbers are expected. (1/4)" in errors
    trace = json.loads(next(tmp_path.glob("cells/PointGoal/scratch/seed-0-*/error.json")).read_text())["trace"]
    assert any("_at_the_fifth" in line for line in trace)
    job = Job(found.failures[0][0], tmp_path, WORK)
    assert not job.result.exists()
    again = run_study(config, tmp_path, InThisProcess(), work=WORK)  # the fifth rollout is behind them
    assert not again.failures
    assert sessions(tmp_path, job.cell) == [0, 5]
    assert not job.error.exists()


def test_a_cell_that_cannot_be_done_stops_the_study_before_it_begins(tmp_path: Path) -> None:
    executor = InThisProcess()
    with pytest.raises(UserError, match="there is no agent 'impossible'"):
        run_study(study(agents=["normal", "impossible"]), tmp_path, executor, work=WORK)
    assert not executor.done
    assert not list(tmp_path.iterdir())


def test_processes_give_the_same_results_and_killed_ones_go_on(tmp_path: Path) -> None:
    config = study(training={"PointGoal/normal/seed-0": "die once"}, seeds=[0])
    found = run_study(config, tmp_path / "processes", LocalExecutor(2), work=WORK)
    killed, _ = cells_of(config)
    assert len(found.results) == 2
    assert sessions(tmp_path / "processes", killed) == [0, 5], "from its last rollout"
    undisturbed = tmp_path / "one" / "runs" / killed.folder
    undisturbed.mkdir(parents=True)
    (undisturbed / "progress.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rollouts(killed)))
    run_study(config, tmp_path / "one", InThisProcess(), work=WORK)
    assert without_time(content(tmp_path / "processes")) == without_time(content(tmp_path / "one"))


def test_a_cell_whose_process_is_killed_each_time_fails_and_the_next_goes_on(tmp_path: Path) -> None:
    config = study(training={"PointGoal/normal/seed-0": "die"}, seeds=[0])
    found = run_study(config, tmp_path, LocalExecutor(), work=WORK)
    ((cell, reason),) = found.failures
    assert cell.name == "PointGoal/normal/seed-0"
    assert "killed by SIGKILL, 2 times; most likely there was not enough memory" in reason
    assert [result.cell.agent for result in found.results] == ["scratch"]
    assert len(sessions(tmp_path, cell)) == 2


SCRIPT = """
import sys
from pathlib import Path
from rl.study.execution import LocalExecutor
from rl.study.running import run_study
from tests.rl.study.works import WORK, study
if __name__ == "__main__":
    training = {"PointGoal/normal/seed-0": "wait"}
    run_study(study(training=training, seeds=[0]), Path(sys.argv[1]), LocalExecutor(1), work=WORK)
"""


def test_a_study_killed_in_the_middle_goes_on_and_leaves_no_process_behind(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path / "study")], env=environment, cwd=ROOT)
    config = study(training={"PointGoal/normal/seed-0": "wait"}, seeds=[0])
    cell = cells_of(config)[0]
    run = tmp_path / "study" / "runs" / cell.folder
    wait_for(lambda: (run / "waiting").exists())
    with pytest.raises(UserError, match="another process trains in"):  # the cell's process holds it
        raise_failure(Job(cell, tmp_path / "study", WORK))
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not is_locked(run))
    found = run_study(config, tmp_path / "study", InThisProcess(), work=WORK)
    assert len(found.results) == 2
    assert sessions(tmp_path / "study", cell) == [0, 5]


def raise_failure(job: Job) -> None:
    perform(job)
    raise UserError(json.loads(job.error.read_text())["reason"])


def is_locked(folder: Path) -> bool:
    import fcntl

    with (folder / LOCK_FILE).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait_for(happened: object, limit_s: float = 20.0) -> None:
    end = time.monotonic() + limit_s
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_cores_are_shared_out_once_each() -> None:
    cores = sorted(os.sched_getaffinity(0))
    assert core_share(0, 1) == frozenset()
    for workers in range(2, len(cores) + 1):
        shares = [core_share(slot, workers) for slot in range(workers)]
        assert sorted(core for share in shares for core in share) == cores
    assert len(core_share(len(cores), len(cores) + 3)) == 1


def test_executors_are_found_by_name_and_their_options_kept_apart() -> None:
    local = executor_named("local", workers=3, ray_address=None)
    assert isinstance(local, LocalExecutor)
    assert local.workers == 3
    for name, workers, address, message in (
        ("cloud", None, None, "--executor is 'cloud'; expected local, ray"),
        ("ray", 2, None, "--workers is for the local executor"),
        ("local", None, "auto", "--ray-address is given without --executor ray"),
    ):
        with pytest.raises(UserError, match=message):
            executor_named(name, workers=workers, ray_address=address)
    with pytest.raises(UserError, match="workers is 0"):
        LocalExecutor(0)


def test_progress_that_was_trained_again_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    assert read_progress(path) == []
    rows = [{"steps": 10, "n": 1}, {"steps": 20, "n": 1}, {"steps": 30, "n": 1}, {"steps": 20, "n": 2}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"steps": 4')
    assert [(row["steps"], row["n"]) for row in read_progress(path)] == [(10, 1), (20, 2)]


def test_the_time_left_follows_from_steps_and_not_from_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    cells = cells_of(study(seeds=[0], tasks=[{"name": "PointGoal", "steps": 60_000}]))
    jobs = [Job(cell, tmp_path, WORK) for cell in cells]
    watch = Watch(jobs)
    assert watch.seconds_left() is None
    watch.started(jobs[0])
    clock[0] = 40.0
    watch.ended(jobs[0], None)
    assert watch.seconds_left() == pytest.approx(40.0)
    watch.started(jobs[1])
    jobs[1].run_folder.mkdir(parents=True)
    (jobs[1].run_folder / "progress.jsonl").write_text('{"steps": 40000}\n')
    clock[0] = 60.0
    assert watch.seconds_left() == pytest.approx(20.0)
    assert [duration(s) for s in (0.44, 42, 420, 11100)] == ["0.4 s", "42 s", "7 min", "3 h 5 min"]


def test_a_folder_without_a_study_or_with_a_broken_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no study: there is no study\.json"):
        read_study(tmp_path)
    known = run_study(study(seeds=[0]), tmp_path, InThisProcess(), work=WORK)
    assert isinstance(known, Study)
    path = next(tmp_path.glob("cells/PointGoal/normal/*/result.json"))
    whole = path.read_text()
    for text, message in (
        ("{", "is broken"),
        (whole.replace('"format": 1', '"format": 9'), "has format 9; this program reads format 1"),
        (whole.replace('"fingerprint": "', '"fingerprint": "0'), "is the result of another cell"),
        (whole.replace('"test_0/0",', ""), "reward|is_success has 18 episodes, and there are 17"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_study(tmp_path)


def test_results_are_read_as_they_were_written_and_small(tmp_path: Path) -> None:
    cell = cells_of(study())[0]
    perform(job := Job(cell, tmp_path, WORK))
    (read,) = [
        result for result in run_study(study(), tmp_path, InThisProcess(), work=WORK).results if result.cell == cell
    ]
    episodes = WORK.evaluate(cell, job.run_folder, cell.splits[0])["episodes"]
    found = read.evaluations["test"]
    assert list(found.keys) == [row["key"] for row in episodes]
    assert found.numbers["reward"].tolist() == pytest.approx([row["reward"] for row in episodes], abs=1e-5)
    assert found.numbers["covered_m2"].tolist() == [row["measures"]["covered_m2"] for row in episodes]
    assert all(value != value for value in found.numbers["soft_spl"]), "a task may not measure it"
    assert read.curve["return"].tolist() == pytest.approx(
        [row["return"] for row in read_progress(job.run_folder / "progress.jsonl")], abs=1e-5
    )
    assert LEVELS[cell.agent] == pytest.approx(found.mean("covered_m2") / 10)
    assert read.provenance == {"vision": {"bank_sha256": "ab12"}, "scenes": "cd34", "policy_sha256": "ef56"}
    assert job.result.stat().st_size < 80 * len(episodes) * 2 + 3000
