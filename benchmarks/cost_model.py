"""What a run costs at any size, from what a finished run took.

python -m benchmarks.cost_model RUN [--tasks 100] [--images 10000000] [--cores 1000] [--order 2]

Constants are medians over the run's units of core seconds per image, epoch or transfer; the rest is counting. One unit
runs on one core: a step takes as long as its longest unit, however many cores there are.
"""

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any

RENDER_CORE_S = 0.065
"""Rendering and labelling an image of 128 px, all 26 tasks (docs/dataset.md: 31 images/s on two cores)."""

IMAGE_BYTES = 426e3
"""Of an image and its labels in the store (docs/dataset.md: 4.26 GB for 10,000)."""

REPRESENTATION_BYTES = 2 * 8 * 16 * 16
RGB_BYTES = 3 * 128 * 128
TARGET_BYTES = 2 * 64 * 64
AHP_PAIRS_PER_S = 5e8
"""Comparisons of two losses on one image (docs/affinities.md: 100,000 images, 100 transfers, 22 targets in 1.8 s)."""

SPLIT = (0.7, 0.15, 0.15)


@dataclass(frozen=True)
class Constants:
    """What one image costs.

    Args:
        network_s: Core seconds to train a network on an image once.
        encode_s: To represent an image by one encoder.
        readout_s: To train one readout of first order on an image once.
    """

    network_s: float
    encode_s: float
    readout_s: float


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Args:
        name: Which.
        core_hours: Of computing.
        units: That can be done side by side.
        storage_gb: That it leaves.
        network_gb: That workers read over the network, each unit its own data once.
        grows_with: How the cost grows.
    """

    name: str
    core_hours: float
    units: float
    storage_gb: float
    network_gb: float
    grows_with: str


def units_of(run: Path, kind: str) -> Iterator[tuple[dict[str, Any], Path, float]]:
    """Fields, folder and seconds of every finished unit of a kind."""
    for record in sorted((run / "units" / kind).glob("*/unit.json")):
        fields = json.loads(record.read_text())["fields"]
        yield fields, record.parent, json.loads((record.parent / "timing.json").read_text())["seconds"]


def measured(run: Path, train_images: int, readout_images: int) -> Constants:
    """Medians over the units of a run."""
    networks, readouts, encodings = [], [], []
    for fields, _, seconds in units_of(run, "network"):
        if not fields["frozen_encoder"] and fields["data"]["fields"]["train_images"] is None:
            networks.append(seconds / (train_images * fields["schedule"]["fields"]["epochs"]))
    for fields, _, seconds in units_of(run, "readouts"):
        if len(fields["transfers"][0]) == 1:
            epochs = fields["schedule"]["fields"]["epochs"]
            readouts.append(seconds / (readout_images * epochs * len(fields["transfers"])))
    for fields, _, seconds in units_of(run, "representations"):
        encodings.append(seconds / (2 * readout_images * len(fields["variants"])))
    return Constants(statistics.median(networks), statistics.median(encodings), statistics.median(readouts))


def steps(constants: Constants, tasks: int, images: int, order: int, epochs: int, readout_images: int) -> list[Step]:
    """The cost of each step.

    Args:
        constants: Of one image.
        tasks: Sources and targets.
        images: In all.
        order: Most sources of a transfer.
        epochs: Of networks and readouts.
        readout_images: That readouts learn from; they are tested on as many.
    """
    training = SPLIT[0] * images
    seen = 2 * readout_images
    high = sum(comb(5, k) for k in range(2, order + 1))
    first, higher = tasks * tasks, tasks * high
    transfers = tasks + high + 3
    pairs = tasks * readout_images * transfers * (transfers - 1) / 2
    return [
        Step(
            "render and label", RENDER_CORE_S * images / 3600, images / 120, IMAGE_BYTES * images / 1e9, 0.0, "images"
        ),
        Step(
            "I: networks",
            constants.network_s * tasks * training * epochs / 3600,
            tasks,
            tasks * 1e-3,
            tasks * training * (RGB_BYTES + TARGET_BYTES) / 1e9,
            "tasks x images",
        ),
        Step(
            "representations",
            constants.encode_s * tasks * seen * 2 / 3600,
            tasks,
            tasks * seen * 2 * REPRESENTATION_BYTES / 1e9,
            tasks * seen * RGB_BYTES / 1e9,
            "tasks x readout images",
        ),
        Step(
            "II: first order",
            constants.readout_s * first * readout_images * epochs / 3600,
            tasks,
            first * 30e3 / 1e9,
            tasks * tasks * seen * REPRESENTATION_BYTES / 1e9,
            "tasks^2 x readout images",
        ),
        Step(
            f"II: orders 2 to {order}",
            constants.readout_s * higher * readout_images * epochs * 1.5 / 3600,
            tasks * (order - 1),
            higher * 40e3 / 1e9,
            tasks * 5 * seen * REPRESENTATION_BYTES / 1e9,
            "tasks x subsets x readout images",
        ),
        Step(
            "III: AHP",
            pairs / AHP_PAIRS_PER_S / 3600,
            tasks,
            tasks * readout_images * transfers * 4 / 1e9,
            0.0,
            "tasks^3",
        ),
    ]


def print_steps(found: Sequence[Step], cores: int) -> None:
    """As a table, with the share of the whole."""
    whole = sum(step.core_hours for step in found)
    print(
        f"{'step':18s} {'core hours':>12s} {'share':>6s} {'units':>8s} {'hours':>8s} {'storage GB':>11s} "
        f"{'network GB':>11s}  grows with"
    )
    for step in found:
        print(
            f"{step.name:18s} {step.core_hours:12,.1f} {step.core_hours / whole:6.1%} {step.units:8,.0f} "
            f"{step.core_hours / min(cores, step.units):8,.1f} {step.storage_gb:11,.1f} "
            f"{step.network_gb:11,.1f}  {step.grows_with}"
        )
    hours = sum(step.core_hours / min(cores, step.units) for step in found)
    print(f"{'all':18s} {whole:12,.1f}; {hours:,.1f} hours on {cores:,} cores\n")


def main() -> None:
    """Measure, multiply, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--images", type=int, default=10_000_000)
    parser.add_argument("--readout-images", type=int, default=16_000)
    parser.add_argument("--order", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--cores", type=int, default=1000)
    arguments = parser.parse_args()
    dataset = json.loads((arguments.run / "manifest.json").read_text())["dataset"]["images"]
    constants = measured(arguments.run, round(SPLIT[0] * dataset), round(SPLIT[1] * dataset))
    print(
        f"core milliseconds an image: network {1e3 * constants.network_s:.2f} an epoch, encoding "
        f"{1e3 * constants.encode_s:.2f}, readout {1e3 * constants.readout_s:.3f} an epoch\n"
    )
    for tasks, images, order in ((26, 14_400, 2), (26, 144_000, 2), (26, 14_400, 5), (100, 14_400, 2)):
        print(f"{tasks} tasks, {images:,} images, order {order}, on 2 cores")
        print_steps(steps(constants, tasks, images, order, arguments.epochs, round(SPLIT[1] * images)), 2)
    print(f"{arguments.tasks} tasks, {arguments.images:,} images, order {arguments.order}")
    print_steps(
        steps(
            constants, arguments.tasks, arguments.images, arguments.order, arguments.epochs, arguments.readout_images
        ),
        arguments.cores,
    )


if __name__ == "__main__":
    main()
