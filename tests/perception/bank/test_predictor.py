"""Predictions: units, inputs, pictures, and what cannot be predicted."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from perception import TASKS, UserError
from perception.bank import Bank, Card, HeadKind, Predictor, Preprocessing
from perception.bank.checkpoint import Checkpoint
from perception.bank.frozen import Frozen
from perception.labels import permutations, shuffled
from perception.networks import DenseDecoder, PublishedHead, VectorDecoder, build_encoder
from perception.objectives import objective_from_json
from tests.perception.bank.test_encoding import frames

PIXELS = {"colorization": 32, "segment_semantic": 32, "segment_unsup2d": 32, "segment_unsup25d": 32}


def numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    return values.astype(np.float64)


def photos(count: int) -> list[NDArray[np.uint8]]:
    """Of different sizes."""
    return [frames(1, side=100 + 60 * k, seed=k)[0, : 90 + 10 * k] for k in range(count)]


@pytest.mark.parametrize("name", list(TASKS))
def test_every_task_predicts_in_the_layout_of_its_label(whole_bank: Bank, name: str) -> None:
    task = TASKS[name]
    views = task.input.views
    prediction = whole_bank.predict(name, photos(2 * views))
    side = PIXELS.get(name, 64)
    assert task.output is not None
    shapes = {
        "image": (2, side, side) if task.output.channels == 1 else (2, side, side, task.output.channels),
        "embedding": (2, side, side, 64), "pixel classes": (2, side, side), "vector": (2, task.output.channels),
        "classes": (2,),
    }  # fmt: skip
    assert prediction.values.shape == shapes[task.output.kind.value]
    assert prediction.inputs.shape == (2, views, 128, 128, 3)
    picture = prediction.picture(1)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    assert prediction.caption(1).startswith(name)
    if prediction.values.dtype.kind == "f":
        assert np.isfinite(prediction.values).all()
        assert prediction.values.min() >= (task.output.minimum or 0)
        assert prediction.values.max() <= (np.inf if task.output.maximum is None else task.output.maximum) + 1e-6


def outputs_by_hand(bank: Bank, task: str, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
    checkpoint = bank.checkpoint(task)
    assert checkpoint.head is not None
    with torch.no_grad():
        parts = [
            checkpoint.encoder(torch.from_numpy(view.astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1)
            for view in inputs.swapaxes(0, 1)
        ]
        outputs: NDArray[np.float32] = checkpoint.head(torch.cat(parts, dim=1)).numpy()
    return outputs


@pytest.mark.parametrize("name", ["depth_zbuffer", "normal", "egomotion", "nonfixated_pose", "class_scene"])
def test_predictions_are_what_the_objective_reads_from_the_networks(whole_bank: Bank, name: str) -> None:
    prediction = whole_bank.predict(name, photos(6))
    outputs = outputs_by_hand(whole_bank, name, prediction.inputs)
    objective = objective_from_json(whole_bank.card(name).objective or {})
    expected = numbers(objective.predictions(outputs))
    np.testing.assert_allclose(numbers(prediction.values), expected, rtol=1e-4, atol=1e-5)
    if name == "class_scene":
        shares = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
        assert prediction.probabilities is not None
        np.testing.assert_allclose(prediction.probabilities, shares.max(axis=1), rtol=1e-4)
        assert prediction.caption(0) == f"class_scene: class_scene {outputs[0].argmax()}, {100 * shares[0].max():.0f} %"


def test_predictions_do_not_depend_on_how_many_are_made_at_once(whole_bank: Bank) -> None:
    predictor = Predictor(whole_bank.checkpoint("normal"))
    many = photos(3) * 7
    together = predictor.predict(many).values
    np.testing.assert_allclose(numbers(together[20]), numbers(predictor.predict(many[20]).values[0]), atol=1e-5)


def test_tasks_that_look_at_changed_photos_get_them_changed(whole_bank: Bank) -> None:
    photo = frames(1)
    plain = whole_bank.predict("normal", photo).inputs[0, 0]
    np.testing.assert_array_equal(plain, photo[0])
    masked = whole_bank.predict("inpainting", photo).inputs[0, 0]
    rows, columns = slice(32, 96), slice(32, 96)
    assert (masked[rows, columns] == 128).all()
    masked = masked.copy()
    masked[rows, columns] = plain[rows, columns]
    np.testing.assert_array_equal(masked, plain)
    grey = whole_bank.predict("colorization", photo).inputs[0, 0].astype(int)
    assert (grey == grey[..., :1]).all()
    assert np.abs(grey[..., 0] - plain @ [0.299, 0.587, 0.114]).max() <= 0.51
    noise = whole_bank.predict("denoising", photo).inputs[0, 0].astype(float) - plain
    assert 15 < noise[(plain > 80) & (plain < 175)].std() < 35


def test_noise_and_shuffles_depend_on_the_seed_alone(whole_bank: Bank) -> None:
    for task in ("denoising", "jigsaw"):
        one, same, other = (whole_bank.predict(task, frames(1), seed=seed).inputs for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert (one != other).any()


def test_the_picture_of_a_jigsaw_is_whole_again_where_the_order_was_found(whole_bank: Bank) -> None:
    prediction = whole_bank.predict("jigsaw", frames(1))
    tiles = prediction.inputs[0, 0]
    (order,) = [k for k in range(100) if (shuffled(frames(1)[0], permutations()[k]) == tiles).all()]
    np.testing.assert_array_equal(replace(prediction, values=np.array([order])).picture(), frames(1)[0])
    assert (replace(prediction, values=np.array([(order + 1) % 100])).picture() != frames(1)[0]).any()


@pytest.mark.parametrize(
    ("task", "count", "message"),
    [
        ("fixated_pose", 1, r"'fixated_pose' looks at 2 photos at a time; 1 were given, expected 2, or a multiple"),
        ("egomotion", 2, "looks at 3 photos at a time; 2 were given"),
        ("point_matching", 3, "looks at 2 photos at a time; 3 were given"),
        ("normal", 0, "0 were given, expected at least one"),
        ("nomal", 1, "did you mean 'normal'"),
    ],
)
def test_too_few_photos_are_refused(whole_bank: Bank, task: str, count: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        whole_bank.predict(task, photos(count))


def test_what_is_no_photo_is_refused_by_its_number(whole_bank: Bank) -> None:
    with pytest.raises(UserError, match="photo 2 of 2: images are float64"):
        whole_bank.predict("normal", [frames(1)[0], frames(1)[0] / 255])


def published(output: PublishedHead) -> Checkpoint:
    decoder = DenseDecoder(output.channels, output.bounded) if output.dense else VectorDecoder(output.channels)
    kind = (
        "segment_semantic"
        if output.dense and not output.bounded
        else "class_scene"
        if not output.dense
        else "curvature"
    )
    card = Card(kind, "resnet50", Preprocessing(256), HeadKind.PUBLISHED, output=output)
    return Checkpoint(card, Frozen(build_encoder("resnet50", 0), "e"), Frozen(decoder, "h"))


@pytest.mark.parametrize(
    ("output", "shape"),
    [
        (PublishedHead(2), (1, 256, 256, 2)),
        (PublishedHead(17, bounded=False), (1, 256, 256)),
        (PublishedHead(63, dense=False), (1,)),
    ],
)
def test_published_heads_predict_in_their_own_range(output: PublishedHead, shape: tuple[int, ...]) -> None:
    prediction = Predictor(published(output)).predict(photos(1))
    assert prediction.values.shape == shape
    if output.bounded and output.dense:
        assert np.abs(numbers(prediction.values)).max() <= 1
    else:
        assert prediction.values.dtype.kind == "i"
        assert prediction.values.max() < output.channels
    assert prediction.picture().shape == (256, 256, 3)


def test_an_encoder_without_a_head_predicts_nothing() -> None:
    card = Card("jigsaw", "resnet50", Preprocessing(256))
    with pytest.raises(UserError, match="'jigsaw' has an encoder but no head"):
        Predictor(Checkpoint(card, Frozen(build_encoder("resnet50", 0), "e"), None))
