"""AHP (Step III) against the literal double loop over pairs of transfers.

    python -m benchmarks.ahp

The peer is what one writes down from the paper: for every pair of transfers the share of images on which one has the
lower loss (each comparison vectorised over the images by numpy), then numpy's eigen-decomposition. Both get the same
float32 losses and give the same affinities. Also measured: memory of the streamed computation.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from perception import TASKS
from perception.terminal import print_line
from taxonomy import LossTable, TargetLosses, compute_affinities, read_losses
from taxonomy.affinity import Affinities

T = TypeVar("T")

N_TARGETS = 22
N_TRANSFERS = 100


def double_loop(losses: NDArray[np.floating]) -> NDArray[np.float64]:
    """Affinities of one target, as the paper words it."""
    m = losses.shape[1]
    wins = np.empty((m, m))
    for i in range(m):
        for j in range(m):
            wins[i, j] = np.mean(losses[:, i] < losses[:, j]) + 0.5 * np.mean(losses[:, i] == losses[:, j])
    wins = np.clip(wins, 0.001, 0.999)
    values, vectors = np.linalg.eig(wins / wins.T)
    principal = np.abs(vectors[:, values.real.argmax()].real)
    return np.asarray(principal / principal.sum())


def random_table(images: int, seed: int = 0) -> LossTable:
    """Losses of 22 targets x 100 transfers, transfers of different quality."""
    rng = np.random.default_rng(seed)
    targets = [task.name for task in TASKS.values() if not task.source_only][:N_TARGETS]
    sources = tuple(combination for combination in _distinct_sources(N_TRANSFERS))
    arrays = {t: (rng.random((images, N_TRANSFERS)) + rng.random(N_TRANSFERS)).astype(np.float32) for t in targets}
    return LossTable(TargetLosses(target, sources, lambda a=array: a) for target, array in arrays.items())  # type: ignore[misc]


def _distinct_sources(count: int) -> list[tuple[str, ...]]:
    names = list(TASKS)
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    return [*((name,) for name in names), *pairs][:count]


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what the action returned."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def compare(images: int, repeats: int) -> None:
    """Print the ratio on `images` images."""
    table = random_table(images)
    peers_seconds, ours_seconds = [], []
    for _ in range(repeats):
        seconds, peer = timed(lambda: [double_loop(entry.open()) for entry in table])
        peers_seconds.append(seconds)
    compute_affinities(table)  # after the peer, not in turn: the threads of its eigen-solver linger on the cores
    for _ in range(3 * repeats):
        seconds, ours = timed(lambda: compute_affinities(table))
        ours_seconds.append(seconds)
    peer_seconds = median(peers_seconds)
    difference = max(
        float(np.abs(result.priorities.weights - weights).max())
        for result, weights in zip(ours.targets, peer, strict=True)
    )
    ratio = peer_seconds / median(ours_seconds)
    print_line(
        f"{images} images x {N_TRANSFERS} transfers x {N_TARGETS} targets: double loop {peer_seconds:.2f} s, "
        f"ours {median(ours_seconds):.3f} s (medians of {repeats} and {3 * repeats} runs), ratio {ratio:.0f}x, "
        f"of the fastest {min(peers_seconds) / min(ours_seconds):.0f}x; largest difference {difference:.1e}"
    )


def memory(images: int) -> None:
    """Print the peak memory of a fresh process that reads a large table from disk."""
    targets = [task.name for task in TASKS.values() if not task.source_only][:N_TARGETS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        block = rng.random((images, N_TRANSFERS)).astype(np.float32)
        for target in targets:
            np.save(folder / f"{target}.npy", block)
        sources = _distinct_sources(N_TRANSFERS)
        index = [{"target": target, "sources": sources, "file": f"{target}.npy"} for target in targets]
        (folder / "losses.json").write_text(json.dumps({"targets": index}))
        size = sum(file.stat().st_size for file in folder.iterdir())
        command = [sys.executable, "-m", "benchmarks.ahp", "--child", str(folder)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print_line(f"{images:>7} images, {size / 2**30:.2f} GiB of losses on disk: {printed.strip()}")


def child(folder: Path) -> None:
    """What the fresh process does."""
    seconds, _ = timed(lambda: _affinities_of(folder))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print_line(f"{seconds:.1f} s, peak memory {peak_mib:.0f} MiB")


def _affinities_of(folder: Path) -> Affinities:
    return compute_affinities(read_losses(folder))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
    else:
        compare(2_000, arguments.repeats)
        memory(100_000)
