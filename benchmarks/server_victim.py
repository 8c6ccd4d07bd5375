"""A client that is made to be killed: streams frames as fast as it can until it is.

    python -m benchmarks.server_victim 127.0.0.1:50051 normal,reshading [--deaf]

Prints `streaming` once the server has answered. With `--deaf` it reads no further answer, so that the server's wait.
"""

import argparse
import sys
import time
from collections.abc import Iterator

import grpc
import numpy as np

from protos.perception.v1 import perception_pb2 as messages
from protos.perception.v1.perception_pb2_grpc import PerceptionStub


def frames(tasks: str) -> Iterator[messages.EncodeStreamRequest]:
    """The same frame for ever."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), np.uint8).tobytes()
    raw = messages.RawImages(count=1, height=128, width=128, pixels=pixels)
    request = messages.EncodeRequest(images=messages.Images(raw=raw), tasks=tasks.split(","))
    while True:
        yield messages.EncodeStreamRequest(request=request)


def main() -> None:
    """Stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("tasks")
    parser.add_argument("--deaf", action="store_true")
    arguments = parser.parse_args()
    with grpc.insecure_channel(arguments.address) as channel:
        answers = PerceptionStub(channel).EncodeStream(frames(arguments.tasks))
        next(answers)
        sys.stdout.write("streaming\n")
        sys.stdout.flush()
        if arguments.deaf:
            time.sleep(3600)
        for _ in answers:
            pass


if __name__ == "__main__":
    main()
