"""Requests that are whole before a thread sees them: who sends slowly, or nothing at all, keeps nobody waiting."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_REQUEST_MIB = 48
"""Of a photo as browsers send it, a third larger than its file."""

LARGEST_TOTAL_MIB = 256
"""Of all requests that are being received or answered."""

PATIENCE_S = 30.0
"""For the rest of a request."""


class WholeRequests:
    """Receives requests into memory, within limits, and then hands them on.

    Answers 413 to larger ones, 503 where too much is under way, and 408 to those that do not come to an end.

    Args:
        app: Which answers.
    """

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        self._app = app
        self._held_bytes = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            return
        body = bytearray()
        try:
            status = 413 if _announced_bytes(scope) > LARGEST_REQUEST_MIB << 20 else await self._fill(body, receive)
            if status is None:
                await self._app(scope, _once(bytes(body), receive), send)
            else:
                await _refuse(status, send)
        finally:
            self._held_bytes -= len(body)

    async def _fill(self, body: bytearray, receive: Receive) -> int | None:
        """Read the body; the status of a refusal, if it is one."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return 400  # it was given up
                    part = message.get("body", b"")
                    body += part
                    self._held_bytes += len(part)
                    if len(body) > LARGEST_REQUEST_MIB << 20:
                        return 413
                    if self._held_bytes > LARGEST_TOTAL_MIB << 20:
                        return 503
                    if not message.get("more_body", False):
                        return None
        except TimeoutError:
            return 408
        except asyncio.CancelledError:
            return 503  # the app ends, and so does the task


def _announced_bytes(scope: Message) -> int:
    """What the request says of its length; h11 has checked that it is a number."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


def _once(body: bytes, receive: Receive) -> Receive:
    """The body in one piece, and then whatever else comes."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return whole.pop() if whole else await receive()

    return next_message


async def _refuse(status: int, send: Send) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
