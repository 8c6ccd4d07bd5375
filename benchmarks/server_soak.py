"""A server under many clients and every kind of trouble for minutes: is each answer the right one for its question?

    python -m benchmarks.server_soak [--minutes 5] [--clients 64]

Starts `midlevel serve` in a process of its own. Every client has a connection and asks for random tasks of random
images, in a random order, over both protocols, by call and by stream, every second one through shared memory and the
local socket; now and then it has a deadline too short to meet, cancels, leaves, or sends what is no request. One in
sixteen streams frames and reads no answer for many seconds. Meanwhile other clients are killed in the middle of their
streams, and strangers send garbage to the port or hold connections half open (`benchmarks.server_strangers`); a process
of its own asks for health (`benchmarks.server_probe`). Halfway the bank is swapped (SIGHUP); at the end the server is
told to stop (SIGTERM) while all go on asking.

Prints what became of every request, how long health took, and how memory grew. Exit status 1 if an answer was not the
features of its own images within `TOLERANCE`, or a request ended in a way it should not, or not at all.
"""

import argparse
import asyncio
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from benchmarks.server_strangers import strangers, victims
from perception import AsyncRemoteEncoder, LocalEncoder, UserError, load_bank
from perception.encoding import FEATURE_CHANNELS, FEATURE_SIDE
from perception.terminal import print_line
from protos.open_inference import inference_pb2 as oip
from protos.open_inference.inference_pb2_grpc import GRPCInferenceServiceStub
from protos.perception.v1 import perception_pb2 as messages
from protos.perception.v1.perception_pb2_grpc import PerceptionStub

TASKS = ("normal", "reshading", "depth_zbuffer", "keypoints3d", "autoencoding", "class_scene")
SERVED = ("normal,reshading", "depth_zbuffer,keypoints3d,autoencoding,class_scene")
POOL = 64
TOLERANCE = 0.02
"""Mean difference, as a share of the features' spread, that bfloat16 in another batch may make."""

KINDS = {
    "asked": 0.74, "streamed": 0.04, "inferred": 0.09, "late": 0.04, "cancelled": 0.05, "left": 0.03, "malformed": 0.01,
}  # fmt: skip
"""How often a client does what."""

REFUSALS = {
    "asked": ("RESOURCE_EXHAUSTED",),
    "streamed": ("RESOURCE_EXHAUSTED",),
    "inferred": ("RESOURCE_EXHAUSTED",),
    "late": ("DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"),
    "cancelled": ("RESOURCE_EXHAUSTED",),
    "left": ("RESOURCE_EXHAUSTED",),
    "malformed": ("INVALID_ARGUMENT",),
}
"""How each may end without an answer before the server stops."""

ENDS = {
    "the server is stopping and takes no new requests; try another replica": "the server says that it is stopping",
    "Connection refused": "nobody listens any more",
    "failed to connect": "nobody listens any more",
    ".sock cannot be used": "the local socket is closed",
}
"""How a request is refused after SIGTERM, with UNAVAILABLE, by what the message says."""

_STOPS_WITHIN_S = 60
_STREAM_FRAMES = 24

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Caller:
    """One client.

    Args:
        rng: Of what it asks.
        encoder: That asks as users do.
        channel: For the rest.
    """

    rng: np.random.Generator
    encoder: AsyncRemoteEncoder
    channel: grpc.aio.Channel

    @property
    def stub(self) -> PerceptionStub:
        """Asks as users of other languages do, and as nobody should."""
        return PerceptionStub(self.channel)


@dataclass
class Soak:
    """What happens while it runs.

    Args:
        address: Of the server.
        images: uint8 [64, 128, 128, 3].
        features: float32 [64, 8 * 6, 16, 16] of all tasks.
        until_s: When the server is told to stop.
        sent: Requests, a stream's frames one by one.
        counts: What became of them.
        troubles: What others did.
    """

    address: str
    images: NDArray[np.uint8]
    features: NDArray[np.float32]
    until_s: float
    sent: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    is_stopping: bool = False
    at_the_end: int = 0
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(POOL))
    stopped_s: float = math.inf

    async def client(self, seed: int) -> None:
        """Ask, in many ways, until the server refuses because it stops."""
        rng = np.random.default_rng(seed)
        transport = ("grpc", "shared-memory", "grpc-stream", "shared-memory")[seed // 2 % 4]
        encoder = AsyncRemoteEncoder(f"grpc://{self.address}", retries=0 if seed % 2 else 5, transport=transport)
        async with grpc.aio.insecure_channel(self.address) as channel:
            who = Caller(rng, encoder, channel)
            has_ended = False
            while not has_ended:
                kind = "slow" if seed % 16 == 15 else str(rng.choice(list(KINDS), p=list(KINDS.values())))
                has_ended = await self._once(who, kind)
        await encoder.close()

    async def _once(self, who: Caller, kind: str) -> bool:
        """Ask once; whether the server refused because it stops."""
        if kind in ("streamed", "slow"):
            return await self._stream(who, pause_s=float(who.rng.uniform(5, 20)) if kind == "slow" else 0)
        self.sent += 1
        was_stopping = self.is_stopping
        try:
            self.counts[await getattr(self, f"_{kind}")(who)] += 1
        except (UserError, grpc.aio.AioRpcError) as error:
            return self._refused(kind, error, 1)
        self.at_the_end += self.is_stopping and not was_stopping
        return False

    def _refused(self, kind: str, error: BaseException, requests: int) -> bool:
        """Count requests that ended with an error; whether it is the server's end."""
        cause: Any = error if isinstance(error, grpc.RpcError) else error.__cause__
        if not isinstance(cause, grpc.RpcError):
            self.counts[f"WRONG: {kind}: {error}"] += requests
            return self.is_stopping
        words = cause.details() or ""
        end = next((name for said, name in ENDS.items() if said in words), None)
        if self.is_stopping and cause.code() is grpc.StatusCode.UNAVAILABLE and end is not None:
            self.counts[f"refused at the end: {end}"] += requests
            return True
        is_meant = cause.code().name in REFUSALS[kind]
        what = f"{kind}: {cause.code().name}{' after SIGTERM' if self.is_stopping else ''}"
        self.counts[f"refused, {what}" if is_meant else f"WRONG: {what} ({words[:200]})"] += requests
        return self.is_stopping and not is_meant

    async def _asked(self, who: Caller) -> str:
        rows, tasks = self._question(who.rng)
        return self._checked(await who.encoder.encode(self.images[rows], tasks), rows, tasks)

    async def _late(self, who: Caller) -> str:
        rows, tasks = self._question(who.rng)
        answer = await who.stub.Encode(self._request(rows, tasks), timeout=float(who.rng.uniform(1e-4, 5e-3)))
        return self._checked(_features(answer.features), rows, tasks)

    async def _cancelled(self, who: Caller) -> str:
        rows, tasks = self._question(who.rng)
        call = who.stub.Encode(self._request(rows, tasks))
        await asyncio.sleep(float(who.rng.uniform(0, 5e-3)))
        call.cancel()
        try:
            return self._checked(_features((await call).features), rows, tasks)
        except asyncio.CancelledError:
            return "cancelled by the client"

    async def _left(self, who: Caller) -> str:
        rows, tasks = self._question(who.rng)
        encoding = asyncio.ensure_future(who.encoder.encode(self.images[rows], tasks))
        await asyncio.sleep(float(who.rng.uniform(0, 2e-2)))
        encoding.cancel()
        try:
            return self._checked(await encoding, rows, tasks)
        except asyncio.CancelledError:
            return "left by the client"

    async def _malformed(self, who: Caller) -> str:
        rows, tasks = self._question(who.rng)
        request = self._request(rows, tasks)
        if who.rng.random() < 0.5:
            request.images.files.files.append(who.rng.bytes(200))
            await who.stub.Encode(request)
        else:
            channel: Any = who.channel  # its stubs know of no call of bare bytes
            await channel.unary_unary("/perception.v1.Perception/Encode")(b"\xff" + who.rng.bytes(200))
        return "WRONG: what is no request was answered"

    async def _inferred(self, who: Caller) -> str:
        rows, tasks = self._question(who.rng)
        tensor = oip.ModelInferRequest.InferInputTensor
        request = oip.ModelInferRequest(
            model_name=",".join(tasks),
            inputs=[tensor(name="images", datatype="UINT8", shape=(len(rows), *self.images.shape[1:]))],
            raw_input_contents=[self.images[rows].tobytes()],
        )
        answer = await GRPCInferenceServiceStub(who.channel).ModelInfer(request)
        found = np.frombuffer(answer.raw_output_contents[0], "<f4").reshape(tuple(answer.outputs[0].shape))
        return self._checked(found, rows, tasks)

    async def _stream(self, who: Caller, *, pause_s: float) -> bool:
        """Send frames, read no answer for a while, then all; whether the server refused because it stops."""
        asked = [self._question(who.rng) for _ in range(_STREAM_FRAMES)]
        self.sent += len(asked)
        requests = [
            messages.EncodeStreamRequest(request=self._request(rows, tasks), sequence=number)
            for number, (rows, tasks) in enumerate(asked)
        ]
        loop = asyncio.get_running_loop()
        answers, error = await loop.run_in_executor(self.threads, _stream_answers, self.address, requests, pause_s)
        for place, (answer, question) in enumerate(zip(answers, asked, strict=False)):
            self.counts[self._checked_frame(answer, place, *question)] += 1
        return error is not None and self._refused("streamed", error, len(asked) - len(answers))

    def _checked_frame(
        self, answer: messages.EncodeStreamResponse, place: int, rows: Rows, tasks: Sequence[str]
    ) -> str:
        if answer.sequence != place:
            return "WRONG: a frame out of order"
        if answer.HasField("failure"):
            code = next(code.name for code in grpc.StatusCode if code.value[0] == answer.failure.code)
            return f"{'refused' if code in REFUSALS['streamed'] else 'WRONG'}, streamed: {code}"
        return self._checked(_features(answer.response.features), rows, tasks)

    def _checked(self, found: NDArray[np.float32], rows: Rows, tasks: Sequence[str]) -> str:
        shape = (len(rows), len(tasks), FEATURE_CHANNELS, FEATURE_SIDE, FEATURE_SIDE)
        wanted = self.features[rows].reshape(len(rows), len(TASKS), *shape[2:])[
            :, [TASKS.index(task) for task in tasks]
        ]
        if found.size != wanted.size:
            return "WRONG: features of another shape"
        is_right = np.abs(found.reshape(shape) - wanted).mean() <= TOLERANCE * wanted.std()
        return "right" if is_right else "WRONG: features of something else"

    def _question(self, rng: np.random.Generator) -> tuple[Rows, tuple[str, ...]]:
        tasks = rng.permutation(TASKS)[: rng.integers(1, len(TASKS) + 1)]
        return rng.integers(0, POOL, rng.integers(1, 4)), tuple(map(str, tasks))

    def _request(self, rows: Rows, tasks: Sequence[str]) -> messages.EncodeRequest:
        raw = messages.RawImages(count=len(rows), height=128, width=128, pixels=self.images[rows].tobytes())
        return messages.EncodeRequest(images=messages.Images(raw=raw), tasks=tasks)


def _stream_answers(
    address: str, requests: Sequence[messages.EncodeStreamRequest], pause_s: float
) -> tuple[list[messages.EncodeStreamResponse], grpc.RpcError | None]:
    """What a stream is answered, and how it ended; not with asyncio, which forgets both once it fails to write."""
    answers: list[messages.EncodeStreamResponse] = []
    with grpc.insecure_channel(address) as channel:
        call = PerceptionStub(channel).EncodeStream(iter(requests))
        time.sleep(pause_s)
        try:
            answers.extend(call)
        except grpc.RpcError as error:
            return answers, error
    return answers, None


def _features(message: messages.Features) -> NDArray[np.float32]:
    return np.frombuffer(message.data, "<f4").reshape(tuple(message.shape))


@dataclass(frozen=True)
class Sample:
    """Of the server's process.

    Args:
        minute: Since the start.
        resident_mib: Memory.
        descriptors: Open files and connections.
    """

    minute: float
    resident_mib: float
    descriptors: int


async def run(server: "subprocess.Popen[str]", soak: Soak, clients: int, seconds: float) -> list[Sample]:
    """All clients at once, a swap in the middle, the end while they go on asking."""
    samples: list[Sample] = []
    begun_s = soak.until_s - seconds

    async def operate() -> None:
        has_swapped = False
        while time.monotonic() < soak.until_s:
            passed_s = time.monotonic() - begun_s
            samples.append(_sample(server.pid, passed_s / 60))
            if not has_swapped and passed_s > seconds / 2:
                server.send_signal(signal.SIGHUP)
                has_swapped = True
            await asyncio.sleep(2)
        soak.is_stopping = True
        server.send_signal(signal.SIGTERM)
        await asyncio.to_thread(server.wait, _STOPS_WITHIN_S)
        soak.stopped_s = time.monotonic() - soak.until_s

    await asyncio.gather(
        operate(),
        strangers(soak.address, soak.until_s, soak.troubles),
        victims(soak.address, SERVED[0], soak.until_s - 5, soak.troubles),
        *(soak.client(seed) for seed in range(clients)),
    )
    return samples


def probing(address: str, seconds: float) -> list[str]:
    """The command that asks for health."""
    return [sys.executable, "-m", "benchmarks.server_probe", address, "--seconds", str(seconds)]


def _sample(pid: int, minute: float) -> Sample:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Sample(minute, pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def _memory_lines(samples: Sequence[Sample]) -> list[str]:
    minutes = np.array([sample.minute for sample in samples])
    mib = np.array([sample.resident_mib for sample in samples])
    thirds = [np.median(part) for part in np.array_split(mib, 3)]
    parts = minutes / minutes[-1]
    before, after = (parts > 0.2) & (parts < 0.5), parts > 0.7  # without the warm-up of either bank
    slopes = [np.polyfit(minutes[part], mib[part], 1)[0] for part in (before, after)]
    descriptors = [sample.descriptors for sample in samples]
    return [
        f"memory: {mib[0]:.0f} MiB at first, {thirds[0]:.0f} in the first third, {thirds[1]:.0f} in the middle, "
        f"{thirds[2]:.0f} in the last, {mib.max():.0f} at most; {slopes[0]:+.1f} MiB a minute before the swap, "
        f"{slopes[1]:+.1f} after it",
        f"memory, evenly over time: {' '.join(f'{each:.0f}' for each in mib[:: max(1, len(mib) // 15)])} MiB",
        f"open files and connections: {descriptors[0]} at first, {max(descriptors)} at most, {descriptors[-1]} at last",
    ]


def main() -> int:
    """Run it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--clients", type=int, default=64)
    arguments = parser.parse_args()
    images = np.random.default_rng(0).integers(0, 256, (POOL, 4, 4, 3), np.uint8).repeat(32, axis=1).repeat(32, axis=2)
    features = LocalEncoder(load_bank("buildings-v1")).encode(images, TASKS)
    command = [
        str(Path(sys.executable).with_name("midlevel")),
        "serve",
        "--port",
        "0",
        "--max-queue",
        "512",
        "--shared-memory",
    ]
    command += [part for name in SERVED for part in ("--features", name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[1]
        seconds = 60 * arguments.minutes
        soak = Soak(address, images, features, time.monotonic() + seconds)
        probe = subprocess.Popen(probing(address, max(1, seconds - 5)), stdout=subprocess.PIPE, text=True)
        samples = asyncio.run(run(server, soak, arguments.clients, seconds))
        health = json.loads(probe.communicate()[0])
    return _report(soak, samples, health, server.returncode)


def _report(soak: Soak, samples: Sequence[Sample], health: dict[str, float], code: int) -> int:
    missing = soak.sent - sum(soak.counts.values())
    print_line(f"{soak.sent:8} requests were sent, {missing} of them got no answer at all")
    for name, count in sorted([*soak.counts.items(), *soak.troubles.items()]):
        print_line(f"{count:8} {name}")
    print_line(
        "health, asked {probes} times: p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms, slowest {slowest_ms:.1f} ms".format(
            **health
        )
    )
    for line in _memory_lines(samples):
        print_line(line)
    print_line(
        f"SIGTERM: {soak.at_the_end} calls under way were answered; the process ended with {code} within "
        f"{soak.stopped_s:.1f} s"
    )
    is_wrong = any("WRONG" in name for name in (*soak.counts, *soak.troubles))
    return int(bool(missing or is_wrong or code))


if __name__ == "__main__":
    sys.exit(main())
