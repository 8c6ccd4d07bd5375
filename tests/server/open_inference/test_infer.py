import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from perception.photos import Pixels
from protos.open_inference import inference_pb2 as pb
from server.errors import DeadlineExpired, Draining, Overloaded
from tests.server.fake import SPENT, FakeBackend, fake_features
from tests.server.open_inference.running import photos, raw_request, refusal, run, running, tensor, typed_request

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NUMBERS = {"FP32": "<f4", "FP16": "<f2"}


def _features(answer: pb.ModelInferResponse) -> NDArray[np.floating]:
    [output], [raw] = answer.outputs, answer.raw_output_contents
    assert output.name == "features"
    return np.frombuffer(raw, NUMBERS[output.datatype]).reshape(tuple(output.shape))


@pytest.mark.parametrize(
    ("model", "tasks"),
    [
        ("normal", ["normal"]),
        ("reshading,normal", ["reshading", "normal"]),
        ("max-coverage:2", ["inpainting", "segment_semantic"]),
        ("published:3", ["edge_texture", "reshading", "curvature"]),
    ],
)
@pytest.mark.parametrize("make", [raw_request, typed_request])
def test_every_task_and_set_is_a_model_over_raw_and_typed_contents(model: str, tasks: Sequence[str], make: Any) -> None:
    images = photos(3)

    async def scenario() -> None:
        async with running() as server:
            answer = await server.stub.ModelInfer(make(images, model))
            np.testing.assert_array_equal(_features(answer), fake_features(images, tasks))
            assert (answer.model_name, answer.model_version) == (model, "1")

    run(scenario)


def test_an_answer_carries_the_requests_id_the_stages_and_the_banks_hash() -> None:
    async def scenario() -> None:
        async with running() as server:
            answer = await server.stub.ModelInfer(raw_request(photos(1), id="frame 7", model_version="1"))
            assert answer.id == "frame 7"
            assert answer.parameters["bank_sha256"].string_param == server.backend.bank.sha256
            found = {name: answer.parameters[name].int64_param for name in ("queue_us", "inference_us", "batch_images")}
            assert found == {"queue_us": 11, "inference_us": 22, "batch_images": 3}

    run(scenario)


def test_float16_comes_on_request() -> None:
    dark = np.zeros((2, 4, 4, 3), np.uint8)
    dark[1, 0, 0, 0] = 9

    async def scenario() -> None:
        async with running() as server:
            asked = {"output_datatype": pb.InferParameter(string_param="FP16")}
            outputs = [pb.ModelInferRequest.InferRequestedOutputTensor(name="features")]
            answer = await server.stub.ModelInfer(raw_request(dark, parameters=asked, outputs=outputs))
            assert answer.outputs[0].datatype == "FP16"
            np.testing.assert_array_equal(_features(answer), fake_features(dark, ["normal"]).astype(np.float16))

    run(scenario)


def test_parameters_that_this_server_does_not_need_are_taken() -> None:
    parameters = {
        "priority": pb.InferParameter(uint64_param=3),
        "timeout": pb.InferParameter(int64_param=0),
        "sequence_start": pb.InferParameter(bool_param=True),
        "triton_enable_empty_final_response": pb.InferParameter(bool_param=True),
    }

    async def scenario() -> None:
        async with running() as server:
            await server.stub.ModelInfer(raw_request(photos(1), parameters=parameters))
            assert server.backend.callers[0].deadline_s is None

    run(scenario)


def test_the_timeout_parameter_and_the_calls_deadline_bound_the_wait_whichever_is_sooner() -> None:
    timeout = {"timeout": pb.InferParameter(int64_param=5_000_000)}

    async def scenario() -> None:
        async with running() as server:
            began_s = time.monotonic()
            await server.stub.ModelInfer(raw_request(photos(1), parameters=timeout))
            await server.stub.ModelInfer(raw_request(photos(1), parameters=timeout), timeout=60)
            await server.stub.ModelInfer(raw_request(photos(1), parameters=timeout), timeout=3)
            waits_s = [(caller.deadline_s or 0) - began_s for caller in server.backend.callers]
            taken_s = time.monotonic() - began_s
            for wait_s, expected_s in zip(waits_s, (5, 5, 3), strict=True):
                assert expected_s - 0.01 <= wait_s <= expected_s + taken_s + 0.5  # gRPC rounds deadlines up

    run(scenario)


IMAGES = photos(2)
GOOD = IMAGES.tobytes()
SHAPE = list(IMAGES.shape)


def _request(inputs: Sequence[Any] | None = None, raw: Sequence[bytes] = (GOOD,), **more: Any) -> pb.ModelInferRequest:
    inputs = [tensor(SHAPE)] if inputs is None else inputs
    return pb.ModelInferRequest(model_name="normal", inputs=inputs, raw_input_contents=raw, **more)


def _typed(**contents: Any) -> pb.ModelInferRequest:
    return _request([tensor([1, 1, 1, 3], contents=pb.InferTensorContents(**contents))], raw=())


def _output(name: str = "features", **parameters: Any) -> pb.ModelInferRequest:
    output = pb.ModelInferRequest.InferRequestedOutputTensor(name=name, parameters=parameters)
    return _request(outputs=[output])


REFUSED = {
    "no input": (_request([]), "has no input; expected 'images' alone"),
    "another input": (_request([tensor(SHAPE, name="image")]), "the inputs 'image'; expected 'images' alone"),
    "one too many": (_request([tensor(SHAPE)] * 2), "the inputs 'images', 'images'"),
    "floats": (_request([tensor(SHAPE, datatype="FP32")]), "datatype 'FP32'; expected UINT8"),
    "no type": (_request([tensor(SHAPE, datatype="")]), "datatype ''; expected UINT8"),
    "no shape": (_request([tensor([])]), r"shape \[\]; expected \[N, H, W, 3\]"),
    "one image": (_request([tensor(SHAPE[1:])]), "one image is a batch of 1"),
    "channels first": (_request([tensor([2, 3, 12, 16])]), "channels go last"),
    "alpha": (_request([tensor([2, 12, 12, 4])]), r"shape \[2, 12, 12, 4\]; expected"),
    "many axes": (_request([tensor([1] * 1000)]), r"shape \[1, 1, 1, 1, 1, 1, 1, 1\]; expected"),
    "no image": (_request([tensor([0, 12, 16, 3])], [b""]), "has 0 images; this server takes 1 to 64"),
    "no rows": (_request([tensor([2, 0, 16, 3])], [b""]), r"shape \[2, 0, 16, 3\]; expected"),
    "negative images": (_request([tensor([-2, 12, 16, 3])]), "has -2 images"),
    "two negatives": (_request([tensor([-2, -12, 16, 3])]), r"shape \[-2, -12, 16, 3\]"),
    "too many images": (_request([tensor([65, 1, 1, 3])], [bytes(195)]), "has 65 images; this server takes 1 to 64"),
    "overflow": (_request([tensor([2, 2**62, 2, 3])], [b""]), "has 0 elements in raw_input_contents; its shape"),
    "too short": (_request(raw=[GOOD[:-1]]), "has 1151 elements in raw_input_contents; its shape .* has 1152"),
    "too long": (_request(raw=[GOOD + b"x"]), "has 1153 elements in raw_input_contents"),
    "two contents": (_request(raw=[GOOD, GOOD]), "has 2 raw_input_contents for 1 input"),
    "no contents": (_request(raw=[]), "has 0 elements in uint_contents"),
    "both contents": (
        _request([tensor(SHAPE, contents=pb.InferTensorContents(uint_contents=[1]))]),
        "both contents and raw_input_contents",
    ),
    "typed too short": (_typed(uint_contents=[1, 2]), "has 2 elements in uint_contents; its shape .* has 3"),
    "typed too bright": (_typed(uint_contents=[1, 2, 256]), "has the level 256; UINT8 goes from 0 to 255"),
    "typed as floats": (_typed(fp32_contents=[1, 2, 3]), "has fp32_contents; UINT8 goes into uint_contents"),
    "typed twice": (_typed(uint_contents=[1, 2, 3], int_contents=[1]), "has int_contents"),
    "shared memory": (
        _request([tensor(SHAPE, parameters={"shared_memory_region": pb.InferParameter(string_param="x")})]),
        "shared memory is not offered",
    ),
    "another output": (_output("feature"), "asks for the outputs 'feature'; expected 'features' alone"),
    "classes": (_output(classification=pb.InferParameter(int64_param=3)), "features are not classes"),
    "output to shared memory": (
        _output(shared_memory_region=pb.InferParameter(string_param="x")), "shared memory is not offered",
    ),
    "another number": (
        _request(parameters={"output_datatype": pb.InferParameter(string_param="INT8")}),
        "output_datatype is 'INT8'; expected FP32 or FP16",
    ),
    "negative timeout": (
        _request(parameters={"timeout": pb.InferParameter(int64_param=-1)}), "timeout is .*expected whole microseconds",
    ),
    "timeout in words": (
        _request(parameters={"timeout": pb.InferParameter(string_param="soon")}), "expected whole microseconds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_malformed_requests_are_refused_in_a_sentence_and_harm_nothing(case: str) -> None:
    request, message = REFUSED[case]

    async def scenario() -> None:
        async with running() as server:
            error = await refusal(server.stub.ModelInfer(request))
            assert error.code() == INVALID
            with pytest.raises(grpc.aio.AioRpcError, match=message):
                raise error
            assert not server.backend.callers
            answer = await server.stub.ModelInfer(raw_request(IMAGES))
            np.testing.assert_array_equal(_features(answer), fake_features(IMAGES, ["normal"]))

    run(scenario)


@pytest.mark.parametrize(
    ("model", "version", "code", "message"),
    [
        ("nrmal", "", grpc.StatusCode.NOT_FOUND, "did you mean 'normal'"),
        ("normal,reshadin", "", grpc.StatusCode.NOT_FOUND, "did you mean 'reshading'"),
        ("normal", "2", grpc.StatusCode.NOT_FOUND, "unknown version of the model normal '2'; known are 1"),
        ("", "", INVALID, "the model has no name"),
        ("max-coverage:99", "", INVALID, "no max-coverage set of 99"),
        ("normal,normal", "", INVALID, "named twice"),
        ("normal," * 10_000, "", INVALID, "at most 4096"),
    ],
)
def test_unknown_models_are_named(model: str, version: str, code: grpc.StatusCode, message: str) -> None:
    async def scenario() -> None:
        async with running() as server:
            stub = server.stub
            asked = {"name": model, "version": version}
            for call in (
                stub.ModelInfer(raw_request(photos(1), model, model_version=version)),
                stub.ModelMetadata(pb.ModelMetadataRequest(**asked)),
                stub.ModelConfig(pb.ModelConfigRequest(**asked)),
            ):
                error = await refusal(call)
                assert error.code() == code
                assert message in (error.details() or "")
            assert not (await stub.ModelReady(pb.ModelReadyRequest(**asked))).ready

    run(scenario)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Overloaded(0.25, 256), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (DeadlineExpired(0.1), grpc.StatusCode.DEADLINE_EXCEEDED),
        (Draining(), grpc.StatusCode.UNAVAILABLE),
        (ZeroDivisionError("secret"), grpc.StatusCode.INTERNAL),
    ],
)
def test_what_the_backend_raises_has_its_code(error: Exception, code: grpc.StatusCode) -> None:
    async def scenario() -> None:
        async with running(FakeBackend(error)) as server:
            failure = await refusal(server.stub.ModelInfer(raw_request(photos(1))))
            assert failure.code() == code
            assert "secret" not in (failure.details() or "")
            trailing: Any = failure.trailing_metadata()
            hints = [value for key, value in trailing if key == "retry-after-ms"]
            assert hints == (["250"] if isinstance(error, Overloaded) else [])

    run(scenario)


def test_an_answer_beyond_the_limit_is_refused_before_it_is_computed() -> None:
    async def scenario() -> None:
        async with running() as server:
            error = await refusal(server.stub.ModelInfer(raw_request(photos(64, 2, 2), "max-coverage:5")))
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "--max-message-mib" in (error.details() or "")
            assert not server.backend.callers

    run(scenario)


def test_a_swap_while_a_request_is_under_way_answers_with_one_bank() -> None:
    class Swapping(FakeBackend):
        async def encode(self, images: Sequence[Pixels] | Pixels, tasks: Sequence[str], caller: Any) -> Any:
            if not self.callers:  # the request was read with the old bank, and is computed with the new one
                self.bank = replace(self.bank, coverage={2: ("normal", "curvature")}, sha256="f" * 64)
            return await super().encode(images, tasks, caller)

    images = photos(1)

    async def scenario() -> None:
        async with running(Swapping()) as server:
            answer = await server.stub.ModelInfer(raw_request(images, "max-coverage:2"))
            assert answer.parameters["bank_sha256"].string_param == "f" * 64
            np.testing.assert_array_equal(_features(answer), fake_features(images, ["normal", "curvature"]))

    run(scenario)


async def _read_all(call: Any) -> list[pb.ModelStreamInferResponse]:
    return [answer async for answer in call]


def test_a_stream_answers_in_order_and_a_request_that_fails_does_not_end_it() -> None:
    frames = [photos(1, seed=seed) for seed in range(20)]

    async def scenario() -> None:
        async with running() as server:
            requests = [raw_request(frame, id=str(number)) for number, frame in enumerate(frames)]
            requests[7].inputs[0].datatype = "FP32"
            answers = await _read_all(server.stub.ModelStreamInfer(iter(requests)))
            assert [answer.infer_response.id for answer in answers] == [str(number) for number in range(20)]
            assert "expected UINT8" in answers[7].error_message
            assert not answers[7].infer_response.outputs
            for number in {*range(20)} - {7}:
                assert not answers[number].error_message
                expected = fake_features(frames[number], ["normal"])
                np.testing.assert_array_equal(_features(answers[number].infer_response), expected)

    run(scenario)


def test_a_stream_ends_when_the_server_drains_with_everything_read_answered() -> None:
    async def scenario() -> None:
        hold = asyncio.Event()
        async with running(FakeBackend(hold=hold)) as server:
            call = server.stub.ModelStreamInfer()
            await call.write(raw_request(photos(1), id="last"))
            while not server.backend.callers:
                await asyncio.sleep(0)
            server.service.drain()
            hold.set()
            assert (await call.read()).infer_response.id == "last"
            assert await call.code() == grpc.StatusCode.UNAVAILABLE
            assert not (await server.stub.ServerReady(pb.ServerReadyRequest())).ready
            assert (await server.stub.ServerLive(pb.ServerLiveRequest())).live

    run(scenario)


def test_statistics_count_requests_images_and_failures_by_model() -> None:
    async def scenario() -> None:
        async with running() as server:
            for count in (1, 3):
                await server.stub.ModelInfer(raw_request(photos(count)))
            await refusal(server.stub.ModelInfer(_request(raw=[b""])))
            [counts] = (await server.stub.ModelStatistics(pb.ModelStatisticsRequest(name="normal"))).model_stats
            assert (counts.name, counts.version, counts.inference_count) == ("normal", "1", 4)
            assert counts.execution_count == round(1 / SPENT.batch_images + 1)
            stats = counts.inference_stats
            assert (stats.success.count, stats.fail.count) == (2, 1)
            assert (stats.queue.ns, stats.compute_infer.ns) == (2 * 11_000, 2 * 22_000)
            assert stats.success.ns > 0
            assert abs(counts.last_inference / 1000 - time.time()) < 60
            every = (await server.stub.ModelStatistics(pb.ModelStatisticsRequest())).model_stats
            assert {model.name for model in every if model.inference_count} == {"normal"}
            assert len(every) == len((await server.stub.RepositoryIndex(pb.RepositoryIndexRequest())).models)

    run(scenario)


def test_the_index_lists_tasks_the_banks_sets_and_configured_ones_once() -> None:
    async def scenario() -> None:
        async with running(sets=["normal,reshading", "normal", "max-coverage:2", "max-coverage:77"]) as server:
            models = (await server.stub.RepositoryIndex(pb.RepositoryIndexRequest())).models
            names = [model.name for model in models]
            bank = server.backend.bank
            coverage = [f"max-coverage:{size}" for size in sorted(bank.coverage)]
            assert names == [*bank.tasks, *coverage, "normal,reshading"]
            assert {(model.version, model.state) for model in models} == {("1", "READY")}

    run(scenario)
