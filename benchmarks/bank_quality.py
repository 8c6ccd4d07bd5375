"""How good a bank's networks are on houses that none of them saw: the paper's sanity table, for any bank and dataset.

    python -m benchmarks.bank_quality DATASET [--banks buildings-v1,buildings-v2] [--images 2400] [--workers 2]

Each network is compared, image by image of the test split, with the best guess of who does not look (fitted to the
train split's labels), and with the readout that transfers train, on an encoder whose weights stay random (trained on
the validation split by the standard preset's schedule). Prints a table for each bank, in Markdown. The dataset must not
have the houses a bank was trained on: `midlevel bank show TASK --bank BANK` says which those are.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from perception import TASKS, UserError, load_bank
from perception.networks import TaskNetwork, build_encoder
from perception.objectives import Objective, objective_from_json
from perception.tasks import Task
from perception.terminal import print_line
from taxonomy.dataset import Dataset, open_dataset
from taxonomy.pipeline import preset_named
from taxonomy.readouts import ReadoutSamples, encode_images, readout_losses, train_readouts, variant_of
from taxonomy.readouts.representations import input_of
from taxonomy.studies import SanityRow, sanity_of
from taxonomy.training import first_views, multiplies_bfloat16, per_image_losses
from taxonomy.training.samples import load_images, load_samples, load_targets
from taxonomy.training.training import constant_losses
from taxonomy.transfers import RANDOM

SPLITS = ("val", "test")


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--banks", default="buildings-v1,buildings-v2")
    parser.add_argument("--images", type=int, default=2400, help="of each split")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    names = arguments.banks.split(",")
    jobs = [(arguments.dataset, name, task, arguments.images) for name in names for task in load_bank(name).tasks]
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        rows = list(pool.map(measured, jobs))
    for name in names:
        print_line(f"\n{name}\n")
        for line in table([row for (_, bank, _, _), row in zip(jobs, rows, strict=True) if bank == name]):
            print_line(line)


def one_thread() -> None:
    """Processes side by side are faster than threads."""
    torch.set_num_threads(1)


def measured(job: tuple[Path, str, str, int]) -> SanityRow:
    """One network of a bank, and its rivals."""
    folder, bank, name, count = job
    dataset, task, checkpoint = open_dataset(folder), TASKS[name], load_bank(bank).checkpoint(name)
    card = checkpoint.card
    if checkpoint.head is None or card.objective is None:
        raise UserError(f"{bank} has no head for {name!r}; only networks with one can be measured.")
    if card.classes and card.classes != tuple(dataset.classes[name]):
        raise UserError(f"{folder} has other classes of {name!r} than {bank}; the two cannot be compared.")
    objective = objective_from_json(card.objective)
    tests = load_samples(dataset, task, objective, first_views(dataset, "test", count))
    losses = per_image_losses(TaskNetwork(checkpoint.encoder, checkpoint.head), tests, objective)
    few = count if task.input.views == 1 else None  # pairs of a house's first views are not like all of its pairs
    _, known = load_targets(dataset, task, objective, first_views(dataset, "train", few))
    constants = constant_losses(objective.constant_guess(known), tests, objective)
    readout = None if task.source_only else losses_of_readout(dataset, task, objective, card.architecture, count)
    return sanity_of(name, losses, constants, readout=readout)


def losses_of_readout(
    dataset: Dataset, task: Task, objective: Objective, architecture: str, count: int
) -> NDArray[np.float32]:
    """Of the transfers' readout of a random encoder, on each test sample."""
    schedule = preset_named("standard").readouts
    schedule = replace(schedule, half_precision=multiplies_bfloat16("cpu"))
    learning, testing = (
        ReadoutSamples(
            {RANDOM: at_random(dataset.root, split, variant_of(task), architecture, count)},
            *load_targets(dataset, task, objective, first_views(dataset, split, count)),
        )
        for split in SPLITS
    )
    readouts = train_readouts(((RANDOM,),), learning, objective, schedule, seed=0)
    return readout_losses(readouts, testing, objective)[:, 0]


@cache
def at_random(folder: Path, split: str, variant: str, architecture: str, count: int) -> NDArray[np.float16]:
    """Images of a split by an encoder with random weights."""
    dataset = open_dataset(folder)
    images = load_images(dataset, first_views(dataset, split, count))
    return encode_images(build_encoder(architecture, 0), images, images.shape[1], looks_at=input_of(variant))


def table(rows: list[SanityRow]) -> Iterator[str]:
    """Markdown."""
    yield "| task | group | test loss | constant guess | random readout | better than the guess | than the readout |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        readout = "" if row.readout_loss is None else f"{row.readout_loss:.3f}"
        yield (
            f"| {row.task} | {TASKS[row.task].group.value} | {row.test_loss:.3f} | {row.constant_loss:.3f} | {readout} "
            f"| {percent(row.win_over_constant)} | {percent(row.win_over_readout)} |"
        )
    over_readout = [row.win_over_readout for row in rows if row.win_over_readout is not None]
    over_constant = [row.win_over_constant for row in rows]
    yield f"| mean | | | | | {100 * np.mean(over_constant):.1f} % | {100 * np.mean(over_readout):.1f} % |"


def percent(rate: float | None) -> str:
    """Empty where there is none."""
    return "" if rate is None else f"{100 * rate:.0f} %"


if __name__ == "__main__":
    main()
