"""The sanity table, recomputed image by image."""

from pathlib import Path

import numpy as np
import pytest

from taxonomy.studies import sanity_row
from taxonomy.training import CONSTANT_FILE, LOSSES_FILE


def unit(folder: Path, losses: list[float], constants: list[float] | None = None) -> Path:
    folder.mkdir()
    np.save(folder / LOSSES_FILE, np.array(losses, np.float32))
    if constants is not None:
        np.save(folder / CONSTANT_FILE, np.array(constants, np.float32))
    return folder


def share_of_wins(mine: list[float], rival: list[float]) -> float:
    points = [
        1.0 if a < b else 0.5 if a == b else 0.0
        for a, b in zip(mine, rival, strict=True)
        if a == a and b == b  # not NaN
    ]
    return sum(points) / len(points)


def test_win_rates_count_each_labelled_image_once_and_ties_half(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mine, constant, random, readout = rng.integers(0, 6, (4, 200)).astype(float).tolist()  # few values: many ties
    mine[3] = constant[3] = random[3] = readout[3] = np.nan  # an image without a label
    row = sanity_row(
        "normal", unit(tmp_path / "net", mine, constant), unit(tmp_path / "random", random), np.array(readout)
    )
    assert row.win_over_constant == pytest.approx(share_of_wins(mine, constant))
    assert row.win_over_random == pytest.approx(share_of_wins(mine, random))
    assert row.win_over_readout == pytest.approx(share_of_wins(mine, readout))
    assert row.images == 199
    labelled = [n for n in range(200) if n != 3]
    rivals = ((row.test_loss, mine), (row.constant_loss, constant), (row.random_loss, random))
    for loss, values in (*rivals, (row.readout_loss, readout)):
        assert loss == pytest.approx(sum(values[n] for n in labelled) / 199)


def test_without_a_random_encoder_its_columns_are_empty(tmp_path: Path) -> None:
    row = sanity_row("normal", unit(tmp_path / "net", [1.0, 2.0], [2.0, 1.0]), None)
    assert (row.random_loss, row.win_over_random, row.win_over_constant) == (None, None, 0.5)
    assert (row.readout_loss, row.win_over_readout) == (None, None)
    assert row.to_json()["task"] == "normal"
