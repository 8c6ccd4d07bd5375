from itertools import combinations

import numpy as np
import pytest
import torch

from perception import TASKS, UserError
from perception.objectives import objective_for
from taxonomy.readouts import Readouts, ReadoutShape, higher_order_transfers
from taxonomy.readouts.gradients import criterion
from taxonomy.readouts.network import in_cells
from tests.taxonomy.readouts.made_up import KINDS, made_up
from tests.taxonomy.readouts.plain import PlainReadout


def test_targets_in_cells_are_those_that_a_pixel_shuffle_puts_back() -> None:
    images = np.arange(2 * 3 * 64 * 64, dtype=np.float32).reshape(2, 3, 64, 64)
    cells = torch.from_numpy(in_cells(images, 64))
    assert cells.shape == (2, 3, 16, 256)
    np.testing.assert_array_equal(ReadoutShape(8, (3, 64, 64)).images(cells.movedim(0, -2)).numpy(), images)


def test_places_in_cells_name_the_same_pixels() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((32, 32))
    places = rng.integers(-1, 1024, (4, 3, 128)).astype(np.int16)
    moved = in_cells(places, 32, are_places=True)
    known = places >= 0
    np.testing.assert_array_equal(np.asarray(moved, np.int64) >= 0, known)
    np.testing.assert_array_equal(in_cells(image, 32).reshape(-1)[moved[known]], image.reshape(-1)[places[known]])
    assert moved.dtype == places.dtype


@pytest.mark.parametrize("task", KINDS)
def test_gradients_are_those_of_the_objectives_loss(task: str) -> None:
    samples, objective = made_up(task, count=24)
    wanted = samples.targets[8:24]
    if objective.kind.value == "classes":
        wanted = np.abs(wanted)
    shape = ReadoutShape(8 * samples.rows.shape[1], objective.output_shape)
    parameters = shape.fresh((("a",), ("b",)), task, seed=0).requires_grad_()
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(16, 2 * shape.channels, 16, 16, generator=generator)

    images = shape.images(shape.outputs(parameters, inputs))
    loss = objective.losses(images, torch.from_numpy(wanted)).mean(dim=1).sum()
    (expected,) = torch.autograd.grad(loss, parameters)

    arranged = in_cells(wanted, objective.side, are_places=objective.kind.value == "embedding")
    outputs, gradient = criterion(objective, shape, torch.from_numpy(arranged))(parameters, inputs)
    (found,) = torch.autograd.grad(outputs, parameters, gradient)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert expected.abs().max() > 1e-4


@pytest.mark.parametrize("task", KINDS)
def test_outputs_are_those_of_plain_layers_with_the_same_weights(task: str) -> None:
    samples, objective = made_up(task, count=8)
    transfers = (("source_0",), ("source_1",))
    shape = ReadoutShape(8 * samples.rows.shape[1], objective.output_shape)
    parameters = shape.fresh(transfers, task, seed=0)  # not silent: outputs of zero would be right for all
    mean, spread = samples.scaling(transfers)
    inputs = samples.inputs(transfers, slice(None))
    both = Readouts(shape, transfers, parameters, mean, spread, np.zeros(2, np.bool_))
    found = shape.images(both.outputs(inputs))
    for place, own in enumerate(torch.split(inputs, shape.channels, dim=1)):
        plain = PlainReadout(mean[place][:, None, None], spread[place][:, None, None], objective.output_shape)
        for name, part in zip(shape.parts, torch.split(parameters[place], shape.sizes), strict=True):
            parameter = plain.get_parameter(name)
            parameter.data.copy_(part.reshape(parameter.shape))
        with torch.no_grad():
            expected = plain(own)
        assert expected.std() > 0.01
        torch.testing.assert_close(found[place], expected, rtol=1e-4, atol=1e-5)


def test_initial_weights_depend_on_transfer_and_seed_alone() -> None:
    shape = ReadoutShape(16, objective_for(TASKS["normal"]).output_shape)
    both = shape.fresh((("a", "b"), ("a", "c")), "normal", seed=0)
    assert torch.equal(shape.fresh((("a", "c"),), "normal", seed=0)[0], both[1])
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(shape.fresh((("a", "c"),), "normal", seed=1)[0], both[1])
    assert not torch.equal(shape.fresh((("a", "c"),), "reshading", seed=0)[0], both[1])


def test_up_to_order_five_all_subsets_of_the_five_best_and_above_it_the_best() -> None:
    ranking = ["f", "a", "e", "b", "d", "c", "g"]
    best = {"f", "a", "e", "b", "d"}
    for order in range(2, 6):
        expected = sorted(tuple(sorted(chosen)) for chosen in combinations(best, order))
        assert higher_order_transfers(ranking, order) == expected
    assert higher_order_transfers(ranking, 6) == [("a", "b", "c", "d", "e", "f")]
    assert higher_order_transfers(ranking, 7) == [tuple("abcdefg")]
    assert higher_order_transfers(ranking, 8) == []
    assert higher_order_transfers(["b", "a"], 2) == [("a", "b")]


def test_higher_orders_of_nonsense_are_refused() -> None:
    with pytest.raises(UserError, match="order 1 is no higher order; expected 2 or more"):
        higher_order_transfers(["a", "b"], 1)
    with pytest.raises(UserError, match="a source is ranked twice"):
        higher_order_transfers(["a", "b", "a"], 2)
