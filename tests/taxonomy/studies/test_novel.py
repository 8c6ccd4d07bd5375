"""Leave-one-out, checked against counting by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import UserError
from taxonomy.losses import LossTable, TargetLosses
from taxonomy.studies import leave_one_out, novel_task

IMAGES = 120
HELD_BACK = np.arange(IMAGES) % 2 == 1


def entry(columns: dict[str, NDArray[np.float64]], target: str = "normal") -> TargetLosses:
    losses = np.stack(list(columns.values()), axis=1)
    return TargetLosses(target, tuple(tuple(name.split("+")) for name in columns), lambda: losses)


def columns(seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Losses around a level of each transfer's own; the target's own features are far the best, then `self`."""
    rng = np.random.default_rng(seed)
    levels = {
        "normal": 0.01, "normal+reshading": 0.005, "self": 0.02, "random+reshading": 0.01, "reshading": 0.3,
        "depth_zbuffer": 0.4, "depth_zbuffer+reshading": 0.2, "autoencoding": 0.8, "random": 0.9, "pixels": 0.7,
    }  # fmt: skip
    return {name: level + 0.15 * rng.random(IMAGES) for name, level in levels.items()}


def wins(mine: NDArray[np.float64], rival: NDArray[np.float64]) -> float:
    return float(np.mean([1.0 if a < b else 0.5 * (a == b) for a, b in zip(mine, rival, strict=True)]))


def test_the_suggested_transfer_never_uses_the_targets_own_network() -> None:
    found = novel_task(entry(columns()), HELD_BACK)
    assert found.sources == ("depth_zbuffer", "reshading"), "the best that neither knows the target nor a baseline"


def test_win_rates_are_those_on_the_held_back_half() -> None:
    given = columns()
    found = novel_task(entry(given), HELD_BACK)
    held = {name: losses[HELD_BACK] for name, losses in given.items()}
    mine = held["depth_zbuffer+reshading"]
    assert found.gain == pytest.approx(wins(mine, held["pixels"]))
    assert found.over_random == pytest.approx(wins(mine, held["random"]))
    assert found.quality == pytest.approx(wins(mine, held["self"]))
    others = [wins(mine, held[name]) for name in ("reshading", "depth_zbuffer", "autoencoding")]
    assert found.over_other_features == pytest.approx(np.mean(others))


def test_the_held_back_half_does_not_choose() -> None:
    given = columns()
    given["autoencoding"][HELD_BACK] = 0.0  # best where it may not be looked at
    assert novel_task(entry(given), HELD_BACK).sources == ("depth_zbuffer", "reshading")
    given["autoencoding"][~HELD_BACK] = 0.0
    found = novel_task(entry(given), HELD_BACK)
    assert found.sources == ("autoencoding",)
    assert found.over_other_features == 1.0, "it is not among its own rivals"


def test_images_without_a_label_change_nothing() -> None:
    given = columns()
    found = novel_task(entry(given), HELD_BACK)
    padded = {name: np.concatenate([losses, np.full(10, np.nan)]) for name, losses in given.items()}
    more = np.concatenate([HELD_BACK, np.arange(10) % 2 == 0])
    assert novel_task(entry(padded), more) == found


def test_rivals_that_were_not_trained_are_left_open() -> None:
    given = {name: losses for name, losses in columns().items() if name not in ("pixels", "random", "self")}
    found = novel_task(entry(given), HELD_BACK)
    assert (found.gain, found.over_random, found.quality) == (None, None, None)
    assert found.to_json()["sources"] == ["depth_zbuffer", "reshading"]


def test_targets_that_cannot_play_are_left_out_and_refused_by_name() -> None:
    alone = entry({name: losses for name, losses in columns().items() if name in ("self", "random", "normal")})
    with pytest.raises(UserError, match="normal cannot play a novel task: it has 0 transfers from other tasks"):
        novel_task(alone, HELD_BACK)
    half = {name: np.where(HELD_BACK, np.nan, columns()[name]) for name in ("depth_zbuffer", "autoencoding")}
    one_half = entry(half, target="reshading")
    other = entry({"reshading": np.zeros(IMAGES), "jigsaw": np.ones(IMAGES)}, target="keypoints2d")
    found = leave_one_out(
        LossTable([alone, one_half, other]), dict.fromkeys(("normal", "reshading", "keypoints2d"), HELD_BACK)
    )
    assert [(novel.task, novel.sources) for novel in found] == [("keypoints2d", ("reshading",))]
