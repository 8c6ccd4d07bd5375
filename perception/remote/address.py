"""Where a server is, as people write it and as gRPC does."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from perception.errors import UserError

_SCHEMES: Mapping[str, bool] = {"grpc": False, "grpcs": True}
"""Whether connections are encrypted."""

_EXPECTED = "expected grpc://host:port, grpcs://host:port with TLS, or unix:/path on the same machine"


@dataclass(frozen=True)
class Address:
    """Where a server is.

    Args:
        text: As the user wrote it.
        target: As gRPC takes it.
        is_encrypted: Whether connections use TLS.
    """

    text: str
    target: str
    is_encrypted: bool


def parse_address(text: object) -> Address:
    """Read an address.

    Several replicas are one DNS name that has several addresses, or IP addresses with commas between them:
    "grpc://10.0.0.1:50051,10.0.0.2:50051".

    Raises:
        UserError: If it is none.
    """
    if not isinstance(text, str):
        raise UserError(f"the server's address is {text!r}; {_EXPECTED}.")
    if text.startswith("unix:"):
        return Address(text, f"unix:{_socket_path(text)}", is_encrypted=False)
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise UserError(f"the server's address is {text!r}; {_EXPECTED}.")
    places = [_place(place, text) for place in rest.removesuffix("/").split(",")]
    return Address(text, _target(places, text), _SCHEMES[scheme])


def _socket_path(text: str) -> str:
    path = text.removeprefix("unix:").removeprefix("//")
    if not path.startswith("/") or path.endswith("/"):
        raise UserError(f"the server's address is {text!r}; expected unix: and the absolute path of a socket.")
    return path


def _place(text: str, whole: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise UserError(f"the server's address is {whole!r}, of which {text!r} is not host:port; {_EXPECTED}.")
    if any(character in host for character in "/@?# \t\n") or (":" in host and host[0] + host[-1] != "[]"):
        raise UserError(f"the server's address is {whole!r}, of which {host!r} is no host name; {_EXPECTED}.")
    return host, int(port)


def _target(places: list[tuple[str, int]], text: str) -> str:
    joined = ",".join(f"{host}:{port}" for host, port in places)
    if len(places) == 1:
        return f"dns:///{joined}"
    versions = {_version(host, text) for host, _ in places}
    if len(versions) > 1:
        raise UserError(f"the server's address is {text!r}, which mixes IPv4 and IPv6; use one of them.")
    return f"ipv{versions.pop()}:{joined}"


def _version(host: str, text: str) -> int:
    try:
        return ipaddress.ip_address(host.strip("[]")).version
    except ValueError:
        raise UserError(
            f"the server's address is {text!r}: among several, {host!r} must be an IP address; or use one DNS name "
            "that has the addresses of all replicas."
        ) from None
