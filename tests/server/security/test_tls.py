import asyncio
import logging
from pathlib import Path

import grpc
import pytest

from perception import UserError
from server.security import TlsFiles, server_credentials, tls_files
from tests.server.echo import ECHO, echo_server, unary
from tests.server.security.certificates import Pair, authority, encrypted_key, expired, signed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pem")


@pytest.fixture(scope="module")
def own(folder: Path) -> Pair:
    return authority(folder, "own")


@pytest.fixture(scope="module")
def other(folder: Path) -> Pair:
    return authority(folder, "other")


def _files(pair: Pair, client_ca: Path | None = None) -> TlsFiles:
    return TlsFiles(pair.certificate, pair.key, client_ca)


async def _echo(files: TlsFiles, trusted: Path, client: Pair | None = None) -> bytes:
    """What a server with these files answers to a client that trusts an authority."""
    identity = (None, None) if client is None else (client.key.read_bytes(), client.certificate.read_bytes())
    credentials = grpc.ssl_channel_credentials(trusted.read_bytes(), *identity)
    async with (
        echo_server(credentials=server_credentials(files)) as address,
        grpc.aio.secure_channel(address, credentials) as channel,
    ):
        return await unary(channel, ECHO, b"frame")


def _code(*arguments: object) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        asyncio.run(_echo(*arguments))  # type: ignore[arg-type]
    return caught.value.code()


def test_a_client_that_trusts_the_certificate_is_answered(own: Pair) -> None:
    assert asyncio.run(_echo(_files(own), own.certificate)) == b"frame"


def test_a_client_that_trusts_another_authority_does_not_connect(own: Pair, other: Pair) -> None:
    assert _code(_files(own), other.certificate) == grpc.StatusCode.UNAVAILABLE


def test_with_a_client_authority_only_its_clients_are_answered(folder: Path, own: Pair, other: Pair) -> None:
    files = _files(own, client_ca=other.certificate)
    robot, stranger = signed(folder, "robot", other), signed(folder, "stranger", own)
    assert asyncio.run(_echo(files, own.certificate, robot)) == b"frame"
    assert _code(files, own.certificate, stranger) == grpc.StatusCode.UNAVAILABLE
    assert _code(files, own.certificate) == grpc.StatusCode.UNAVAILABLE


def test_a_key_of_another_certificate_is_refused(own: Pair, other: Pair) -> None:
    with pytest.raises(UserError, match=r"the key \S+other.key does not belong to the certificate \S+own.pem"):
        server_credentials(TlsFiles(own.certificate, other.key))


def test_an_encrypted_key_is_refused_without_asking_for_its_password(folder: Path, own: Pair) -> None:
    with pytest.raises(UserError, match=r"encrypted\.key is encrypted"):
        server_credentials(TlsFiles(own.certificate, encrypted_key(folder, own.key)))


def test_files_in_each_others_place_are_named(own: Pair) -> None:
    with pytest.raises(UserError, match=r"own\.key is not a certificate in PEM form"):
        server_credentials(TlsFiles(own.key, own.certificate))
    with pytest.raises(UserError, match=r"own\.pem is not a private key in PEM form"):
        server_credentials(TlsFiles(own.certificate, own.certificate))
    with pytest.raises(UserError, match=r"own\.key is not a certificate of an authority in PEM form"):
        server_credentials(_files(own, client_ca=own.key))


def test_a_missing_file_is_named(folder: Path, own: Pair) -> None:
    with pytest.raises(UserError, match=r"cannot read \S+no.pem: No such file"):
        server_credentials(TlsFiles(folder / "no.pem", own.key))


@pytest.mark.parametrize("damage", [b"AAAA", b"\xff\xfe\x00\x80"])
def test_a_damaged_certificate_is_refused(folder: Path, own: Pair, damage: bytes) -> None:
    path = folder / "damaged.pem"
    content = own.certificate.read_bytes()
    path.write_bytes(content[:28] + damage + content[32:])  # the first bytes after the line that begins it
    with pytest.raises(UserError, match="cannot be used"):
        server_credentials(TlsFiles(path, own.key))
    with pytest.raises(UserError, match="cannot be used"):
        server_credentials(_files(own, client_ca=path))


def test_an_expired_certificate_is_warned_of(folder: Path, own: Pair, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        server_credentials(_files(own))
        server_credentials(_files(signed(folder, "leaf", own)))
        assert not caplog.records
        server_credentials(_files(expired(folder, "old")))
    assert [record.getMessage() for record in caplog.records] == [
        "clients will refuse the certificate: certificate has expired"
    ]


def test_options_that_need_each_other_are_asked_for() -> None:
    pem = Path("some.pem")
    assert tls_files(None, None, None) is None
    assert tls_files(pem, pem, None) == TlsFiles(pem, pem)
    assert tls_files(pem, pem, pem) == TlsFiles(pem, pem, pem)
    with pytest.raises(UserError, match="--tls-cert is given without --tls-key"):
        tls_files(pem, None, pem)
    with pytest.raises(UserError, match="--tls-key is given without --tls-cert"):
        tls_files(None, pem, None)
    with pytest.raises(UserError, match="--client-ca is given without"):
        tls_files(None, None, pem)
