"""Who uses something that is to be ended when nobody does any more."""

import asyncio
from types import TracebackType


class Usage:
    """Counts uses on one event loop, each a `with` block or between `begin` and `end`."""

    def __init__(self) -> None:
        self._count = 0
        self._unused = asyncio.Event()

    def begin(self) -> None:
        """One more."""
        self._count += 1

    def end(self) -> None:
        """One less."""
        self._count -= 1
        if not self._count:
            self._unused.set()

    def __enter__(self) -> None:
        self.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    async def ended(self) -> None:
        """Wait until there is no use."""
        while self._count:
            self._unused.clear()
            await self._unused.wait()
