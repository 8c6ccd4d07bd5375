"""What features cost: multiply-adds, bytes, and milliseconds on this machine."""

import time
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from threading import Lock

import numpy as np

from perception import Bank, UserError
from perception.encoding import FEATURE_CHANNELS, FEATURE_SIDE

PRECISIONS = ("float32", "float16")
"""In which the service sends features."""

_CALLS = 31
_UNCOUNTED_CALLS = 5


@dataclass(frozen=True)
class Work:
    """What encoding one frame takes, whatever the machine.

    Args:
        architecture: Of the bank.
        side_px: Rows and columns that its encoders see.
        multiply_adds: Of one encoder: convolutions and linear layers.
    """

    architecture: str
    side_px: int
    multiply_adds: int

    @property
    def frame_bytes(self) -> int:
        """Of a raw RGB frame of that size."""
        return 3 * self.side_px**2


def work_of(bank: Bank) -> Work:
    """What one of the bank's encoders takes for a frame.

    Raises:
        UserError: If the bank is damaged, or its architecture unknown.
    """
    side_px = bank.card(bank.tasks[0]).preprocessing.side_px
    return Work(bank.architecture, side_px, _multiply_adds(bank.architecture, side_px))


@lru_cache(maxsize=8)
def _multiply_adds(architecture: str, side_px: int) -> int:
    import torch

    from perception.networks import build_encoder, multiply_adds

    return multiply_adds(build_encoder(architecture, 0).eval(), torch.zeros(1, 3, side_px, side_px))


def wire_bytes(count: int, precision: str) -> int:
    """Of `count` features of one frame, as the service sends them in that precision."""
    return count * FEATURE_CHANNELS * FEATURE_SIDE**2 * np.dtype(precision).itemsize


@dataclass(frozen=True)
class Speed:
    """How long one frame took on this machine.

    Args:
        median_ms: Of a call.
        fastest_ms: Of a call.
        calls: That were timed.
        how: Runtime, device and precision, in words.
    """

    median_ms: float
    fastest_ms: float
    calls: int
    how: str


_MEASURING = Lock()


def measure(bank: Bank, features: tuple[str, ...]) -> Speed:
    """Encode one frame of the bank's size repeatedly, and time each call; known sets are not measured again.

    Raises:
        UserError: If the bank lacks a feature or is damaged, or another measurement is under way, which both would
            slow down.
    """
    if not _MEASURING.acquire(blocking=False):
        raise UserError("another measurement is under way; try again in a few seconds.")
    try:
        return _measured(bank, features)
    finally:
        _MEASURING.release()


@lru_cache(maxsize=64)
def _measured(bank: Bank, features: tuple[str, ...]) -> Speed:
    from perception import LocalEncoder

    encoder = LocalEncoder(bank)
    side_px = bank.card(features[0]).preprocessing.side_px
    frame = np.random.default_rng(0).integers(0, 256, (1, side_px, side_px, 3), dtype=np.uint8)
    times_ms = []
    for _ in range(_UNCOUNTED_CALLS + _CALLS):
        start = time.perf_counter()
        encoder.encode(frame, features)
        times_ms.append(1e3 * (time.perf_counter() - start))
    counted = times_ms[_UNCOUNTED_CALLS:]
    how = f"{encoder.runtime.name} on {encoder.device} in {encoder.precision}"
    return Speed(median(counted), min(counted), len(counted), how)
