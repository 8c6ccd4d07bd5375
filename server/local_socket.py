"""Calls of processes on this machine over a unix socket: of gRPC even an empty call takes longer than theirs."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from google.protobuf.message import DecodeError

from perception import UserError
from perception.unix_sockets import LENGTH_BYTES, framed, peer_of, size_of
from protos.perception.v1 import perception_pb2 as pb
from server.backend import Caller
from server.errors import Draining
from server.observability import Metrics
from server.security import TokenFile
from server.service.statuses import NoTokenError, failure_of, status_of

METHOD = "local/perception.v1.Perception/Encode"
"""Of calls in metrics and logs."""

MOST_CONNECTIONS = 256
"""Clients whose connection is closed at once go over gRPC."""

_LARGEST_REQUEST = 1 << 16  # it says where images are, and has none
_READ_AT_ONCE = 1 << 12
_WAITING_CONNECTIONS = 4096
_PREFIX, _SUFFIX = "midlevel-", ".sock"
_FAULT = "INTERNAL"

_logger = logging.getLogger(__name__)

Encode = Callable[[pb.EncodeRequest, Caller, pb.EncodeResponse], Awaitable[None]]


def new_name() -> str:
    """For a socket of this process's own."""
    return f"{_PREFIX}{secrets.token_hex(16)}{_SUFFIX}"


class LocalSocket:
    """Answers `LocalRequest`s of the server's own user; see perception.proto.

    Args:
        name: Of the socket.
        encode: Computes.
        metrics: Where calls are counted.
        tokens: Of which callers need one; None for none.
        folder: Where the socket lies, beside its callers' shared memory.
    """

    def __init__(
        self,
        name: str,
        encode: Encode,
        metrics: Metrics,
        tokens: TokenFile | None = None,
        folder: Path = Path("/dev/shm"),
    ) -> None:
        self._path = folder / name
        self._encode = encode
        self._metrics = metrics
        self._tokens = tokens
        self._connections: set[_Connection] = set()
        self._listener: asyncio.Server | None = None
        self._is_draining = False

    async def start(self) -> None:
        """Take calls from now on.

        Raises:
            UserError: If the socket cannot be made.
        """
        _remove_orphans(self._path.parent)
        unfinished = self._path.with_suffix(".new")  # until it listens, another server would take it for an orphan
        made = socket.socket(socket.AF_UNIX)
        try:
            made.bind(str(unfinished))
            unfinished.chmod(0o600)
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_unix_server(
                lambda: _Connection(self), sock=made, backlog=_WAITING_CONNECTIONS
            )
            unfinished.rename(self._path)
        except OSError as error:
            made.close()
            unfinished.unlink(missing_ok=True)
            raise UserError(
                f"no socket can be made in {self._path.parent} ({error.strerror or error}); start the server without "
                "--shared-memory."
            ) from error

    async def stop(self, grace_s: float) -> None:
        """Take no more, and answer what is under way; after `grace_s` it is cancelled. May be called again.

        Callers who are refused go over gRPC, where they hear what there is to hear.
        """
        self._is_draining = True
        if self._listener is not None:
            self._listener.close()
            self._path.unlink(missing_ok=True)
        if self._connections:
            await asyncio.wait([asyncio.ensure_future(each.end()) for each in self._connections], timeout=grace_s)
        for connection in list(self._connections):
            connection.abort()

    def let_in(self, connection: "_Connection") -> bool:
        """Count a connection, if there is room for it."""
        has_room = not self._is_draining and len(self._connections) < MOST_CONNECTIONS
        if has_room:
            self._connections.add(connection)
        return has_room

    def let_out(self, connection: "_Connection") -> None:
        """Count it no longer."""
        self._connections.discard(connection)

    async def answer(self, message: bytes, caller_name: str, send: Callable[[bytes], object]) -> None:
        """Send the answer to a message, whatever it is. It is counted after that, when nobody waits for it any more."""
        began_s = time.perf_counter()
        self._metrics.call_began()
        code = "CANCELLED"
        caller = Caller(caller_name)
        try:
            try:
                request = self._request(message)
                if request.timeout_us:
                    caller = Caller(caller_name, time.monotonic() + request.timeout_us / 1e6)
                response = pb.LocalResponse()
                await self._encode(request.request, caller, response.response)
                ended = "OK"
            except Exception as error:
                code = _FAULT  # unless it can be said what was wrong
                status = status_of(error, METHOD)
                ended = status.code.name
                response = pb.LocalResponse(failure=failure_of(status))
            send(framed(response.SerializeToString()))
            code = ended
        finally:
            if code == "CANCELLED" and caller.deadline_s is not None and caller.deadline_s <= time.monotonic():
                code = "DEADLINE_EXCEEDED"
            seconds = time.perf_counter() - began_s
            self._metrics.call_ended(METHOD, code, seconds, was_begun=True)
            level = logging.WARNING if code == _FAULT else logging.DEBUG
            if _logger.isEnabledFor(level):
                fields = {"method": METHOD, "code": code, "seconds": round(seconds, 6), "peer": caller_name}
                _logger.log(level, "call", extra=fields)

    def _request(self, message: bytes) -> pb.LocalRequest:
        if self._is_draining:
            raise Draining
        try:
            request = pb.LocalRequest.FromString(message)
        except DecodeError as error:
            raise UserError(
                f"the {len(message)} bytes are no LocalRequest; is the client of another version?"
            ) from error
        if self._tokens is not None and not self._tokens.accepts(request.token):
            _logger.warning("call without a valid token", extra={"method": METHOD})
            raise NoTokenError
        return request


class _Connection(asyncio.BufferedProtocol):
    """One caller, whose requests are answered one after the other, and none while answers are not read."""

    _transport: asyncio.Transport

    def __init__(self, owner: LocalSocket) -> None:
        self._owner = owner
        self._caller = ""
        self._arriving = bytearray(_READ_AT_ONCE)  # a transport without it makes a buffer of 256 KiB for each request
        self._received = bytearray()
        self._answering: asyncio.Task[None] | None = None
        self._is_paused = False
        self._ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        process, user = peer_of(transport.get_extra_info("socket"))
        if user != os.geteuid() or not self._owner.let_in(self):
            transport.abort()
            return
        # The queue is fair between processes, as it is between connections of gRPC, of which a client has one. Those of
        # other containers have no number here.
        self._caller = f"unix:{process}" if process else f"unix:0/{id(self)}"

    def get_buffer(self, sizehint: int) -> bytearray:
        del sizehint
        return self._arriving

    def buffer_updated(self, nbytes: int) -> None:
        self._received += memoryview(self._arriving)[:nbytes]
        self._begin()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._begin()

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._owner.let_out(self)
        self._ended.set()
        if self._answering is not None:
            self._answering.cancel()
            self._answering = None  # an error knows the connection, which else would keep it, and so itself, alive

    async def end(self) -> None:
        """Answer the request that is under way, if there is one, and close once that is read."""
        if self._answering is not None:
            await asyncio.wait([self._answering])
        self._transport.close()
        await self._ended.wait()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def _begin(self) -> None:
        """Answer the next request, once it is there as a whole and the one before it is answered."""
        if len(self._received) < LENGTH_BYTES:
            return
        size = size_of(self._received)
        if not size or max(size, len(self._received) - LENGTH_BYTES) > _LARGEST_REQUEST:
            self._transport.abort()  # no client of ours
        elif self._answering is None and not self._is_paused and len(self._received) >= LENGTH_BYTES + size:
            message = bytes(self._received[LENGTH_BYTES : LENGTH_BYTES + size])
            del self._received[: LENGTH_BYTES + size]
            self._answering = asyncio.get_running_loop().create_task(self._answer(message))

    async def _answer(self, message: bytes) -> None:
        try:
            await self._owner.answer(message, self._caller, self._transport.write)
        except Exception:
            _logger.exception("no answer could be made", extra={"method": METHOD})
            self._transport.abort()
            return
        self._answering = None
        self._begin()


def _remove_orphans(folder: Path) -> None:
    """Remove the sockets of servers that were killed: nobody listens on them any more."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                continue
            probe.setblocking(False)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
