"""What goes wrong between client and server, each in a sentence that names the server and what to check."""

from collections.abc import Callable, Mapping

import grpc

from perception.errors import UserError


class RemoteError(UserError):
    """The server cannot be asked, or did not answer as it should."""


class UnreachableError(RemoteError, ConnectionError):
    """No server answers at the address."""


class TimedOutError(RemoteError, TimeoutError):
    """The server did not answer in time."""


class FrameRpcError(grpc.RpcError):
    """One frame's failure in a stream, as if it were a call's.

    Args:
        code: As a call's would be.
        words: What is wrong.
    """

    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self._code = code
        self._words = words

    def code(self) -> grpc.StatusCode:
        """See `grpc.Call.code`."""
        return self._code

    def details(self) -> str:
        """See `grpc.Call.details`."""
        return self._words

    def trailing_metadata(self) -> tuple[()]:
        """See `grpc.Call.trailing_metadata`."""
        return ()


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
