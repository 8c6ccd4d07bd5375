"""Readouts side by side on several cores: each core computes its own, instead of a share of every product.

Products of readouts are too small to be divided among cores with profit. This way results do not depend on the number
of cores either.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import torch

T = TypeVar("T")


def on_each_core(work: Callable[[slice], T], count: int, device: str) -> Sequence[T]:
    """Do a work for parts of `count` readouts, as many parts as PyTorch may use threads; for one part on a GPU.

    Args:
        work: Takes a part, and computes with one thread; parts are done at the same time.
        count: Number of readouts, 1 or more.
        device: PyTorch's name.

    Returns:
        What the work gave for each part, in order.
    """
    cores = torch.get_num_threads()
    parts = 1 if torch.device(device).type != "cpu" else min(cores, count)
    bounds = [count * part // parts for part in range(parts + 1)]
    slices = [slice(start, stop) for start, stop in pairwise(bounds)]
    torch.set_num_threads(1)
    try:
        if parts == 1:
            return [work(slices[0])]
        with ThreadPoolExecutor(parts) as pool:
            return list(pool.map(work, slices))
    finally:
        torch.set_num_threads(cores)
