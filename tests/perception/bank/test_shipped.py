"""The banks that come with the package."""

import numpy as np
import pytest

from perception import TASKS, LocalEncoder, load_bank
from perception.bank import Bank
from perception.bank.bank import bundled_banks
from perception.encoding import check_encoder

LARGEST_MIB = 40


@pytest.fixture(scope="module", params=["buildings-v1", "buildings-v2"])
def bank(request: pytest.FixtureRequest) -> Bank:
    return load_bank(request.param)


def test_together_they_are_small() -> None:
    assert set(bundled_banks()) == {"buildings-v1", "buildings-v2"}
    assert sum(load_bank(name).total_bytes for name in bundled_banks()) <= LARGEST_MIB << 20


def test_it_is_whole_and_has_every_task(bank: Bank) -> None:
    assert bank.verify() == []
    assert bank.tasks == tuple(TASKS)
    assert bank.architecture == "compact"


def test_every_card_says_what_it_was_trained_on_and_how_good_it_is(bank: Bank) -> None:
    for task in bank.tasks:
        card = bank.card(task)
        assert card.training["images"] >= 10_000
        assert card.training["buildings"] >= 80
        assert card.training["epochs"] >= 6
        assert card.metrics["test_loss"] < card.metrics["constant_loss"]
        assert card.metrics["win_over_constant"] > 0.5


def test_the_second_learned_from_more_houses_and_leaves_less_to_win() -> None:
    first, second = load_bank("buildings-v1"), load_bank("buildings-v2")
    wins = {bank: [bank.card(task).metrics["win_over_constant"] for task in TASKS] for bank in (first, second)}
    assert np.mean(wins[second]) > np.mean(wins[first]) > 0.85
    assert all(after > before - 0.01 for before, after in zip(wins[first], wins[second], strict=True))
    assert all(second.card(task).training["buildings"] >= 250 for task in TASKS)
    over_readouts = [second.card(task).metrics.get("win_over_readout") for task in TASKS]
    assert np.mean([share for share in over_readouts if share is not None]) > 0.9
    assert second.coverage.keys() == first.coverage.keys()
    assert second.coverage != first.coverage, "each has those of its own affinities"


def test_its_coverage_sets_grow_to_all_features_it_needs(bank: Bank) -> None:
    for size in (1, 2, 4, 8):
        features = bank.feature_set(f"max-coverage:{size}")
        assert 1 <= len(features) <= size
        assert set(features) <= set(bank.tasks)


def test_its_encoders_keep_the_contract(bank: Bank) -> None:
    check_encoder(LocalEncoder(bank), ("normal", "edge_texture"))


def test_its_edges_find_an_edge_and_its_normals_know_up_from_ahead(bank: Bank) -> None:
    step = np.full((128, 128, 3), 60, np.uint8)
    step[:, 64:] = 190
    edges = np.asarray(bank.predict("edge_texture", [step]).values[0], np.float64)
    assert edges[:, 30:34].mean() > 3 * edges[:, :20].mean()
    room = np.full((128, 128, 3), 170, np.uint8)  # a wall above, a brown floor below
    room[72:] = (110, 80, 60)
    normals = np.asarray(bank.predict("normal", [room]).values[0], np.float64)
    assert normals[54:, :, 1].mean() > normals[20:34, :, 1].mean() + 0.3
