import numpy as np
import pytest
import torch
from torch import nn

from perception import TASKS, UserError
from perception.networks import TaskNetwork, build_encoder, build_head
from perception.objectives import Objective, Scaling, objective_for
from taxonomy.training import Samples, Schedule, per_image_losses, train
from taxonomy.training.training import constant_losses


def brightness_samples(count: int = 96, seed: int = 0) -> tuple[Samples, Objective]:
    """Grey images; the label says how bright each is, and its second entry is always 1."""
    rng = np.random.default_rng(seed)
    level = rng.integers(20, 235, count)
    images = np.broadcast_to(level[:, None, None, None], (count, 128, 128, 3)).astype(np.uint8)
    targets = np.zeros((count, 6), np.float32)
    targets[:, 0] = (level - 127.5) / 60
    objective = objective_for(TASKS["vanishing_point"]).with_scaling(Scaling((0.0,) * 6, (1.0,) * 6))
    return Samples(
        TASKS["vanishing_point"], np.ascontiguousarray(images), np.arange(count)[:, None], targets
    ), objective


def network_for(objective: Objective, seed: int = 0) -> TaskNetwork:
    return TaskNetwork(build_encoder("compact", seed), build_head(objective.output_shape, 1, seed))


def test_a_network_learns_and_beats_the_constant_guess_on_new_images() -> None:
    samples, objective = brightness_samples()
    network = network_for(objective)
    history = train(network, samples, objective, Schedule(12, batch_size=16), seed=0)
    tests, _ = brightness_samples(40, seed=1)
    own = per_image_losses(network, tests, objective)
    constant = constant_losses(objective.constant_guess(samples.targets), tests, objective)
    assert history[-1] < 0.5 * history[0]
    assert own.mean() < 0.3 * constant.mean()


def test_the_same_seed_gives_the_same_weights_and_another_gives_others() -> None:
    samples, objective = brightness_samples(32)
    states = []
    for seed in (0, 0, 1):
        network = network_for(objective)
        train(network, samples, objective, Schedule(1, batch_size=8), seed=seed)
        states.append({name: value.clone() for name, value in network.state_dict().items()})
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_a_frozen_encoder_stays_as_it_was_to_the_last_bit() -> None:
    samples, objective = brightness_samples(32)
    network = network_for(objective)
    encoder = {name: value.clone() for name, value in network.encoder.state_dict().items()}
    head = {name: value.clone() for name, value in network.head.state_dict().items()}
    train(network, samples, objective, Schedule(1, batch_size=8), seed=0, trained=network.head)
    assert all(torch.equal(encoder[name], value) for name, value in network.encoder.state_dict().items())
    assert any(not torch.equal(head[name], value) for name, value in network.head.state_dict().items())


def test_samples_without_a_label_teach_nothing() -> None:
    samples, objective = brightness_samples(32)
    spoilt = samples.targets.copy()
    spoilt[::2] = np.nan
    network = network_for(objective)
    history = train(
        network, Samples(samples.task, samples.images, samples.rows, spoilt), objective, Schedule(1, 8), seed=0
    )
    assert np.isfinite(history).all()
    assert np.isnan(
        per_image_losses(network, Samples(samples.task, samples.images, samples.rows, spoilt), objective)[::2]
    ).all()


class _Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(6))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.weight * torch.inf * torch.ones(len(images), 6)


def test_a_loss_that_is_no_longer_finite_ends_the_training_with_a_sentence() -> None:
    samples, objective = brightness_samples(32)
    with pytest.raises(UserError, match="vanishing_point: the loss became nan at step 1 of 4; lower the learning rate"):
        train(_Broken(), samples, objective, Schedule(1, batch_size=8, half_precision=False), seed=0)


def test_tests_draw_the_same_noise_every_time_and_training_another() -> None:
    samples, _ = brightness_samples(8)
    noisy = Samples(TASKS["denoising"], samples.images, samples.rows, samples.targets)
    np.testing.assert_array_equal(noisy.fixed(0, 8)[0], noisy.fixed(0, 8)[0])
    rng = np.random.default_rng(0)
    assert (noisy.draw(np.arange(8), rng)[0] != noisy.draw(np.arange(8), rng)[0]).any()
    shuffled = Samples(TASKS["jigsaw"], samples.images, samples.rows, np.arange(8, dtype=np.int16))
    np.testing.assert_array_equal(shuffled.fixed(0, 8)[1], np.arange(8))
    assert (shuffled.draw(np.arange(8), rng)[1] != np.arange(8)).any()


def test_half_of_what_is_drawn_is_mirrored_with_its_labels() -> None:
    """The column of a bright stripe, as a label that changes its sign in a mirror, always fits what is seen."""
    column = np.arange(4, 124)
    images = np.zeros((len(column), 128, 128, 3), np.uint8)
    images[np.arange(len(column)), :, column] = 255
    targets = np.repeat((column - 63.5)[:, None], 6, axis=1).astype(np.float32)
    rows = np.arange(len(column))[:, None]
    mirrored = Samples(TASKS["vanishing_point"], images, rows, targets, lambda values: -values.astype(np.float32))
    rng = np.random.default_rng(0)
    seen, labels = mirrored.draw(np.repeat(np.arange(len(column)), 5), rng)
    found = seen[:, 0, 0, :, 0].argmax(axis=1) - 63.5
    np.testing.assert_allclose(labels[:, 0].astype(float), found)
    assert 0.4 < (found != np.repeat(targets[:, 0], 5)).mean() < 0.6
    np.testing.assert_array_equal(mirrored.fixed(0, 8)[0][:, 0], images[:8])
    assert (images[np.arange(len(column)), :, column] == 255).all(), "the images themselves stay"


def test_an_epoch_of_many_groups_of_few_images_has_as_many_samples_as_images() -> None:
    samples, objective = brightness_samples(16)
    rows = np.tile(np.arange(16), 5)[:, None]
    many = Samples(samples.task, samples.images, rows, np.tile(samples.targets, (5, 1)))
    assert (many.in_epoch, len(many)) == (16, 80)
    steps: list[int] = []
    history = train(
        network_for(objective), many, objective, Schedule(3, 8), seed=0, on_step=lambda step, _: steps.append(step)
    )
    assert steps == list(range(3 * 16 // 8))
    assert len(history) == 3


class _Wild(nn.Module):
    """Puts out infinities, whose cross-entropy is NaN, as that of an image without a label is."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(14))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.exp(self.weight * 1e4) * torch.ones(len(images), 14)


def test_infinite_outputs_are_not_taken_for_missing_labels() -> None:
    samples, _ = brightness_samples(32)
    objective = objective_for(TASKS["class_scene"], 14)
    classes = Samples(TASKS["class_scene"], samples.images, samples.rows, np.zeros(32, np.int16))
    with pytest.raises(UserError, match="class_scene: the loss became nan at step 1"):
        train(_Wild(), classes, objective, Schedule(1, batch_size=8), seed=0)
    with pytest.raises(UserError, match="class_scene: a loss on test images is not finite"):
        per_image_losses(_Wild(), classes, objective)
