"""Who uses something that is to be ended when nobody does any more."""

import asyncio
from types import TracebackType


class Usage:
    """Counts uses, each a `with` block, on one event loop."""

    def __init__(self) -> None:
        self._count = 0
        self._unused = asyncio.Event()

    def __enter__(self) -> None:
        self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._count -= 1
        if not self._count:
            self._unused.set()

    async def ended(self) -> None:
        """Wait until there is no use."""
        while self._count:
            self._unused.clear()
            await self._unused.wait()
