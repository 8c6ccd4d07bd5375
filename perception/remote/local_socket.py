"""Encoding over a unix socket of a server on this machine; gRPC says where it is, and is out of the way after that.

What cannot go over the socket goes over gRPC, with images and features in shared memory all the same: a server without
one or on another machine, one that is gone (gRPC knows what to say of it), and more calls at once than connections.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

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
    """A client's connections to a server's socket."""

    def __init__(self) -> None:
        self.name: str | None = None
        """Of the socket; empty if there is none that can be used, None if that is not known."""
        self._unreachable = ""
        self._idle: list[tuple[str, socket.socket]] = []
        self._in_use: set[socket.socket] = set()
        self._free = threading.Semaphore(MOST_CONNECTIONS)
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

    def connected(self, name: str) -> socket.socket | None:
        """A connection for one call, to be `lent` to it; None if there can be none."""
        if not _NAME.fullmatch(name) or not self._free.acquire(blocking=False):
            return None
        connection = self._kept(name) or self._connect(name)
        if connection is None:
            self._free.release()
        else:
            self._in_use.add(connection)
        return connection

    @contextlib.contextmanager
    def lent(self, name: str, connection: socket.socket) -> Iterator[None]:
        """Keep the connection after a call that was answered, else end it, so that the server hears that nobody waits.

        Raises:
            grpc.RpcError: In place of what sockets raise.
            GoneError: If the server closed it.
        """
        try:
            yield
        except BaseException as error:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # for the server, even if a forked child has it too
            connection.close()
            if self._is_closed and isinstance(error, (OSError, GoneError)):
                raise AnsweredError(grpc.StatusCode.CANCELLED, "the encoder was closed during the call") from error
            if isinstance(error, (TimeoutError, BlockingIOError)):
                raise _late() from error
            if isinstance(error, OSError):
                raise GoneError from error
            raise
        else:
            if self._is_closed or self.name != name:
                connection.close()
            else:
                self._idle.append((name, connection))
        finally:
            self._in_use.discard(connection)
            self._free.release()

    def _kept(self, name: str) -> socket.socket | None:
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread was faster
                of, kept = self._idle.pop()
                if of == name:
                    return kept
                kept.close()
        return None

    def _connect(self, name: str) -> socket.socket | None:
        path = str(FOLDER / name)
        try:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.setblocking(False)
                connection.connect(path)
                if peer_of(connection)[1] != os.geteuid():
                    raise PermissionError(None, "it belongs to another user")
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

    def _packed(self, request: messages.EncodeRequest, left_s: float) -> bytes:
        timeout_us = max(1, round(1e6 * left_s))
        message = messages.LocalRequest(request=request, timeout_us=timeout_us, token=self._token or "")
        data = message.SerializeToString()
        return framed(data)


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
        self, name: str, connection: socket.socket, request: messages.EncodeRequest, ends_s: float
    ) -> messages.EncodeResponse:
        answer = _Answer()
        with self._sockets.lent(name, connection):
            left_s = _left_s(ends_s)
            connection.settimeout(left_s)
            connection.sendall(self._packed(request, left_s))  # a few hundred bytes, which never wait for room
            answer.take(connection.recv(_CHUNK_BYTES))
            while not answer.is_complete:
                connection.settimeout(_left_s(ends_s))
                answer.take(connection.recv(_CHUNK_BYTES))
            response = answer.read()
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
        self, name: str, connection: socket.socket, request: messages.EncodeRequest, ends_s: float
    ) -> messages.EncodeResponse:
        answer = _Answer()
        loop = asyncio.get_running_loop()
        with self._sockets.lent(name, connection):
            connection.setblocking(False)
            async with asyncio.timeout(_left_s(ends_s)):
                await loop.sock_sendall(connection, self._packed(request, _left_s(ends_s)))
                while not answer.is_complete:
                    answer.take(await loop.sock_recv(connection, _CHUNK_BYTES))
            response = answer.read()
        return _outcome(response)


class _Answer:
    """What has come of a response."""

    def __init__(self) -> None:
        self._received = bytearray()

    @property
    def _size(self) -> int:
        return size_of(self._received)

    @property
    def is_complete(self) -> bool:
        """Whether the response is there as a whole."""
        return len(self._received) >= LENGTH_BYTES + self._size > LENGTH_BYTES

    def take(self, data: bytes) -> None:
        """More of it.

        Raises:
            GoneError: If there is none.
        """
        if not data:
            raise GoneError
        self._received += data

    def read(self) -> messages.LocalResponse:
        """The response.

        Raises:
            grpc.RpcError: If these bytes are none.
        """
        try:
            response = messages.LocalResponse.FromString(bytes(self._received[LENGTH_BYTES:]))
        except DecodeError:
            response = messages.LocalResponse()
        if response.WhichOneof("outcome") is None or len(self._received) != LENGTH_BYTES + self._size:
            raise AnsweredError(grpc.StatusCode.INTERNAL, f"{len(self._received)} bytes came that are no response")
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


def _late() -> AnsweredError:
    return AnsweredError(grpc.StatusCode.DEADLINE_EXCEEDED, "nothing came over the local socket")


def _close_all(idle: list[tuple[str, socket.socket]]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            idle.pop()[1].close()
