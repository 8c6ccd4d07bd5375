"""The app on its port: strangers, slow ones, silent ones, signals, TLS."""

import http.client
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from perception import UserError
from server.explorer.options import ExploreOptions
from server.explorer.requests import LARGEST_REQUEST_MIB
from server.explorer.serving import Listener
from tests.server.explorer.conftest import Explore
from tests.server.security.certificates import authority

AT_ONCE_S = 5.0
"""Far below any time limit of the server, far above what a page takes on a loaded machine."""


def status_of(address: str, path: str = "/", **headers: str) -> int:
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=AT_ONCE_S)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def connected(address: str, stack: ExitStack, say: bytes = b"") -> socket.socket:
    where = urlsplit(address)
    line = stack.enter_context(socket.create_connection((where.hostname or "", where.port or 0), timeout=AT_ONCE_S))
    line.sendall(say)
    return line


def test_those_who_connect_and_say_nothing_or_half_keep_nobody_waiting(explore: Explore, tmp_path: Path) -> None:
    address = explore(tmp_path)
    half = b"POST /_dash-update-component HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
    with ExitStack() as stack:
        for _ in range(40):
            connected(address, stack)
            connected(address, stack, half)
        assert status_of(address) == 200


def test_a_request_that_is_too_large_is_refused_before_it_is_sent(explore: Explore, tmp_path: Path) -> None:
    address = explore(tmp_path)
    size = (LARGEST_REQUEST_MIB << 20) + 1
    with ExitStack() as stack:
        line = connected(
            address, stack, f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        assert line.recv(64).split()[1] == b"413"


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"\xff", b'{"output": "nothing.here"}'])
def test_a_request_that_no_page_sends_is_refused_without_ado(explore: Explore, tmp_path: Path, body: bytes) -> None:
    where = urlsplit(explore(tmp_path))
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=AT_ONCE_S)
    connection.request("POST", "/_dash-update-component", body, {"Content-Type": "application/json"})
    assert 400 <= connection.getresponse().status < 500
    connection.close()


def test_it_cannot_be_put_into_a_frame_of_another_site(explore: Explore, tmp_path: Path) -> None:
    where = urlsplit(explore(tmp_path))
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=AT_ONCE_S)
    connection.request("GET", "/")
    assert connection.getresponse().headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    connection.close()


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_ipv6_can_be_opened_as_it_is_printed(explore: Explore, tmp_path: Path, host: str) -> None:
    if not socket.has_ipv6 or not _has_ipv6_loopback():
        pytest.skip("this machine has no IPv6 loopback")
    address = explore(tmp_path, host=host)
    assert address.startswith("http://[::1]:")
    assert status_of(address) == 200
    assert status_of(address, Host="[::1]") == 200, "without a port, as on port 80"
    assert status_of(address, Host="evil.example") == 403


def test_a_port_that_is_taken_and_a_host_that_is_not_known_are_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UserError, match=f"cannot listen on 127.0.0.1, port {port}: .*in use; choose another --port"
        ):
            Listener(ExploreOptions(port=port))
    with pytest.raises(UserError, match=r"no address is known for the host 'no\.such\.host\.invalid'"):
        Listener(ExploreOptions(host="no.such.host.invalid", port=0, insecure_network=True))


def test_over_tls_nobody_waits_for_those_who_do_not_shake_hands(explore: Explore, tmp_path: Path) -> None:
    pair = authority(tmp_path, "explorer")
    address = explore(tmp_path, tls_cert=pair.certificate, tls_key=pair.key)
    where = urlsplit(address)
    assert where.scheme == "https"
    with ExitStack() as stack:
        for _ in range(20):
            connected(address, stack)
        context = ssl.create_default_context(cafile=str(pair.certificate))
        connection = http.client.HTTPSConnection("127.0.0.1", where.port, timeout=AT_ONCE_S, context=context)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_in_order_even_while_somebody_sends(tmp_path: Path, name: signal.Signals) -> None:
    with command(tmp_path) as (process, address), ExitStack() as stack:
        connected(address, stack, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        assert status_of(address) == 200
        process.send_signal(name)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors


@contextmanager
def command(results: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`midlevel explore` as a user starts it."""
    line = [sys.executable, "-m", "midlevel", "explore", str(results), "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("READY "), ready
            yield process, ready.removeprefix("READY ").strip()
        finally:
            process.kill()


def _has_ipv6_loopback() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
