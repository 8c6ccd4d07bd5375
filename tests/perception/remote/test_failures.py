"""What the client does when the server is away, full, slow, strange or changes its bank."""

import socket
import threading
import time

import grpc
import numpy as np
import pytest

from perception import RemoteEncoder, UnknownNameError, UserError
from perception.photos import squares
from perception.remote import RemoteError, TimedOutError, UnreachableError
from tests.perception.remote.scripted import Script, mean_features, scripted

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
TASKS = ("normal", "reshading")
Code = grpc.StatusCode


def test_nobody_there_is_said_with_the_address_and_what_to_check() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"grpc://127.0.0.1:{taken.getsockname()[1]}"
        encoder = RemoteEncoder(address, retries=1)
        with pytest.raises(UnreachableError, match=rf"{address} .*midlevel serve.*TLS"):
            encoder.encode(IMAGES, TASKS)
        with pytest.raises(ConnectionError):
            encoder.catalogue()


def test_an_unreachable_server_is_asked_again() -> None:
    script = Script(failures=[(Code.UNAVAILABLE, "restarting", ())] * 2)
    with scripted(script) as address, RemoteEncoder(address) as encoder:
        np.testing.assert_array_equal(encoder.encode(IMAGES, TASKS), mean_features(IMAGES, TASKS))
    assert len(script.requests) == 3


def test_a_server_that_comes_back_at_its_address_is_found_again() -> None:
    with scripted(Script()) as address:
        encoder = RemoteEncoder(address, retries=20)
        encoder.encode(IMAGES, TASKS)
    outcome: list[object] = []
    thread = threading.Thread(target=lambda: outcome.append(encoder.encode(IMAGES, TASKS)))
    thread.start()  # while nobody is there
    with scripted(Script(), port=int(address.rpartition(":")[2])):
        thread.join()
        encoder.close()
    np.testing.assert_array_equal(outcome[0], mean_features(IMAGES, TASKS))


def test_retries_come_to_an_end() -> None:
    script = Script(failures=[(Code.UNAVAILABLE, "gone", ())] * 9)
    with (
        scripted(script) as address,
        RemoteEncoder(address, retries=2) as encoder,
        pytest.raises(UnreachableError, match=r"\(gone\)"),
    ):
        encoder.encode(IMAGES, TASKS)
    assert len(script.requests) == 3


def test_a_full_queue_s_hint_is_followed() -> None:
    script = Script(failures=[(Code.RESOURCE_EXHAUSTED, "the queue is full.", (("retry-after-ms", "80"),))])
    with scripted(script) as address, RemoteEncoder(address) as encoder:
        encoder.catalogue()
        began_s = time.monotonic()
        encoder.encode(IMAGES, TASKS)
    assert time.monotonic() - began_s >= 0.08
    assert len(script.requests) == 2


def test_what_is_exhausted_for_good_is_not_asked_again() -> None:
    script = Script(failures=[(Code.RESOURCE_EXHAUSTED, "the request has 9 bytes, the limit is 8.", ())])
    with (
        scripted(script) as address,
        RemoteEncoder(address) as encoder,
        pytest.raises(RemoteError, match=r"refuses: the request has 9 bytes, the limit is 8\.$"),
    ):
        encoder.encode(IMAGES, TASKS)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("code", "kind", "match"),
    [
        (Code.INVALID_ARGUMENT, UserError, "^too odd.$"),
        (Code.NOT_FOUND, UserError, "^too odd.$"),
        (Code.UNAUTHENTICATED, RemoteError, "does not let this client in .*token="),
        (Code.PERMISSION_DENIED, RemoteError, "does not let this client in"),
        (Code.INTERNAL, RemoteError, r"failed \(INTERNAL\): too odd\.$"),
        (Code.UNIMPLEMENTED, RemoteError, "no perception server"),
    ],
)
def test_every_status_becomes_one_sentence(code: grpc.StatusCode, kind: type[Exception], match: str) -> None:
    script = Script(failures=[(code, "too odd.", ())])
    with scripted(script) as address, RemoteEncoder(address) as encoder, pytest.raises(kind, match=match):
        encoder.encode(IMAGES, TASKS)
    assert len(script.requests) == 1


def test_a_slow_server_is_given_up_at_the_timeout_which_it_knows() -> None:
    going_on = threading.Event()
    script = Script(meanwhile=going_on.wait)
    with scripted(script) as address, RemoteEncoder(address, timeout_s=0.3) as encoder:
        with pytest.raises(TimedOutError, match=r"within 0\.3 s"):
            encoder.encode(IMAGES, TASKS)
        going_on.set()
    assert 0 < script.left_s[0] < 0.4  # gRPC rounds


def test_all_attempts_share_one_timeout() -> None:
    script = Script(failures=[(Code.UNAVAILABLE, "gone", ())] * 99)
    with scripted(script) as address, RemoteEncoder(address, timeout_s=0.4, retries=99) as encoder:
        began_s = time.monotonic()
        with pytest.raises(UnreachableError):
            encoder.encode(IMAGES, TASKS)
        assert time.monotonic() - began_s < 2
    assert script.left_s == sorted(script.left_s, reverse=True)


def test_one_part_s_failure_is_the_whole_call_s() -> None:
    script = Script(failures=[(Code.INVALID_ARGUMENT, "not this one", ())])
    images = np.repeat(IMAGES, 10, axis=0)
    with scripted(script) as address, RemoteEncoder(address, batch_size=1) as encoder:
        with pytest.raises(UserError, match="not this one"):
            encoder.encode(images, TASKS)
        np.testing.assert_array_equal(encoder.encode(images, TASKS), mean_features(images, TASKS))


def test_the_server_s_largest_batch_is_kept() -> None:
    script = Script(largest_batch=3)
    images = np.repeat(IMAGES, 4, axis=0)
    with scripted(script) as address, RemoteEncoder(address) as encoder:
        np.testing.assert_array_equal(encoder.encode(images, TASKS), mean_features(images, TASKS))
    assert sorted(request.images.raw.count for request in script.requests) == [2, 3, 3]


def test_a_new_bank_that_takes_larger_images_gets_them_larger() -> None:
    images = np.random.default_rng(1).integers(0, 256, (1, 20, 20, 3), np.uint8)
    script = Script()
    with scripted(script) as address, RemoteEncoder(address) as encoder:
        small = encoder.encode(images, TASKS)
        script.bank, script.sides_px = "second", {"normal": 16, "reshading": 16}
        timed = encoder.encode_timed(images, TASKS)
    np.testing.assert_array_equal(small, mean_features(squares(images, 4), TASKS))
    np.testing.assert_array_equal(timed.features, mean_features(squares(images, 16), TASKS))
    assert timed.bank_sha256 == "second"


def test_a_new_bank_s_tasks_are_known_at_once() -> None:
    script = Script(sides_px={"normal": 4})
    with scripted(script) as address, RemoteEncoder(address) as encoder:
        encoder.encode(IMAGES, ["normal"])
        with pytest.raises(UnknownNameError):
            encoder.encode(IMAGES, ["reshading"])
        script.bank, script.sides_px = "second", {"reshading": 4}
        encoder.encode(IMAGES, ["reshading"])


def test_features_of_two_banks_are_never_mixed() -> None:
    script = Script()
    turns = iter(range(10**6))

    def swap() -> None:
        script.bank = f"bank {next(turns)}"

    script.meanwhile = swap
    with (
        scripted(script) as address,
        RemoteEncoder(address) as encoder,
        pytest.raises(RemoteError, match="changed 3 times"),
    ):
        encoder.encode(IMAGES, TASKS)


@pytest.mark.parametrize("field", ["shape", "tasks", "precision", "data"])
def test_a_strange_answer_is_not_believed(field: str) -> None:
    changes = {
        "shape": lambda response: response.features.shape.reverse(),
        "tasks": lambda response: response.tasks.reverse(),
        "precision": lambda response: setattr(response.features, "precision", 7),
        "data": lambda response: setattr(response.features, "data", response.features.data[:-1]),
    }
    with (
        scripted(Script(change=changes[field])) as address,
        RemoteEncoder(address) as encoder,
        pytest.raises(RemoteError, match="the server answered"),
    ):
        encoder.encode(IMAGES, TASKS)


def test_tasks_whose_images_are_prepared_differently_are_sent_as_they_are() -> None:
    script = Script(sides_px={"normal": 4, "reshading": 8})
    images = np.random.default_rng(1).integers(0, 256, (1, 20, 20, 3), np.uint8)
    with scripted(script) as address, RemoteEncoder(address) as encoder:
        encoder.encode(images, TASKS)
    assert script.requests[0].images.raw.height == 20


def test_the_server_is_asked_what_it_has_once() -> None:
    script = Script()
    with scripted(script) as address, RemoteEncoder(address) as encoder:
        for _ in range(3):
            encoder.encode(IMAGES, TASKS)
        assert encoder.feature_set("max-coverage:2") == ("reshading", "normal")
    assert script.lists == 1
