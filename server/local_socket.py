"""Calls of processes on this machine over a unix socket: of gRPC even an empty call takes longer than theirs."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from google.protobuf.message import DecodeError

from perception import UserError
from perception.unix_sockets import LENGTH_BYTES, framed, peer_of, size_of
from protos.perception.v1 import perception_pb2 as pb
from server.backend import Caller
from server.errors import Draining
from server.observability import Metrics
from server.security import TokenFile
from server.service.requests import Shared
from server.service.shared_memory import FOLDER, KeptSegments
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


class Encoding(Protocol):
    """What answers; see `server.service.PerceptionService`."""

    async def encode(
        self, request: pb.EncodeRequest, caller: Caller, response: pb.EncodeResponse, shared: Shared
    ) -> None:
        """Answer a request."""

    def begin(
        self,
        request: pb.EncodeRequest,
        caller: Caller,
        response: pb.EncodeResponse,
        shared: Shared,
        tell: Callable[[Exception | None], None],
        end: Callable[[], None],
    ) -> Callable[[], None] | None:
        """Answer a request that takes no time but that of inference, perhaps on another thread."""


def new_name() -> str:
    """For a socket of this process's own."""
    return f"{_PREFIX}{secrets.token_hex(16)}{_SUFFIX}"


class LocalSocket:
    """Answers `LocalRequest`s of the server's own user; see perception.proto.

    Args:
        name: Of the socket.
        encoding: Computes.
        metrics: Where calls are counted.
        tokens: Of which callers need one; None for none.
        folder: Where the socket lies, beside its callers' shared memory.
    """

    def __init__(
        self,
        name: str,
        encoding: Encoding,
        metrics: Metrics,
        tokens: TokenFile | None = None,
        folder: Path = FOLDER,
    ) -> None:
        self._path = folder / name
        self.folder = folder
        self.encoding = encoding
        self.metrics = metrics
        self._tokens = tokens
        self._connections: set[_Connection] = set()
        self._listener: asyncio.Server | None = None
        self._is_draining = False
        self.loop: asyncio.AbstractEventLoop

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
            self.loop = asyncio.get_running_loop()
            self._listener = await self.loop.create_unix_server(
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

    def admit(self, request: pb.LocalRequest) -> None:
        """Let a request in.

        Raises:
            Draining: If the server is stopping.
            NoTokenError: If it has no token that is valid.
        """
        if self._is_draining:
            raise Draining
        if self._tokens is not None and not self._tokens.accepts(request.token):
            _logger.warning("call without a valid token", extra={"method": METHOD})
            raise NoTokenError


class _Connection(asyncio.BufferedProtocol):
    """One caller, whose requests are answered one after the other, and none while answers are not read."""

    _transport: asyncio.Transport

    def __init__(self, owner: LocalSocket) -> None:
        self._owner = owner
        self._caller = ""
        self._arriving = bytearray(_READ_AT_ONCE)  # a transport without it makes a buffer of 256 KiB for each request
        self._received = bytearray()
        self._call: _Call | None = None
        self._last: tuple[bytes, pb.LocalRequest] = b"", pb.LocalRequest()
        self._is_paused = False
        self._idle: asyncio.Future[None] | None = None
        self._ended = asyncio.Event()
        self._descriptor = -1
        self._writing = threading.Lock()
        self._segments = KeptSegments(owner.folder)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        connection = self._transport.get_extra_info("socket")
        process, user = peer_of(connection)
        if user != os.geteuid() or not self._owner.let_in(self):
            self._transport.abort()
            return
        # The queue is fair between processes, as it is between connections of gRPC, of which a client has one. Those of
        # other containers have no number here.
        self._caller = f"unix:{process}" if process else f"unix:0/{id(self)}"
        self._descriptor = connection.fileno()

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
        with self._writing:
            self._descriptor = -1  # which may soon be another file's
        self._segments.close()
        self._owner.let_out(self)
        self._ended.set()
        call, self._call = self._call, None  # an error knows it, which else would keep it, and so itself, alive
        if call is not None:
            call.cancel()

    async def end(self) -> None:
        """Answer the request that is under way, if there is one, and close once that is read."""
        if self._call is not None:
            self._idle = self._idle or self._owner.loop.create_future()
            await asyncio.wait([self._idle])
        self._transport.close()
        await self._ended.wait()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def write(self, data: bytes) -> bool:
        """Send an answer, from the event loop; whether the next may follow."""
        self._transport.write(data)
        return True

    def write_at_once(self, data: bytes) -> bool:
        """Send an answer from whichever thread; whether all of it is sent: else the event loop sends the rest."""
        sent = 0
        with self._writing:
            if self._descriptor < 0:
                return False
            with contextlib.suppress(OSError):  # the event loop meets it too
                sent = os.write(self._descriptor, data)
        if sent < len(data):
            self._owner.loop.call_soon_threadsafe(self._transport.write, data[sent:])
        return sent == len(data)

    def call_ended(self, call: "_Call") -> None:
        """On the event loop, when a call's answer has been sent."""
        if self._call is call:
            self._call = None
            if self._received:
                self._owner.loop.call_soon(self._begin)  # not here: it may end at once, and so would many
        if self._call is None and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _begin(self) -> None:
        """Answer the next request, once it is there as a whole and the one before it is answered."""
        if len(self._received) < LENGTH_BYTES:
            return
        size = size_of(self._received)
        if not size or max(size, len(self._received) - LENGTH_BYTES) > _LARGEST_REQUEST:
            self._transport.abort()  # no client of ours
        elif self._is_free() and len(self._received) >= LENGTH_BYTES + size:
            message = bytes(self._received[LENGTH_BYTES : LENGTH_BYTES + size])
            del self._received[: LENGTH_BYTES + size]
            self._call = call = _Call(self._owner, self, self._caller)
            call.begin(message, at_once=not self._transport.get_write_buffer_size())

    def shared(self) -> KeptSegments:
        """The caller's shared memory."""
        return self._segments

    def _is_free(self) -> bool:
        return not self._is_paused and (self._call is None or self._call.is_answered)

    def request(self, message: bytes) -> pb.LocalRequest:
        """The message read; most often it is the one before, byte for byte.

        Raises:
            UserError: If it is no request.
        """
        last, request = self._last
        if message != last:
            try:
                request = pb.LocalRequest.FromString(message)
            except DecodeError as error:
                raise UserError(
                    f"the {len(message)} bytes are no LocalRequest; is the client of another version?"
                ) from error
            self._last = message, request
        return request


class _Call:
    """A request of a connection."""

    def __init__(self, owner: LocalSocket, connection: _Connection, caller_name: str) -> None:
        self._owner = owner
        self._connection = connection
        self._caller = Caller(caller_name)
        self._began_s = time.perf_counter()
        self._response = pb.LocalResponse()
        self._code = "CANCELLED"
        self._withdraw: Callable[[], object] | None = None
        self._is_ended = False
        self.is_answered = False
        owner.metrics.call_began()

    def begin(self, message: bytes, *, at_once: bool) -> None:
        """Have it answered.

        Args:
            message: What came.
            at_once: Whether no answer of before waits to be sent.
        """
        try:
            request = self._connection.request(message)
            self._owner.admit(request)
            if request.timeout_us:
                self._caller = self._caller.within(request.timeout_us / 1e6)
            if at_once:
                answer = self._response.response
                shared = self._connection.shared
                self._withdraw = self._owner.encoding.begin(
                    request.request, self._caller, answer, shared, self._told, self._end
                )
        except Exception as error:
            self._tell(error, self._connection.write)
            self._end()
        else:
            if self._withdraw is None:
                self._withdraw = self._owner.loop.create_task(self._answer(request)).cancel

    def cancel(self) -> None:
        """Nobody waits any more."""
        if self._withdraw is not None:
            self._withdraw()
        self._end()

    async def _answer(self, request: pb.LocalRequest) -> None:
        problem: Exception | None = None
        try:
            await self._owner.encoding.encode(
                request.request, self._caller, self._response.response, self._connection.shared
            )
        except Exception as error:
            problem = error
        self._tell(problem, self._connection.write)
        del problem  # an error knows this frame, which would keep itself, and the connection, alive
        self._end()

    def _told(self, problem: Exception | None) -> None:
        self._tell(problem, self._connection.write_at_once)

    def _tell(self, problem: Exception | None, write: Callable[[bytes], bool]) -> None:
        code = "OK"
        try:
            response = self._response
            if problem is not None:
                status = status_of(problem, METHOD)
                code = status.code.name
                response = pb.LocalResponse(failure=failure_of(status))
            data = framed(response.SerializeToString())
        except Exception:
            self._code = _FAULT
            _logger.exception("no answer could be made", extra={"method": METHOD})
            self._owner.loop.call_soon_threadsafe(self._connection.abort)
            return
        self._code = code
        self.is_answered = write(data)  # then what comes before `_end` may be begun

    def _end(self) -> None:
        """Count and log it, once."""
        if self._is_ended:
            return
        self._is_ended = True
        self._withdraw = None  # it knows what knows this call
        caller, code = self._caller, self._code
        if code == "CANCELLED" and caller.deadline_s is not None and caller.deadline_s <= time.monotonic():
            code = "DEADLINE_EXCEEDED"
        seconds = time.perf_counter() - self._began_s
        self._owner.metrics.call_ended(METHOD, code, seconds, was_begun=True)
        level = logging.WARNING if code == _FAULT else logging.DEBUG
        if _logger.isEnabledFor(level):
            fields = {"method": METHOD, "code": code, "seconds": round(seconds, 6), "peer": caller.name}
            _logger.log(level, "call", extra=fields)
        self._connection.call_ended(self)


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
