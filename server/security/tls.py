"""TLS from PEM files, checked before the server starts: later, a mistake would show as failed connections only."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from perception import UserError
from perception.files import read_bytes

if TYPE_CHECKING:
    import grpc

_LARGEST_FILE_MIB = 4

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TlsFiles:
    """Where a server's identity lies.

    Args:
        certificate: PEM, its own first and then the chain to the authority.
        key: PEM, its private key, not encrypted.
        client_ca: PEM, authorities of which every client must have a certificate; None to ask for none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


def tls_files(certificate: Path | None, key: Path | None, client_ca: Path | None) -> TlsFiles | None:
    """What the options --tls-cert, --tls-key and --client-ca amount to; None for no TLS.

    Raises:
        UserError: If one is there without those it needs.
    """
    if certificate is not None and key is not None:
        return TlsFiles(certificate, key, client_ca)
    if certificate is not None or key is not None:
        given, missing = ("--tls-cert", "--tls-key") if certificate is not None else ("--tls-key", "--tls-cert")
        raise UserError(f"{given} is given without {missing}; TLS needs both.")
    if client_ca is not None:
        raise UserError("--client-ca is given without --tls-cert and --tls-key; clients are checked over TLS only.")
    return None


def server_credentials(files: TlsFiles) -> "grpc.ServerCredentials":
    """Credentials for a gRPC server; a certificate that clients will refuse is logged as a warning.

    Raises:
        UserError: If a file is missing or no PEM, the key is encrypted or does not match the certificate.
    """
    import grpc

    certificate = _pem(files.certificate, "CERTIFICATE", "a certificate")
    key = _pem(files.key, "PRIVATE KEY", "a private key")
    server_context(files)
    authorities = None if files.client_ca is None else _authorities(files.client_ca)
    return grpc.ssl_server_credentials([(key, certificate)], authorities, authorities is not None)


def _pem(path: Path, label: str, what: str) -> bytes:
    data = read_bytes(path, limit_mib=_LARGEST_FILE_MIB)
    if b"-----BEGIN " not in data or f"{label}-----".encode() not in data:
        raise UserError(f"{path} is not {what} in PEM form; it should have a line that ends in {label}-----.")
    return data


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """A context with a server's own identity; a certificate that clients will refuse is logged as a warning.

    Raises:
        UserError: If a file is missing or no PEM, the key is encrypted or does not match the certificate.
    """
    certificate = _pem(files.certificate, "CERTIFICATE", "a certificate")
    _pem(files.key, "PRIVATE KEY", "a private key")
    context = _loaded(files)
    problem = _trouble(context, certificate)
    if problem is not None:
        _logger.warning("clients will refuse the certificate: %s", problem, extra={"file": str(files.certificate)})
    return context


def _loaded(files: TlsFiles) -> ssl.SSLContext:
    def encrypted() -> NoReturn:  # without this, OpenSSL would ask on the terminal
        raise UserError(f"{files.key} is encrypted; a server starts unattended: openssl pkey -in it -out a plain one.")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(files.certificate, files.key, password=encrypted)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise UserError(
                f"the key {files.key} does not belong to the certificate {files.certificate}; use the pair that was "
                "made together."
            ) from error
        raise UserError(
            f"the certificate {files.certificate} and key {files.key} cannot be used "
            f"({error.reason or 'malformed'}); make them again."
        ) from error
    return context


def _authorities(path: Path) -> bytes:
    data = _pem(path, "CERTIFICATE", "a certificate of an authority")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise UserError(f"the authorities in {path} cannot be used ({error.reason or 'malformed'}).") from error
    return data


def _trouble(server: ssl.SSLContext, certificate: bytes) -> str | None:
    """What a client that trusts this very certificate has against it, such as its date: a handshake in memory."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cadata=certificate.decode("ascii", "ignore"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True))
    try:
        for _ in range(4):  # flights of a handshake
            for end in ends:
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except ssl.SSLError as error:
        return error.reason
    return None
