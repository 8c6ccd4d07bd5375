"""Addresses, options and waits: what is checked before any connection."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from perception import RemoteEncoder, UserError
from perception.remote.address import parse_address
from perception.remote.attempts import FIRST_WAIT_S, LONGEST_WAIT_S, Attempts
from perception.remote.errors import RemoteError, UnreachableError
from perception.remote.options import Certificates, Options


@pytest.mark.parametrize(
    ("text", "target", "is_encrypted"),
    [
        ("grpc://localhost:50051", "dns:///localhost:50051", False),
        ("grpcs://robots.example:443/", "dns:///robots.example:443", True),
        ("grpc://[::1]:1", "dns:///[::1]:1", False),
        ("unix:/run/midlevel.sock", "unix:/run/midlevel.sock", False),
        ("unix:///run/midlevel.sock", "unix:/run/midlevel.sock", False),
        ("grpc://10.0.0.1:1,10.0.0.2:2", "ipv4:10.0.0.1:1,10.0.0.2:2", False),
        ("grpc://[::1]:1,[::2]:2", "ipv6:[::1]:1,[::2]:2", False),
    ],
)
def test_addresses_are_read(text: str, target: str, is_encrypted: bool) -> None:
    address = parse_address(text)
    assert (address.text, address.target, address.is_encrypted) == (text, target, is_encrypted)


@pytest.mark.parametrize(
    "text",
    [
        "", "localhost:50051", "http://localhost:50051", "grpc://localhost", "grpc://:50051", "grpc://localhost:x",
        "grpc://localhost:0", "grpc://localhost:65536", "grpc://::1:50051", "grpc://user@host:1", "grpc://a:1/b",
        "grpc://10.0.0.1:1,", "grpc://10.0.0.1:1,[::1]:1", "grpc://a:1,b:1", "unix:relative.sock", "unix:/folder/",
        "grpc://localhost:\uff11", None, 50051, b"grpc://localhost:1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_what_one_looks_like(text: Any) -> None:
    with pytest.raises(UserError, match=r"the server's address is .*(expected grpc://|absolute path|IP address|mixes)"):
        RemoteEncoder(text)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"timeout_s": 0}, "timeout_s is 0"),
        ({"timeout_s": float("nan")}, "timeout_s is nan"),
        ({"timeout_s": float("inf")}, "timeout_s is inf"),
        ({"timeout_s": "1"}, "timeout_s is '1'"),
        ({"timeout_s": True}, "timeout_s is True"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.0}, "batch_size is 2.0"),
        ({"retries": -1}, "retries is -1"),
        ({"precision": "float6"}, "did you mean 'float16'"),
        ({"transport": "shared_memory"}, "did you mean 'shared-memory'"),
        ({"token": ""}, "token"),
        ({"token": "two\nlines"}, "token"),
        ({"root_certificates": "ca.pem"}, "use grpcs://"),
    ],
)
def test_options_are_checked_at_once(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(UserError, match=match):
        RemoteEncoder("grpc://localhost:1", **arguments)


def test_certificates_are_read_at_once(tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.write_text("not a certificate")
    with pytest.raises(UserError, match="no PEM file"):
        RemoteEncoder("grpcs://localhost:1", root_certificates=pem)
    with pytest.raises(UserError, match="No such file"):
        RemoteEncoder("grpcs://localhost:1", root_certificates=tmp_path / "b.pem")
    with pytest.raises(UserError, match="go together"):
        RemoteEncoder("grpcs://localhost:1", client_key=pem)


def test_a_copy_has_the_same_options_and_the_token_is_not_printed() -> None:
    encoder = RemoteEncoder("grpc://localhost:1", token="secret-secret", batch_size=3)
    copy = pickle.loads(pickle.dumps(encoder))
    assert copy._options == encoder._options
    assert "secret" not in repr(encoder) + repr(encoder._options)
    assert repr(copy) == "RemoteEncoder('grpc://localhost:1')"


OPTIONS = Options(parse_address("grpc://h:1"), None, Certificates(), 10.0, "float32", "grpc", 1, retries=9)


class Failed(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode, *trailing: tuple[str, str]) -> None:
        self._code = code
        self._trailing = trailing

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "words"

    def trailing_metadata(self) -> Any:
        return self._trailing


AWAY = Failed(grpc.StatusCode.UNAVAILABLE)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_waits_double_up_to_a_longest_and_vary_by_half(chance: float) -> None:
    attempts = Attempts(replace(OPTIONS, timeout_s=1e4), clock=lambda: 0.0, chance=lambda: chance)
    waits = [attempts.wait_after(AWAY) for _ in range(9)]
    assert waits == [min(FIRST_WAIT_S * 2**k, LONGEST_WAIT_S) * (1 - chance / 2) for k in range(9)]
    with pytest.raises(UnreachableError):
        attempts.wait_after(AWAY)


def test_no_wait_goes_beyond_the_timeout() -> None:
    now_s = 0.0
    attempts = Attempts(replace(OPTIONS, timeout_s=1.0), clock=lambda: now_s, chance=lambda: 0.0)
    assert attempts.left_s == 1.0
    now_s = 0.99
    assert attempts.left_s == pytest.approx(0.01)
    with pytest.raises(UnreachableError):
        attempts.wait_after(AWAY)
    now_s = 2.0
    assert attempts.left_s == 0.0


@pytest.mark.parametrize(("hint", "wait_s"), [("40", 0.04), ("0", 0.0)])
def test_a_hint_of_when_to_come_back_is_never_undercut(hint: str, wait_s: float) -> None:
    for chance in (0.0, 1.0):
        attempts = Attempts(OPTIONS, chance=lambda chance=chance: chance)  # type: ignore[misc]
        wait = attempts.wait_after(Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, ("x", "1"), ("retry-after-ms", hint)))
        assert wait_s <= wait <= 1.25 * wait_s


@pytest.mark.parametrize("hint", ["", "-5", "soon", "1e3", "9" * 40, "\u0663"])
def test_a_strange_hint_is_not_followed(hint: str) -> None:
    with pytest.raises(RemoteError):
        Attempts(OPTIONS).wait_after(Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, ("retry-after-ms", hint)))
