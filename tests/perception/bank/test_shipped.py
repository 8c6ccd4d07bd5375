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


def test_the_second_is_the_first_with_better_networks_for_what_that_did_worst() -> None:
    first, second = load_bank("buildings-v1"), load_bank("buildings-v2")
    renewed = [task for task in TASKS if second.entries[task] != first.entries[task]]
    assert len(renewed) == 14
    for task in renewed:
        before, after = first.card(task).metrics, second.card(task).metrics
        assert after["win_over_constant"] > before["win_over_constant"]
        assert second.card(task).training["buildings"] >= 250
    assert second.coverage == first.coverage
    assert np.mean([second.card(task).metrics["win_over_constant"] for task in TASKS]) > 0.85


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
