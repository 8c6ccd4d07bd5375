"""Encoding over a unix socket of a server on this machine; gRPC says where it is, and is out of the way after that."""

import asyncio
import os
import socket
import struct
import weakref
from collections.abc import Callable
from typing import Any

import grpc

from perception.remote.errors import FrameRpcError, failure_error
from perception.remote.shared_memory import FOLDER
from protos.perception.v1 import perception_pb2 as messages

_LENGTH_BYTES = 4
_CHUNK_BYTES = 1 << 16
_CREDENTIALS = struct.Struct("3i")


class Sockets:
    """Connections to a server that no call uses at the moment; as many are made as calls run at the same time."""

    def __init__(self) -> None:
        self.name: str | None = None
        self._idle: list[socket.socket] = []
        weakref.finalize(self, _close_all, self._idle)

    def take(self) -> socket.socket | None:
        """One for a call, if there is any."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def give(self, connection: socket.socket) -> None:
        """Keep that of a call that was answered."""
        self._idle.append(connection)

    def close(self) -> None:
        """Close all and forget the server's name: the next call asks for it anew."""
        self.name = None
        _close_all(self._idle)


def _close_all(idle: list[socket.socket]) -> None:
    while idle:
        idle.pop().close()


class LocalEncode:
    """What a stub's `Encode` is, errors included; its subclasses are to be called.

    Args:
        encode: The stub's; for servers that take shared memory and have no socket.
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

    def _packed(self, request: messages.EncodeRequest, timeout_s: float) -> bytes:
        timeout_us = max(1, round(1e6 * timeout_s))
        message = messages.LocalRequest(request=request, timeout_us=timeout_us, token=self._token or "")
        data = message.SerializeToString()
        return len(data).to_bytes(_LENGTH_BYTES, "little") + data


class BlockingLocalEncode(LocalEncode):
    """For calls that block."""

    def __call__(self, request: messages.EncodeRequest, *, timeout: float, metadata: Any) -> messages.EncodeResponse:
        """Encode.

        Raises:
            grpc.RpcError: As a call of gRPC.
        """
        if self._sockets.name is None:
            listed = self._list_features(messages.ListFeaturesRequest(), timeout=timeout, metadata=metadata)
            self._sockets.name = listed.local_socket
        if not self._sockets.name:
            response: messages.EncodeResponse = self._encode(request, timeout=timeout, metadata=metadata)
            return response
        with _Call(self._sockets) as call:
            call.connection.settimeout(timeout)
            if not call.is_connected:
                call.connection.connect(call.path)
                call.check_peer()
            call.connection.sendall(self._packed(request, timeout))
            while not call.is_answered:
                call.take(call.connection.recv(_CHUNK_BYTES))
        return call.response()


class AsyncLocalEncode(LocalEncode):
    """For calls to be awaited."""

    async def __call__(
        self, request: messages.EncodeRequest, *, timeout: float, metadata: Any
    ) -> messages.EncodeResponse:
        """Encode.

        Raises:
            grpc.RpcError: As a call of gRPC.
        """
        if self._sockets.name is None:
            listed = await self._list_features(messages.ListFeaturesRequest(), timeout=timeout, metadata=metadata)
            self._sockets.name = listed.local_socket
        if not self._sockets.name:
            response: messages.EncodeResponse = await self._encode(request, timeout=timeout, metadata=metadata)
            return response
        loop = asyncio.get_running_loop()
        with _Call(self._sockets) as call:
            async with asyncio.timeout(timeout):
                call.connection.setblocking(False)
                if not call.is_connected:
                    await loop.sock_connect(call.connection, call.path)
                    call.check_peer()
                await loop.sock_sendall(call.connection, self._packed(request, timeout))
                while not call.is_answered:
                    call.take(await loop.sock_recv(call.connection, _CHUNK_BYTES))
        return call.response()


class _Call:
    """A connection for one call: kept if it was answered, else closed, so that the server hears that nobody waits."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self._received = bytearray()
        self.path = str(FOLDER / (sockets.name or ""))
        kept = sockets.take()
        self.is_connected = kept is not None
        self.connection = kept or socket.socket(socket.AF_UNIX)

    @property
    def is_answered(self) -> bool:
        """Whether the response is there as a whole."""
        size = int.from_bytes(self._received[:_LENGTH_BYTES], "little")
        return len(self._received) >= _LENGTH_BYTES + size > _LENGTH_BYTES

    def take(self, data: bytes) -> None:
        """More of the response.

        Raises:
            ConnectionError: If there is none.
        """
        if not data:
            raise ConnectionResetError("it was closed by the server")
        self._received += data

    def check_peer(self) -> None:
        """Refuse a socket that another user has put there.

        Raises:
            ConnectionError: If one has.
        """
        credentials = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(credentials)[1] != os.geteuid():
            raise ConnectionRefusedError("it belongs to another user")

    def response(self) -> messages.EncodeResponse:
        """What was answered.

        Raises:
            grpc.RpcError: If that is a failure.
        """
        answer = messages.LocalResponse.FromString(bytes(self._received[_LENGTH_BYTES:]))
        if answer.HasField("failure"):
            raise failure_error(answer.failure)
        return answer.response

    def __enter__(self) -> "_Call":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._sockets.give(self.connection)
            return
        self.connection.close()
        if isinstance(error, TimeoutError):
            raise FrameRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, "nothing came over the local socket") from error
        if isinstance(error, OSError):
            self._sockets.close()
            words = f"its socket {self.path} cannot be used: {error.strerror or error}"
            raise FrameRpcError(grpc.StatusCode.UNAVAILABLE, words) from error
