from dataclasses import replace

import numpy as np
import pytest
import torch

from perception.objectives import Objective
from perception.objectives.regression import ImageObjective, VectorObjective
from taxonomy.readouts import ReadoutSamples, readout_losses, train_readouts
from taxonomy.training import Schedule
from tests.taxonomy.readouts.made_up import KINDS, made_up
from tests.taxonomy.readouts.plain import plain_losses, train_plain

SCHEDULE = Schedule(3, batch_size=16, learning_rate=5e-3, half_precision=False)
SINGLE = (("source_0",), ("source_1",), ("source_2",))
PAIRS = (("source_0", "source_1"), ("source_1", "source_2"))
TOLERANCE = 1e-4
"""Of each image's loss, relative: float32 added up in another order, over a training."""


HALF_TOLERANCE = 5e-2
"""The same where products are of bfloat16, whose numbers are known to 0.4 %; of the mean over images a tenth."""


def losses_of(
    transfers: tuple[tuple[str, ...], ...], samples: ReadoutSamples, objective: Objective, schedule: Schedule = SCHEDULE
) -> np.ndarray:
    return readout_losses(train_readouts(transfers, samples, objective, schedule, seed=0), samples, objective)


@pytest.mark.parametrize("task", KINDS)
def test_readouts_trained_together_have_the_losses_of_plain_ones_trained_alone(task: str) -> None:
    samples, objective = made_up(task)
    for transfers in (SINGLE, PAIRS):
        together = losses_of(transfers, samples, objective)
        for place, sources in enumerate(transfers):
            network = train_plain(sources, samples, objective, SCHEDULE, seed=0)
            alone = plain_losses(network, sources, samples, objective)
            np.testing.assert_allclose(together[:, place], alone, rtol=TOLERANCE, atol=1e-6)
            assert np.isfinite(alone).any()


@pytest.mark.parametrize("task", KINDS)
def test_in_half_precision_the_losses_are_nearly_those_of_plain_ones(task: str) -> None:
    samples, objective = made_up(task)
    together = losses_of(SINGLE, samples, objective, replace(SCHEDULE, half_precision=True))
    for place, sources in enumerate(SINGLE):
        alone = plain_losses(train_plain(sources, samples, objective, SCHEDULE, seed=0), sources, samples, objective)
        np.testing.assert_allclose(np.nanmean(together[:, place]), np.nanmean(alone), rtol=HALF_TOLERANCE / 10)
        np.testing.assert_allclose(together[:, place], alone, rtol=HALF_TOLERANCE, atol=1e-3)


@pytest.mark.parametrize("task", KINDS)
def test_every_kind_of_readout_learns_the_samples_it_is_given(task: str) -> None:
    samples, objective = made_up(task, count=16, sources=1)
    transfers = (("source_0",),)
    untrained = train_readouts(transfers, samples, objective, Schedule(1, 16, learning_rate=1e-12), seed=0)
    trained = train_readouts(transfers, samples, objective, Schedule(40, 8, learning_rate=5e-3), seed=0)
    before, after = (np.nanmean(readout_losses(r, samples, objective)) for r in (untrained, trained))
    assert after < 0.99 * before  # noise has little to learn; a dead readout learns nothing at all


@pytest.mark.parametrize("task", ["normal", "class_scene"])
def test_a_readout_does_not_depend_on_its_place_nor_on_the_others(task: str) -> None:
    samples, objective = made_up(task)
    together = losses_of(SINGLE, samples, objective)
    turned = losses_of(SINGLE[::-1], samples, objective)
    np.testing.assert_allclose(together, turned[:, ::-1], rtol=TOLERANCE)
    np.testing.assert_allclose(together[:, 1:2], losses_of(SINGLE[1:2], samples, objective), rtol=TOLERANCE)


def test_the_same_seed_gives_the_same_bits_whatever_the_number_of_cores_and_another_seed_others() -> None:
    samples, objective = made_up("curvature")
    threads = torch.get_num_threads()
    try:
        found = []
        for cores in (1, 1, 2):
            torch.set_num_threads(cores)
            found.append(train_readouts(SINGLE[:2], samples, objective, SCHEDULE, seed=0, at_once=1).parameters)
            assert torch.get_num_threads() == cores
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    other = train_readouts(SINGLE[:2], samples, objective, SCHEDULE, seed=1).parameters
    assert not torch.equal(found[0], other)


def test_a_representation_that_holds_the_target_is_read_and_one_that_does_not_is_no_better_than_a_guess() -> None:
    rng = np.random.default_rng(0)
    objective = ImageObjective("reshading", 1, 64)

    def drawn(count: int) -> ReadoutSamples:
        target = rng.standard_normal((count, 1, 16, 16)).repeat(4, axis=2).repeat(4, axis=3).astype(np.float16)
        noise = rng.standard_normal((count, 8, 16, 16)).astype(np.float16)
        knowing = noise.copy()
        knowing[:, 2:3] = 3 * target[:, :, ::4, ::4] + 1
        return ReadoutSamples({"knows": knowing, "noise": noise}, np.arange(count)[:, None], target)

    learning, testing = drawn(256), drawn(64)
    schedule = Schedule(30, learning_rate=1e-2)
    readouts = train_readouts((("knows",), ("noise",)), learning, objective, schedule, seed=0)
    knows, noise = readout_losses(readouts, testing, objective).mean(axis=0)
    flat = objective.losses(torch.zeros(64, 1, 64, 64), torch.from_numpy(testing.targets)).mean()
    assert knows < 0.1 * flat
    assert 0.95 * flat < noise < 1.1 * flat


def test_a_readout_that_diverges_gets_nan_and_the_others_do_not_notice() -> None:
    samples, objective = made_up("vanishing_point")
    spoilt = {**samples.representations, "source_1": samples.representations["source_1"].copy()}
    spoilt["source_1"][7, 4] = np.inf
    mixed = replace(samples, representations=spoilt)
    readouts = train_readouts(SINGLE, mixed, objective, SCHEDULE, seed=0)
    losses = readout_losses(readouts, mixed, objective)
    assert readouts.diverged.tolist() == [False, True, False]
    assert np.isnan(losses[:, 1]).all()
    whole = losses_of(SINGLE, samples, objective)
    np.testing.assert_allclose(losses[:, [0, 2]], whole[:, [0, 2]], rtol=TOLERANCE)


def test_a_loss_that_overflows_in_the_test_counts_as_diverged() -> None:
    samples, objective = made_up("vanishing_point")
    readouts = train_readouts(SINGLE, samples, objective, SCHEDULE, seed=0)
    readouts.parameters[2] = 1e30
    losses = readout_losses(readouts, samples, objective)
    assert np.isnan(losses).all(axis=0).tolist() == [False, False, True]


def test_only_samples_without_a_label_have_no_loss() -> None:
    samples, objective = made_up("normal")
    losses = losses_of(SINGLE, samples, objective)
    assert np.flatnonzero(np.isnan(losses).any(axis=1)).tolist() == [3]


def test_every_view_counts_in_its_own_place() -> None:
    """The label is what the second view shows less what the first does."""
    rng = np.random.default_rng(0)
    objective = VectorObjective("fixated_pose", 6)

    def drawn(count: int) -> ReadoutSamples:
        level = rng.standard_normal((count, 6))
        values = np.zeros((count, 8, 16, 16))
        values[:, :6] = level[:, :, None, None]
        rows = rng.integers(0, count, (count, 2))
        targets = (level[rows[:, 1]] - level[rows[:, 0]]).astype(np.float32)
        return ReadoutSamples({"level": values.astype(np.float16)}, rows, targets)

    learning, testing = drawn(512), drawn(128)
    readouts = train_readouts((("level",),), learning, objective, Schedule(20, learning_rate=1e-2), seed=0)
    assert readouts.shape.channels == 16
    found = readout_losses(readouts, testing, objective).mean()
    guess = np.square(testing.targets).mean()
    assert found < 0.15 * guess


def test_transfers_of_two_orders_do_not_go_together() -> None:
    samples, objective = made_up("class_scene")
    with pytest.raises(ValueError, match=r"orders \[1, 2\]; expected one"):
        train_readouts((("source_0",), ("source_0", "source_1")), samples, objective, SCHEDULE, seed=0)


def test_representations_are_only_read() -> None:
    samples, objective = made_up("class_scene")
    before = {name: values.copy() for name, values in samples.representations.items()}
    for values in samples.representations.values():
        values.setflags(write=False)
    losses_of(PAIRS, samples, objective)
    assert all((before[name] == values).all() for name, values in samples.representations.items())
