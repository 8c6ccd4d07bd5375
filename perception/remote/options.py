"""What a client was told when it was made."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perception.errors import UnknownNameError, UserError
from perception.files import read_bytes
from perception.remote.address import Address, parse_address

PRECISIONS = ("float32", "float16")
"""Of features on their way; they arrive as float32."""

SHARED_MEMORY = "shared-memory"
"""The transport for servers on the same machine."""

STREAM = "grpc-stream"
"""The transport that keeps streams open."""

_LARGEST_PEM_MIB = 1
_LONGEST_TIMEOUT_S = 24 * 3600


@dataclass(frozen=True)
class Certificates:
    """PEM files of a TLS connection.

    Args:
        root: Whom to believe; None for the authorities that gRPC knows.
        client: The client's own chain, for servers that ask for one (mTLS).
        key: The client's private key.
    """

    root: Path | None = None
    client: Path | None = None
    key: Path | None = None

    def contents(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Root certificates, private key, client's chain, as gRPC takes them.

        Raises:
            UserError: If a file is missing or not in the PEM format.
        """
        return _pem(self.root), _pem(self.key), _pem(self.client)


@dataclass(frozen=True)
class Options:
    """How a client talks to its server; see `RemoteEncoder`, which documents them."""

    address: Address
    token: str | None = field(repr=False)
    certificates: Certificates
    timeout_s: float
    precision: str
    transport: str
    batch_size: int
    retries: int

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What is sent with every call."""
        return () if self.token is None else (("authorization", f"Bearer {self.token}"),)


def checked_options(
    address: str, token: str | None, certificates: Certificates, timeout_s: float, precision: str, transport: str,
    batch_size: int, retries: int, transports: Mapping[str, object],
) -> Options:  # fmt: skip
    """Options that go together.

    Raises:
        UserError: If one is not what it should be.
    """
    place = parse_address(address)
    _check_certificates(certificates, place)
    for kind, name, known in (("precision", precision, PRECISIONS), ("transport", transport, transports)):
        if name not in known:
            raise UnknownNameError(kind, name, known)
    return Options(
        place,
        _token(token),
        certificates,
        _seconds(timeout_s),
        precision,
        transport,
        _whole("batch_size", batch_size, 1),
        _whole("retries", retries, 0),
    )


def _check_certificates(certificates: Certificates, address: Address) -> None:
    if certificates != Certificates() and not address.is_encrypted:
        raise UserError(f"certificates were given for {address.text}, which is not encrypted; use grpcs://.")
    if (certificates.client is None) != (certificates.key is None):
        raise UserError("client_certificate and client_key go together; one of them is missing.")
    certificates.contents()


def _token(token: object) -> str | None:
    if token is None:
        return None
    if not isinstance(token, str) or not token or not all("!" <= character <= "~" for character in token):
        raise UserError("the token is empty or has blanks, line ends or letters that no header carries; check token=.")
    return token


def _seconds(timeout_s: object) -> float:
    if (
        type(timeout_s) is bool
        or not isinstance(timeout_s, numbers.Real)
        or not 0 < float(timeout_s) <= _LONGEST_TIMEOUT_S
    ):
        raise UserError(f"timeout_s is {timeout_s!r}; expected seconds, more than 0 and at most {_LONGEST_TIMEOUT_S}.")
    return float(timeout_s)


def _whole(name: str, value: object, least: int) -> int:
    if type(value) is bool or not isinstance(value, numbers.Integral) or int(value) < least:
        raise UserError(f"{name} is {value!r}; expected a whole number of at least {least}.")
    return int(value)


def _pem(path: Path | None) -> bytes | None:
    if path is None:
        return None
    data = read_bytes(path, limit_mib=_LARGEST_PEM_MIB)
    if b"-----BEGIN " not in data:
        raise UserError(f"{path} is no PEM file: it has no line '-----BEGIN ...'.")
    return data
