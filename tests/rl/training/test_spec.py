"""What a run is, in JSON and out of it."""

import dataclasses
import json
import re
from typing import Any

import pytest

from perception.errors import UnknownNameError, UserError
from rl.training import DEFAULTS, PpoSettings, RunSpec, SceneSettings


def test_a_run_comes_back_from_json_as_it_was() -> None:
    spec = RunSpec(
        "max-coverage:4", task="VisualTarget", task_settings={"category": "sofa"}, server="grpc://a:1", recurrent=True,
        scenes=SceneSettings(train=3, containing=("sofa", "bed")), ppo=PpoSettings(clip_range=0.1),
    )  # fmt: skip
    assert RunSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize("task", list(DEFAULTS))
def test_a_run_learns_with_its_tasks_defaults_and_writes_them_down(task: str) -> None:
    spec = RunSpec("blind", task=task)
    assert spec.learning == DEFAULTS[task]
    assert spec.to_json()["ppo"] == dataclasses.asdict(DEFAULTS[task])


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "the run has no 'agent'"),
        ([], r"the run is \[\]; expected entries by name"),
        ({"agent": "blind", "ppo": {"gama": 1}}, "unknown entry of the run.ppo 'gama'; did you mean 'gamma'?"),
        ({"agent": 3}, "the run.agent is 3; expected words"),
        ({"agent": "blind", "seed": "1"}, "the run.seed is '1'; expected a whole number"),
        ({"agent": "blind", "recurrent": 1}, "the run.recurrent is 1; expected true or false"),
        ({"agent": "blind", "scenes": {"containing": "sofa"}}, "the run.scenes.containing is 'sofa'; expected a list"),
        ({"agent": "blind", "ppo": {"gamma": 1.5}}, "ppo.gamma is 1.5; expected a number of at least 0 and at most 1"),
    ],
)
def test_what_is_no_run_is_refused_by_the_entry(document: Any, words: str) -> None:
    with pytest.raises(UserError, match=words.replace("?", r"\?")):
        RunSpec.from_json(document)


def test_unknown_entries_are_unknown_names() -> None:
    with pytest.raises(UnknownNameError):
        RunSpec.from_json({"agent": "blind", "sed": 3})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"environments": 0}, "environments is 0; expected a whole number of at least 1"),
        ({"total_steps": 0}, "total_steps is 0"),
        ({"camera_px": -1}, "camera_px is -1"),
        ({"seed": True}, "seed is True"),
        ({"environments": 3}, "a rollout has 384 steps (128 in each of 3 environments), no multiple of"),
    ],
)
def test_settings_that_make_no_run_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=re.escape(words)):
        RunSpec("blind", **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_steps": 0}, "ppo.n_steps is 0"),
        ({"batch_size": 1}, "ppo.batch_size is 1; expected a whole number of at least 2"),
        ({"learning_rate": 0.0}, "ppo.learning_rate is 0.0; expected a number of more than 0"),
        ({"clip_range": float("nan")}, "ppo.clip_range is nan"),
        ({"entropy_coefficient": -1}, "ppo.entropy_coefficient is -1; expected a number of at least 0"),
        ({"gamma": "0.9"}, "ppo.gamma is '0.9'"),
    ],
)
def test_ppo_settings_outside_their_range_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        PpoSettings(**settings)


def test_a_run_ends_at_a_whole_rollout() -> None:
    spec = RunSpec("blind", total_steps=200_000)
    assert spec.rollout_steps == 2048
    assert spec.last_step == 98 * 2048
