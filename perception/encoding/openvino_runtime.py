"""Encoders under OpenVINO: all that are asked for in one graph, in bfloat16 where the CPU multiplies it.

One image is worked on by all cores together. Of several, each core takes one or two at a time by itself: cores then
never wait for each other between layers, and what passes between layers stays in their own caches.
"""

import warnings
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perception.bank.card import Preprocessing
from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Features
from perception.encoding.runtime import Precision, Program

IMAGES_A_CORE = 2
"""A core works on so many images at once, where there are enough for all; more leave its cache."""

_QUEUED = 2  # requests for each core: the next one waits while one runs
_NAMES = {Precision.FLOAT32: "f32", Precision.BFLOAT16: "bf16"}


def compile_encoders(
    encoders: Sequence[nn.Module], preprocessing: Preprocessing, device: str, precision: Precision
) -> Program:
    """See `runtime.Compile`."""
    del device  # the CPU is the only one
    return _OpenVinoProgram(encoders, preprocessing, precision)


class _OpenVinoProgram:
    """Graphs for one image, and for a core's share of several, each compiled when it is first needed."""

    def __init__(self, encoders: Sequence[nn.Module], preprocessing: Preprocessing, precision: Precision) -> None:
        self._channels = FEATURE_CHANNELS * len(encoders)
        self._model = _converted(_SideBySide(encoders, preprocessing).eval(), preprocessing.side_px)
        self._options = {"INFERENCE_PRECISION_HINT": _precision(precision)}
        self._pools: dict[int, _Pool] = {}
        self._lock = Lock()  # a request holds one batch at a time
        self._one = _Pool(self._model, 1, {**self._options, "PERFORMANCE_HINT": "LATENCY"}, 1)
        self._cores = self._one.threads

    def __call__(self, images: NDArray[np.uint8]) -> Features:
        features = np.empty((len(images), self._channels, FEATURE_SIDE, FEATURE_SIDE), np.float32)
        with self._lock:
            self._pool(len(images)).run(images, features)
        return features

    def _pool(self, count: int) -> "_Pool":
        if count == 1:
            return self._one
        share = min(IMAGES_A_CORE, -(-count // self._cores))
        if share not in self._pools:
            options = {**self._options, "NUM_STREAMS": str(self._cores), "INFERENCE_NUM_THREADS": str(self._cores)}
            self._pools[share] = _Pool(self._model, share, options, _QUEUED * self._cores)
        return self._pools[share]


class _SideBySide(nn.Module):
    """Normalises images once for all encoders; uint8 [N, side, side, 3] to float [N, 8k, 16, 16]."""

    def __init__(self, encoders: Sequence[nn.Module], preprocessing: Preprocessing) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.scale = (preprocessing.highest - preprocessing.lowest) / 255
        self.zero_level = -preprocessing.lowest / self.scale

    def forward(self, images: Tensor) -> Tensor:
        """Features."""
        pixels = ((images.float() - self.zero_level) * self.scale).permute(0, 3, 1, 2)
        return torch.cat([encoder(pixels) for encoder in self.encoders], dim=1)


class _Pool:
    """A graph compiled for one batch size, and requests with inputs that stay in place."""

    def __init__(self, model: Any, batch: int, options: dict[str, str], requests: int) -> None:
        model = model.clone()
        shape = [batch, *list(model.input(0).shape)[1:]]
        model.reshape(shape)
        compiled = _core().compile_model(model, "CPU", options)
        self.threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        self._batch = batch
        self._requests = [compiled.create_infer_request() for _ in range(requests)]
        self._inputs = [np.zeros(shape, np.uint8) for _ in range(requests)]
        for request, pixels in zip(self._requests, self._inputs, strict=True):
            request.set_input_tensor(openvino.Tensor(pixels, shared_memory=True))

    def run(self, images: NDArray[np.uint8], features: Features) -> None:
        """Fill `features`; a last part that is too small is run with old images beside it."""
        under_way: dict[int, int] = {}
        for number, start in enumerate(range(0, len(images), self._batch)):
            slot = number % len(self._requests)
            self._collect(slot, under_way, features)
            part = images[start : start + self._batch]
            self._inputs[slot][: len(part)] = part
            self._requests[slot].start_async()
            under_way[slot] = start
        for slot in tuple(under_way):
            self._collect(slot, under_way, features)

    def _collect(self, slot: int, under_way: dict[int, int], features: Features) -> None:
        if slot in under_way:
            self._requests[slot].wait()
            part = features[under_way[slot] : under_way.pop(slot) + self._batch]
            part[:] = self._requests[slot].get_output_tensor().data[: len(part)]


def _converted(network: nn.Module, side: int) -> Any:
    shape = (1, side, side, 3)
    example = torch.zeros(shape, dtype=torch.uint8)
    with warnings.catch_warnings(action="ignore"), torch.no_grad():  # PyTorch calls its tracer deprecated
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        return openvino.convert_model(traced, example_input=example, input=list(shape))


@lru_cache(maxsize=1)
def _core() -> Any:
    return openvino.Core()


def _precision(precision: Precision) -> str:
    if precision is Precision.AUTO:
        has_it = "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return _NAMES[Precision.BFLOAT16 if has_it else Precision.FLOAT32]
    return _NAMES[precision]
