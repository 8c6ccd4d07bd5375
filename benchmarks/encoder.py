"""Features of frames on the CPU: OpenVINO in bfloat16 against eager PyTorch, and against the machine's own rate.

    python -m benchmarks.encoder [--bank NAME_OR_FOLDER] [--rounds 10]

Run it on an idle machine: eager PyTorch and the matrix product wait at every layer for the slowest core, and so suffer
more than our calls do from whatever else runs. The second line of each batch, of the fastest calls, suffers least.

The peer is the same bank's encoders run one after the other by eager PyTorch in float32, on the same frames; both are
called through `LocalEncoder.encode`, so that checks, copies and normalisation count. The rate to compare with is that
of PyTorch's bfloat16 matrix product (the better of 512 x 512 and 1,024 x 1,024), as many in a row as have the encoders'
operations, measured in turn with them. Operations are multiply-adds of convolutions, counted twice, nothing else.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from perception.bank import Bank, Card, Preprocessing, load_bank, write_bank, write_checkpoint
from perception.bank.bank import bundled_banks
from perception.encoding import LocalEncoder
from perception.networks import build_encoder, multiply_adds
from perception.terminal import print_line

FEATURES = ("normal", "keypoints2d", "segment_unsup2d", "segment_semantic")
GEMM_SIDES = (512, 1024)
BURST = 5
"""Calls in a row, after two that are not counted: PyTorch's threads spin for a while after their last work."""


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", default=None, help="by default the first bundled one, else random weights")
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    name = arguments.bank or next(iter(bundled_banks()), None)
    with tempfile.TemporaryDirectory() as folder:
        bank = load_bank(name) if name else random_bank(Path(folder))
        eager = LocalEncoder(bank, device="cpu", runtime="torch", precision="float32")
        ours = LocalEncoder(bank, device="cpu", runtime="openvino", precision="bfloat16")
        side_px = bank.card(FEATURES[0]).preprocessing.side_px
        each = multiply_adds(build_encoder(bank.architecture, 0).eval(), torch.zeros(1, 3, side_px, side_px))
        print_line(
            f"{bank.name} ({bank.architecture}): {each / 1e6:.1f} M multiply-adds an image and feature, "
            f"{len(FEATURES)} features, {side_px} px, {torch.get_num_threads()} threads"
        )
        for batch in (1, 8):
            speed(eager, ours, frames(batch, side_px), 2 * each * batch * len(FEATURES), arguments.rounds)
        accuracy(eager, ours, frames(32, side_px))


def random_bank(folder: Path) -> Bank:
    """Encoders of random weights; they take as long as trained ones."""
    for seed, task in enumerate(FEATURES):
        write_checkpoint(folder, Card(task, "compact", Preprocessing(128)), build_encoder("compact", seed))
    return write_bank(folder, "random weights")


def frames(count: int, side_px: int, seed: int = 0) -> NDArray[np.uint8]:
    """Coarse patches with noise."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (count, 8, 8, 3)).repeat(side_px // 8, axis=1).repeat(side_px // 8, axis=2)
    return np.clip(patches + rng.normal(0, 10, patches.shape), 0, 255).astype(np.uint8)


def speed(eager: LocalEncoder, ours: LocalEncoder, images: NDArray[np.uint8], operations: int, rounds: int) -> None:
    """Print times, rates and ratios for one batch."""
    products = {f"gemm {side}": products_of(side, operations) for side in GEMM_SIDES}
    times = in_turn(
        {
            "eager": lambda: eager.encode(images, FEATURES),
            "ours": lambda: ours.encode(images, FEATURES),
            **{name: run for name, (run, _) in products.items()},
        },
        rounds,
    )
    rates = {"eager": operations, "ours": operations, **{name: done for name, (_, done) in products.items()}}
    medians = {name: median(own) for name, own in times.items()}
    fastest = {name: min(own) for name, own in times.items()}
    gemm = max(products, key=lambda name: rates[name] / medians[name])
    best_gemm = max(products, key=lambda name: rates[name] / fastest[name])
    print_line(
        f"batch {len(images):2d}: eager float32 {1e3 * medians['eager']:7.2f} ms, OpenVINO bfloat16 "
        f"{1e3 * medians['ours']:6.2f} ms, ratio {medians['eager'] / medians['ours']:5.1f}x; "
        f"{operations / medians['ours'] / 1e9:4.0f} GFLOP/s, {gemm} {rates[gemm] / medians[gemm] / 1e9:4.0f} GFLOP/s, "
        f"share {share(operations / medians['ours'], rates[gemm] / medians[gemm])}  (medians)"
    )
    print_line(
        f"          of the fastest calls: {1e3 * fastest['eager']:.2f} ms, {1e3 * fastest['ours']:.2f} ms, "
        f"ratio {fastest['eager'] / fastest['ours']:.1f}x, {operations / fastest['ours'] / 1e9:.0f} of "
        f"{rates[best_gemm] / fastest[best_gemm] / 1e9:.0f} GFLOP/s, "
        f"share {share(operations / fastest['ours'], rates[best_gemm] / fastest[best_gemm])}"
    )


def share(part: float, whole: float) -> str:
    """As a percentage."""
    return f"{100 * part / whole:.0f} %"


def products_of(side: int, operations: int) -> tuple[Callable[[], object], int]:
    """Matrix products with about so many operations, and how many they have."""
    a, b = (torch.randn(side, side, dtype=torch.bfloat16) for _ in range(2))
    out = torch.empty_like(a)
    count = max(1, round(operations / (2 * side**3)))

    def run() -> None:
        for _ in range(count):
            torch.mm(a, b, out=out)

    return run, count * 2 * side**3


def in_turn(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call; what else the machine does meets all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            for _ in range(2):
                action()
            for _ in range(BURST):
                start = time.perf_counter()
                action()
                times[name].append(time.perf_counter() - start)
    return times


def accuracy(eager: LocalEncoder, ours: LocalEncoder, images: NDArray[np.uint8]) -> None:
    """Print how far bfloat16 is from float32, against the features' spread."""
    exact, found = (encoder.encode(images, FEATURES) for encoder in (eager, ours))
    errors = per_feature(np.abs(found - exact))
    for task, error, own in zip(FEATURES, errors, per_feature(exact), strict=True):
        print_line(
            f"bfloat16 against float32, {task}: largest error {error.max() / own.std():.3f}, mean "
            f"{error.mean() / own.std():.4f} of the feature's spread"
        )


def per_feature(features: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
    """Each task's own channels."""
    return np.split(features, len(FEATURES), axis=1)


if __name__ == "__main__":
    main()
