"""Who should not be on a server's port, and those who leave without a word; part of `benchmarks.server_soak`."""

import asyncio
import contextlib
import socket
import struct
import sys
import time
from collections import Counter

import numpy as np

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_HALF_A_CALL = _PREFACE + _SETTINGS + bytes((0, 0, 200, 1, 0, 0, 0, 0, 1)) + bytes(20)
_MOST_HELD = 60
"""Connections that are left open and say nothing more."""


def _words(rng: np.random.Generator) -> tuple[str, bytes]:
    """What a stranger says."""
    said = (
        ("nothing", b""),
        ("garbage", rng.bytes(int(rng.integers(1, 5000)))),
        ("HTTP/1.1", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.bytes(500)),
        ("a preface", _PREFACE),
        ("a preface and garbage", _PREFACE + _SETTINGS + rng.bytes(int(rng.integers(1, 5000)))),
        ("half a call", _HALF_A_CALL),
    )
    return said[rng.integers(len(said))]


async def strangers(address: str, until_s: float, counts: "Counter[str]") -> None:
    """Four connections a second, of which some are dropped at once, some reset, and some left half open."""
    rng = np.random.default_rng(10**6)
    host, _, port = address.rpartition(":")
    held: list[asyncio.StreamWriter] = []
    while time.monotonic() < until_s:
        name, data = _words(rng)
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(data)
            counts[f"strangers who say {name}"] += 1
            held.append(writer)
        if len(held) > _MOST_HELD or rng.random() < 0.5:
            _leave(held.pop(int(rng.integers(len(held)))), is_rude=bool(rng.random() < 0.5))
        await asyncio.sleep(0.25)
    for writer in held:
        _leave(writer, is_rude=False)


def _leave(writer: asyncio.StreamWriter, *, is_rude: bool) -> None:
    """Close, politely or with a reset."""
    if is_rude:
        sock: socket.socket = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


async def victims(address: str, tasks: str, until_s: float, counts: "Counter[str]") -> None:
    """Clients in processes of their own, each killed in the middle of its stream (SIGKILL)."""
    rng = np.random.default_rng(10**6 + 1)
    while time.monotonic() < until_s:
        is_deaf = bool(rng.random() < 0.5)
        command = [sys.executable, "-m", "benchmarks.server_victim", address, tasks, *(["--deaf"] if is_deaf else [])]
        victim = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            assert victim.stdout is not None
            has_streamed = await victim.stdout.readline() == b"streaming\n"
            await asyncio.sleep(float(rng.uniform(0.1, 2)))
        finally:
            has_ended = victim.returncode is not None
            if not has_ended:
                victim.kill()
            await victim.wait()
        kind = "deaf clients killed" if is_deaf else "clients killed"
        counts[f"{kind} in the middle of a stream" if has_streamed and not has_ended else "WRONG: victim ended"] += 1
        await asyncio.sleep(1)
