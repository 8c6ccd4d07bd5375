"""Encode: what goes in comes out computed, whichever way it travels; what is wrong is refused in a sentence."""

import asyncio
import time
from dataclasses import replace
from typing import Any, cast

import grpc
import numpy as np
import pytest

from perception import UserError, load_bank
from perception.photos import squares
from protos.perception.v1 import perception_pb2 as pb
from server.errors import DeadlineExpired, Draining, Overloaded
from tests.server.fake import SPENT, FakeBackend, fake_features
from tests.server.service.running import LIMITS, features_of, files, photos, raw, refusal, run, running

PAIR = ("normal", "reshading")
UNKNOWN: Any = 7


@pytest.mark.parametrize("count", [1, 3])
def test_raw_images_are_encoded_in_the_order_of_the_tasks_asked_for(count: int) -> None:
    images = photos(count)

    async def scenario() -> None:
        async with running() as it:
            response = await it.stub.Encode(pb.EncodeRequest(images=raw(images), tasks=["rgb2sfnorm", "reshading"]))
            np.testing.assert_array_equal(features_of(response.features), fake_features(images, PAIR))
            assert tuple(response.tasks) == PAIR
            assert response.bank_sha256 == it.backend.bank.sha256
            timings = response.timings
            assert (timings.queue_us, timings.inference_us, timings.batch_images) == (
                SPENT.queue_us, SPENT.inference_us, SPENT.batch_images,
            )  # fmt: skip
            assert 0 < timings.decode_us <= timings.total_us < 10**7

    run(scenario)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_files_of_different_sizes_are_encoded_as_their_decoded_pixels(kind: str) -> None:
    images = [photos(1, 300, 200, seed=1)[0], photos(1, 9, 40, seed=2)[0], photos(1, 128, 128, seed=3)[0]]
    message = files(images, kind)
    decoded = [np.asarray(opened(data)) for data in message.files.files]

    async def scenario() -> None:
        async with running() as it:
            response = await it.stub.Encode(pb.EncodeRequest(images=message, feature_set="normal,reshading"))
            expected = fake_features(squares(decoded, 128), PAIR)
            np.testing.assert_array_equal(features_of(response.features), expected)

    run(scenario)


def opened(data: bytes) -> Any:
    import io

    from PIL import Image

    return Image.open(io.BytesIO(data)).convert("RGB")


def test_float16_is_the_rounded_float32() -> None:
    dark = np.zeros((2, 4, 4, 3), np.uint8)
    dark[1, 0, 0, 0] = 200

    async def scenario() -> None:
        async with running() as it:
            request = pb.EncodeRequest(images=raw(dark), tasks=PAIR, precision=pb.PRECISION_FLOAT16)
            found = features_of((await it.stub.Encode(request)).features)
            assert found.dtype == np.float16
            np.testing.assert_array_equal(found, fake_features(dark, PAIR).astype(np.float16))

    run(scenario)


def test_a_set_of_the_bank_is_the_banks_own() -> None:
    async def scenario() -> None:
        async with running() as it:
            response = await it.stub.Encode(pb.EncodeRequest(images=raw(photos(1)), feature_set="max-coverage:4"))
            assert tuple(response.tasks) == it.backend.bank.coverage[4]
            assert tuple(response.features.shape) == (1, 32, 16, 16)

    run(scenario)


def lying(**sizes: int) -> pb.Images:
    given = {"count": 1, "height": 12, "width": 16} | sizes
    return pb.Images(raw=pb.RawImages(**given, pixels=bytes(12 * 16 * 3)))


ONE = raw(photos(1))


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (pb.EncodeRequest(tasks=PAIR), "INVALID_ARGUMENT", "the request has no images"),
        (pb.EncodeRequest(images=lying(height=13), tasks=PAIR), "INVALID_ARGUMENT", "1 images of 13 x 16 .* have 624"),
        (pb.EncodeRequest(images=lying(count=2), tasks=PAIR), "INVALID_ARGUMENT", "has 576 bytes of pixels; 2 images"),
        (pb.EncodeRequest(images=lying(count=0), tasks=PAIR), "INVALID_ARGUMENT", "has 0 images; .* 1 to 64"),
        (pb.EncodeRequest(images=lying(width=0), tasks=PAIR), "INVALID_ARGUMENT", "at least one of 1 x 1"),
        (pb.EncodeRequest(images=lying(count=2**32 - 1), tasks=PAIR), "INVALID_ARGUMENT", "has 4294967295 images"),
        (
            pb.EncodeRequest(images=lying(height=2**31, width=2**31), tasks=PAIR),
            "INVALID_ARGUMENT",
            str(3 * 2**62),
        ),
        (pb.EncodeRequest(images=pb.Images(files=pb.ImageFiles()), tasks=PAIR), "INVALID_ARGUMENT", "has 0 images"),
        (
            pb.EncodeRequest(images=pb.Images(files=pb.ImageFiles(files=[b"GIF89a"])), tasks=PAIR),
            "INVALID_ARGUMENT",
            "image 1 of 1 is no image that is taken here; use PNG or JPEG",
        ),
        (pb.EncodeRequest(images=ONE), "INVALID_ARGUMENT", "neither tasks nor a feature set"),
        (pb.EncodeRequest(images=ONE, tasks=PAIR, feature_set="normal"), "INVALID_ARGUMENT", "both tasks and"),
        (pb.EncodeRequest(images=ONE, tasks=["normal", "rgb2sfnorm"]), "INVALID_ARGUMENT", "named twice"),
        (pb.EncodeRequest(images=ONE, tasks=["normal"] * 10_000), "INVALID_ARGUMENT", "names 10000 tasks"),
        (pb.EncodeRequest(images=ONE, tasks=["n" * 500_000]), "INVALID_ARGUMENT", "has 500000 letters"),
        (pb.EncodeRequest(images=ONE, feature_set="normal," * 70_000), "INVALID_ARGUMENT", "490000 letters"),
        (pb.EncodeRequest(images=ONE, tasks=["norml"]), "NOT_FOUND", "did you mean 'normal'"),
        (pb.EncodeRequest(images=ONE, feature_set="max-covrage:4"), "NOT_FOUND", "did you mean 'max-coverage'"),
        (pb.EncodeRequest(images=ONE, feature_set="max-coverage:99"), "INVALID_ARGUMENT", "no max-coverage set of 99"),
        (pb.EncodeRequest(images=ONE, tasks=PAIR, precision=UNKNOWN), "INVALID_ARGUMENT", "the precision 7 is unknown"),
    ],
)
def test_mistakes_are_refused_in_one_sentence(request_: pb.EncodeRequest, code: str, message: str) -> None:
    async def scenario() -> None:
        async with running() as it:
            error = await refusal(it.stub.Encode(request_))
            assert error.code().name == code
            assert "\n" not in str(error.details())
            with pytest.raises(UserError, match=message):
                raise UserError(error.details())
            assert not it.backend.callers, "nothing was asked of the backend"
            await it.stub.Encode(pb.EncodeRequest(images=ONE, tasks=PAIR))

    run(scenario)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UserError("a mistake."), "INVALID_ARGUMENT", "a mistake."),
        (DeadlineExpired(0.25), "DEADLINE_EXCEEDED", "the deadline passed after 0.250 s"),
        (Draining(), "UNAVAILABLE", "the server is stopping"),
    ],
)
def test_errors_of_the_backend_have_their_codes(error: Exception, code: str, message: str) -> None:
    async def scenario() -> None:
        async with running(FakeBackend(error)) as it:
            found = await refusal(it.stub.Encode(pb.EncodeRequest(images=ONE, tasks=PAIR)))
            assert found.code().name == code
            assert str(found.details()).startswith(message)

    run(scenario)


def test_a_full_queue_says_when_to_come_back() -> None:
    async def scenario() -> None:
        async with running(FakeBackend(Overloaded(0.0421, 7))) as it:
            error = await refusal(it.stub.Encode(pb.EncodeRequest(images=ONE, tasks=PAIR)))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            trailing = dict(cast(Any, error.trailing_metadata()))
            assert trailing["retry-after-ms"] == trailing["grpc-retry-pushback-ms"] == "43"

    run(scenario)


def test_our_own_mistakes_are_logged_with_their_trace_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with running(FakeBackend(ZeroDivisionError("secret"))) as it:
            error = await refusal(it.stub.Encode(pb.EncodeRequest(images=ONE, tasks=PAIR)))
            assert error.code() is grpc.StatusCode.INTERNAL
            assert "secret" not in str(error.details())

    run(scenario)
    assert "ZeroDivisionError: secret" in caplog.text


def test_the_deadline_and_the_connection_reach_the_backend() -> None:
    async def scenario() -> None:
        async with running() as it:
            before_s = time.monotonic()
            await it.stub.Encode(pb.EncodeRequest(images=ONE, tasks=PAIR), timeout=5)
            await it.stub.Encode(pb.EncodeRequest(images=ONE, tasks=PAIR))
            with_deadline, without = it.backend.callers
            assert with_deadline.deadline_s is not None
            assert before_s + 4 < with_deadline.deadline_s < time.monotonic() + 5.1
            assert without.deadline_s is None
            assert with_deadline.name == without.name
            assert with_deadline.name.startswith("ipv4:127.0.0.1:")

    run(scenario)


def test_a_call_that_is_given_up_is_cancelled_in_the_backend() -> None:
    class Noticing(FakeBackend):
        begun, cancelled = asyncio.Event(), asyncio.Event()

        async def encode(self, *arguments: Any) -> Any:
            self.begun.set()
            try:
                return await super().encode(*arguments)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise

    async def scenario() -> None:
        backend = Noticing(hold=asyncio.Event())
        async with running(backend) as it:
            call = it.stub.Encode(pb.EncodeRequest(images=ONE, tasks=PAIR))
            await asyncio.ensure_future(backend.begun.wait())
            call.cancel()
            await backend.cancelled.wait()

    run(scenario)


def test_responses_beyond_the_limit_are_refused_before_they_are_computed() -> None:
    async def scenario() -> None:
        async with running(limits=replace(LIMITS, largest_message_bytes=20_000)) as it:
            error = await refusal(it.stub.Encode(pb.EncodeRequest(images=raw(photos(2)), tasks=PAIR)))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "the response has 32768 bytes, the limit is 20000" in str(error.details())
            assert "--max-message-mib" in str(error.details())
            assert not it.backend.callers

    run(scenario)


def test_what_a_swapped_bank_computed_is_not_mixed_with_what_the_old_one_was_asked() -> None:
    class Swapping(FakeBackend):
        async def encode(self, *arguments: Any) -> Any:
            found = await super().encode(*arguments)
            if len(self.callers) == 1:
                self.bank = replace(self.bank, sha256="f" * 64, coverage={1: ("normal",)})
                return replace(found, bank_sha256="f" * 64)
            return found

    async def scenario() -> None:
        async with running(Swapping()) as it:
            response = await it.stub.Encode(pb.EncodeRequest(images=ONE, feature_set="max-coverage:1"))
            assert load_bank("buildings-v1").coverage[1] != ("normal",)
            assert tuple(response.tasks) == ("normal",)
            assert response.bank_sha256 == "f" * 64

    run(scenario)
