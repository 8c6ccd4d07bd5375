"""The load that `benchmarks.server` puts on servers: one process, as many asyncio clients as are asked for.

    python -m benchmarks.server_load KIND --address A --tasks normal,reshading --clients 4 --seconds 5

Each client has a connection of its own and sends one frame after the other, each when the one before is answered. KIND
is the client: `perception`, `stream` and `shared-memory` are ours, by transport, `inference` is the unmodified
`tritonclient`; `calls` is our blocking client, alone; `in-process` and `eager`
are no clients but the encoders in this process, together under OpenVINO, or one by one in eager PyTorch. Prints
one line of JSON.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import cycle
from typing import Any

import numpy as np

from perception import AsyncRemoteEncoder, LocalEncoder, RemoteEncoder, load_bank
from perception.photos import Pixels

WARM_S = 0.5
"""Calls of the beginning that are not counted."""

DISTINCT_FRAMES = 16


@dataclass(frozen=True)
class Load:
    """What clients saw.

    Args:
        requests: Answered.
        seconds: In which they were.
        p50_ms: Of the time that a call took.
        p99_ms: Likewise.
        overhead_p50_ms: Of a call's time without inference; NaN where the server does not say.
        batch_images: Mean number of images computed together; NaN where the server does not say.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    overhead_p50_ms: float
    batch_images: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


Sample = tuple[float, float, float, float]
"""When a call ended, how long it took, the inference in it, images computed together."""

Call = Callable[[Pixels], Awaitable[tuple[float, float]]]
"""Sends a frame; seconds of inference and images of the batch."""


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=[*CLIENTS, *SINGLE])
    parser.add_argument("--address", default="")
    parser.add_argument("--model", default="features", help="of tritonclient")
    parser.add_argument("--bank", default="buildings-v1")
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1, help="frames of a call, of those without a server")
    parser.add_argument("--side", type=int, default=128, help="rows and columns of frames")
    parser.add_argument("--transport", default="grpc", help="of calls")
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    if arguments.kind in SINGLE:
        samples = one_after_another(SINGLE[arguments.kind](arguments), arguments)
    else:
        samples = asyncio.run(together(CLIENTS[arguments.kind], arguments))
    sys.stdout.write(json.dumps(asdict(summary(samples))) + "\n")


def frames(arguments: argparse.Namespace, seed: int) -> list[Pixels]:
    """Different ones, each a batch."""
    shape = (DISTINCT_FRAMES, arguments.batch, arguments.side, arguments.side, 3)
    return list(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def summary(samples: Sequence[Sample]) -> Load:
    """Of the calls that ended after the beginning."""
    ends, took, inference, batches = np.array(samples).T
    counted = ends > ends.min() + WARM_S
    ends, took, inference, batches = ends[counted], took[counted], inference[counted], batches[counted]
    return Load(
        requests=len(ends),
        seconds=float(ends.max() - ends.min()),
        p50_ms=1e3 * float(np.median(took)),
        p99_ms=1e3 * float(np.quantile(took, 0.99)),
        overhead_p50_ms=1e3 * float(np.median(took - inference)),
        batch_images=float(batches.mean()),
    )


def one_after_another(call: Callable[[Pixels], tuple[float, float]], arguments: argparse.Namespace) -> list[Sample]:
    """Calls until the time is over."""
    samples: list[Sample] = []
    call(frames(arguments, 0)[0])  # may compile
    ends_s = time.perf_counter() + WARM_S + arguments.seconds
    for images in cycle(frames(arguments, 0)):
        began_s = time.perf_counter()
        if began_s > ends_s:
            return samples
        inference_s, batch = call(images)
        now_s = time.perf_counter()
        samples.append((now_s, now_s - began_s, inference_s, batch))
    return samples


async def together(
    connect: Callable[[argparse.Namespace], Awaitable[Call]], arguments: argparse.Namespace
) -> list[Sample]:
    """Calls of all clients until the time is over."""
    calls = [await connect(arguments) for _ in range(arguments.clients)]
    samples: list[Sample] = []
    await asyncio.gather(*(call(frames(arguments, 0)[0]) for call in calls))
    ends_s = time.perf_counter() + WARM_S + arguments.seconds

    async def client(call: Call, seed: int) -> None:
        for images in cycle(frames(arguments, seed)):
            began_s = time.perf_counter()
            if began_s > ends_s:
                return
            inference_s, batch = await call(images)
            now_s = time.perf_counter()
            samples.append((now_s, now_s - began_s, inference_s, batch))

    await asyncio.gather(*(client(call, seed) for seed, call in enumerate(calls)))
    return samples


async def perception_client(arguments: argparse.Namespace, transport: str = "grpc") -> Call:
    """Ours."""
    encoder = AsyncRemoteEncoder(arguments.address, timeout_s=60, transport=transport)
    tasks = arguments.tasks.split(",")

    async def call(images: Pixels) -> tuple[float, float]:
        timed = await encoder.encode_timed(images, tasks)
        return timed.timings[0].inference_us / 1e6, timed.timings[0].batch_images

    return call


async def shared_memory_client(arguments: argparse.Namespace) -> Call:
    """Ours, on the same machine."""
    return await perception_client(arguments, "shared-memory")


async def stream_client(arguments: argparse.Namespace) -> Call:
    """Ours, over a stream that stays open."""
    return await perception_client(arguments, "grpc-stream")


async def inference_client(arguments: argparse.Namespace) -> Call:
    """NVIDIA's."""
    triton = import_module("tritonclient.grpc.aio")
    own_connection = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    client = triton.InferenceServerClient(arguments.address, channel_args=own_connection)
    shape = (arguments.batch, 8 * len(arguments.tasks.split(",")), 16, 16)

    async def call(images: Pixels) -> tuple[float, float]:
        tensor = triton.InferInput("images", list(images.shape), "UINT8")
        tensor.set_data_from_numpy(images)
        result = (await client.infer(arguments.model, [tensor])).as_numpy("features")
        if result is None or result.shape != shape:
            raise RuntimeError(f"{arguments.address} answered something else than features {shape}")
        return float("nan"), float("nan")

    return call


def blocking_client(arguments: argparse.Namespace) -> Callable[[Pixels], tuple[float, float]]:
    """Ours, blocking."""
    encoder = RemoteEncoder(arguments.address, timeout_s=60, transport=arguments.transport)
    tasks = arguments.tasks.split(",")

    def call(images: Pixels) -> tuple[float, float]:
        timed = encoder.encode_timed(images, tasks)
        return timed.timings[0].inference_us / 1e6, timed.timings[0].batch_images

    return call


def in_process(arguments: argparse.Namespace) -> Callable[[Pixels], tuple[float, float]]:
    """All encoders in one program, as the server runs them."""
    encoder = LocalEncoder(load_bank(arguments.bank), device="cpu", runtime="openvino")
    return _local(lambda images: encoder.encode(images, arguments.tasks.split(",")))


def eager(arguments: argparse.Namespace) -> Callable[[Pixels], tuple[float, float]]:
    """One encoder after the other in eager float32 PyTorch, as the `visualpriors` package does it."""
    encoder = LocalEncoder(load_bank(arguments.bank), device="cpu", runtime="torch", precision="float32")
    return _local(lambda images: [encoder.encode(images, [task]) for task in arguments.tasks.split(",")])


def _local(encode: Callable[[Pixels], Any]) -> Callable[[Pixels], tuple[float, float]]:
    def call(images: Pixels) -> tuple[float, float]:
        began_s = time.perf_counter()
        encode(images)
        return time.perf_counter() - began_s, len(images)

    return call


CLIENTS: Mapping[str, Callable[[argparse.Namespace], Awaitable[Call]]] = {
    "perception": perception_client,
    "shared-memory": shared_memory_client,
    "stream": stream_client,
    "inference": inference_client,
}
SINGLE: Mapping[str, Callable[[argparse.Namespace], Callable[[Pixels], tuple[float, float]]]] = {
    "calls": blocking_client,
    "in-process": in_process,
    "eager": eager,
}


if __name__ == "__main__":
    main()
