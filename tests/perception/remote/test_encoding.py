"""The blocking client against a real server: the contract of encoders, and the same numbers as here."""

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import Encoder, LocalEncoder, RemoteEncoder, UnknownNameError, UserError, check_encoder, load_bank
from perception.photos import squares
from tests.perception.remote.serving import served
from tests.server.fake import fake_features

TASKS = ("normal", "reshading", "keypoints3d")


def photos(count: int, height: int = 40, width: int = 60, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)


@pytest.mark.parametrize("transport", ["grpc", "grpc-stream", "shared-memory"])
def test_a_remote_encoder_keeps_the_contract_of_encoders(real_address: str, transport: str) -> None:
    with RemoteEncoder(real_address, transport=transport) as encoder:
        assert isinstance(encoder, Encoder)
        check_encoder(encoder, TASKS[:2])


@pytest.mark.parametrize("size", [(40, 60), (128, 128), (300, 200)])
def test_features_are_those_of_the_same_images_encoded_here(
    real_address: str, local: LocalEncoder, size: tuple[int, int]
) -> None:
    images = photos(3, *size)
    with RemoteEncoder(real_address) as encoder:
        features = encoder.encode(images, TASKS)
    np.testing.assert_array_equal(features, local.encode(images, TASKS))
    assert features.flags.writeable


def test_float16_halves_the_bytes_and_little_of_the_precision(real_address: str, local: LocalEncoder) -> None:
    images = photos(2)
    with RemoteEncoder(real_address, precision="float16") as encoder:
        features = encoder.encode(images, TASKS)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, local.encode(images, TASKS).astype(np.float16).astype(np.float32))


def test_a_unix_socket_serves_as_well(tmp_path_factory: pytest.TempPathFactory) -> None:
    images = photos(1, 8, 8)
    with served("--address", f"unix:{tmp_path_factory.mktemp('s')}/s") as place, RemoteEncoder(place) as encoder:
        np.testing.assert_array_equal(encoder.encode(images, TASKS), fake_features(images, TASKS))


@pytest.mark.parametrize("transport", ["grpc", "grpc-stream", "shared-memory"])
def test_large_batches_travel_in_parts_and_arrive_in_order(address: str, transport: str) -> None:
    images = photos(23, 16, 16)
    with RemoteEncoder(address, batch_size=5, transport=transport) as encoder:
        timed = encoder.encode_timed(images, TASKS)
    np.testing.assert_array_equal(timed.features, fake_features(images, TASKS))
    assert len(timed.timings) == 5


def test_messages_of_many_megabytes_arrive_whole(address: str) -> None:
    images, tasks = photos(70, 128, 128), load_bank("buildings-v1").tasks
    with RemoteEncoder(address, batch_size=300, timeout_s=60) as encoder:
        timed = encoder.encode_timed(images, tasks)
    np.testing.assert_array_equal(timed.features, fake_features(images, tasks))
    assert len(timed.timings) == 2, "of 64 images, the server's largest batch, and 6; the first answer has 13 MiB"


def test_parts_are_small_enough_for_the_server_s_largest_message() -> None:
    images = photos(20, 128, 128)
    with served("--largest-message", "200000") as place, RemoteEncoder(f"grpc://{place}") as encoder:
        timed = encoder.encode_timed(images, TASKS)
    np.testing.assert_array_equal(timed.features, fake_features(images, TASKS))
    assert len(timed.timings) == 10


def test_images_larger_than_the_encoder_takes_shrink_before_they_are_sent(address: str) -> None:
    images = photos(2, 300, 200)
    with RemoteEncoder(address) as encoder:
        features = encoder.encode(images, TASKS)
    np.testing.assert_array_equal(features, fake_features(squares(images, 128), TASKS))


def test_several_threads_may_call_one_encoder(address: str) -> None:
    failures: list[BaseException] = []
    with RemoteEncoder(address, transport="shared-memory") as encoder:

        def work(seed: int) -> None:
            try:
                for k in range(10):
                    images = photos(1 + k % 3, 8 + seed, 9, seed=100 * seed + k)
                    np.testing.assert_array_equal(encoder.encode(images, TASKS), fake_features(images, TASKS))
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures


def test_mistakes_are_found_before_anything_is_sent() -> None:
    encoder = RemoteEncoder("grpc://127.0.0.1:1", retries=0)  # nobody is there, and nobody is asked
    with pytest.raises(UserError, match=r"images\[None\]"):
        encoder.encode(photos(1)[0], TASKS)
    with pytest.raises(UserError, match="the text"):
        encoder.encode(photos(1), "normal")
    with pytest.raises(UserError, match="name at least one"):
        encoder.encode(photos(1), [])


def test_unknown_and_repeated_tasks_are_refused_in_a_sentence(address: str) -> None:
    with RemoteEncoder(address) as encoder:
        with pytest.raises(UnknownNameError, match="did you mean 'normal'"):
            encoder.encode(photos(1), ["normals"])
        with pytest.raises(UserError, match="named twice"):
            encoder.encode(photos(1), ["normal", "normal"])
        with pytest.raises(UserError, match="named twice"):
            encoder.encode(photos(0), ["rgb2sfnorm", "normal"])


def test_aliases_are_understood(address: str) -> None:
    images = photos(1, 8, 8)
    with RemoteEncoder(address) as encoder:
        np.testing.assert_array_equal(encoder.encode(images, ["rgb2sfnorm"]), fake_features(images, ["normal"]))


def test_the_server_s_feature_sets_have_names(address: str) -> None:
    bank = load_bank("buildings-v1")
    with RemoteEncoder(address) as encoder:
        assert encoder.feature_set("max-coverage:4") == bank.feature_set("max-coverage:4")
        assert encoder.feature_set("reshading, rgb2sfnorm") == ("reshading", "normal")
        with pytest.raises(UnknownNameError, match="did you mean 'max-coverage"):
            encoder.feature_set("max-coverage:444")


def test_no_images_give_no_features(address: str) -> None:
    with RemoteEncoder(address) as encoder:
        timed = encoder.encode_timed(photos(0), TASKS)
    assert timed.features.shape == (0, 24, 16, 16)
    assert timed.timings == ()


def test_timings_and_the_bank_s_hash_come_with_features(address: str) -> None:
    with RemoteEncoder(address) as encoder:
        timed = encoder.encode_timed(photos(1), TASKS)
    (spent,) = timed.timings
    assert (spent.queue_us, spent.inference_us, spent.batch_images) == (11, 22, 3)
    assert 0 < timed.round_trip_s < 10
    assert timed.bank_sha256 == load_bank("buildings-v1").sha256
    assert timed.tasks == TASKS


def test_a_closed_encoder_connects_again(address: str) -> None:
    encoder = RemoteEncoder(address)
    first = encoder.encode(photos(1), TASKS)
    encoder.close()
    encoder.close()
    np.testing.assert_array_equal(encoder.encode(photos(1), TASKS), first)
    encoder.close()
