"""Rank agreement, against scipy and against what is known of ranks."""

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.stats import spearmanr

from taxonomy import Transfer, TransferTable
from taxonomy.studies import rank_agreement

SOURCES = ("autoencoding", "edge_texture", "depth_zbuffer", "reshading", "class_scene", "curvature")


def table(affinities: Mapping[str, float], target: str = "normal") -> TransferTable:
    return TransferTable(Transfer(tuple(name.split("+")), target, value) for name, value in affinities.items())


def test_agreement_is_spearmans_correlation_of_the_common_sources() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.permutation(6) + 1.0, rng.permutation(6) + 1.0
    (found,) = rank_agreement(
        table(dict(zip(SOURCES, ours, strict=True))), table(dict(zip(SOURCES, theirs, strict=True)))
    )
    assert found.correlation == pytest.approx(spearmanr(ours, theirs).statistic)
    differences = ours - theirs  # ranks, as both are permutations of 1 to 6
    assert found.correlation == pytest.approx(1 - 6 * (differences**2).sum() / (6 * 35))
    assert (found.target, found.sources) == ("normal", 6)


@pytest.mark.parametrize(("scale", "expected"), [(1.0, 1.0), (-1.0, -1.0)])
def test_only_the_order_of_affinities_counts(scale: float, expected: float) -> None:
    ours = dict(zip(SOURCES, (0.1, 0.02, 0.4, 0.3, 0.05, 0.2), strict=True))
    theirs = {name: float(np.exp(scale * 5 * value)) for name, value in ours.items()}
    (found,) = rank_agreement(table(ours), table(theirs))
    assert found.correlation == pytest.approx(expected)


def test_other_sources_baselines_own_features_and_higher_orders_are_ignored() -> None:
    ours = dict(zip(SOURCES[:4], (0.1, 0.2, 0.3, 0.4), strict=True))
    noise = {"self": 9.0, "random": 8.0, "pixels": 7.0, "normal": 6.0, "autoencoding+reshading": 9.5}
    theirs = dict(zip(SOURCES[:4], (1.0, 2.0, 3.0, 4.0), strict=True))
    reverse = {name: -value + 10 for name, value in noise.items()}
    (found,) = rank_agreement(table(ours | noise | {"curvature": 0.0}), table(theirs | reverse | {"class_scene": 9.0}))
    assert found.correlation == pytest.approx(1)
    assert found.sources == 4


def test_targets_of_one_table_or_with_too_little_in_common_are_left_out() -> None:
    whole = dict(zip(SOURCES, range(1, 7), strict=True))
    assert rank_agreement(table(whole), table(whole, target="keypoints2d")) == []
    assert rank_agreement(table(whole), table(dict(zip(SOURCES[:2], (1, 2), strict=True)))) == []


def test_a_table_of_ties_alone_has_no_ranks_to_agree_with() -> None:
    assert rank_agreement(table(dict.fromkeys(SOURCES, 0.5)), table(dict(zip(SOURCES, range(6), strict=True)))) == []
