"""TLS, client certificates and tokens, against the server's own security."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from perception import RemoteEncoder
from perception.remote import RemoteError, UnreachableError
from tests.perception.remote.serving import served
from tests.server.fake import fake_features
from tests.server.security.certificates import Pair, authority, signed

IMAGES = np.zeros((1, 8, 8, 3), np.uint8)
TOKEN = "a-token-that-is-long-enough-to-be-one-0123456789"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pem")


@pytest.fixture(scope="module")
def own(folder: Path) -> Pair:
    return authority(folder, "own")


@pytest.fixture(scope="module")
def robots(folder: Path) -> Pair:
    return authority(folder, "robots")


@pytest.fixture(scope="module")
def place(folder: Path, own: Pair, robots: Pair) -> Iterator[str]:
    """Of a server that wants a certificate and a token."""
    tokens = folder / "tokens"
    tokens.write_text(TOKEN + "\n")
    tokens.chmod(0o600)
    with served(
        "--certificate", str(own.certificate), "--key", str(own.key), "--client-ca", str(robots.certificate),
        "--tokens", str(tokens),
    ) as place:  # fmt: skip
        yield place


def test_a_robot_with_certificate_and_token_is_let_in(place: str, folder: Path, own: Pair, robots: Pair) -> None:
    robot = signed(folder, "robot", robots)
    with RemoteEncoder(
        f"grpcs://{place}", root_certificates=own.certificate, client_certificate=str(robot.certificate),
        client_key=robot.key, token=TOKEN,
    ) as encoder:  # fmt: skip
        np.testing.assert_array_equal(encoder.encode(IMAGES, ["normal"]), fake_features(IMAGES, ["normal"]))


@pytest.mark.parametrize("token", [None, TOKEN + "x"])
def test_without_the_right_token_the_answer_says_so(
    place: str, folder: Path, own: Pair, robots: Pair, token: str | None
) -> None:
    robot = signed(folder, "robot", robots)
    encoder = RemoteEncoder(
        f"grpcs://{place}", root_certificates=own.certificate, client_certificate=robot.certificate,
        client_key=robot.key, token=token,
    )  # fmt: skip
    with encoder, pytest.raises(RemoteError, match=r"does not let this client in .*token="):
        encoder.encode(IMAGES, ["normal"])


def test_without_certificate_trust_or_tls_the_sentence_says_what_to_check(place: str, own: Pair, robots: Pair) -> None:
    for encoder in (
        RemoteEncoder(f"grpcs://{place}", root_certificates=own.certificate, retries=0),
        RemoteEncoder(f"grpcs://{place}", root_certificates=robots.certificate, retries=0),
        RemoteEncoder(f"grpc://{place}", retries=0),
    ):
        with encoder, pytest.raises(UnreachableError, match=rf"{place}.*agree on TLS"):
            encoder.encode(IMAGES, ["normal"])
