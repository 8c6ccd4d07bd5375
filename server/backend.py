"""What every protocol asks of the server's inside, which knows of no protocol."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from perception import Bank
from perception.bank.predictor import Prediction
from perception.encoding import Features
from perception.photos import Pixels


@dataclass(frozen=True)
class Caller:
    """Who waits for an answer.

    Args:
        name: Of the connection; the queue is fair between names.
        deadline_s: On `time.monotonic`'s clock, after which nobody waits any more; None for never.
    """

    name: str
    deadline_s: float | None = None

    def within(self, timeout_s: float) -> "Caller":
        """Who waits no longer than so many seconds from now."""
        deadline_s = time.monotonic() + timeout_s
        return Caller(self.name, deadline_s if self.deadline_s is None else min(self.deadline_s, deadline_s))


@dataclass(frozen=True)
class Spent:
    """Where a request's time went.

    Args:
        queue_us: From when it was taken to when its batch was begun.
        inference_us: Of its batch.
        batch_images: Computed together, its own included.
    """

    queue_us: int
    inference_us: int
    batch_images: int


@dataclass(frozen=True, eq=False)
class Encoded:
    """Features of a request.

    Args:
        features: float32 [N, 8k, 16, 16].
        tasks: Canonical names, in their order.
        spent: Where the time went.
        bank_sha256: Of the bank that made them.
    """

    features: Features
    tasks: tuple[str, ...]
    spent: Spent
    bank_sha256: str


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions of a request.

    Args:
        prediction: Values, and what draws them.
        spent: Where the time went.
        bank_sha256: Of the bank that made them.
    """

    prediction: Prediction
    spent: Spent
    bank_sha256: str


class Backend(Protocol):
    """Encoders behind a bounded queue. Every method may be called from the event loop and never blocks it."""

    @property
    def bank(self) -> Bank:
        """What is served now; replaced as a whole by a hot swap."""

    @property
    def precision(self) -> str:
        """Of products, such as "bfloat16"."""

    @property
    def largest_batch(self) -> int:
        """Most images of one request."""

    async def encode(self, images: Sequence[Pixels] | Pixels, tasks: Sequence[str], caller: Caller) -> Encoded:
        """Features of images.

        Args:
            images: uint8 [N, H, W, 3], or images of different sizes; resizing is done here, off the event loop if it
                takes time.
            tasks: Names or aliases of the bank.
            caller: Who waits.

        Raises:
            UserError: If images or tasks are not what they should be.
            Overloaded: If the queue has no room.
            DeadlineExpired: If the deadline passed before inference.
            Draining: If the server is stopping.
        """

    def begin(
        self,
        images: Pixels,
        tasks: Sequence[str],
        caller: Caller,
        tell: Callable[[Encoded | Exception], None],
        end: Callable[[], None],
    ) -> Callable[[], None] | None:
        """As `encode`, for those who can be told at once, on whichever thread, and take but microseconds of it.

        Args:
            images: As `encode`.
            tasks: Likewise.
            caller: Likewise.
            tell: Given the features, or the error that there is instead of them.
            end: Called after it, on the event loop.

        Returns:
            What withdraws the request: nothing more is told then, unless it is being told already. None, and nothing
            was begun, if the images have to be made ready first: `encode` does that.

        Raises:
            UserError: As `encode`.
            ServerError: Likewise, if the request is not taken.
        """

    async def predict(self, task: str, images: Sequence[Pixels], caller: Caller, *, seed: int = 0) -> Predicted:
        """A task's predictions; errors as `encode`."""
