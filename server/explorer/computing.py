"""Where pages run networks: each on one thread, which is quicker for networks this small, and a few at once."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache


@lru_cache(maxsize=1)
def workers() -> ThreadPoolExecutor:
    """Threads for networks, as many as there are cores; what runs on them must not wait for others of them."""
    return ThreadPoolExecutor(os.cpu_count() or 1, "networks", initializer=_use_one_thread)


def _use_one_thread() -> None:
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    torch.set_num_threads(1)
    threadpool_limits(1, "blas")  # for the whole process, as BLAS has it
