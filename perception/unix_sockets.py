"""What both ends of a local socket agree on: messages behind their length, and the kernel's word on who calls."""

import socket
import struct

LENGTH_BYTES = 4
"""Of the length in front of each message, little endian."""

_CREDENTIALS = struct.Struct("3i")


def framed(message: bytes) -> bytes:
    """A message behind its length."""
    return len(message).to_bytes(LENGTH_BYTES, "little") + message


def size_of(received: bytes | bytearray) -> int:
    """Bytes of the message that begins with these, its length left out."""
    return int.from_bytes(received[:LENGTH_BYTES], "little")


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other end of a connected socket; the process is 0 if it is of another container."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _ = _CREDENTIALS.unpack(credentials)
    return process, user
