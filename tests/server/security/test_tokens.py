import logging
from pathlib import Path

import pytest

from perception import UserError
from server.security import SHORTEST_TOKEN, TokenFile

ONE = "one-token-of-a-robot-4711"
TWO = "VHdvIHRva2Vucw/+~._-=="


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


def test_every_token_of_the_file_opens_and_nothing_else_does(path: Path) -> None:
    path.write_text(f"# robots\n\n{ONE}   # the one in the hall\n  {TWO}\r\n")
    tokens = TokenFile(path)
    assert tokens.accepts(ONE)
    assert tokens.accepts(TWO)
    for wrong in ["", ONE[:-1], ONE + "x", ONE.upper(), f"{ONE} ", "# robots", "robots", "\udcff"]:
        assert not tokens.accepts(wrong), wrong


def test_tokens_rotate_while_the_server_runs(path: Path) -> None:
    path.write_text(ONE)
    tokens = TokenFile(path)
    path.write_text(f"{ONE}\n{TWO}")
    assert tokens.accepts(ONE)
    assert tokens.accepts(TWO)
    replacement = path.with_name("new")
    replacement.write_text(f"{TWO}\n{'x' * len(ONE)}")  # of the same size, and moved into place as orchestrators do
    replacement.replace(path)
    assert not tokens.accepts(ONE)
    assert tokens.accepts(TWO)


def test_a_link_to_another_file_is_noticed(path: Path, tmp_path: Path) -> None:
    for name, token in (("first", "a" * 20), ("second", "b" * 20)):
        (tmp_path / name).write_text(token)
    path.symlink_to("first")
    tokens = TokenFile(path)
    assert tokens.accepts("a" * 20)
    path.unlink()
    path.symlink_to("second")
    assert tokens.accepts("b" * 20)
    assert not tokens.accepts("a" * 20)


@pytest.mark.parametrize(
    "content", [b"", b"# none left\n", b"short\n", b"\xff" * 40, f"{ONE}\ntwo words here too".encode(), None]
)
def test_a_file_that_breaks_lets_nobody_in_until_it_is_mended(
    path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(ONE)
    tokens = TokenFile(path)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with caplog.at_level(logging.INFO):
        assert not tokens.accepts(ONE)
        assert not tokens.accepts("")
        assert not tokens.accepts(TWO)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "nobody is let in" in caplog.text
    assert ONE not in caplog.text
    path.write_text(TWO)
    assert tokens.accepts(TWO)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read .*tokens: No such file"),
        (b"", "is empty"),
        (b"\n# nothing\n", "has no token"),
        (f"{ONE}\n{'s' * (SHORTEST_TOKEN - 1)}\n".encode(), "the token in line 2 of .* has 15 characters; expected 16"),
        (f"{ONE} {TWO}".encode(), "line 1 of .* is no token"),
        ("schlüssel-der-katze".encode(), "bytes that are not ASCII"),
        (b"x" * (2 << 20), "is 2 MiB"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_start(path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        TokenFile(path)
    assert ONE not in str(caught.value)


def test_the_shortest_token_is_long_enough(path: Path) -> None:
    path.write_text("s" * SHORTEST_TOKEN)
    assert TokenFile(path).accepts("s" * SHORTEST_TOKEN)
