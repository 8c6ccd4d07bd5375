"""The asyncio client: what the blocking one does, without blocking."""

import asyncio

import grpc
import numpy as np
import pytest

from perception import AsyncRemoteEncoder, LocalEncoder, UnknownNameError, UserError
from perception.photos import squares
from perception.remote import TimedOutError, UnreachableError
from tests.perception.remote.scripted import Script, mean_features, scripted
from tests.perception.remote.serving import served
from tests.server.fake import fake_features

TASKS = ("normal", "reshading")
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 9, 7, 3), np.uint8)
Code = grpc.StatusCode


def test_features_are_those_of_the_same_images_encoded_here(real_address: str, local: LocalEncoder) -> None:
    async def remote() -> np.ndarray:
        async with AsyncRemoteEncoder(real_address) as encoder:
            return await encoder.encode(IMAGES[:2], TASKS)

    np.testing.assert_array_equal(asyncio.run(remote()), local.encode(IMAGES[:2], TASKS))


@pytest.mark.parametrize("transport", ["grpc", "grpc-stream", "shared-memory"])
def test_many_calls_at_once_each_get_their_own_answer(address: str, transport: str) -> None:
    async def scenario() -> None:
        async with AsyncRemoteEncoder(address, transport=transport, batch_size=2) as encoder:
            parts = [IMAGES[k : k + 1 + k % 4] for k in range(11)]
            answers = await asyncio.gather(*(encoder.encode_timed(part, TASKS) for part in parts))
            for part, timed in zip(parts, answers, strict=True):
                np.testing.assert_array_equal(timed.features, fake_features(part, TASKS))
                assert len(timed.timings) == -(-len(part) // 2)

    asyncio.run(scenario())


def test_large_images_shrink_before_they_are_sent(address: str) -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, 150, 300, 3), np.uint8)

    async def remote() -> np.ndarray:
        async with AsyncRemoteEncoder(address) as encoder:
            return await encoder.encode(images, TASKS)

    np.testing.assert_array_equal(asyncio.run(remote()), fake_features(squares(images, 128), TASKS))


def test_mistakes_are_the_same(address: str) -> None:
    async def scenario() -> None:
        async with AsyncRemoteEncoder(address) as encoder:
            with pytest.raises(UserError, match="expected uint8"):
                await encoder.encode(IMAGES.astype(float), TASKS)
            with pytest.raises(UnknownNameError, match="did you mean"):
                await encoder.encode(IMAGES, ["normals"])
            assert await encoder.feature_set("reshading,normal") == ("reshading", "normal")

    asyncio.run(scenario())


def test_an_unreachable_server_is_asked_again() -> None:
    script = Script(failures=[(Code.UNAVAILABLE, "restarting", ())] * 2)

    async def scenario(address: str) -> np.ndarray:
        async with AsyncRemoteEncoder(address) as encoder:
            return await encoder.encode(IMAGES[:, :4, :4], TASKS)

    with scripted(script) as address:
        features = asyncio.run(scenario(address))
    np.testing.assert_array_equal(features, mean_features(IMAGES[:, :4, :4], TASKS))


@pytest.mark.parametrize(
    ("failures", "kind"),
    [([(Code.UNAVAILABLE, "gone", ())] * 9, UnreachableError), ([(Code.DEADLINE_EXCEEDED, "late", ())], TimedOutError)],
)
def test_one_part_s_failure_is_the_whole_call_s(
    failures: list[tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]]], kind: type[Exception]
) -> None:
    async def scenario(address: str) -> None:
        async with AsyncRemoteEncoder(address, retries=0, batch_size=2) as encoder:
            with pytest.raises(kind):
                await encoder.encode(IMAGES, TASKS)

    with scripted(Script(failures=failures)) as address:
        asyncio.run(scenario(address))


def test_a_cancelled_call_is_cancelled_and_others_go_on() -> None:
    async def scenario(address: str) -> None:
        async with AsyncRemoteEncoder(address, transport="shared-memory") as encoder:
            await encoder.encode(IMAGES, TASKS)
            call = asyncio.ensure_future(encoder.encode(IMAGES, TASKS))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            np.testing.assert_array_equal(await encoder.encode(IMAGES, TASKS), fake_features(IMAGES, TASKS))

    with served("--no-socket") as place:
        asyncio.run(scenario(f"grpc://{place}"))


def test_one_encoder_may_be_used_from_one_event_loop_after_another(address: str) -> None:
    encoder = AsyncRemoteEncoder(address)

    async def scenario(*, last: bool) -> None:
        np.testing.assert_array_equal(await encoder.encode(IMAGES, TASKS), fake_features(IMAGES, TASKS))
        if last:
            await encoder.close()

    asyncio.run(scenario(last=False))
    asyncio.run(scenario(last=True))
