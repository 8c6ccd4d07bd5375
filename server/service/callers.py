"""Who calls, and from where."""

import ipaddress
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from server.backend import Caller

if TYPE_CHECKING:
    import grpc

    Context = grpc.aio.ServicerContext[Any, Any]


def caller_of(context: "Context") -> Caller:
    """The connection, and when it stops waiting."""
    left_s = context.time_remaining()
    return Caller(context.peer(), None if left_s is None else time.monotonic() + left_s)


def is_local_peer(peer: str) -> bool:
    """Whether a call came from this machine.

    Args:
        peer: As gRPC writes it, such as "ipv4:127.0.0.1:50000", "ipv6:%5B::1%5D:50000" or "unix:".
    """
    scheme, _, rest = peer.partition(":")
    if scheme in ("unix", "unix-abstract"):
        return True
    host = unquote(rest).rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
