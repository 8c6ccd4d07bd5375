"""A server under many clients and every kind of trouble for minutes: is each answer the right one for its question?

    python -m benchmarks.server_soak [--minutes 3] [--clients 64]

Starts `midlevel serve` in a process of its own. Every client has a connection and asks for random tasks of random
images, in a random order; now and then it has a deadline too short to meet, cancels, or sends garbage for an image.
A process of its own asks for health all the time (`benchmarks.server_probe`). Halfway the bank is swapped (SIGHUP).
Prints what was answered, what was wrong (an answer that is not the features of its own images within `TOLERANCE`), how
long health took, and how memory grew.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import NDArray

from perception import AsyncRemoteEncoder, LocalEncoder, UserError, load_bank
from perception.encoding import FEATURE_CHANNELS
from perception.terminal import print_line
from protos.perception.v1 import perception_pb2 as messages
from protos.perception.v1.perception_pb2_grpc import PerceptionStub

TASKS = ("normal", "reshading", "depth_zbuffer", "keypoints3d", "autoencoding", "class_scene")
SERVED = ("normal,reshading", "depth_zbuffer,keypoints3d,autoencoding,class_scene")
POOL = 64
TOLERANCE = 0.02
"""Mean difference, as a share of the features' spread, that bfloat16 in another batch may make."""


@dataclass(frozen=True)
class Caller:
    """One client.

    Args:
        rng: Of what it asks.
        encoder: That asks as users do.
        stub: That asks as they should not.
    """

    rng: np.random.Generator
    encoder: AsyncRemoteEncoder
    stub: PerceptionStub


@dataclass
class Soak:
    """What happens while it runs.

    Args:
        address: Of the server.
        images: uint8 [64, 128, 128, 3].
        features: float32 [64, 8 * 6, 16, 16] of all tasks.
        counts: Outcomes by name.
        until_s: When clients stop asking.
    """

    address: str
    images: NDArray[np.uint8]
    features: NDArray[np.float32]
    until_s: float
    counts: Counter[str] = field(default_factory=Counter)

    async def client(self, seed: int) -> None:
        """Ask, in many ways, until it is over."""
        rng = np.random.default_rng(seed)
        encoder = AsyncRemoteEncoder(f"grpc://{self.address}", retries=0 if seed % 2 else 5)
        async with grpc.aio.insecure_channel(self.address) as channel:
            who = Caller(rng, encoder, PerceptionStub(channel))
            while time.monotonic() < self.until_s:
                kind = rng.choice(["asked", "late", "cancelled", "garbage"], p=[0.9, 0.04, 0.05, 0.01])
                try:
                    await getattr(self, f"_{kind}")(who)
                except (UserError, grpc.aio.AioRpcError) as error:
                    self.counts[f"{kind}: {self._status(error)}"] += 1
        await encoder.close()

    async def _asked(self, who: Caller) -> None:
        rows, tasks = self._question(who.rng)
        found = await who.encoder.encode(self.images[rows], tasks)
        wanted = self.features[rows].reshape(len(rows), len(TASKS), FEATURE_CHANNELS, *found.shape[2:])
        wanted = wanted[:, [TASKS.index(task) for task in tasks]].reshape(found.shape)
        is_right = np.abs(found - wanted).mean() <= TOLERANCE * wanted.std()
        self.counts["right" if is_right else "WRONG"] += 1

    async def _late(self, who: Caller) -> None:
        await who.stub.Encode(self._request(who.rng), timeout=float(who.rng.uniform(1e-4, 5e-3)))
        self.counts["late: in time"] += 1

    async def _cancelled(self, who: Caller) -> None:
        call = who.stub.Encode(self._request(who.rng))
        await asyncio.sleep(float(who.rng.uniform(0, 5e-3)))
        self.counts["cancelled" if call.cancel() else "cancelled: too late"] += 1

    async def _garbage(self, who: Caller) -> None:
        request = self._request(who.rng)
        request.images.files.files.append(who.rng.bytes(200))
        await who.stub.Encode(request)
        self.counts["WRONG: garbage was taken"] += 1

    def _question(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        tasks = rng.permutation(TASKS)[: rng.integers(1, len(TASKS) + 1)]
        return rng.integers(0, POOL, rng.integers(1, 4)), tuple(map(str, tasks))

    def _request(self, rng: np.random.Generator) -> messages.EncodeRequest:
        rows, tasks = self._question(rng)
        raw = messages.RawImages(count=len(rows), height=128, width=128, pixels=self.images[rows].tobytes())
        return messages.EncodeRequest(images=messages.Images(raw=raw), tasks=tasks)

    @staticmethod
    def _status(error: UserError | grpc.aio.AioRpcError) -> str:
        return error.code().name if isinstance(error, grpc.aio.AioRpcError) else type(error).__name__


async def run(server: "subprocess.Popen[str]", soak: Soak, clients: int, seconds: float) -> list[float]:
    """All clients at once, a swap in the middle; the server's MiB over time."""
    memory: list[float] = []

    async def operate() -> None:
        begun = time.monotonic()
        has_swapped = False
        while time.monotonic() < soak.until_s:
            memory.append(_resident_mib(server.pid))
            if not has_swapped and time.monotonic() - begun > seconds / 2:
                server.send_signal(signal.SIGHUP)
                has_swapped = True
            await asyncio.sleep(2)

    await asyncio.gather(operate(), *(soak.client(seed) for seed in range(clients)))
    return memory


def probing(address: str, seconds: float) -> list[str]:
    """The command that asks for health."""
    return [sys.executable, "-m", "benchmarks.server_probe", address, "--seconds", str(seconds)]


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Run it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--clients", type=int, default=64)
    arguments = parser.parse_args()
    images = np.random.default_rng(0).integers(0, 256, (POOL, 4, 4, 3), np.uint8).repeat(32, axis=1).repeat(32, axis=2)
    features = LocalEncoder(load_bank("buildings-v1")).encode(images, TASKS)
    command = [str(Path(sys.executable).with_name("midlevel")), "serve", "--port", "0"]
    command += [part for name in SERVED for part in ("--features", name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[1]
        seconds = 60 * arguments.minutes
        soak = Soak(address, images, features, time.monotonic() + seconds)
        probe = subprocess.Popen(probing(address, seconds), stdout=subprocess.PIPE, text=True)
        memory = asyncio.run(run(server, soak, arguments.clients, seconds))
        health = json.loads(probe.communicate()[0])
        server.send_signal(signal.SIGTERM)
        code = server.wait(60)
    for name, count in sorted(soak.counts.items()):
        print_line(f"{count:8} {name}")
    third = len(memory) // 3
    print_line(
        "health, asked {probes} times: p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms, slowest {slowest_ms:.1f} ms".format(
            **health
        )
    )
    print_line(
        f"memory: {memory[0]:.0f} MiB at first, {np.median(memory[:third]):.0f} in the first third, "
        f"{np.median(memory[-third:]):.0f} in the last; exit code {code}"
    )


if __name__ == "__main__":
    main()
