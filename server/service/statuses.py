"""Errors as gRPC says them."""

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from perception import UnknownNameError, UserError
from protos.perception.v1 import perception_pb2 as pb
from server.errors import DeadlineExpired, Draining, Overloaded, ServerError

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

_LONGEST_MESSAGE = 1000  # it travels as metadata, of which clients take 8 KiB

_logger = logging.getLogger(__name__)


class TooLargeError(ServerError):
    """A message is larger than this server sends or takes.

    Args:
        what: "the request" or "the response".
        size: Its bytes.
        limit: Most bytes.
    """

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(
            f"{what} has {size} bytes, the limit is {limit}; send fewer images at a time, or start the server with a "
            "larger --max-message-mib."
        )


class NotEnabledError(ServerError):
    """The server was started without what is asked for."""


class NotAllowedError(ServerError):
    """The caller may not ask for this from where it is."""


class NoTokenError(ServerError):
    """The caller has no token that is valid here."""

    def __init__(self) -> None:
        super().__init__("the token is missing or not valid here; ask the server's operator for one that is.")


CODES: Mapping[type[Exception], grpc.StatusCode] = {
    UserError: grpc.StatusCode.INVALID_ARGUMENT,
    UnknownNameError: grpc.StatusCode.NOT_FOUND,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    TooLargeError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    DeadlineExpired: grpc.StatusCode.DEADLINE_EXCEEDED,
    Draining: grpc.StatusCode.UNAVAILABLE,
    NotEnabledError: grpc.StatusCode.FAILED_PRECONDITION,
    NotAllowedError: grpc.StatusCode.PERMISSION_DENIED,
    NoTokenError: grpc.StatusCode.UNAUTHENTICATED,
}
"""What each error is to a caller, its subclasses included; others are our own fault."""


@dataclass(frozen=True)
class Status:
    """How a call ends.

    Args:
        code: Of gRPC.
        message: One sentence.
        retry_after_ms: When to try again, if the server knows.
    """

    code: grpc.StatusCode
    message: str
    retry_after_ms: int | None = None

    @property
    def number(self) -> int:
        """The google.rpc.Code."""
        return int(self.code.value[0])

    @property
    def trailing(self) -> tuple[tuple[str, str], ...]:
        """Metadata for clients that try again by themselves."""
        if self.retry_after_ms is None:
            return ()
        wait_ms = str(self.retry_after_ms)
        return ("retry-after-ms", wait_ms), ("grpc-retry-pushback-ms", wait_ms)


def status_of(error: Exception, method: str) -> Status:
    """How a call ends that an error ended; errors that are nobody's mistake but ours are logged with their trace.

    Args:
        error: What was raised.
        method: Of the call, for the log.
    """
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), None)
    if code is None:
        _logger.error("request failed", exc_info=error, extra={"method": method})
        return Status(grpc.StatusCode.INTERNAL, "the server failed; its log says why.")
    retry_after_ms = max(1, math.ceil(1000 * error.retry_after_s)) if isinstance(error, Overloaded) else None
    return Status(code, _shortened(str(error)), retry_after_ms)


def failure_of(status: Status) -> pb.Failure:
    """The status where it is not a call that failed, but one request of several on a connection."""
    return pb.Failure(code=status.number, message=status.message, retry_after_ms=status.retry_after_ms or 0)


async def abort(context: "Context", status: Status) -> NoReturn:
    """End a call; never returns.

    Raises:
        asyncio.CancelledError: If nobody is there any more to be told: gRPC would log that as a fault.
    """
    try:
        await context.abort(status.code, status.message, status.trailing)
    except grpc.aio.AbortError as error:
        context.add_done_callback(partial(_forget, error))  # type: ignore[arg-type]  # any callable, in truth
        raise
    except grpc.aio.InternalError as error:
        raise asyncio.CancelledError from error
    raise RuntimeError("the call goes on after it was ended")


def _forget(error: BaseException, _: object) -> None:
    """Let go of the frames that an error went through, and with them of the request.

    gRPC's call keeps the error that ended it, whose frames know the call: that ring of references would keep every
    refused request in memory until Python looks for such rings.
    """
    error.__context__ = error.__traceback__ = None


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 3] + "..."
