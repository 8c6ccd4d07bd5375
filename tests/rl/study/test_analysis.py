"""Tables and verdicts of made-up results whose answers are known."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from rl.scenes import Split
from rl.study.analysis import Analysis, Comparison, analyse
from rl.study.cells import cells_of
from rl.study.config import StudyConfig
from rl.study.results import CellResult, Episodes, episodes_of, thinned_curve
from rl.study.statistics import rank_sum_p, welch_p
from rl.study.verdicts import Verdict, is_feature, is_single_feature, judge
from tests.rl.study.works import result, study

AGENTS = ["max-coverage:4", "normal", "keypoints2d", "random-weights:4", "scratch", "blind", "random"]
TASKS = [{"name": "PointGoal", "steps": 1000}, {"name": "Explore", "steps": 1000}]


@pytest.fixture(scope="module")
def config() -> StudyConfig:
    return study(agents=AGENTS, seeds=[0, 1, 2], tasks=TASKS)


@pytest.fixture(scope="module")
def analysis(config: StudyConfig) -> Analysis:
    swapped = {("Explore", "normal"): 0.6, ("Explore", "keypoints2d"): 0.8}
    return analyse(config, [result(cell, swapped.get((cell.task, cell.agent))) for cell in cells_of(config)])


def test_rows_are_means_over_seeds_of_means_over_episodes(config: StudyConfig, analysis: Analysis) -> None:
    row = analysis.tasks[0].row("normal")
    assert row is not None
    done = [result(cell) for cell in cells_of(config) if (cell.task, cell.agent) == ("PointGoal", "normal")]
    seeds = np.array([np.mean(item.evaluations["test"].numbers["reward"]) for item in done])
    train = np.array([np.mean(item.evaluations["train"].numbers["reward"]) for item in done])
    low, high = stats.t.interval(0.95, 2, seeds.mean(), stats.sem(seeds))
    measure = config.tasks[0].measure
    assert (row.test[measure].mean, row.test[measure].low, row.test[measure].high) == pytest.approx(
        (seeds.mean(), low, high)
    )
    assert row.gap.mean == pytest.approx((train - seeds).mean())
    assert row.seeds == 3


def test_rewards_are_relative_to_the_blind_and_the_worst(config: StudyConfig, analysis: Analysis) -> None:
    task = analysis.tasks[0]
    means = {row.agent.agent: row.test[config.tasks[0].measure].mean for row in task.rows}
    assert task.least_reward == min(means.values())
    blind = task.row("blind")
    assert blind is not None
    assert blind.relative.mean == pytest.approx(1)
    for row in task.rows:
        expected = (means[row.agent.agent] - min(means.values())) / (means["blind"] - min(means.values()))
        assert row.relative.mean == pytest.approx(expected)


def test_ranks_follow_the_levels_the_results_were_made_with(analysis: Analysis) -> None:
    places = {row.agent.agent: row.rank for row in analysis.tasks[0].rows}
    assert [places[agent] for agent in ("max-coverage:4", "normal", "keypoints2d", "scratch", "blind")] == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_comparisons_are_rank_sums_of_seeds_by_buildings_corrected_for_all(
    config: StudyConfig, analysis: Analysis
) -> None:
    pairs = len(AGENTS) * (len(AGENTS) - 1) // 2 * len(TASKS)
    assert len(analysis.comparisons) == pairs

    def values(agent: str) -> list[float]:
        found = []
        for cell in cells_of(config):
            if (cell.task, cell.agent) == ("PointGoal", agent):
                episodes = result(cell).evaluations["test"]
                for building in sorted(set(episodes.buildings.tolist())):
                    at = [i for i, key in enumerate(episodes.keys) if key.startswith(building + "/")]
                    found.append(float(episodes.numbers["reward"][at].mean()))
        return found

    first, second = values("normal"), values("scratch")
    assert len(first) == 3 * 6
    found = analysis.comparison("PointGoal", "normal", "scratch")
    assert found is not None
    assert found.p == pytest.approx(stats.mannwhitneyu(first, second, method="asymptotic").pvalue)
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))
    corrected = stats.false_discovery_control([item.p for item in analysis.comparisons])
    assert [item.q for item in analysis.comparisons] == pytest.approx(corrected)
    over_seeds = [
        stats.ttest_ind(
            *(analysis.results.means(item.task, agent, Split.TEST, "reward") for agent in (item.first, item.second)),
            equal_var=False,
        ).pvalue
        for item in analysis.comparisons
    ]
    assert [item.p_seeds for item in analysis.comparisons] == pytest.approx(over_seeds)
    assert [item.q_seeds for item in analysis.comparisons] == pytest.approx(stats.false_discovery_control(over_seeds))
    assert found.surely == (max(found.p, found.p_seeds), max(found.q, found.q_seeds))
    turned = analysis.comparison("PointGoal", "scratch", "normal")
    assert turned is not None
    assert (turned.difference, turned.q) == (-found.difference, found.q)
    assert analysis.comparison("PointGoal", "normal", "normal") is None


def test_equal_agents_whose_seeds_differ_are_seldom_told_apart() -> None:
    rng = np.random.default_rng(0)
    ranked, sure, trials = 0, 0, 300
    for _ in range(trials):
        buildings = rng.normal(0, 0.2, 24)
        seeds = [rng.normal(0, 0.1) + buildings + rng.normal(0, 0.15, 24) for _ in range(6)]
        p = rank_sum_p(np.concatenate(seeds[:3]), np.concatenate(seeds[3:]))
        p_seeds = welch_p([seed.mean() for seed in seeds[:3]], [seed.mean() for seed in seeds[3:]])
        found = Comparison("PointGoal", "a", "b", 0.0, p, p, p_seeds, p_seeds)
        ranked += p < 0.05
        sure += found.surely[1] < 0.05
    assert ranked / trials > 0.25, "why ranks over buildings are not enough"
    assert sure / trials < 0.05


def test_verdicts_are_those_the_results_were_made_for(analysis: Analysis) -> None:
    claims = judge(analysis)
    known = {(claim.hypothesis, claim.text, claim.task, claim.subject): claim.verdict for claim in claims}
    texts = {hypothesis: {text for h, text, *_ in known if h == hypothesis} for hypothesis in ("H1", "H2", "H3")}
    (sooner,), (reversal,) = texts["H1"], texts["H3"]
    for text in (sooner, *texts["H2"]):
        hypothesis = "H1" if text == sooner else "H2"
        assert known[hypothesis, text, "PointGoal", "max-coverage:4"] is Verdict.HOLDS
        assert (hypothesis, text, "PointGoal", "random-weights:4") not in known, "untrained encoders are no features"
    assert known["H3", reversal, "PointGoal, Explore", "normal > keypoints2d"] is Verdict.HOLDS
    assert len([claim for claim in claims if claim.hypothesis == "H3"]) == 1


def test_features_that_are_worse_fail_and_those_alike_are_undecided() -> None:
    config = study(agents=["normal", "keypoints2d", "scratch"], seeds=[0, 1, 2])
    levels = {"normal": 0.1, "keypoints2d": 0.4, "scratch": 0.4}
    claims = judge(analyse(config, [result(cell, levels[cell.agent]) for cell in cells_of(config)]))
    better = {claim.subject: claim.verdict for claim in claims if "better" in claim.text}
    assert better == {"normal": Verdict.FAILS, "keypoints2d": Verdict.UNDECIDED}


def test_one_seed_proves_nothing_about_seeds() -> None:
    config = study(agents=["normal", "scratch"], seeds=[0])
    claims = judge(analyse(config, [result(cell) for cell in cells_of(config)]))
    over_seeds = [claim for claim in claims if "better" not in claim.text]
    assert len(over_seeds) == 2
    assert all(claim.verdict is Verdict.UNDECIDED and math.isnan(claim.q) for claim in over_seeds)


def test_a_part_of_the_cells_is_enough_for_a_part_of_the_answers(config: StudyConfig) -> None:
    cells = [cell for cell in cells_of(config) if cell.task == "PointGoal" and cell.agent in ("normal", "random")]
    found = analyse(config, [result(cell) for cell in cells[:3]])
    (task,) = found.tasks
    assert [row.agent.agent for row in task.rows] == ["normal", "random"]
    assert math.isnan(task.threshold), "scratch is not there to say where it ends"
    assert all(math.isnan(row.relative.mean) for row in task.rows), "nor is the blind agent"
    assert judge(found) == ()
    assert analyse(config, []).tasks == ()


def test_the_threshold_is_where_scratch_ends_unless_the_study_says(analysis: Analysis, config: StudyConfig) -> None:
    ends = [
        result(cell).curve["return"][-5:].mean()  # a tenth of it
        for cell in cells_of(config)
        if (cell.task, cell.agent) == ("PointGoal", "scratch")
    ]
    assert analysis.tasks[0].threshold == pytest.approx(np.mean(ends))
    own = study(tasks=[{"name": "PointGoal", "steps": 1000, "threshold": 0.5, "curve": "success"}])
    found = analyse(own, [result(cell) for cell in cells_of(own)]).tasks[0]
    assert found.threshold == 0.5
    scratch, normal = found.row("scratch"), found.row("normal")
    assert scratch is not None
    assert normal is not None
    assert scratch.reach_steps == (math.inf, math.inf)
    assert all(100 < steps < 500 for steps in normal.reach_steps)


@pytest.mark.parametrize(
    ("agent", "feature", "single"),
    [
        ("normal", True, True),
        ("normal,reshading", True, False),
        ("max-coverage:4", True, False),
        ("published:2", True, False),
        ("random-weights:4", False, False),
        ("scratch", False, False),
        ("oracle", False, False),
        ("greedy", False, False),
    ],
)
def test_agents_are_told_apart_by_what_they_see_through(agent: str, feature: bool, single: bool) -> None:
    assert is_feature(agent) is feature
    assert is_single_feature(agent) is single


def test_long_curves_are_thinned_to_means_that_keep_the_last_step() -> None:
    rows: list[dict[str, Any]] = [
        {"steps": 10 * n, "return": float(n), "success": 0.0, "spl": None} for n in range(1, 1001)
    ]
    rows[3]["return"] = None
    curve = thinned_curve(rows, most=100)
    assert curve["steps"].tolist() == [100.0 * n for n in range(1, 101)]
    assert curve["return"][1] == np.mean(range(11, 21))
    assert curve["return"][0] == pytest.approx((sum(range(1, 11)) - 4) / 9), "what has no value does not count"
    assert np.isnan(curve["spl"]).all()
    assert {name: column.size for name, column in thinned_curve([]).items()} == dict.fromkeys(curve, 0)
    with pytest.raises(KeyError):
        thinned_curve([{"steps": 10, "means": {"return": 1.0}}])


def test_buildings_weigh_the_same_however_many_episodes_they_have() -> None:
    rows = [{"key": key, "reward": reward} for key, reward in (("b/x/1", 1.0), ("b/x/2", 3.0), ("a/1", 5.0))]
    episodes: Episodes = episodes_of(rows)
    assert episodes.buildings.tolist() == ["b/x", "b/x", "a"]
    assert episodes.building_means("reward").tolist() == [5.0, 2.0]
    assert episodes.mean("reward") == 3.0


def test_a_split_that_was_not_tested_has_no_means(config: StudyConfig) -> None:
    done = [result(cell) for cell in cells_of(config)]
    bare = [CellResult(r.cell, r.seconds, r.curve, {"test": r.evaluations["test"]}, {}) for r in done]
    row = analyse(config, bare).tasks[0].rows[0]
    assert math.isnan(row.gap.mean)
    assert row.test[config.tasks[0].measure].count == 3
    assert Split.TRAIN.value not in bare[0].evaluations
