import json
import math
from pathlib import Path

import numpy as np
import pytest

from perception import UserError
from rl.evaluation.evaluation import Evaluation, estimates, read_evaluation, write_evaluation
from rl.evaluation.metrics import bootstrap_mean, success_rate
from rl.scenes import Split
from tests.rl.evaluation.episodes import summary

SUMMARIES = (
    summary(0, "a", spl=1.0, reward=3.0, measures={"distance_m": 0.1, "covered_m2": 2.0}),
    summary(1, "a", spl=0.5, reward=2.0, collisions=3, measures={"distance_m": 0.3, "covered_m2": 3.0}),
    summary(0, "b", spl=0.0, reward=-1.0, is_success=False, is_cut_off=True, measures={"distance_m": 5.0}),
)


def test_means_are_those_of_all_episodes() -> None:
    found = estimates(SUMMARIES)
    assert found["success"] == success_rate(2, 3)
    assert {name: found[name].mean for name in ("spl", "reward", "collisions", "steps", "distance_m")} == pytest.approx(
        {"spl": 0.5, "reward": 4 / 3, "collisions": 1.0, "steps": 10.0, "distance_m": 1.8}
    )


def test_intervals_draw_whole_buildings_unless_told_otherwise() -> None:
    rewards = [item.reward for item in SUMMARIES]
    assert estimates(SUMMARIES, seed=2)["reward"] == bootstrap_mean(rewards, ["a", "a", "b"], seed=2)
    assert estimates(SUMMARIES, clustered=False, seed=2)["reward"] == bootstrap_mean(rewards, seed=2)
    clustered = estimates(SUMMARIES)["success_clustered"]
    assert (clustered.low, clustered.high) == (0.0, 1.0)  # only one building, or only the other


def test_a_measure_that_some_episode_lacks_has_no_mean() -> None:
    assert "covered_m2" not in estimates(SUMMARIES)
    explored = [summary(0, spl=math.nan, soft_spl=math.nan, measures={"covered_m2": 4.0})]
    found = estimates(explored)
    assert found["covered_m2"].mean == 4.0
    assert not {"spl", "soft_spl"} & set(found)


def test_no_episodes_have_no_summary() -> None:
    with pytest.raises(UserError, match="without episodes"):
        estimates([])


def test_the_file_has_every_episode_and_null_for_what_is_not_there(tmp_path: Path) -> None:
    lost = summary(1, "b", spl=math.nan, measures={"distance_m": math.inf})
    evaluation = Evaluation(Split.TEST, (*SUMMARIES, lost), {"agent": "blind"})
    path = write_evaluation(tmp_path, evaluation)
    assert path == tmp_path / "evaluation" / "test.json"
    document = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert document == read_evaluation(tmp_path, Split.TEST)
    assert [row["key"] for row in document["episodes"]] == ["a/0", "a/1", "b/0", "b/1"]
    assert document["episodes"][2] | {"measures": {}} == {
        "key": "b/0", "building": "b", "episode_id": "0", "steps": 10, "is_success": False, "is_cut_off": True,
        "collisions": 0, "reward": -1.0, "spl": 0.0, "soft_spl": 1.0, "path_length_m": 4.0, "shortest_path_m": 4.0,
        "measures": {},
    }  # fmt: skip
    assert document["episodes"][3]["spl"] is None
    assert document["episodes"][3]["measures"] == {"distance_m": None}
    assert document["split"] == "test"
    assert document["provenance"] == {"agent": "blind"}
    assert document["summary"]["episodes"] == 4
    assert document["summary"]["buildings"] == 2
    assert document["summary"]["success"]["mean"] == np.mean([True, True, False, True])


def test_a_missing_or_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_evaluation(tmp_path, Split.TEST)
    write_evaluation(tmp_path, Evaluation(Split.TEST, SUMMARIES, {}))
    path = tmp_path / "evaluation" / "test.json"
    path.rename(path.with_name("train.json"))
    with pytest.raises(UserError, match="no evaluation of the split 'train'"):
        read_evaluation(tmp_path, Split.TRAIN)
    path.write_text('{"split": "te')
    with pytest.raises(UserError, match="no JSON"):
        read_evaluation(tmp_path, Split.TEST)
