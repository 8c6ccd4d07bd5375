"""The peer of `benchmarks.server`: PyTriton serving the same encoders. Runs in PyTriton's own environment.

    PYTHON -m benchmarks.server_pytriton --runtime torch|openvino --tasks normal,reshading --port 9001

Serves one model, `features`, with dynamic batching; its input and output are those of our own Open Inference endpoint.
Prints READY once it answers.
"""

import argparse
import socket
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception import LocalEncoder, load_bank

MODEL = "features"
MODULES = ("decorators", "model_config", "triton")
PRECISIONS = {"torch": "float32", "openvino": "auto"}


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runtime", choices=list(PRECISIONS), required=True)
    parser.add_argument("--bank", default="buildings-v1")
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--max-batch", type=int, default=32)
    parser.add_argument("--delay-us", type=int, default=0)
    arguments = parser.parse_args()
    tasks = arguments.tasks.split(",")
    encoder = LocalEncoder(
        load_bank(arguments.bank), device="cpu", runtime=arguments.runtime, precision=PRECISIONS[arguments.runtime]
    )
    encoder.warm(tasks, (1, 2, 4, 8, 16, arguments.max_batch))
    serve(encoder, tasks, arguments)


def serve(encoder: LocalEncoder, tasks: Sequence[str], arguments: argparse.Namespace) -> None:
    """Bind the model, start Triton, wait."""
    decorators, models, pytriton = (import_module(f"pytriton.{name}") for name in MODULES)

    def infer(images: NDArray[np.uint8]) -> dict[str, Any]:
        return {"features": encoder.encode(images, tasks)}

    http_port, metrics_port = free_port(), free_port()
    config = pytriton.TritonConfig(
        grpc_port=arguments.port, http_port=http_port, metrics_port=metrics_port, log_verbose=0
    )
    with pytriton.Triton(config=config) as triton:
        triton.bind(
            MODEL,
            decorators.batch(infer),
            inputs=[models.Tensor(name="images", dtype=np.uint8, shape=(128, 128, 3))],
            outputs=[models.Tensor(name="features", dtype=np.float32, shape=(8 * len(tasks), 16, 16))],
            config=models.ModelConfig(
                max_batch_size=arguments.max_batch,
                batcher=models.DynamicBatcher(max_queue_delay_microseconds=arguments.delay_us),
            ),
        )
        triton.run()
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
