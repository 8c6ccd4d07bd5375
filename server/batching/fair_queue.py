"""Requests that wait: in the order they came for each caller, callers taking turns."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Request(Protocol):
    """What the queue has to know of a request; requests are told apart by identity.

    Args:
        images: At least 1.
        caller: Whose turn it takes.
        since_s: When it came.
        alone: Whether it shares its batch with no other.
    """

    images: int
    caller: str
    since_s: float
    alone: bool

    def is_over(self, now_s: float) -> bool:
        """Whether nobody waits for it any more."""


Kind = TypeVar("Kind", bound=Request)


@dataclass
class _Line(Generic[Kind]):
    """One caller's requests, the oldest first."""

    images: int = 0
    requests: dict[Kind, None] = field(default_factory=dict)

    def first(self) -> Kind:
        return next(iter(self.requests))

    def last(self) -> Kind:
        return next(reversed(self.requests))

    def remove(self, request: Kind) -> None:
        del self.requests[request]
        self.images -= request.images


class FairQueue(Generic[Kind]):
    """A queue that batches are taken from.

    Callers take turns by name, one request each. A request goes into a batch whole: where the room that is left is too
    small it stays, smaller requests of others fill the batch, and it comes first in the next. So a request has one
    outcome, of one batch, and a large one is passed over once at most for each caller before it. Not safe for threads.

    Args:
        largest_batch: Images in a batch; no request has more.
    """

    def __init__(self, largest_batch: int) -> None:
        self.images = 0
        self._largest_batch = largest_batch
        self._lines: OrderedDict[str, _Line[Kind]] = OrderedDict()  # the next turn is the first one's

    def add(self, request: Kind) -> None:
        """Put a request behind its caller's others; a caller that had none takes the last turn."""
        line = self._lines.get(request.caller)
        if line is None:
            line = self._lines[request.caller] = _Line()
        line.requests[request] = None
        line.images += request.images
        self.images += request.images

    def remove(self, request: Kind) -> bool:
        """Take a request out again; False if it is not here."""
        line = self._lines.get(request.caller)
        if line is None or request not in line.requests:
            return False
        line.remove(request)
        self.images -= request.images
        if not line.requests:
            del self._lines[request.caller]
        return True

    def take(self, now_s: float) -> tuple[list[Kind], list[Kind]]:
        """The next batch, and the requests that were over when their turn came.

        Either may be empty; both are if the queue is.
        """
        batch: list[Kind] = []
        over: list[Kind] = []
        passed: list[tuple[str, _Line[Kind]]] = []
        room = self._largest_batch
        while room and self._lines:
            name, line = self._lines.popitem(last=False)
            request = self._first_alive(line, now_s, over)
            if request is None:
                continue
            needed = self._largest_batch if request.alone else request.images
            if needed > room:
                passed.append((name, line))
                continue
            line.remove(request)
            self.images -= request.images
            batch.append(request)
            room -= needed
            if line.requests:
                self._lines[name] = line
        for name, line in reversed(passed):
            self._lines[name] = line
            self._lines.move_to_end(name, last=False)
        return batch, over

    def _first_alive(self, line: _Line[Kind], now_s: float, over: list[Kind]) -> Kind | None:
        while line.requests:
            request = line.first()
            if not request.is_over(now_s):
                return request
            line.remove(request)
            self.images -= request.images
            over.append(request)
        return None

    def oldest_s(self) -> float:
        """When the request came that has waited longest; the queue must not be empty."""
        return min(line.first().since_s for line in self._lines.values())

    def make_room(self, images: int, caller: str, room: int) -> list[Kind]:
        """Remove the newest requests of those who hold the most, for a caller who then still holds no more than they.

        Without this, one caller's flood would fill the queue and have everyone else refused.

        Args:
            images: Of the request that wants in.
            caller: Whose it is.
            room: Images that may wait together.

        Returns:
            What was removed; empty, and the queue as it was, if there is room or none can be made in this way.
        """
        if self.images + images <= room:
            return []
        line = self._lines.get(caller)
        held = images + (line.images if line is not None else 0)
        removed: list[Kind] = []
        while self.images + images > room:
            line = max(self._lines.values(), key=lambda each: each.images, default=None)
            if line is None or line.images - line.last().images < held:
                for request in reversed(removed):
                    self.add(request)
                return []
            request = line.last()
            self.remove(request)
            removed.append(request)
        return removed
