"""Logs as JSON lines on stderr, without secrets."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
"""Names of levels, the most talkative first; a line for each request comes at debug."""

_PLAIN = frozenset([*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"])
_BEARER = re.compile(r"(?i)(bearer\s+)[^\s\"'\\]+")


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and whatever `extra` it was given.

    Names that begin with an underscore are other libraries' own and left out (Ray puts its time on every record).

    Bearer tokens are blotted out wherever they come from: an exception's text may quote metadata.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        document: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        document |= {name: value for name, value in vars(record).items() if name not in _PLAIN and name[0] != "_"}
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return _BEARER.sub(r"\1***", json.dumps(document, default=str))


def configure_logs(level: str = "info", stream: TextIO | None = None) -> logging.Handler:
    """Send every logger's records to stderr as JSON lines; to be called once, by the process's main program.

    Args:
        level: Of this package, one of `LEVELS`; other packages speak from warning on.
        stream: Instead of stderr.

    Returns:
        The handler, for those who want to take it off again.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    logging.getLogger("server").setLevel(level.upper())
    return handler
