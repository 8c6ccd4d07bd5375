"""Encoders under PyTorch: on the CPU the plain reference, on an NVIDIA GPU in mixed precision.

On the GPU each batch size has a bucket, the next power of two, whose work is recorded once as a CUDA graph and then
replayed: a replay is one call to the driver, where eager code makes hundreds. Images and features pass through pinned
memory, which copies fastest. The CUDA half was written without a GPU at hand: it was neither run nor measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perception.bank.card import Preprocessing
from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Features
from perception.encoding.runtime import Images, Precision, Program
from perception.errors import UserError

_AT_ONCE = 64
_AUTO = {"cpu": Precision.FLOAT32, "cuda": Precision.BFLOAT16}
"""Eager CPU code gains nothing from bfloat16 at small batches."""


def choose_precision(device: str, precision: Precision) -> Precision:
    """See `runtime.Library`.

    Raises:
        UserError: If int8 is asked for.
    """
    if precision is Precision.INT8:
        raise UserError("PyTorch runs no encoder in int8 here; use the CPU with OpenVINO for that, or bfloat16.")
    return _AUTO[device] if precision is Precision.AUTO else precision


def compile_encoders(
    encoders: Sequence[nn.Module], preprocessing: Preprocessing, device: str, precision: Precision
) -> Program:
    """See `runtime.Library`."""
    place = torch.device(device)
    forward = _Forward(encoders, preprocessing, place, choose_precision(device, precision))
    return _GraphProgram(forward) if place.type == "cuda" else _EagerProgram(forward)


def run_together(parts: Sequence[tuple[Program, Images]], on_idle: Callable[[], None]) -> list[Features]:
    """See `runtime.Library`; one program after the other, each of which fills the device."""
    results = [program(images[0] if len(images) == 1 else np.concatenate(images)) for program, images in parts]
    on_idle()
    return results


class _Forward:
    """Images uint8 [N, side, side, 3] on the device to features float32 there."""

    def __init__(
        self, encoders: Sequence[nn.Module], preprocessing: Preprocessing, place: torch.device, precision: Precision
    ) -> None:
        self.place = place
        self.side_px = preprocessing.side_px
        self.channels = FEATURE_CHANNELS * len(encoders)
        self._networks = [encoder.to(place, memory_format=torch.channels_last) for encoder in encoders]  # type: ignore[call-overload]
        self._scale = (preprocessing.highest - preprocessing.lowest) / 255
        self._lowest = preprocessing.lowest
        self._is_mixed = precision is Precision.BFLOAT16

    def __call__(self, images: Tensor) -> Tensor:
        inputs = images.permute(0, 3, 1, 2).to(torch.float32).mul_(self._scale).add_(self._lowest)
        with torch.autocast(self.place.type, torch.bfloat16, enabled=self._is_mixed, cache_enabled=False):
            return torch.cat([network(inputs) for network in self._networks], dim=1).float().contiguous()


class _EagerProgram:
    """Runs layer by layer."""

    def __init__(self, forward: _Forward) -> None:
        self._forward = forward

    def __call__(self, images: NDArray[np.uint8]) -> Features:
        with torch.inference_mode():
            pixels = torch.from_numpy(images)
            parts = [self._forward(pixels[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE)]
            result: Features = torch.cat(parts).numpy()
        return result

    def warm(self, largest_batch: int) -> None:
        """See `runtime.Program`; every batch size takes the same code."""
        del largest_batch
        self(np.zeros((1, self._forward.side_px, self._forward.side_px, 3), np.uint8))


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A graph for one batch size and the memory that it reads and writes, on the host and on the device."""

    graph: torch.cuda.CUDAGraph
    host_images: Tensor
    images: Tensor
    features: Tensor
    host_features: Tensor


class _GraphProgram:
    """Replays recorded graphs on a stream of its own, larger batches in parts."""

    def __init__(self, forward: _Forward) -> None:
        self._forward = forward
        self._stream = torch.cuda.Stream(forward.place)  # type: ignore[no-untyped-call]
        self._recorded: dict[int, _Recorded] = {}
        self._lock = Lock()  # the recorded memory holds one batch at a time

    def __call__(self, images: NDArray[np.uint8]) -> Features:
        features = np.empty((len(images), self._forward.channels, FEATURE_SIDE, FEATURE_SIDE), np.float32)
        with self._lock, torch.inference_mode(), torch.cuda.stream(self._stream):
            for start in range(0, len(images), _AT_ONCE):
                self._run(images[start : start + _AT_ONCE], features[start : start + _AT_ONCE])
        return features

    def warm(self, largest_batch: int) -> None:
        """See `runtime.Program`."""
        with self._lock, torch.inference_mode():
            for bucket in dict.fromkeys(_bucket(count) for count in range(1, min(largest_batch, _AT_ONCE) + 1)):
                self._bucket_of(bucket)

    def _run(self, images: NDArray[np.uint8], features: Features) -> None:
        count = len(images)
        recorded = self._bucket_of(count)
        recorded.host_images[:count].copy_(torch.from_numpy(images))
        recorded.images[:count].copy_(recorded.host_images[:count], non_blocking=True)
        recorded.graph.replay()
        recorded.host_features[:count].copy_(recorded.features[:count], non_blocking=True)
        self._stream.synchronize()  # before the host reads, and before the next images come
        features[:] = recorded.host_features[:count].numpy()

    def _bucket_of(self, count: int) -> _Recorded:
        bucket = _bucket(count)
        if bucket not in self._recorded:
            self._recorded[bucket] = self._record(bucket)
        return self._recorded[bucket]

    def _record(self, bucket: int) -> _Recorded:
        side = self._forward.side_px
        images = torch.zeros((bucket, side, side, 3), dtype=torch.uint8, device=self._forward.place)
        self._stream.wait_stream(torch.cuda.current_stream(self._forward.place))
        with torch.cuda.stream(self._stream):
            for _ in range(2):  # libraries choose their algorithms before anything is recorded
                self._forward(images)
        self._stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            features = self._forward(images)
        host_images = torch.empty(images.shape, dtype=torch.uint8, pin_memory=True)
        host_features = torch.empty(features.shape, dtype=torch.float32, pin_memory=True)
        return _Recorded(graph, host_images, images, features, host_features)


def _bucket(count: int) -> int:
    """The next power of two, so that a batch is at most half padding and buckets are few."""
    return 1 << (count - 1).bit_length()
