"""Encoding over a unix socket of a server on this machine; gRPC says where it is, and is out of the way after that.

What cannot go over the socket goes over gRPC, with images and features in shared memory all the same: a server without
one or on another machine, one that is gone (gRPC knows what to say of it), and more calls at once than connections.
"""

import asyncio
import contextlib
import logging
import math
import os
import re
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError

from perception.remote.errors import AnsweredError, failure_error
from perception.remote.shared_memory import FOLDER
from perception.unix_sockets import LENGTH_BYTES, framed, peer_of, size_of
from protos.perception.v1 import perception_pb2 as messages

MOST_CONNECTIONS = 16
"""Of one client at the same time."""

_NAME = re.compile(r"midlevel-[A-Za-z0-9_.-]{1,80}\.sock")
_CHUNK_BYTES = 1 << 12

_logger = logging.getLogger(__name__)


class GoneError(Exception):
    """The server closed a connection without a word: it ended, or has too many."""


class Sockets:
    """A client's connections to a server's socket.

    Args:
        blocking: Whether what is sent and received over them is waited for.
    """

    def __init__(self, *, blocking: bool) -> None:
        self.name: str | None = None
        """Of the socket; empty if there is none that can be used, None if that is not known."""
        self._unreachable = ""
        self._blocking = blocking
        self._idle: list[tuple[str, Connection]] = []
        self._in_use: set[Connection] = set()
        self._lock = threading.Lock()
        self._used = 0
        self._is_closed = False
        weakref.finalize(self, _close_all, self._idle)

    def forget_server(self, name: str) -> None:
        """It may be another one by now."""
        if self.name == name:
            self.name = None
        _close_all(self._idle)

    def close(self) -> None:
        """End the calls that are under way, and close all."""
        self._is_closed = True
        _close_all(self._idle)
        for connection in list(self._in_use):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def abandon(self) -> None:
        """In a forked child: close its copies, and leave the parent's connections as they are."""
        _close_all(self._idle)

    def connected(self, name: str) -> "Connection | None":
        """A connection for one call, to be kept or dropped after it; None if there can be none."""
        with self._lock:
            if self._used >= MOST_CONNECTIONS:
                return None
            self._used += 1
        connection = self._kept(name) or self._connect(name)
        if connection is None:
            self._leave()
        else:
            self._in_use.add(connection)
        return connection

    def keep(self, name: str, connection: "Connection") -> None:
        """After a call that was answered."""
        if self._is_closed or self.name != name:
            connection.close()
        else:
            self._idle.append((name, connection))
        self._in_use.discard(connection)
        self._leave()

    def drop(self, connection: "Connection", error: BaseException) -> None:
        """After a call that was not, so that the server hears that nobody waits.

        Raises:
            grpc.RpcError: In place of what sockets raise.
            GoneError: If the server closed it.
        """
        self._in_use.discard(connection)
        self._leave()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)  # for the server, even if a forked child has it too
        connection.close()
        if self._is_closed and isinstance(error, (OSError, GoneError)):
            raise AnsweredError(grpc.StatusCode.CANCELLED, "the encoder was closed during the call") from error
        if isinstance(error, (TimeoutError, BlockingIOError)):
            raise _late() from error
        if isinstance(error, OSError):
            raise GoneError from error

    def _leave(self) -> None:
        with self._lock:
            self._used -= 1

    def _kept(self, name: str) -> "Connection | None":
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread was faster
                of, kept = self._idle.pop()
                if of == name:
                    return kept
                kept.close()
        return None

    def _connect(self, name: str) -> "Connection | None":
        if not _NAME.fullmatch(name):
            return None
        path = str(FOLDER / name)
        try:
            connection = Connection(socket.AF_UNIX)
            try:
                connection.setblocking(False)
                connection.connect(path)
                if peer_of(connection)[1] != os.geteuid():
                    raise PermissionError(None, "it belongs to another user")
                connection.setblocking(self._blocking)
            except BaseException:
                connection.close()
                raise
        except BlockingIOError:  # too many at once
            return None
        except OSError as error:
            if self._unreachable == name and self.name == name:
                self.name = ""
                _logger.warning("calls go over gRPC, which takes longer: %s: %s", path, error.strerror)
            self._unreachable = name
            self.forget_server(name)
            return None
        return connection


class Connection(socket.socket):
    """To a server's socket."""

    _limit_ms = 0

    def limit(self, limit_ms: int) -> None:
        """Let what follows take so long; most often it is as long as before, and nothing has to be done."""
        if limit_ms != self._limit_ms:
            self.settimeout(limit_ms / 1000)
            self._limit_ms = limit_ms


class LocalEncode:
    """What a stub's `Encode` is, errors included; its subclasses are to be called.

    Args:
        encode: The stub's, for what does not go over the socket.
        list_features: The stub's.
        token: For servers that want one.
        sockets: That it uses.
    """

    def __init__(
        self, encode: Callable[..., Any], list_features: Callable[..., Any], token: str | None, sockets: Sockets
    ) -> None:
        self._encode = encode
        self._list_features = list_features
        self._token = token
        self._sockets = sockets
        self._last: tuple[messages.EncodeRequest | None, int, bytes] = (None, 0, b"")

    def _packed(self, request: messages.EncodeRequest, limit_ms: int) -> bytes:
        """What is sent; frames of a camera differ in nothing that is said here."""
        last, last_ms, packed = self._last
        if last is not request or last_ms != limit_ms:
            message = messages.LocalRequest(request=request, timeout_us=1000 * limit_ms, token=self._token or "")
            packed = framed(message.SerializeToString())
            self._last = request, limit_ms, packed
        return packed


class BlockingLocalEncode(LocalEncode):
    """For calls that block."""

    def __call__(self, request: messages.EncodeRequest, *, timeout: float, metadata: Any) -> messages.EncodeResponse:
        """Encode.

        Raises:
            grpc.RpcError: As a call of gRPC.
        """
        ends_s = time.monotonic() + timeout
        for _ in range(2):
            name = self._sockets.name
            if name is None:
                listed = self._list_features(messages.ListFeaturesRequest(), timeout=_left_s(ends_s), metadata=metadata)
                name = self._sockets.name = listed.local_socket
            connection = self._sockets.connected(name)
            if connection is None:
                break
            try:
                return self._asked(name, connection, request, ends_s)
            except GoneError:
                self._sockets.forget_server(name)
        response: messages.EncodeResponse = self._encode(request, timeout=_left_s(ends_s), metadata=metadata)
        return response

    def _asked(
        self, name: str, connection: Connection, request: messages.EncodeRequest, ends_s: float
    ) -> messages.EncodeResponse:
        try:
            limit_ms = _left_ms(ends_s)
            connection.limit(limit_ms)
            connection.sendall(self._packed(request, limit_ms))  # a few hundred bytes, which never wait for room
            received = connection.recv(_CHUNK_BYTES)
            while not _is_complete(received):
                connection.limit(_left_ms(ends_s))
                received += connection.recv(_CHUNK_BYTES) or _gone()
            response = _read(received)
        except BaseException as error:
            self._sockets.drop(connection, error)
            raise
        self._sockets.keep(name, connection)
        return _outcome(response)


class AsyncLocalEncode(LocalEncode):
    """For calls to be awaited."""

    async def __call__(
        self, request: messages.EncodeRequest, *, timeout: float, metadata: Any
    ) -> messages.EncodeResponse:
        """Encode.

        Raises:
            grpc.RpcError: As a call of gRPC.
        """
        ends_s = time.monotonic() + timeout
        for _ in range(2):
            name = self._sockets.name
            if name is None:
                listed = await self._list_features(
                    messages.ListFeaturesRequest(), timeout=_left_s(ends_s), metadata=metadata
                )
                name = self._sockets.name = listed.local_socket
            connection = self._sockets.connected(name)
            if connection is None:
                break
            try:
                return await self._asked(name, connection, request, ends_s)
            except GoneError:
                self._sockets.forget_server(name)
        response: messages.EncodeResponse = await self._encode(request, timeout=_left_s(ends_s), metadata=metadata)
        return response

    async def _asked(
        self, name: str, connection: Connection, request: messages.EncodeRequest, ends_s: float
    ) -> messages.EncodeResponse:
        loop = asyncio.get_running_loop()
        try:
            limit_ms = _left_ms(ends_s)
            async with asyncio.timeout(limit_ms / 1000):
                await loop.sock_sendall(connection, self._packed(request, limit_ms))
                received = await loop.sock_recv(connection, _CHUNK_BYTES)
                while not _is_complete(received):
                    received += await loop.sock_recv(connection, _CHUNK_BYTES) or _gone()
            response = _read(received)
        except BaseException as error:
            self._sockets.drop(connection, error)
            raise
        self._sockets.keep(name, connection)
        return _outcome(response)


def _is_complete(received: bytes) -> bool:
    """Whether a response is there as a whole.

    Raises:
        GoneError: If nothing came.
    """
    return len(received or _gone()) >= LENGTH_BYTES + size_of(received) > LENGTH_BYTES


def _gone() -> NoReturn:
    raise GoneError


def _read(received: bytes) -> messages.LocalResponse:
    """The response.

    Raises:
        grpc.RpcError: If these bytes are none.
    """
    try:
        response = messages.LocalResponse.FromString(received[LENGTH_BYTES:])
    except DecodeError:
        response = messages.LocalResponse()
    if response.WhichOneof("outcome") is None or len(received) != LENGTH_BYTES + size_of(received):
        raise AnsweredError(grpc.StatusCode.INTERNAL, f"{len(received)} bytes came that are no response")
    return response


def _outcome(response: messages.LocalResponse) -> messages.EncodeResponse:
    if response.HasField("failure"):
        raise failure_error(response.failure)
    return response.response


def _left_s(ends_s: float) -> float:
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise _late()
    return left_s


def _left_ms(ends_s: float) -> int:
    """Rounded up, so that it is the same number for call after call."""
    return math.ceil(1000 * _left_s(ends_s))


def _late() -> AnsweredError:
    return AnsweredError(grpc.StatusCode.DEADLINE_EXCEEDED, "nothing came over the local socket")


def _close_all(idle: list[tuple[str, Connection]]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            idle.pop()[1].close()
