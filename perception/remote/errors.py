"""What goes wrong between client and server, each in a sentence that names the server and what to check."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc

from perception.errors import UserError
from protos.perception.v1.perception_pb2 import Failure

RETRY_AFTER = "retry-after-ms"
"""Metadata of a server whose queue is full."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class RemoteError(UserError):
    """The server cannot be asked, or did not answer as it should."""


class UnreachableError(RemoteError, ConnectionError):
    """No server answers at the address."""


class TimedOutError(RemoteError, TimeoutError):
    """The server did not answer in time."""


class AnsweredError(grpc.RpcError):
    """An answer that is a failure, where frames are not calls of gRPC, as if it were a call's.

    Args:
        code: As a call's would be.
        words: What is wrong.
        retry_after_ms: When the server will have room again; 0 if it does not say.
    """

    def __init__(self, code: grpc.StatusCode, words: str, retry_after_ms: int = 0) -> None:
        super().__init__(words)
        self._code = code
        self._words = words
        self._retry_after_ms = retry_after_ms

    def code(self) -> grpc.StatusCode:
        """See `grpc.Call.code`."""
        return self._code

    def details(self) -> str:
        """See `grpc.Call.details`."""
        return self._words

    def trailing_metadata(self) -> tuple[Any, ...]:
        """See `grpc.Call.trailing_metadata`."""
        return ((RETRY_AFTER, str(self._retry_after_ms)),) if self._retry_after_ms else ()


def failure_error(failure: Failure) -> AnsweredError:
    """An answer that is a failure, as an error."""
    code = _CODES.get(failure.code, grpc.StatusCode.UNKNOWN)
    return AnsweredError(code, failure.message, failure.retry_after_ms)


def as_user_error(error: grpc.RpcError, address: str, timeout_s: float) -> UserError:
    """What a call's failure means to the caller.

    Args:
        error: Of a call, from `grpc` or `grpc.aio`.
        address: Of the server, as the user wrote it.
        timeout_s: How long the call was given.
    """
    words = (error.details() or "no reason given").rstrip(".")
    translated = _TRANSLATIONS.get(error.code())
    if translated is None:
        return RemoteError(f"the server at {address} failed ({error.code().name}): {words}.")
    return translated(words, address, timeout_s)


def _mistake(words: str, address: str, timeout_s: float) -> UserError:
    del address, timeout_s
    return UserError(f"{words}.")


def _refused(words: str, address: str, timeout_s: float) -> UserError:
    del timeout_s
    return RemoteError(f"the server at {address} does not let this client in ({words}); check token=.")


def _late(words: str, address: str, timeout_s: float) -> UserError:
    return TimedOutError(
        f"the server at {address} gave no answer within {timeout_s:g} s ({words}); is it overloaded, or timeout_s too "
        "short?"
    )


def _unreachable(words: str, address: str, timeout_s: float) -> UserError:
    del timeout_s
    return UnreachableError(
        f"no server can be reached at {address} ({words}); is `midlevel serve` running there, and do both sides agree "
        "on TLS (grpcs:// and the right certificates with it, grpc:// without)?"
    )


def _full(words: str, address: str, timeout_s: float) -> UserError:
    del timeout_s
    return RemoteError(f"the server at {address} refuses: {words}.")


def _foreign(words: str, address: str, timeout_s: float) -> UserError:
    del timeout_s
    return RemoteError(f"what answers at {address} is no perception server of this version ({words}).")


_TRANSLATIONS: Mapping[grpc.StatusCode, Callable[[str, str, float], UserError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: _mistake,
    grpc.StatusCode.NOT_FOUND: _mistake,
    grpc.StatusCode.OUT_OF_RANGE: _mistake,
    grpc.StatusCode.FAILED_PRECONDITION: _mistake,
    grpc.StatusCode.PERMISSION_DENIED: _refused,
    grpc.StatusCode.UNAUTHENTICATED: _refused,
    grpc.StatusCode.DEADLINE_EXCEEDED: _late,
    grpc.StatusCode.UNAVAILABLE: _unreachable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: _full,
    grpc.StatusCode.UNIMPLEMENTED: _foreign,
}
