"""Encoders under OpenVINO: all that are asked for in one graph, in bfloat16 where the CPU multiplies it, or in int8.

One image is worked on by all cores together. Of several, each core takes one or two at a time by itself: cores then
never wait for each other between layers, and what passes between layers stays in their own caches.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue
from threading import RLock
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


def run_together(parts: Sequence[tuple[Program, Images]], on_idle: Callable[[], None]) -> list[Features]:
    """See `runtime.Library`; cores take the programs' images one after the other and never wait for each other."""
    programs = [cast(_OpenVinoProgram, program) for program, _ in parts]
    with ExitStack() as locks:
        for program in sorted(programs, key=id):  # two threads that want the same ones do not wait in a circle
            locks.enter_context(program.lock)

        def idle() -> None:
            locks.close()
            on_idle()

        return _run([(program, images) for program, (_, images) in zip(programs, parts, strict=True)], idle)


class _OpenVinoProgram:
    """Graphs for one image, and for a core's share of several, each compiled when it is first needed."""

    def __init__(self, encoders: Sequence[nn.Module], preprocessing: Preprocessing, precision: Precision) -> None:
        self.channels = FEATURE_CHANNELS * len(encoders)
        # Of two threads that start requests, each could wait for one that the other holds. Reentrant, since Ctrl-C may
        # come just when a lock was taken, and nobody would give it back.
        self.lock = RLock()
        graph = side_by_side(encoders, preprocessing)
        self._model = quantised(graph) if precision is Precision.INT8 else graph
        self._options = {"INFERENCE_PRECISION_HINT": _NAMES.get(precision) or _NAMES[_widest()]}
        self._pools: dict[int, _Pool] = {}
        self._one = _Pool(self._model, 1, {**self._options, "PERFORMANCE_HINT": "LATENCY"}, 1)
        self.cores = self._one.cores

    def __call__(self, images: NDArray[np.uint8]) -> Features:
        return run_together([(self, [images])], lambda: None)[0]

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


def _run(parts: Sequence[tuple[_OpenVinoProgram, Images]], on_idle: Callable[[], None]) -> list[Features]:
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
    _fill(runs, parts[0][0].cores, on_idle)
    return results


def _fill(runs: Iterable[tuple["_Pool", Images, Features]], cores: int, on_idle: Callable[[], None]) -> None:
    """Run graphs over their images; a last part that is too small is run with old images beside it."""
    under_way: deque[tuple[_Pool, _Slot, Features]] = deque()

    def collect() -> None:
        pool, slot, features = under_way.popleft()
        pool.collect(slot, features)

    try:
        for pool, images, result in runs:
            start = 0
            for portion, count in _portions(images, pool.batch):
                if len(under_way) == _QUEUED * cores:
                    collect()
                under_way.append((pool, pool.start(portion), result[start : start + count]))
                start += count
        while sum(pool.cores for pool, _, _ in under_way) >= cores:
            collect()
        on_idle()
        while under_way:
            collect()
    finally:  # after an error too, none is busy the next time
        for pool, slot, _ in under_way:
            pool.discard(slot)


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


@dataclass(frozen=True)
class _Slot:
    """A request and its input, which stays in place."""

    request: Any
    pixels: NDArray[np.uint8]


class _Pool:
    """A graph compiled for one batch size, and requests with inputs that stay in place."""

    def __init__(self, model: Any, batch: int, options: dict[str, str], requests: int) -> None:
        model = model.clone()
        shape = [batch, *list(model.input(0).shape)[1:]]
        model.reshape(shape)
        compiled = _core().compile_model(model, "CPU", options)
        self.batch = batch
        self.cores = int(compiled.get_property("INFERENCE_NUM_THREADS")) // int(options.get("NUM_STREAMS", "1"))
        self._free: SimpleQueue[_Slot] = SimpleQueue()
        for _ in range(requests):
            slot = _Slot(compiled.create_infer_request(), np.zeros(shape, np.uint8))
            slot.request.set_input_tensor(openvino.Tensor(slot.pixels, shared_memory=True))
            self._free.put(slot)

    def start(self, images: Images) -> _Slot:
        """Have images, at most a batch, worked on, once there is a request for them."""
        slot = self._free.get()
        try:
            start = 0
            for array in images:
                slot.pixels[start : start + len(array)] = array
                start += len(array)
            slot.request.start_async()
        except BaseException:
            self.discard(slot)  # Ctrl-C may have come when it was started already
            raise
        return slot

    def collect(self, slot: _Slot, features: Features) -> None:
        """What a request that was started made of its first images."""
        try:
            slot.request.wait()
            features[:] = slot.request.get_output_tensor().data[: len(features)]
        finally:
            self._free.put(slot)

    def discard(self, slot: _Slot) -> None:
        """Let a request that may have been started end; nobody wants to know how, after the error that there is."""
        with suppress(Exception):
            slot.request.wait()
        self._free.put(slot)

    def warm(self) -> None:
        """Run every request once: the first time is slow."""
        for _ in range(self._free.qsize()):
            slot = self._free.get()
            try:
                slot.request.infer()
            finally:
                self._free.put(slot)


@lru_cache(maxsize=1)
def _core() -> Any:
    return openvino.Core()
