"""Bearer tokens from a file that may change while the server runs."""

import hashlib
import hmac
import logging
import re
from pathlib import Path

from perception import UserError
from perception.files import read_bytes

SHORTEST_TOKEN = 16
"""Characters; shorter ones can be guessed."""

_LARGEST_FILE_MIB = 1
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750
_COMMENT = re.compile(r"(^|\s)#.*")

_logger = logging.getLogger(__name__)

_Stamp = tuple[int, int, int, int]


class TokenFile:
    """Tokens of which any opens the server: one a line, comments after a #.

    The file is read again when it changed, so that tokens rotate without a restart: add the new one, move the callers,
    remove the old one. A file that can no longer be used lets nobody in until it is mended.

    Args:
        path: The file.

    Raises:
        UserError: If it is missing or empty, or a token is short or malformed. No message has a token in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._digests = _digests(path)

    def accepts(self, token: str) -> bool:
        """Whether a token is one of the file's; takes as long for one that nearly is."""
        self._refresh()
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        found = False
        for known in self._digests:  # every one of them: where it stands shall not show in the time
            found |= hmac.compare_digest(known, digest)
        return found

    def _refresh(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._digests = _digests(self._path)
        except UserError as error:
            self._digests = ()
            _logger.error("nobody is let in: %s", error, extra={"token_file": str(self._path)})
        else:
            _logger.info("tokens were read again", extra={"tokens": len(self._digests)})


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file does, be it written in place or replaced; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _digests(path: Path) -> tuple[bytes, ...]:
    """SHA-256 of each token: of one length, so that comparing them tells nothing of a token's."""
    try:
        lines = read_bytes(path, limit_mib=_LARGEST_FILE_MIB).decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is no list of tokens: it has bytes that are not ASCII; write one token a line."
        ) from error
    digests = []
    for number, line in enumerate(lines, start=1):
        token = _COMMENT.sub("", line).strip()
        if not token:
            continue
        if not _TOKEN.fullmatch(token):
            raise UserError(f"line {number} of {path} is no token; expected letters, digits and any of ._~+/- alone.")
        if len(token) < SHORTEST_TOKEN:
            raise UserError(
                f"the token in line {number} of {path} has {len(token)} characters; expected {SHORTEST_TOKEN} or more, "
                "for example from: openssl rand -hex 32."
            )
        digests.append(hashlib.sha256(token.encode()).digest())
    if not digests:
        raise UserError(f"{path} has no token; write one a line, for example from: openssl rand -hex 32.")
    return tuple(digests)
