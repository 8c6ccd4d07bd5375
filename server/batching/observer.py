"""What a batcher tells of its work, for metrics."""

from enum import StrEnum
from typing import Protocol


class DropReason(StrEnum):
    """Why a request never reached inference."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Observer(Protocol):
    """Called on the event loop's thread; should take microseconds and not raise."""

    def waited(self, seconds: float) -> None:
        """A request that was computed had waited so long before."""

    def computed(self, images: int, seconds: float) -> None:
        """A batch of so many images was computed."""

    def dropped(self, reason: str) -> None:
        """A request never reached inference; the reason is a `DropReason`."""


class Unobserved:
    """An observer that looks away."""

    def waited(self, seconds: float) -> None:
        """See `Observer`."""

    def computed(self, images: int, seconds: float) -> None:
        """See `Observer`."""

    def dropped(self, reason: str) -> None:
        """See `Observer`."""
