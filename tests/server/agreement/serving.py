"""`midlevel serve` in a process of its own, and what it should answer."""

import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import NDArray

from perception import LocalEncoder
from perception.encoding import FEATURE_CHANNELS, Features
from perception.photos import Pixels
from protos.open_inference.inference_pb2_grpc import GRPCInferenceServiceStub
from protos.perception.v1.perception_pb2_grpc import PerceptionStub

START_S = 120
MAX_BATCH = 6

FLOAT32 = 1e-4
"""Largest difference of float32, as a share of the standard deviation of the task's features."""

BFLOAT16 = 0.02
"""Likewise of bfloat16, between batches; `check_encoder` allows as much."""

HALF = 2.0**-11
"""Largest relative error of rounding to float16."""


@dataclass(frozen=True)
class Served:
    """A server, and stubs of both protocols.

    Args:
        address: host:port.
        perception: Stub.
        open_inference: Stub.
    """

    address: str
    perception: PerceptionStub
    open_inference: GRPCInferenceServiceStub


@contextmanager
def served(*arguments: object) -> Iterator[Served]:
    command = [str(Path(sys.executable).with_name("midlevel")), "serve", "--port", "0", "--shared-memory"]
    command += ["--device", "cpu", "--max-batch", str(MAX_BATCH), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            ready, _, _ = select.select([process.stdout], [], [], START_S)
            assert ready
            address = process.stdout.readline().split()[1]
            with grpc.insecure_channel(address) as channel:
                yield Served(address, PerceptionStub(channel), GRPCInferenceServiceStub(channel))
        finally:
            process.kill()


class Expected:
    """Features computed here, each once.

    Args:
        encoder: That computes them.
        tasks: All that may be asked for.
    """

    def __init__(self, encoder: LocalEncoder, tasks: Sequence[str]) -> None:
        self._encoder = encoder
        self._tasks = tuple(tasks)
        self._known: dict[bytes, Mapping[str, Features]] = {}

    def features(self, images: Pixels, tasks: Sequence[str]) -> Features:
        """What a server should answer."""
        key = str(images.shape).encode() + images.tobytes()
        if key not in self._known:
            self._known[key] = {task: self._encoder.encode(images, [task]) for task in self._tasks}
        return np.concatenate([self._known[key][task] for task in tasks], axis=1)


def difference(found: NDArray[np.floating], expected: Features, relative: float = 0.0) -> float:
    """Largest difference beyond a relative one, as a share of the standard deviation of its task's features."""
    assert found.shape == expected.shape
    shape = (len(expected), -1, FEATURE_CHANNELS * expected.shape[2] * expected.shape[3])
    one, other = found.astype(np.float32).reshape(shape), expected.reshape(shape)
    beyond = np.abs(one - other) - relative * np.abs(other)
    return float((beyond.max((0, 2)) / other.std((0, 2))).max())


def pictures(count: int, height: int = 128, width: int = 128, seed: int = 0) -> Pixels:
    """Patches with noise."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (count, 8, 8, 3)).repeat(-(-height // 8), axis=1).repeat(-(-width // 8), axis=2)
    patches = patches[:, :height, :width]
    return np.clip(patches + rng.normal(0, 10, patches.shape), 0, 255).astype(np.uint8)
