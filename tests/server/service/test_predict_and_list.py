"""Predict says what the bank's own predictor says; ListFeatures says what there is."""

import io
import json
from dataclasses import replace

import grpc
import numpy as np
import pytest
from PIL import Image

from perception import TASKS, Predictor, load_bank
from protos.perception.v1 import perception_pb2 as pb
from server.service import ServiceLimits
from tests.server.fake import SPENT
from tests.server.service.running import LIMITS, files, photos, raw, refusal, run, running

LARGE = ServiceLimits(largest_message_bytes=16 << 20)


@pytest.mark.parametrize("task", ["depth_zbuffer", "class_scene", "fixated_pose", "jigsaw"])
def test_predictions_are_the_predictors_own_with_pictures_and_captions(task: str) -> None:
    images = photos(2, 128, 128)
    expected = Predictor(load_bank("buildings-v1").checkpoint(task)).predict(list(images), seed=5)

    async def scenario() -> None:
        async with running(limits=LARGE) as it:
            request = pb.PredictRequest(images=files(list(images)), task=task, with_pictures=True, seed=5)
            found = await it.stub.Predict(request)
            values = np.frombuffer(found.values.data, found.values.dtype).reshape(tuple(found.values.shape))
            assert values.dtype.newbyteorder("=") == expected.values.dtype
            np.testing.assert_array_equal(values, expected.values)
            assert list(found.captions) == [expected.caption(k) for k in range(len(expected))]
            pictures = [np.asarray(Image.open(io.BytesIO(data))) for data in found.pictures]
            np.testing.assert_array_equal(pictures, [expected.picture(k) for k in range(len(expected))])
            output = TASKS[task].output
            assert output is not None
            assert (found.task, found.unit) == (task, output.unit)
            assert found.bank_sha256 == it.backend.bank.sha256
            assert found.timings.inference_us == SPENT.inference_us

    run(scenario)


def test_pictures_are_drawn_only_if_asked_for() -> None:
    async def scenario() -> None:
        async with running() as it:
            found = await it.stub.Predict(pb.PredictRequest(images=raw(photos(1)), task="rgb2sfnorm"))
            assert found.task == "normal"
            assert not found.pictures
            assert len(found.captions) == 1

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (pb.PredictRequest(images=raw(photos(1)), task="norml"), "NOT_FOUND", "did you mean 'normal'"),
        (pb.PredictRequest(images=raw(photos(1))), "INVALID_ARGUMENT", "a task's name has 0 letters"),
        (pb.PredictRequest(images=raw(photos(1)), task="egomotion"), "INVALID_ARGUMENT", "looks at 3 photos at a time"),
        (pb.PredictRequest(task="normal"), "INVALID_ARGUMENT", "the request has no images"),
    ],
)
def test_mistakes_are_refused_in_one_sentence(request_: pb.PredictRequest, code: str, message: str) -> None:
    async def scenario() -> None:
        async with running() as it:
            error = await refusal(it.stub.Predict(request_))
            assert error.code().name == code
            assert message in str(error.details())

    run(scenario)


def test_predictions_larger_than_a_message_are_refused_in_words() -> None:
    async def scenario() -> None:
        async with running(limits=replace(LIMITS, largest_message_bytes=20_000)) as it:
            error = await refusal(it.stub.Predict(pb.PredictRequest(images=raw(photos(1)), task="normal")))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "the response has" in str(error.details())

    run(scenario)


def test_the_list_has_every_task_with_its_card_and_every_set_of_the_bank() -> None:
    async def scenario() -> None:
        async with running() as it:
            found = await it.stub.ListFeatures(pb.ListFeaturesRequest())
            bank = it.backend.bank
            assert (found.bank, found.bank_sha256, found.architecture) == (bank.name, bank.sha256, bank.architecture)
            assert [each.task for each in found.tasks] == list(bank.tasks)
            for each in found.tasks:
                card = bank.card(each.task)
                assert json.loads(each.card_json) == card.to_json()
                assert tuple(each.shape) == (8, 16, 16)
                assert each.weights_sha256 == bank.entries[each.task].weights_sha256
                given = each.preprocessing
                assert (given.side_px, given.lowest, given.highest) == (128, -1, 1)
                assert each.has_head
                assert each.description == TASKS[each.task].label != ""
            sets = {each.name: tuple(each.tasks) for each in found.sets}
            assert sets == {f"max-coverage:{size}": tasks for size, tasks in bank.coverage.items()}
            assert found.precision == "float32"
            assert found.largest_batch == 64
            assert found.largest_message_bytes == LIMITS.largest_message_bytes
            assert not found.takes_shared_memory

    run(scenario)


def test_where_sets_are_named_their_tasks_alone_are_listed() -> None:
    async def scenario() -> None:
        async with running(sets=["normal,reshading", "max-coverage:2"]) as it:
            found = await it.stub.ListFeatures(pb.ListFeaturesRequest())
            coverage = it.backend.bank.coverage
            assert {each.task for each in found.tasks} == {"normal", "reshading", *coverage[2]}
            assert {each.name: tuple(each.tasks) for each in found.sets} == {
                "normal,reshading": ("normal", "reshading"),
                "max-coverage:1": coverage[1],
                "max-coverage:2": coverage[2],
            }

    run(scenario)


def test_the_list_follows_a_swapped_bank() -> None:
    async def scenario() -> None:
        async with running() as it:
            it.backend.bank = replace(it.backend.bank, name="other", sha256="e" * 64)
            found = await it.stub.ListFeatures(pb.ListFeaturesRequest())
            assert (found.bank, found.bank_sha256) == ("other", "e" * 64)

    run(scenario)
