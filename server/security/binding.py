"""Where a server may listen, given how it is protected."""

import ipaddress

from perception import UserError

_LOCAL_SCHEMES = ("unix:", "unix-abstract:")


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address: loopback, "localhost" or a unix socket.

    Other names count as wider, whatever they resolve to now.
    """
    if host.startswith(_LOCAL_SCHEMES) or host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def check_binding(host: str, *, has_tls: bool, allow_insecure: bool, has_tokens: bool = False) -> None:
    """Refuse to listen where frames or tokens would cross a network in the clear.

    Tokens are refused without TLS whatever the flag says: one token read on the way opens every replica to whoever read
    it, and behind a proxy that ends TLS the server can listen on loopback or a unix socket.

    Args:
        host: Address or name to listen on, or "unix:" and a path.
        has_tls: Whether connections are encrypted.
        allow_insecure: The user's word that the network is trusted.
        has_tokens: Whether callers send tokens.

    Raises:
        UserError: If the binding is refused, or there is no host.
    """
    if not host:
        raise UserError("the host to listen on is empty; expected for example 127.0.0.1, or 0.0.0.0 for every address.")
    if has_tls or is_local(host):
        return
    if has_tokens:
        raise UserError(
            f"tokens would cross the network to {host} in the clear; add --tls-cert and --tls-key, or listen on "
            "127.0.0.1 behind a proxy that ends TLS."
        )
    if not allow_insecure:
        raise UserError(
            f"{host} can be reached from other machines, without encryption; add --tls-cert and --tls-key, listen on "
            "127.0.0.1, or say --insecure-network if the network is trusted."
        )
