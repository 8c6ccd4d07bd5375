import json
import math

import numpy as np
import pytest
import torch

from perception import TASKS, UserError
from perception.labels import Label
from perception.objectives import Objective, Scaling, objective_for, objective_from_json, objective_to_json
from perception.objectives.cycle import cycle_errors
from perception.objectives.regression import ImageObjective
from perception.objectives.resampling import averaged, sampled
from perception.tasks import OutputKind

CLASSES = {"class_object": 9, "class_selected": 5, "class_scene": 4, "segment_semantic": 7}
N, PX = 5, 128


def labels(task: str, seed: int = 0) -> Label:
    """Random labels of any task, a few of them invalid."""
    rng = np.random.default_rng(seed)
    output = TASKS[task].output
    assert output is not None
    channels = output.channels or CLASSES[task]
    if output.kind is OutputKind.IMAGE:
        shape = (N, PX, PX) if channels == 1 else (N, PX, PX, channels)
        values = rng.uniform(0.1, 1, shape).astype(np.float32)
        valid = rng.random((N, PX, PX)) > 0.05
        valid[1, :64] = False
        return Label(values, valid)
    if output.kind in (OutputKind.EMBEDDING, OutputKind.PIXEL_CLASSES):
        coarse = rng.integers(0, min(channels, 7), (N, PX // 16, PX // 16))
        values = coarse.repeat(16, 1).repeat(16, 2).astype(np.int32)
        valid = np.ones((N, PX, PX), bool)
        valid[0, :32] = False
        return Label(values, valid)
    valid = np.array([True, True, False, True, True])
    if output.kind is OutputKind.VECTOR:
        return Label(rng.normal(2, 3, (N, channels)).astype(np.float32), valid)
    return Label(rng.integers(0, channels, N), valid)


def fitted(task: str) -> Objective:
    return objective_for(TASKS[task], CLASSES.get(task)).fitted([labels(task), labels(task, 1)])


def outputs_of(objective: Objective, lead: tuple[int, ...] = ()) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(*lead, N, *objective.output_shape, generator=generator)


@pytest.mark.parametrize("task", list(TASKS))
def test_losses_of_many_networks_at_once_are_those_of_each(task: str) -> None:
    objective = fitted(task)
    targets = torch.from_numpy(objective.targets(labels(task)))
    outputs = outputs_of(objective, (3,))
    together = objective.losses(outputs, targets)
    assert together.shape == (3, N)
    for row, output in zip(together, outputs, strict=True):
        torch.testing.assert_close(row, objective.losses(output, targets), equal_nan=True, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("task", list(TASKS))
def test_an_objective_survives_json(task: str) -> None:
    objective = fitted(task)
    assert objective_from_json(json.loads(json.dumps(objective_to_json(objective)))) == objective


@pytest.mark.parametrize("task", list(TASKS))
def test_gradients_are_finite_where_labels_are_missing(task: str) -> None:
    objective = fitted(task)
    outputs = outputs_of(objective).requires_grad_()
    losses = objective.losses(outputs, torch.from_numpy(objective.targets(labels(task))))
    losses[~losses.isnan()].mean().backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()
    assert outputs.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "task", [name for name, task in TASKS.items() if task.output and task.output.kind is OutputKind.IMAGE]
)
def test_image_losses_are_means_over_valid_cells(task: str) -> None:
    objective = fitted(task)
    assert isinstance(objective, ImageObjective)
    targets = objective.targets(labels(task)).astype(np.float64)
    outputs = outputs_of(objective).double().numpy()
    found = objective.losses(torch.from_numpy(outputs), torch.from_numpy(targets)).numpy()
    for image in range(N):
        valid = ~np.isnan(targets[image])
        errors = (outputs[image] - targets[image])[valid]
        expected = (errors**2).mean() if objective.loss == "L2" else np.abs(errors).mean()
        if objective.loss == "L1_COSINE":
            both = valid.all(axis=0)
            a, b = outputs[image][:, both], targets[image][:, both]
            cosine = (a * b).sum(0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0)
            expected += (1 - cosine).mean()
        assert found[image] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    "task", ["depth_zbuffer", "curvature", "edge_texture", "reshading", "autoencoding", "room_layout"]
)
def test_a_perfect_output_predicts_the_label(task: str) -> None:
    objective = fitted(task)
    label = labels(task)
    values = np.round(np.asarray(label.values)[..., :1, :1] * 0 + label.values, 6)
    if objective.side is not None:  # constant images survive blur and averaging
        values = np.broadcast_to(values.reshape(N, -1)[:, :1].reshape(N, *[1] * (values.ndim - 1)), values.shape)
        label = Label(np.ascontiguousarray(values), np.ones((N, PX, PX), bool))
    predicted = objective.predictions(objective.targets(label).astype(np.float32))
    known = np.asarray(label.valid) if objective.side is None else np.ones(N, bool)
    wanted = label.values if objective.side is None else label.values[:, ::2, ::2]
    np.testing.assert_allclose(predicted[known], wanted[known], rtol=5e-3, atol=2e-3)


@pytest.mark.parametrize("task", ["class_scene", "segment_semantic", "colorization"])
def test_cross_entropy_equals_numpy(task: str) -> None:
    objective = fitted(task)
    targets = objective.targets(labels(task)).astype(int)
    scores = outputs_of(objective).double().numpy()
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    found = objective.losses(torch.from_numpy(scores), torch.from_numpy(targets)).numpy()
    for image in range(N):
        surprise = [
            -math.log(probabilities[(image, targets[(image, *place)], *place)])
            for place in np.ndindex(targets.shape[1:])
            if targets[(image, *place)] >= 0
        ]
        expected = np.mean(surprise) if surprise else math.nan
        assert found[image] == pytest.approx(expected, rel=1e-4, nan_ok=True)


def test_triplets_hold_what_they_promise() -> None:
    objective = fitted("segment_unsup2d")
    label = labels("segment_unsup2d")
    triplets = objective.targets(label)
    assert objective.side is not None
    segments = sampled(np.where(label.valid, label.values, -1), objective.side).reshape(N, -1)
    for image in range(N):
        anchor, same, other = segments[image][triplets[image].astype(int)]
        assert (anchor >= 0).all()
        assert (anchor == same).all()
        assert (anchor != other).all()
        assert (other >= 0).all()
    again = objective.targets(Label(label.values[2:], label.valid[2:]))
    np.testing.assert_array_equal(triplets[2:], again)


def test_an_image_of_one_segment_has_no_triplets_and_no_loss() -> None:
    objective = fitted("segment_unsup2d")
    targets = objective.targets(Label(np.zeros((2, PX, PX), np.int32), np.ones((2, PX, PX), bool)))
    assert objective.losses(torch.randn(2, *objective.output_shape), torch.from_numpy(targets)).isnan().all()


def test_separated_embeddings_have_no_loss_and_one_for_all_has_the_margin() -> None:
    objective = fitted("segment_unsup2d")
    label = labels("segment_unsup2d")
    targets = torch.from_numpy(objective.targets(label))
    assert objective.side is not None
    segments = torch.from_numpy(sampled(label.values, objective.side)).long()
    apart = torch.nn.functional.one_hot(segments, objective.channels).movedim(-1, 1).float()
    assert objective.losses(apart, targets).max() == 0
    same = torch.from_numpy(objective.constant_guess(targets.numpy())).expand(N, *objective.output_shape)
    torch.testing.assert_close(objective.losses(same, targets), torch.full((N,), 0.5))


@pytest.mark.parametrize("task", [task for task in TASKS if task != "egomotion"])  # the mean does not close a cycle
def test_the_constant_guess_is_no_worse_than_other_constants(task: str) -> None:
    objective = fitted(task)
    targets = objective.targets(labels(task))
    guess = torch.from_numpy(objective.constant_guess(np.concatenate([targets] * 100)))
    best = float(objective.losses(guess.expand(N, *guess.shape), torch.from_numpy(targets)).nanmean())
    for seed in range(5):
        other = guess + 0.2 * torch.randn(guess.shape, generator=torch.Generator().manual_seed(seed))
        assert best <= objective.losses(other.expand(N, *guess.shape), torch.from_numpy(targets)).nanmean() + 0.05


def test_scaling_centres_and_undoes() -> None:
    values = np.random.default_rng(0).normal(5, [[[2.0]], [[0.1]]], (40, 2, 8, 8)).astype(np.float32).clip(-50, 50)
    values[0, 0, 0, 0] = np.nan
    scaling = Scaling.of(values)
    scaled = scaling.apply(values)
    np.testing.assert_allclose(np.nanmean(scaled, axis=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(np.nanstd(scaled, axis=(0, 2, 3)), 1, atol=1e-4)
    np.testing.assert_allclose(scaling.undo(scaled), values, rtol=1e-4, atol=1e-4)


def test_averages_leave_invalid_pixels_out() -> None:
    values = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    values[0, 0, 0, 0] = np.nan
    values[0, 0, 2:, 2:] = np.nan
    found = averaged(values, 2)[0, 0]
    np.testing.assert_allclose(found, [[(1 + 4 + 5) / 3, 4.5], [10.5, np.nan]])


def test_labels_that_do_not_divide_are_refused() -> None:
    with pytest.raises(UserError, match="100 x 100 pixels do not divide into 64 x 64"):
        averaged(np.zeros((1, 1, 100, 100), np.float32), 64)


def test_poses_around_a_loop_have_no_cycle_error() -> None:
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(0)
    world = [(Rotation.random(random_state=k), rng.normal(size=3)) for k in range(3)]

    def relative(a: int, b: int) -> np.ndarray:
        turn = world[a][0].inv()
        return np.concatenate([turn.apply(world[b][1] - world[a][1]), (turn * world[b][0]).as_rotvec()])

    poses = np.concatenate([relative(0, 1), relative(1, 2), relative(2, 0)])
    assert float(cycle_errors(torch.from_numpy(poses))) == pytest.approx(0, abs=1e-10)
    assert float(cycle_errors(torch.from_numpy(poses + 0.1))) > 1e-3


def test_a_task_without_class_count_or_loss_is_refused() -> None:
    from perception import Group, Task

    with pytest.raises(UserError, match="number of classes of 'class_scene'"):
        objective_for(TASKS["class_scene"])
    with pytest.raises(UserError, match="'bare' lacks an output specification"):
        objective_for(Task("bare", Group.TWO_D))
    with pytest.raises(UserError, match="malformed"):
        objective_from_json({"kind": "image"})
