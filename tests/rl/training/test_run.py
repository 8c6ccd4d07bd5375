"""Runs that stop and go on, and runs that must not."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from perception.errors import UserError
from perception.remote.errors import UnreachableError
from rl.training import DivergedError, PpoSettings, Report, RunSpec, StoppedError, read_progress, read_spec, train
from tests.rl.training.fake_world import FakeBuilder, Fault

PPO = PpoSettings(n_steps=16, batch_size=32, n_epochs=2, learning_rate=3e-3)
SPEC = RunSpec("normal", environments=4, total_steps=64 * 8, ppo=PPO, threads=1)


def ended(folder: Path) -> tuple[bytes, list[dict[str, object]]]:
    """All that equal runs share."""
    records = [record.to_json() for record in read_progress(folder)]
    for record in records:
        del record["seconds"]
    return (folder / "policy.safetensors").read_bytes(), records


@pytest.fixture(params=[False, True], ids=["feedforward", "recurrent"])
def spec(request: pytest.FixtureRequest) -> RunSpec:
    return dataclasses.replace(SPEC, recurrent=request.param)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(spec: RunSpec, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(dataclasses.replace(spec, seed=seed), tmp_path / name, build=FakeBuilder())
    assert ended(tmp_path / "a") == ended(tmp_path / "b")
    assert ended(tmp_path / "a")[0] != ended(tmp_path / "c")[0]


def test_a_run_that_stops_at_random_rollouts_ends_as_one_that_does_not(spec: RunSpec, tmp_path: Path) -> None:
    train(spec, tmp_path / "whole", build=FakeBuilder())
    rng = np.random.default_rng()  # any rollout will do
    for stop_after in sorted(rng.integers(1, spec.total_steps, 3)):
        np.random.seed(rng.integers(1000))
        result = train(spec, tmp_path / "stopped", build=FakeBuilder(), stop_after=int(stop_after))
        assert result.steps >= stop_after
    train(spec, tmp_path / "stopped", build=FakeBuilder())
    assert ended(tmp_path / "whole") == ended(tmp_path / "stopped")


def test_how_often_it_is_written_down_changes_nothing(tmp_path: Path) -> None:
    for every_s in (0.0, 3600.0):
        train(SPEC, tmp_path / str(every_s), build=FakeBuilder(), checkpoint_every_s=every_s)
    assert ended(tmp_path / "0.0") == ended(tmp_path / "3600.0")


KILLED = """
import sys, dataclasses
from pathlib import Path
from rl.training import train
from tests.rl.training.fake_world import FakeBuilder
from tests.rl.training.test_run import SPEC
train(dataclasses.replace(SPEC, total_steps=64 * 30), Path(sys.argv[1]), build=FakeBuilder(), checkpoint_every_s=0.05)
"""


def test_a_killed_process_loses_nothing_that_shows(tmp_path: Path) -> None:
    folder, spec = tmp_path / "killed", dataclasses.replace(SPEC, total_steps=64 * 30)
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], cwd=Path(__file__).parents[3])
    while not (folder / "checkpoint.safetensors").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "policy.json").exists()
    (folder / ".checkpoint.safetensors.abcd").write_bytes(b"half of one")
    done: list[int] = []
    train(spec, folder, build=FakeBuilder(), report=Report(begin=lambda steps, _: done.append(steps)))
    assert 0 < done[0] < spec.total_steps
    assert not list(folder.glob(".checkpoint*"))
    train(spec, tmp_path / "whole", build=FakeBuilder())
    assert ended(tmp_path / "whole") == ended(folder)


def test_rollouts_after_the_checkpoint_and_half_a_line_are_cut_off(tmp_path: Path) -> None:
    train(SPEC, tmp_path / "whole", build=FakeBuilder())
    train(SPEC, tmp_path / "a", build=FakeBuilder(), stop_after=128)
    path = tmp_path / "a" / "progress.jsonl"
    lines = path.read_text().splitlines()
    beyond = json.dumps({**json.loads(lines[-1]), "steps": 192})
    path.write_text("\n".join([*lines, beyond, beyond[:20]]))
    train(SPEC, tmp_path / "a", build=FakeBuilder())
    assert ended(tmp_path / "whole") == ended(tmp_path / "a")


def test_progress_that_does_not_reach_the_checkpoint_is_refused(tmp_path: Path) -> None:
    train(SPEC, tmp_path, build=FakeBuilder(), stop_after=128)
    (tmp_path / "progress.jsonl").write_text("")
    with pytest.raises(UserError, match="does not reach step 128"):
        train(SPEC, tmp_path, build=FakeBuilder())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 5}, "seed was 0 and now is 5"),
        ({"agent": "scratch"}, "agent was 'normal' and now is 'scratch'"),
        ({"task": "Explore"}, "task was 'PointGoal' and now is 'Explore'"),
        ({"ppo": dataclasses.replace(PPO, gamma=0.9)}, "ppo.gamma was 0.99 and now is 0.9"),
        ({"recurrent": True}, "recurrent was False"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(change: dict[str, object], words: str, tmp_path: Path) -> None:
    train(SPEC, tmp_path, build=FakeBuilder(), stop_after=64)
    with pytest.raises(UserError, match=f"holds another run: {re.escape(words)}"):
        train(dataclasses.replace(SPEC, **change), tmp_path, build=FakeBuilder())  # type: ignore[arg-type]


def test_a_server_may_move_while_a_run_is_stopped(tmp_path: Path) -> None:
    train(SPEC, tmp_path, build=FakeBuilder(), stop_after=64)
    moved = dataclasses.replace(SPEC, server="grpc://elsewhere:1")
    assert train(moved, tmp_path, build=FakeBuilder()).is_done


def test_another_bank_is_refused(tmp_path: Path) -> None:
    train(SPEC, tmp_path, build=FakeBuilder(), stop_after=64)
    other = FakeBuilder(identity={"kind": "features", "bank_sha256": "def"})
    with pytest.raises(UserError, match=r"vision\.bank_sha256 was 'abc' and now is 'def'"):
        train(SPEC, tmp_path, build=other)


def test_a_checkpoint_of_another_task_is_refused(tmp_path: Path) -> None:
    other = dataclasses.replace(SPEC, task="Explore")
    train(SPEC, tmp_path / "a", build=FakeBuilder(), stop_after=64)
    train(other, tmp_path / "b", build=FakeBuilder(), stop_after=64)
    (tmp_path / "a" / "checkpoint.safetensors").replace(tmp_path / "b" / "checkpoint.safetensors")
    with pytest.raises(UserError, match="checkpoint of another run: task was 'PointGoal' and now is 'Explore'"):
        train(other, tmp_path / "b", build=FakeBuilder())


def test_a_cut_off_checkpoint_is_refused(tmp_path: Path) -> None:
    train(SPEC, tmp_path, build=FakeBuilder(), stop_after=64)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match="is no checkpoint"):
        train(SPEC, tmp_path, build=FakeBuilder())


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    train(SPEC, tmp_path, build=FakeBuilder(), stop_after=64)
    save_file({"a": np.zeros(3)}, tmp_path / "checkpoint.safetensors")
    with pytest.raises(UserError, match="is no checkpoint"):
        train(SPEC, tmp_path, build=FakeBuilder())


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_a_reward_that_is_no_number_stops_the_run_and_keeps_what_was_learned(reward: float, tmp_path: Path) -> None:
    fault = Fault(at_step=16 * 3 + 2, reward=reward)
    with pytest.raises(DivergedError, match=rf"reward of environment 1 is {reward}.*as it was after step 192"):
        train(SPEC, tmp_path / "a", build=FakeBuilder(fault))
    train(SPEC, tmp_path / "whole", build=FakeBuilder())
    train(SPEC, tmp_path / "a", build=FakeBuilder())  # the fault mended
    assert ended(tmp_path / "whole") == ended(tmp_path / "a")


def test_losses_that_are_no_numbers_stop_the_run(tmp_path: Path) -> None:
    wild = dataclasses.replace(SPEC, ppo=dataclasses.replace(PPO, learning_rate=1e30))
    with pytest.raises(DivergedError, match=r"lower ppo.learning_rate"):
        train(wild, tmp_path, build=FakeBuilder())


def test_a_server_that_is_gone_stops_the_run_with_a_sentence_and_loses_nothing(tmp_path: Path) -> None:
    gone = Fault(at_step=16 * 2 + 5, error=UnreachableError("no server can be reached at grpc://host:1."))
    with pytest.raises(StoppedError, match=r"at grpc://host:1\. The first 128 steps are kept.*same command goes on"):
        train(SPEC, tmp_path / "a", build=FakeBuilder(gone))
    train(SPEC, tmp_path / "whole", build=FakeBuilder())
    train(SPEC, tmp_path / "a", build=FakeBuilder())
    assert ended(tmp_path / "whole") == ended(tmp_path / "a")


def test_an_encoder_that_changed_while_training_is_an_error_and_leaves_no_policy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="frozen encoder of 'normal' changed"):
        train(SPEC, tmp_path, build=FakeBuilder(hashes=({"normal": "1"}, {"normal": "2"})))
    assert not (tmp_path / "policy.json").exists()


def test_the_policy_file_has_the_policy_and_no_encoder(tmp_path: Path) -> None:
    train(SPEC, tmp_path, build=FakeBuilder())
    names = set(load_file(tmp_path / "policy.safetensors"))
    assert {name.split(".")[0] for name in names} == {"mlp_extractor", "action_net", "value_net"}
    document = json.loads((tmp_path / "policy.json").read_text())
    assert document["vision"] == {"kind": "features", "bank_sha256": "abc"}
    assert document["encoders_sha256"] == {"normal": "1"}


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    first = train(SPEC, tmp_path, build=FakeBuilder())
    again = train(SPEC, tmp_path, build=FakeBuilder(Fault(at_step=1, error=UserError("not reached"))))
    assert again == first
    assert read_spec(tmp_path) == SPEC


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    from rl.training.folders import exclusively

    with exclusively(tmp_path), pytest.raises(UserError, match="another process is training"):
        train(SPEC, tmp_path, build=FakeBuilder())


def test_ppo_learns_what_is_easy(tmp_path: Path) -> None:
    ppo = PpoSettings(n_steps=32, batch_size=64, learning_rate=1e-2, entropy_coefficient=0.0)
    spec = RunSpec("normal", environments=8, total_steps=6000, ppo=ppo, threads=1)
    train(spec, tmp_path, build=FakeBuilder())
    first, last = read_progress(tmp_path)[0], read_progress(tmp_path)[-1]
    assert first.means["success"] is not None
    assert last.means["success"] is not None
    assert first.means["success"] < 0.3
    assert last.means["success"] > 0.9
