"""What `midlevel serve` is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perception import UserError

LARGEST_MESSAGE_MIB = 1024
"""The most that gRPC can be told to read, with room for refusing what is larger."""

_RANGES: Mapping[str, tuple[float, float]] = {
    "port": (0, 65535),
    "max_batch": (1, 1024),
    "max_delay_us": (0, 1_000_000),
    "max_queue": (1, 1_000_000),
    "max_message_mib": (1, LARGEST_MESSAGE_MIB),
    "drain_seconds": (0, 3600),
    "metrics_port": (0, 65535),
}
"""Smallest and largest value of each number."""


@dataclass(frozen=True)
class ServeOptions:
    """How to serve.

    Args:
        bank: Name or folder.
        features: Feature sets that are served, and with them their tasks; empty for all tasks of the bank.
        host: Address or name to listen on, or "unix:" and a path.
        port: 0 for any that is free.
        device: "cpu", "cuda" or "auto".
        precision: "float32", "bfloat16", "int8" or "auto".
        max_batch: Images computed together, and so most images of a request.
        max_delay_us: How long a request may wait for others to be computed with, beyond those who were just answered.
        max_queue: Images that may wait; further requests are refused.
        max_message_mib: Largest request and response.
        tls_cert: PEM; None for no TLS.
        tls_key: PEM.
        client_ca: PEM; callers then need a certificate of it.
        token_file: Tokens of which callers need one; None for none.
        insecure_network: Whether listening beyond this machine without TLS is meant.
        metrics_port: For Prometheus; None for no metrics over HTTP.
        metrics_host: Where it listens.
        shared_memory: Whether callers on this machine may use shared memory.
        log_level: "debug", "info", "warning" or "error".
        drain_seconds: How long calls under way may take once the server is told to stop.

    Raises:
        UserError: If a number is out of its range.
    """

    bank: str = "buildings-v1"
    features: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 50051
    device: str = "auto"
    precision: str = "auto"
    max_batch: int = 32
    max_delay_us: int = 0
    max_queue: int = 256
    max_message_mib: int = 64
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    token_file: Path | None = None
    insecure_network: bool = False
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    shared_memory: bool = False
    log_level: str = "info"
    drain_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not lowest <= value <= highest:
                raise UserError(f"--{name.replace('_', '-')} is {value}; expected {lowest:g} to {highest:g}.")

    @property
    def largest_message_bytes(self) -> int:
        """Of requests and responses."""
        return self.max_message_mib << 20
