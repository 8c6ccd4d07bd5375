"""A Ray cluster of two processes on this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HEAD = """
import sys
import ray

told = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
print(told.address_info["address"], flush=True)
sys.stdin.read()
"""


@contextmanager
def ray_cluster() -> Iterator[None]:
    """Within, this process is connected to one of its own.

    Another process starts it: Ray forks, and where gRPC's threads are at work, as after tests of servers, some children
    never get any further.
    """
    import ray

    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", _HEAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as head:  # fmt: skip
        assert head.stdin is not None
        assert head.stdout is not None
        try:
            address = head.stdout.readline().strip()
            assert address, "Ray started no cluster"
            ray.init(address=address, log_to_driver=False, logging_level="error")
            yield
            assert ray.is_initialized()  # whoever connected disconnects
        finally:
            ray.shutdown()
            head.stdin.close()
