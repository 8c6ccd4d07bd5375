"""Readouts of all first-order transfers to one target: trained together, against one at a time.

    python -m benchmarks.readouts DATASET [--images 1200] [--sources 28] [--epochs 6] [--threads 2]

The peer is the same readout in plain PyTorch (`nn.Conv2d`, autograd, `torch.optim.AdamW`), from the same initial
weights, on the same samples in the same order, in this process; it gets one thread or as many as there are cores, and
float32 or bfloat16 (autocast), whichever is fastest. As a transfer that is trained alone has to, it reads its labels
itself; it is timed for a few transfers, and their median taken for all. What labels cost is printed apart, so that the
ratio of the training alone is there as well.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from perception import TASKS
from perception.networks import build_encoder
from perception.objectives import Objective, objective_for
from perception.terminal import print_line
from taxonomy.dataset import Dataset, open_dataset
from taxonomy.readouts import ReadoutSamples, encode_images, readout_losses, train_readouts
from taxonomy.training import Schedule, first_views
from taxonomy.training.samples import fit_objective, load_images, load_targets
from tests.taxonomy.readouts.plain import plain_losses, train_plain

TARGETS = ("normal", "depth_zbuffer", "segment_unsup2d", "segment_semantic", "class_scene", "vanishing_point")
SPLITS = ("val", "test")
T = TypeVar("T")


@dataclass(frozen=True)
class Study:
    """What is the same for all targets.

    Args:
        dataset: Labels.
        indices: Images by split.
        representations: Folder with `<source>_<split>.npy`.
        sources: Names.
        schedule: Of every readout.
    """

    dataset: Dataset
    indices: dict[str, NDArray[np.int64]]
    representations: Path
    sources: tuple[str, ...]
    schedule: Schedule

    def samples(self, target: str, objective: Objective, split: str, sources: Sequence[str]) -> ReadoutSamples:
        """Read labels; map representations."""
        rows, targets = load_targets(self.dataset, TASKS[target], objective, self.indices[split])
        found = {s: np.load(self.representations / f"{s}_{split}.npy", mmap_mode="r") for s in sources}
        return ReadoutSamples(found, rows, targets)


def timed(action: Callable[[], T], into: dict[str, float], name: str) -> T:
    """Do something, and note its seconds."""
    start = time.perf_counter()
    result = action()
    into[name] = time.perf_counter() - start
    return result


def together(study: Study, target: str, objective: Objective) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Seconds by phase, and losses [N, S]."""
    spent: dict[str, float] = {}
    transfers = tuple((source,) for source in study.sources)
    val, test = timed(
        lambda: [study.samples(target, objective, split, study.sources) for split in SPLITS], spent, "labels"
    )
    readouts = timed(lambda: train_readouts(transfers, val, objective, study.schedule, seed=0), spent, "training")
    losses = timed(lambda: readout_losses(readouts, test, objective), spent, "testing")
    return spent, losses


def alone(study: Study, target: str, objective: Objective, source: str) -> tuple[dict[str, float], NDArray[np.float32]]:
    """The same for one transfer by the peer, with the threads and the precision that suit it; losses [N]."""
    cores = torch.get_num_threads()
    runs = []
    for threads, half in product(sorted({1, cores}), (False, True)):
        torch.set_num_threads(threads)
        chosen = replace(study, schedule=replace(study.schedule, half_precision=half))
        runs.append(_alone(chosen, target, objective, source))
    torch.set_num_threads(cores)
    return min(runs, key=lambda run: sum(run[0].values()))


def _alone(
    study: Study, target: str, objective: Objective, source: str
) -> tuple[dict[str, float], NDArray[np.float32]]:
    spent: dict[str, float] = {}
    val, test = timed(lambda: [study.samples(target, objective, split, [source]) for split in SPLITS], spent, "labels")
    network = timed(lambda: train_plain((source,), val, objective, study.schedule, 0), spent, "training")
    losses = timed(lambda: plain_losses(network, (source,), test, objective), spent, "testing")
    return spent, losses


def compare(study: Study, target: str, repeats: int, peers: int) -> None:
    """Print both times for one target."""
    task = TASKS[target]
    objective = fit_objective(
        study.dataset,
        task,
        objective_for(task, len(study.dataset.classes.get(target, ())) or None),
        study.indices["val"],
    )
    mine, theirs, difference = [], [], 0.0
    losses = np.empty((0, 0), np.float32)
    for _ in range(repeats):
        spent, losses = together(study, target, objective)
        mine.append(spent)
    for place in range(peers):
        spent, found = alone(study, target, objective, study.sources[place])
        theirs.append(spent)
        difference = max(difference, float(abs(np.nanmean(found) - np.nanmean(losses[:, place]))))
    count = len(study.sources)
    print_line(f"{target} ({objective.kind.value}, output {list(objective.output_shape)}), {count} transfers")
    rows = {"one at a time": {name: count * median(t[name] for t in theirs) for name in theirs[0]}}
    rows["together"] = {name: median(t[name] for t in mine) for name in mine[0]}
    for name, row in rows.items():
        split = ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in row.items())
        print_line(f"  {name:14} {sum(row.values()):7.1f} s ({split})")
    ratios = {phase: rows["one at a time"][phase] / rows["together"][phase] for phase in rows["together"]}
    whole = sum(rows["one at a time"].values()) / sum(rows["together"].values())
    print_line(
        f"  ratio {whole:.1f}x (training alone {ratios['training']:.1f}x, testing {ratios['testing']:.1f}x); "
        f"mean test losses differ by at most {difference:.1e} of {np.nanmean(losses):.3f}"
    )


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--images", type=int, default=1200, help="of each split")
    parser.add_argument("--sources", type=int, default=28)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", type=int, default=3, help="transfers that the peer is timed for")
    parser.add_argument("--targets", default=",".join(TARGETS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    dataset = open_dataset(arguments.dataset)
    indices = {split: first_views(dataset, split, arguments.images) for split in SPLITS}
    sources = tuple(f"source_{place}" for place in range(arguments.sources))
    with tempfile.TemporaryDirectory() as folder:
        encoder = build_encoder("compact", seed=0)
        for split, chosen in indices.items():
            found = encode_images(encoder, load_images(dataset, chosen), 128)
            for place, source in enumerate(sources):
                np.save(Path(folder) / f"{source}_{split}.npy", np.roll(found, place, axis=(1, 2)))
        study = Study(dataset, indices, Path(folder), sources, Schedule(arguments.epochs, learning_rate=5e-3))
        print_line(
            f"{len(indices['val'])} images to learn from, {len(indices['test'])} to test on, "
            f"{study.schedule.steps(len(indices['val']))} steps of {study.schedule.batch_size}, "
            f"{arguments.threads} threads; seconds are medians"
        )
        for target in arguments.targets.split(","):
            compare(study, target, arguments.repeats, arguments.peers)


if __name__ == "__main__":
    main()
