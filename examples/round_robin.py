"""Several replicas of the server behind gRPC's own client-side load balancing: no proxy, and no frame lost with one.

    midlevel serve --port 50051 &
    midlevel serve --port 50052 &
    python examples/round_robin.py ipv4:127.0.0.1:50051,127.0.0.1:50052

In Kubernetes the target is the headless service, which resolves to its pods: dns:///midlevel.default.svc:50051, with
--ca and --token-file. Any language's gRPC takes the same service config.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from protos.perception.v1 import perception_pb2 as pb
from protos.perception.v1 import perception_pb2_grpc

SERVICE = "perception.v1.Perception"

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # A replica that drains says NOT_SERVING, and gets no more frames.
    "healthCheckConfig": {"serviceName": SERVICE},
    "methodConfig": [
        {
            "name": [{"service": SERVICE, "method": "Encode"}],
            # Encoding changes nothing, so what a dead replica took with it may be asked of another.
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.02s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
"""What gRPC does by itself."""

TIMEOUT_S = 10.0
"""Of a frame, attempts included."""


def connect(target: str, ca: Path | None = None, token_file: Path | None = None) -> grpc.Channel:
    """A channel over all replicas of a target.

    Args:
        target: Such as "ipv4:127.0.0.1:50051,127.0.0.1:50052" or "dns:///midlevel.default.svc:50051".
        ca: Of the replicas' certificates, PEM; None for no TLS.
        token_file: Its first line is the token; needs TLS.
    """
    options = [("grpc.service_config", json.dumps(SERVICE_CONFIG))]
    if ca is None:
        return grpc.insecure_channel(target, options)
    credentials = grpc.ssl_channel_credentials(ca.read_bytes())
    if token_file is not None:
        token = token_file.read_text().split()[0]
        credentials = grpc.composite_channel_credentials(credentials, grpc.access_token_call_credentials(token))
    return grpc.secure_channel(target, credentials, options)


def encode(
    channel: grpc.Channel, frames: Iterable[NDArray[np.uint8]], tasks: Sequence[str]
) -> Iterator[NDArray[np.float32]]:
    """Features of frames, one by one.

    Args:
        channel: To the replicas.
        frames: uint8 RGB [H, W, 3] each.
        tasks: Names.

    Returns:
        float32 [8 * tasks, 16, 16] each.

    Raises:
        grpc.RpcError: If no replica answers in time.
    """
    stub: Any = perception_pb2_grpc.PerceptionStub(channel)
    for frame in frames:
        height, width, _ = frame.shape
        raw = pb.RawImages(count=1, height=height, width=width, pixels=frame.tobytes())
        request = pb.EncodeRequest(images=pb.Images(raw=raw), tasks=tasks)
        answer = stub.Encode(request, timeout=TIMEOUT_S, wait_for_ready=True).features
        yield np.frombuffer(answer.data, "<f4").reshape(tuple(answer.shape))[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Send frames, and say how long they took."""
    parser = argparse.ArgumentParser(description="Send frames to several replicas in turn.")
    parser.add_argument("target")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--tasks", default="normal,reshading")
    parser.add_argument("--ca", type=Path, help="authority of the replicas' certificates, PEM")
    parser.add_argument("--token-file", type=Path)
    options = parser.parse_args(arguments)
    frames = np.random.default_rng(0).integers(0, 256, (options.frames, 128, 128, 3), np.uint8)
    times_ms = []
    with connect(options.target, options.ca, options.token_file) as channel:
        began_s = time.perf_counter()
        for _ in encode(channel, frames, options.tasks.split(",")):
            times_ms.append(1000 * (time.perf_counter() - began_s))
            began_s = time.perf_counter()
    sys.stdout.write(
        f"{len(times_ms)} of {options.frames} frames answered, median {statistics.median(times_ms):.1f} ms, "
        f"longest {max(times_ms):.1f} ms\n"
    )


if __name__ == "__main__":
    main()
