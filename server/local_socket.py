"""Calls of processes on this machine over a unix socket: of gRPC even an empty call takes longer than theirs."""

import asyncio
import contextlib
import itertools
import os
import secrets
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from google.protobuf.message import DecodeError

from perception import UserError
from protos.perception.v1 import perception_pb2 as pb
from server.backend import Caller
from server.errors import Draining
from server.observability import Metrics
from server.security import TokenFile
from server.service.statuses import NoTokenError, failure_of, status_of

METHOD = "local/perception.v1.Perception/Encode"
"""Of calls in metrics and logs."""

_LENGTH_BYTES = 4
_LARGEST_REQUEST = 1 << 16  # it says where images are, and has none
_WAITING_CONNECTIONS = 128
_PREFIX, _SUFFIX = "midlevel-", ".sock"
_CREDENTIALS = struct.Struct("3i")

Encode = Callable[[pb.EncodeRequest, Caller], Awaitable[pb.EncodeResponse]]


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
        self._numbers = itertools.count(1)
        self._connections: set[_Connection] = set()
        self._listener: asyncio.Server | None = None
        self._is_draining = False

    async def start(self) -> None:
        """Take calls from now on.

        Raises:
            UserError: If the socket cannot be made.
        """
        _remove_orphans(self._path.parent)
        made = socket.socket(socket.AF_UNIX)
        try:
            made.bind(str(self._path))
            self._path.chmod(0o600)
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_unix_server(
                lambda: _Connection(self), sock=made, backlog=_WAITING_CONNECTIONS
            )
        except OSError as error:
            made.close()
            raise UserError(
                f"no socket can be made in {self._path.parent} ({error.strerror or error}); start the server without "
                "--shared-memory."
            ) from error

    async def stop(self) -> None:
        """Answer what is under way, and take no more."""
        self._is_draining = True
        if self._listener is not None:
            self._listener.close()
            self._path.unlink(missing_ok=True)
        await asyncio.gather(*[connection.end() for connection in self._connections])

    def joined(self, connection: "_Connection") -> str:
        """Count a connection in; the name of its caller."""
        self._connections.add(connection)
        return f"{connection.process}/{next(self._numbers)}"

    def left(self, connection: "_Connection") -> None:
        """Count it out."""
        self._connections.discard(connection)

    async def answer(self, message: bytes, caller: str) -> pb.LocalResponse:
        """To a message, whatever it is."""
        began_s = time.perf_counter()
        self._metrics.call_began()
        code = "CANCELLED"
        try:
            response = await self._encoded(message, caller)
            code = "OK"
            return pb.LocalResponse(response=response)
        except Exception as error:
            status = status_of(error, METHOD)
            code = status.code.name
            return pb.LocalResponse(failure=failure_of(status))
        finally:
            self._metrics.call_ended(METHOD, code, time.perf_counter() - began_s, was_begun=True)

    async def _encoded(self, message: bytes, caller: str) -> pb.EncodeResponse:
        if self._is_draining:
            raise Draining
        try:
            request = pb.LocalRequest.FromString(message)
        except DecodeError as error:
            raise UserError(
                f"the {len(message)} bytes are no LocalRequest; is the client of another version?"
            ) from error
        if self._tokens is not None and not self._tokens.accepts(request.token):
            raise NoTokenError
        deadline_s = time.monotonic() + request.timeout_us / 1e6 if request.timeout_us else None
        return await self._encode(request.request, Caller(caller, deadline_s))


class _Connection(asyncio.Protocol):
    """One caller, whose requests are answered one after the other."""

    _transport: asyncio.Transport
    process: str

    def __init__(self, owner: LocalSocket) -> None:
        self._owner = owner
        self._caller = ""
        self._received = bytearray()
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        credentials = transport.get_extra_info("socket").getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        process, user, _ = _CREDENTIALS.unpack(credentials)
        if user != os.geteuid():
            transport.abort()
            return
        self.process = f"unix:{process}"
        self._caller = self._owner.joined(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._begin()

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._owner.left(self)
        if self._answering is not None:
            self._answering.cancel()

    async def end(self) -> None:
        """Answer the request that is under way, if there is one, and close."""
        if self._answering is not None:
            await asyncio.wait([self._answering])
        self._transport.close()

    def _begin(self) -> None:
        """Answer the next request, once it is there as a whole and the one before it is answered."""
        size = int.from_bytes(self._received[:_LENGTH_BYTES], "little")
        if max(size, len(self._received) - _LENGTH_BYTES) > _LARGEST_REQUEST:
            self._transport.abort()  # no client of ours
        elif self._answering is None and len(self._received) >= _LENGTH_BYTES + size > _LENGTH_BYTES:
            message = bytes(self._received[_LENGTH_BYTES : _LENGTH_BYTES + size])
            del self._received[: _LENGTH_BYTES + size]
            self._answering = asyncio.get_running_loop().create_task(self._answer(message))

    async def _answer(self, message: bytes) -> None:
        response = await self._owner.answer(message, self._caller)
        data = response.SerializeToString()
        self._transport.write(len(data).to_bytes(_LENGTH_BYTES, "little") + data)
        self._answering = None
        self._begin()


def _remove_orphans(folder: Path) -> None:
    """Remove the sockets of servers that were killed: nobody listens on them any more."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.settimeout(1)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
