import io
import json
import logging
from collections.abc import Iterator

import pytest

from server.observability import configure_logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged at info and above."""
    target = io.StringIO()
    own, root = logging.getLogger("server"), logging.getLogger()
    before = own.level
    handler = configure_logs("info", target)
    yield target
    root.removeHandler(handler)
    own.setLevel(before)


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_line_of_json_with_its_fields(stream: io.StringIO) -> None:
    logging.getLogger("server.serving").info("serving %s", "here\nand there", extra={"port": 7, "sizes": (1, 2)})
    [line] = _lines(stream)
    assert line.pop("time")
    assert line == {
        "level": "info", "logger": "server.serving", "message": "serving here\nand there", "port": 7, "sizes": [1, 2],
    }  # fmt: skip


def test_what_other_libraries_put_on_every_record_is_left_out(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = logging.getLogRecordFactory()

    def marked(*values: object, **more: object) -> logging.LogRecord:
        record = plain(*values, **more)
        record.__dict__["_other_timestamp_ns"] = 7
        return record

    monkeypatch.setattr(logging, "_logRecordFactory", marked)
    logging.getLogger("server").info("serving", extra={"port": 7})
    [line] = _lines(stream)
    assert set(line) == {"time", "level", "logger", "message", "port"}


def test_an_exception_is_in_the_same_line(stream: io.StringIO) -> None:
    try:
        raise ZeroDivisionError("of a frame")
    except ZeroDivisionError:
        logging.getLogger("server").exception("failed", extra={"object": ValueError("any")})
    [line] = _lines(stream)
    assert "ZeroDivisionError: of a frame" in str(line["exception"])
    assert line["object"] == "any"


def test_levels_below_are_left_out_and_other_packages_speak_from_warning_on(stream: io.StringIO) -> None:
    logging.getLogger("server").debug("not this")
    logging.getLogger("another").info("nor this")
    logging.getLogger("another").warning("but this")
    assert [line["message"] for line in _lines(stream)] == ["but this"]


@pytest.mark.parametrize("text", ["authorization: Bearer s3cret-token", "('authorization', 'bearer s3cret-token')"])
def test_bearer_tokens_are_blotted_out(stream: io.StringIO, text: str) -> None:
    logging.getLogger("server").warning("refused %s", text, extra={"metadata": text})
    assert "s3cret" not in stream.getvalue()
    assert len(_lines(stream)) == 1
    assert "***" in str(_lines(stream)[0]["message"])
