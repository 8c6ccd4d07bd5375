"""Encoders in forked children, spawned ones, and while other threads are in the middle of calls."""

import subprocess
import sys
from pathlib import Path

import pytest

BEGINNING = """
import multiprocessing, os, sys, threading
import numpy as np
from perception import TASKS as DICTIONARY
from perception import RemoteEncoder

TASKS = ("normal", "reshading")

def fake_features(images, tasks):  # what tests.server.fake says, without its imports
    places = np.repeat([list(DICTIONARY).index(task) + 1 for task in tasks], 8)
    values = (images.reshape(len(images), -1).sum(axis=1, dtype=float) + 1)[:, None] * places
    return np.broadcast_to(values[:, :, None, None], (*values.shape, 16, 16)).astype(np.float32)

encoder = RemoteEncoder(sys.argv[1], transport=sys.argv[2])

def agrees(seed):
    images = np.random.default_rng(seed).integers(0, 256, (2, 16, 16, 3), np.uint8)
    return bool((encoder.encode(images, TASKS) == fake_features(images, TASKS)).all())

def forked(work):
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    code = 1
    try:
        code = 0 if work() else 2
    finally:
        os._exit(code)
"""

FORKS = """
assert agrees(0)
for k in range(3):
    assert forked(lambda: agrees(k)), k
    assert agrees(k)
assert forked(lambda: forked(lambda: agrees(7)) and agrees(8))
print("well")
"""

THREADS = """
stop = threading.Event()
outcomes = []
def loop():
    while not stop.is_set():
        outcomes.append(agrees(len(outcomes)))
threads = [threading.Thread(target=loop) for _ in range(2)]
for thread in threads: thread.start()
while not outcomes: pass
for k in range(4):
    assert forked(lambda: agrees(k)), k
stop.set()
for thread in threads: thread.join()
assert all(outcomes) and len(outcomes) > 4
print("well")
"""

POOLS = """
if __name__ == "__main__":
    assert agrees(0)
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert all(pool.map(agrees, range(4))), method
        assert agrees(1)
    print("well")
"""

SENT = """
def work(encoder, images, queue):
    queue.put(encoder.encode(images, TASKS))

if __name__ == "__main__":
    assert agrees(0)
    images = np.zeros((1, 8, 8, 3), np.uint8)
    for method in ("spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        queue = context.SimpleQueue()
        process = context.Process(target=work, args=(encoder, images, queue))
        process.start()
        assert (queue.get() == fake_features(images, TASKS)).all()
        process.join()
    print("well")
"""

STREAM = """
frame = np.full((16, 16, 3), 9, np.uint8)
with RemoteEncoder(sys.argv[1]) as other, other.stream(TASKS) as stream:
    def child():
        try:
            stream.send(frame)
        except ValueError as error:
            return "another one in a forked child" in str(error) and agrees(1) and forked(lambda: agrees(2))
    def grandchild_stream():
        with RemoteEncoder(sys.argv[1]) as own, own.stream(TASKS) as another:
            another.send(frame)
            return another.latest().sequence == 1 and forked(lambda: agrees(3))
    for k in range(1, 6):
        assert stream.send(frame) == k
        assert k % 2 or forked(child), k  # the frame may be on its way
        assert stream.latest().sequence == k
        assert forked(grandchild_stream), k
assert forked(lambda: agrees(2))
print("well")
"""

STUCK = """
from perception.remote import forks
forks.LONGEST_WAIT_S = 0.2
assert agrees(0)
thread = threading.Thread(target=lambda: (forks.CALL.__enter__(), threading.Event().wait()), daemon=True)
thread.start()
while forks.CALL.is_empty: pass
def refused():
    try:
        agrees(1)
    except ValueError as error:
        return "forked while a call had been under way" in str(error)
assert forked(refused)
assert agrees(2)
print("well")
"""

AWAITED = """
import asyncio
from perception import AsyncRemoteEncoder

images = np.full((1, 16, 16, 3), 9, np.uint8)
awaited = AsyncRemoteEncoder(sys.argv[1])
expected = asyncio.run(awaited.encode(images, TASKS))
def child():
    try:
        asyncio.run(awaited.encode(images, TASKS))
    except ValueError as error:
        return "use RemoteEncoder in forked processes" in str(error) and agrees(1)
assert forked(child)
assert (asyncio.run(awaited.encode(images, TASKS)) == expected).all()
print("well")
"""

UNSUPPORTED = (
    """
import grpc
"""
    + BEGINNING
    + """
assert agrees(0)
def refused():
    try:
        agrees(1)
    except ValueError as error:
        return "GRPC_ENABLE_FORK_SUPPORT=1" in str(error)
assert forked(refused)
assert agrees(2)
print("well")
"""
)


def outcome_of(program: str, folder: Path, address: str, transport: str) -> str:
    path = folder / "program.py"
    path.write_text(program)
    root = Path(__file__).parents[3]
    environment = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "GRPC_VERBOSITY": "NONE"}
    done = subprocess.run(
        [sys.executable, str(path), address, transport],
        capture_output=True, text=True, timeout=60, env=environment, cwd=folder, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.parametrize("transport", ["grpc", "grpc-stream", "shared-memory"])
@pytest.mark.parametrize("program", [FORKS, THREADS], ids=["forks", "threads"])
def test_forked_children_have_connections_of_their_own(
    program: str, transport: str, address: str, tmp_path: Path
) -> None:
    assert outcome_of(BEGINNING + program, tmp_path, address, transport) == "well\n"


def test_an_encoder_works_in_pools_of_forked_and_spawned_processes(address: str, tmp_path: Path) -> None:
    assert outcome_of(BEGINNING + POOLS, tmp_path, address, "grpc") == "well\n"


def test_an_encoder_can_be_sent_to_another_process(address: str, tmp_path: Path) -> None:
    assert outcome_of(BEGINNING + SENT, tmp_path, address, "shared-memory") == "well\n"


def test_a_stream_outlives_forks_and_stays_with_the_process_that_made_it(address: str, tmp_path: Path) -> None:
    assert outcome_of(BEGINNING + STREAM, tmp_path, address, "grpc") == "well\n"


def test_a_child_of_a_fork_that_could_not_wait_is_told_so(address: str, tmp_path: Path) -> None:
    assert outcome_of(BEGINNING + STUCK, tmp_path, address, "grpc") == "well\n"


def test_children_of_a_process_that_used_asyncio_are_told_to_use_the_blocking_client(
    address: str, tmp_path: Path
) -> None:
    assert outcome_of(BEGINNING + AWAITED, tmp_path, address, "grpc") == "well\n"


def test_a_child_that_would_hang_is_told_so(address: str, tmp_path: Path) -> None:
    assert outcome_of(UNSUPPORTED, tmp_path, address, "grpc") == "well\n"
