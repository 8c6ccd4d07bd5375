"""When to try again, and when to give up."""

import random
import time
from collections.abc import Callable, Iterable

import grpc

from perception.remote.errors import RETRY_AFTER, as_user_error
from perception.remote.options import Options

FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 2.0


class Attempts:
    """How often a message may still be sent, how long for, and what to wait between.

    Encoding has no side effects, so that sending again is safe. A server that cannot be reached is tried again after
    waits that double, each shortened by chance so that many clients do not come back together; one whose queue is full
    says itself when there will be room. Everything happens within the timeout.

    Args:
        options: Of the client.
        clock: Seconds.
        chance: Uniform between 0 and 1.
    """

    def __init__(
        self,
        options: Options,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._options = options
        self._clock = clock
        self._chance = chance
        self._ends_s = clock() + options.timeout_s
        self._failures = 0

    @property
    def left_s(self) -> float:
        """Until the timeout; what the next call may take."""
        return max(0.0, self._ends_s - self._clock())

    def wait_after(self, error: grpc.RpcError) -> float:
        """How many seconds to wait before sending the message again.

        Raises:
            UserError: In place of `error`, if that would help nobody, or not in time.
        """
        self._failures += 1
        wait_s = self._wait_s(error)
        if wait_s is None or self._failures > self._options.retries or wait_s >= self.left_s:
            raise as_user_error(error, self._options.address.text, self._options.timeout_s) from error
        return wait_s

    def _wait_s(self, error: grpc.RpcError) -> float | None:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            doubled_s = FIRST_WAIT_S * 2.0 ** min(self._failures - 1, 30)
            return min(doubled_s, LONGEST_WAIT_S) * (1 - self._chance() / 2)
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            hint_ms = _hint_ms(error)
            return None if hint_ms is None else hint_ms / 1000 * (1 + self._chance() / 4)
        return None


def _hint_ms(error: grpc.RpcError) -> int | None:
    """What the server said of when to come back; without it, a resource is exhausted for good."""
    trailing: Iterable[tuple[str, str | bytes]] = error.trailing_metadata() or ()  # type: ignore[assignment]  # pairs
    for key, value in trailing:
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        if key == RETRY_AFTER and text.isascii() and text.isdigit():
            return min(int(text[:9]), 10**8)
    return None
