"""Encoders under OpenVINO: all that are asked for in one graph, in bfloat16 where the CPU multiplies it, or in int8.

One image is worked on by all cores together. Of several, each core takes one or two at a time by itself: cores then
never wait for each other between layers, and what passes between layers stays in their own caches.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from itertools import cycle
from threading import Lock
from typing import Any, cast

import numpy as np
import openvino
from numpy.typing import NDArray
from torch import nn

from perception.bank.card import Preprocessing
from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Features
from perception.encoding.openvino_graph import side_by_side
from perception.encoding.quantising import check_installed, quantised
from perception.encoding.runtime import Images, Precision, Program

IMAGES_A_CORE = 2
"""A core works on so many images at once, where there are enough for all; more leave its cache."""

_QUEUED = 2  # requests for each core: the next one waits while one runs
_NAMES = {Precision.FLOAT32: "f32", Precision.BFLOAT16: "bf16"}


def choose_precision(device: str, precision: Precision) -> Precision:
    """See `runtime.Library`."""
    del device  # the CPU is the only one
    if precision is Precision.INT8:
        check_installed()
    if precision is not Precision.AUTO:
        return precision
    return _widest()


def _widest() -> Precision:
    """Of layers that are not in int8: what the CPU multiplies fastest without being told how."""
    has_bfloat16 = "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return Precision.BFLOAT16 if has_bfloat16 else Precision.FLOAT32


def compile_encoders(
    encoders: Sequence[nn.Module], preprocessing: Preprocessing, device: str, precision: Precision
) -> Program:
    """See `runtime.Library`."""
    return _OpenVinoProgram(encoders, preprocessing, choose_precision(device, precision))


def run_together(parts: Sequence[tuple[Program, Images]]) -> list[Features]:
    """See `runtime.Library`; cores take the programs' images one after the other and never wait for each other."""
    programs = [cast(_OpenVinoProgram, program) for program, _ in parts]
    with ExitStack() as stack:
        for program in sorted(programs, key=id):  # two threads that want the same ones do not wait in a circle
            stack.enter_context(program.lock)
        return _run([(program, images) for program, (_, images) in zip(programs, parts, strict=True)])


class _OpenVinoProgram:
    """Graphs for one image, and for a core's share of several, each compiled when it is first needed."""

    def __init__(self, encoders: Sequence[nn.Module], preprocessing: Preprocessing, precision: Precision) -> None:
        self.channels = FEATURE_CHANNELS * len(encoders)
        self.lock = Lock()  # a request holds one batch at a time
        graph = side_by_side(encoders, preprocessing)
        self._model = quantised(graph) if precision is Precision.INT8 else graph
        self._options = {"INFERENCE_PRECISION_HINT": _NAMES.get(precision) or _NAMES[_widest()]}
        self._pools: dict[int, _Pool] = {}
        self._one = _Pool(self._model, 1, {**self._options, "PERFORMANCE_HINT": "LATENCY"}, 1)
        self.cores = self._one.threads

    def __call__(self, images: NDArray[np.uint8]) -> Features:
        with self.lock:
            return _run([(self, [images])])[0]

    def warm(self, largest_batch: int) -> None:
        """See `runtime.Program`."""
        with self.lock:
            pools = [self._one, *(self.share(count) for count in range(1, largest_batch + 1))]
            for pool in dict.fromkeys(pools):
                pool.warm()

    def whole(self) -> "_Pool":
        """For an image that has all cores."""
        return self._one

    def share(self, count: int) -> "_Pool":
        """For so many images that cores share."""
        batch = min(IMAGES_A_CORE, -(-count // self.cores))
        if batch not in self._pools:
            options = {**self._options, "NUM_STREAMS": str(self.cores), "INFERENCE_NUM_THREADS": str(self.cores)}
            self._pools[batch] = _Pool(self._model, batch, options, _QUEUED * self.cores)
        return self._pools[batch]


def _run(parts: Sequence[tuple[_OpenVinoProgram, Images]]) -> list[Features]:
    counts = [sum(map(len, images)) for _, images in parts]
    results = [
        np.empty((count, program.channels, FEATURE_SIDE, FEATURE_SIDE), np.float32)
        for (program, _), count in zip(parts, counts, strict=True)
    ]
    if counts == [1]:
        pools = [parts[0][0].whole()]
    else:
        pools = [program.share(count) for (program, _), count in zip(parts, counts, strict=True)]
    runs = [(pool, images, result) for pool, (_, images), result in zip(pools, parts, results, strict=True)]
    _fill(runs, _QUEUED * parts[0][0].cores)
    return results


def _fill(runs: Iterable[tuple["_Pool", Images, Features]], at_once: int) -> None:
    """Run graphs over their images; a last part that is too small is run with old images beside it."""
    under_way: deque[tuple[Any, Features]] = deque()
    try:
        for pool, images, result in runs:
            start = 0
            for portion, count in _portions(images, pool.batch):
                if len(under_way) == at_once:
                    _collect(*under_way.popleft())
                under_way.append((pool.start(portion), result[start : start + count]))
                start += count
        while under_way:
            _collect(*under_way.popleft())
    finally:  # after an error too, none is busy the next time
        for request, _ in under_way:
            request.wait()


def _portions(images: Images, size: int) -> Iterator[tuple[list[NDArray[np.uint8]], int]]:
    """Views of images that are `size` together, the last ones perhaps fewer, and how many they are."""
    portion: list[NDArray[np.uint8]] = []
    count = 0
    for array in images:
        start = 0
        while start < len(array):
            piece = array[start : start + size - count]
            portion.append(piece)
            count += len(piece)
            start += len(piece)
            if count == size:
                yield portion, count
                portion, count = [], 0
    if count:
        yield portion, count


def _collect(request: Any, features: Features) -> None:
    request.wait()
    features[:] = request.get_output_tensor().data[: len(features)]


class _Pool:
    """A graph compiled for one batch size, and requests with inputs that stay in place."""

    def __init__(self, model: Any, batch: int, options: dict[str, str], requests: int) -> None:
        model = model.clone()
        shape = [batch, *list(model.input(0).shape)[1:]]
        model.reshape(shape)
        compiled = _core().compile_model(model, "CPU", options)
        self.batch = batch
        self.threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        self._slots = [(compiled.create_infer_request(), np.zeros(shape, np.uint8)) for _ in range(requests)]
        for request, pixels in self._slots:
            request.set_input_tensor(openvino.Tensor(pixels, shared_memory=True))
        self._next = cycle(self._slots)

    def start(self, images: Images) -> Any:
        """The request that works on the images, at most a batch; its turn comes again after all the others'."""
        request, pixels = next(self._next)
        start = 0
        for array in images:
            pixels[start : start + len(array)] = array
            start += len(array)
        request.start_async()
        return request

    def warm(self) -> None:
        """Run every request once: the first time is slow."""
        for request, _ in self._slots:
            request.infer()


@lru_cache(maxsize=1)
def _core() -> Any:
    return openvino.Core()
