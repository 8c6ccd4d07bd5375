import pytest

from perception import UserError
from server.security import check_binding, is_local

LOCAL = ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "unix:/run/midlevel.sock", "unix-abstract:midlevel"]
WIDER = ["0.0.0.0", "::", "[::]", "10.0.0.7", "::ffff:10.0.0.7", "robot.lab", "localhost.lab", "127.0.0.1.lab"]


@pytest.mark.parametrize("host", LOCAL)
def test_this_machine_alone_needs_no_tls(host: str) -> None:
    assert is_local(host)
    check_binding(host, has_tls=False, allow_insecure=False, has_tokens=True)


@pytest.mark.parametrize("host", WIDER)
def test_wider_needs_tls_or_the_users_word(host: str) -> None:
    assert not is_local(host)
    check_binding(host, has_tls=True, allow_insecure=False, has_tokens=True)
    check_binding(host, has_tls=False, allow_insecure=True)
    with pytest.raises(UserError, match=r"can be reached from other machines.*--tls-cert.*--insecure-network"):
        check_binding(host, has_tls=False, allow_insecure=False)


@pytest.mark.parametrize("allow_insecure", [False, True])
def test_tokens_never_cross_a_network_in_the_clear(allow_insecure: bool) -> None:
    with pytest.raises(UserError, match=r"tokens would cross the network to 0\.0\.0\.0 in the clear"):
        check_binding("0.0.0.0", has_tls=False, allow_insecure=allow_insecure, has_tokens=True)


def test_an_ipv4_loopback_written_as_ipv6_is_local() -> None:
    assert is_local("::ffff:127.0.0.1")


def test_no_host_is_no_binding() -> None:
    with pytest.raises(UserError, match="is empty"):
        check_binding("", has_tls=True, allow_insecure=True)
