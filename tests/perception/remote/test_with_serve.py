"""The client against `midlevel serve` itself."""

import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import LocalEncoder, RemoteEncoder, UnknownNameError, check_encoder
from perception.remote import UnreachableError
from perception.remote.shared_memory import FOLDER

TASKS = ("normal", "reshading")
START_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    place = f"unix:{tmp_path_factory.mktemp('serve') / 'socket'}"
    command = [str(Path(sys.executable).with_name("midlevel")), "serve", "--features", ",".join(TASKS)]
    command += ["--host", place, "--shared-memory", "--device", "cpu", "--precision", "float32", "--max-batch", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            ready, _, _ = select.select([process.stdout], [], [], START_S)
            assert ready
            assert process.stdout.readline().startswith("READY")
            yield process, place
        finally:
            process.kill()


@pytest.mark.parametrize("transport", ["grpc", "grpc-stream", "shared-memory"])
def test_the_contract_of_encoders_is_kept(server: tuple[subprocess.Popen[str], str], transport: str) -> None:
    with RemoteEncoder(server[1], transport=transport) as encoder:
        check_encoder(encoder, TASKS)


@pytest.mark.parametrize("transport", ["grpc", "grpc-stream", "shared-memory"])
def test_features_are_those_of_the_same_images_encoded_here(
    server: tuple[subprocess.Popen[str], str], transport: str, local: LocalEncoder
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 150, 200, 3), np.uint8)
    with RemoteEncoder(server[1], transport=transport) as encoder:
        timed = encoder.encode_timed(images, TASKS)
    expected = local.encode(images, TASKS)
    assert np.abs(timed.features - expected).max() <= 1e-4 * expected.std()
    assert len(timed.timings) == 3
    assert all(spent.inference_us > 0 for spent in timed.timings)


def test_streams_and_what_is_not_served(server: tuple[subprocess.Popen[str], str]) -> None:
    frame = np.zeros((128, 128, 3), np.uint8)
    with RemoteEncoder(server[1]) as encoder, encoder.stream(TASKS) as stream:
        last = [stream.send(frame) for _ in range(5)][-1]
        while stream.latest().sequence < last:
            pass
        with pytest.raises(UnknownNameError, match="known are normal, reshading"):
            encoder.encode(frame[None], ["class_scene"])


def check_until_it_stops(client: RemoteEncoder, images: NDArray[np.uint8], expected: NDArray[np.float32]) -> None:
    while True:
        np.testing.assert_array_equal(client.encode(images, TASKS), expected)


def test_calls_under_way_when_the_server_is_told_to_stop_are_answered_or_fail_in_a_sentence(
    server: tuple[subprocess.Popen[str], str],
) -> None:
    """Last, since nobody is there afterwards."""
    process, place = server
    images = np.zeros((2, 64, 64, 3), np.uint8)
    with (
        RemoteEncoder(place, retries=1) as encoder,
        RemoteEncoder(place, transport="shared-memory", retries=1) as other,
    ):
        first, second = encoder.encode(images, TASKS), other.encode(images, TASKS)
        socket = FOLDER / other.catalogue().local_socket
        assert socket.is_socket()
        process.send_signal(signal.SIGTERM)
        for client, expected in ((encoder, first), (other, second)):
            with pytest.raises(UnreachableError, match="midlevel serve"):
                check_until_it_stops(client, images, expected)
    assert process.wait(30) == 0
    assert not socket.exists()
