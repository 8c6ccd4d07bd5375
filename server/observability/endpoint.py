"""Metrics over HTTP, for Prometheus to fetch."""

from dataclasses import dataclass
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from perception import UserError


@dataclass(frozen=True)
class MetricsEndpoint:
    """Runs in a thread of its own until it is closed.

    Args:
        http: The server.
        thread: Its thread.
    """

    http: WSGIServer
    thread: Thread

    @property
    def port(self) -> int:
        """It listens on."""
        return self.http.server_port

    def close(self) -> None:
        """Stop listening."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def start_metrics(registry: CollectorRegistry, port: int, host: str = "127.0.0.1") -> MetricsEndpoint:
    """Serve a registry in Prometheus' text format.

    Args:
        registry: Such as `Metrics.registry`.
        port: 0 for any that is free.
        host: Loopback by default: the numbers tell strangers how the server is doing.

    Raises:
        UserError: If it cannot listen there.
    """
    try:
        http, thread = start_http_server(port, host, registry)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot serve metrics on {host}:{port}: {reason}; choose another --metrics-port.") from error
    return MetricsEndpoint(http, thread)
