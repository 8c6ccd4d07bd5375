"""`midlevel rl train`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import rl.training.world as worlds
from perception.errors import UserError
from rl.cli import app
from rl.file_scenes import GivenScenes
from rl.training import load_policy, read_spec
from tests.sim.hand_made import two_rooms

SMALL = (
    "train", "--agent", "blind", "--train-buildings", "1", "--episodes", "5", "--environments", "4", "--camera-px", "8",
    "--steps", "64", "--threads", "1", "--ppo", "n_steps=16", "--ppo", "batch_size=32",
)  # fmt: skip


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_agent_is_trained_in_two_sittings_and_says_where_its_time_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "scenes_of", lambda _: GivenScenes(train=(two_rooms("a"),)))
    out = str(tmp_path / "run")
    settings = ("--task-setting", "horizon_steps=20", "--episode-setting", "max_m=6")
    first = json.loads(run(*SMALL, *settings, "--steps", "128", "--out", out, "--stop-after", "64", "--json"))
    assert (first["steps"], first["is_done"]) == (64, False)
    text = run(*SMALL, *settings, "--steps", "128", "--out", out)
    assert [line.split()[0] for line in text.splitlines()] == [
        "time",
        "sim",
        "encode",
        "act",
        "learn",
        "all",
        "trained:",
    ]
    spec = read_spec(tmp_path / "run")
    assert (spec.task_settings, spec.episode_settings) == ({"horizon_steps": 20}, {"max_m": 6})
    assert (spec.learning.n_steps, spec.learning.gamma) == (16, 0.99)
    assert load_policy(tmp_path / "run").spec == spec


def test_a_server_that_has_nothing_to_encode_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "scenes_of", lambda _: GivenScenes(train=(two_rooms("a"),)))
    settings = ("--task-setting", "horizon_steps=20", "--episode-setting", "max_m=6", "--server", "grpc://127.0.0.1:1")
    result = CliRunner().invoke(app, (*SMALL, *settings, "--out", str(tmp_path / "run")), catch_exceptions=False)
    assert result.exit_code == 0
    assert "blind sees no features of a bank; the server at grpc://127.0.0.1:1 has nothing to do" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ppo", "n_steps"), "the setting 'n_steps' of ppo is no NAME=VALUE"),
        (("--ppo", "lr=1"), "unknown entry of the command.ppo 'lr'"),
        (("--ppo", "gamma=high"), "the command.ppo.gamma is 'high'; expected a number"),
        (("--environments", "5"), "a rollout has 80 steps"),
        (("--task", "Explor"), "unknown task 'Explor'; did you mean 'Explore'"),
    ],
)
def test_mistakes_are_refused_in_a_sentence(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        run(*SMALL, *arguments, "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run" / "manifest.json").exists()
