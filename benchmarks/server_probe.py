"""How long a server's health takes, asked by a process that does nothing else, as a probe does.

    python -m benchmarks.server_probe 127.0.0.1:50051 [--seconds 30] [--every-ms 50]

Prints one line of JSON: probes, and milliseconds of the median, of the slowest hundredth, and of the slowest.
"""

import argparse
import json
import sys
import time

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_S = 30


def health_ms(address: str, seconds: float, every_s: float) -> list[float]:
    """Milliseconds of each probe, the connection's making left out."""
    request = health_pb2.HealthCheckRequest()
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        stub.Check(request, timeout=TIMEOUT_S)
        times = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            begun = time.perf_counter()
            stub.Check(request, timeout=TIMEOUT_S)
            times.append(1e3 * (time.perf_counter() - begun))
            time.sleep(every_s)
    return times


def main() -> None:
    """Probe, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--every-ms", type=float, default=50)
    arguments = parser.parse_args()
    times = health_ms(arguments.address, arguments.seconds, arguments.every_ms / 1e3)
    p50, p99 = np.percentile(times, (50, 99))
    sys.stdout.write(json.dumps({"probes": len(times), "p50_ms": p50, "p99_ms": p99, "slowest_ms": max(times)}) + "\n")


if __name__ == "__main__":
    main()
