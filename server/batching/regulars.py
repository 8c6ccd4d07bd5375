"""Whether a batch should wait for those who were just answered, because they ask again at once."""

SHARE = 0.5
"""Of what the last batch took: so long at most they are waited for."""

LONGEST_S = 0.005

_RAREST = 64


class Regulars:
    """Callers who send the next request as soon as they have an answer, as agents and closed loops do.

    Without them two groups of callers take turns, each computed while the other's answers travel: batches of half the
    size, whose answers and next requests compete with the computing for the same cores. As many images are expected as
    were computed and waited when the last batch was done. Where they do not come in time, one batch is begun without
    waiting before it is tried again, then three, up to 63: callers who come when they like are hardly ever delayed.
    Batches that overlap (see `Batcher`) know nothing of each other here: two groups of callers with several images each
    are not brought together. Not safe for threads.
    """

    def __init__(self) -> None:
        self._expected = 0
        self._until_s = 0.0
        self._period = 1
        self._left_out = 0

    def answered(self, images: int, waiting: int, took_s: float, now_s: float) -> None:
        """A batch of so many images was computed while so many others came to wait."""
        self._expected = images + waiting
        self._until_s = now_s + min(SHARE * took_s, LONGEST_S)
        if self._left_out:
            self._left_out -= 1
            self._expected = 0

    def expected(self, largest_batch: int) -> int:
        """Images of the next batch, if all come back."""
        return min(self._expected, largest_batch)

    def left_s(self, waiting: int, largest_batch: int, now_s: float) -> float:
        """How long those who are missing are still waited for."""
        return 0.0 if waiting >= self.expected(largest_batch) else max(0.0, self._until_s - now_s)

    def began(self, images: int, largest_batch: int) -> None:
        """The next batch was begun, with so many images waiting: learn from who came."""
        if not self._expected:
            return
        came = images >= self.expected(largest_batch)
        self._period = max(1, self._period // 2) if came else min(2 * self._period, _RAREST)
        self._left_out = self._period - 1
        self._expected = 0
