"""What bfloat16 and int8 cost in accuracy and bring in speed, on the CPU, task by task.

    python -m benchmarks.precision [--bank buildings-v1] [--houses 10] [--rounds 40]

Features of rendered frames, 20 from each of some houses that no encoder was trained on, against those in float32: the
error is the root of the mean square of the differences, over the standard deviation of the task's features; r is
their correlation. Then milliseconds that a call with four tasks takes, in turn with the other precisions, by the number
of frames. All through `LocalEncoder.encode`; int8 needs the package nncf (`pip install 'midlevel[int8]'`).
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from perception import Bank, LocalEncoder, load_bank
from perception.encoding import Precision
from perception.terminal import print_line, print_table

PRECISIONS = (Precision.FLOAT32, Precision.BFLOAT16, Precision.INT8)
TASKS = ("normal", "reshading", "depth_zbuffer", "class_scene")
BATCHES = (1, 8, 16)
VIEWS = 20
FIRST_SEED = 977_000
BURST = 5


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", default="buildings-v1")
    parser.add_argument("--houses", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    bank = load_bank(arguments.bank)
    encoders = {precision: LocalEncoder(bank, device="cpu", precision=precision) for precision in PRECISIONS}
    images = frames(arguments.houses, bank.card(bank.tasks[0]).preprocessing.side_px)
    print_line(f"{bank.name}: {len(images)} frames of {arguments.houses} houses")
    print_table(["task", *(f"{name} {what}" for name in PRECISIONS[1:] for what in ("error", "r"))], [
        [task, *errors(encoders, images, task)] for task in bank.tasks
    ])  # fmt: skip
    print_line()
    print_table(["frames", *(f"{name} ms" for name in PRECISIONS)], [
        [str(batch), *speeds(encoders, images[:batch], bank, arguments.rounds)] for batch in BATCHES
    ])  # fmt: skip


def frames(houses: int, side: int) -> NDArray[np.uint8]:
    """Of each house `VIEWS`, uint8 [N, side, side, 3]."""
    from sim.cameras import Cameras
    from sim.simulator import Sensor
    from taxonomy.dataset import HouseWorld
    from taxonomy.dataset.sampling import sample_views

    world, found = HouseWorld(), []
    for seed in range(FIRST_SEED, FIRST_SEED + houses):
        building = world.building(seed)
        renderer = world.renderer(building)
        table = sample_views(building, renderer, np.random.default_rng(seed), VIEWS)
        cameras = Cameras(table.position, table.rotation, table.hfov_deg, np.zeros(len(table), np.int32))
        found.append(renderer.render(cameras, side, side, (Sensor.RGB,)).rgb)
        renderer.close()
    return np.concatenate([rgb for rgb in found if rgb is not None])


def errors(encoders: Mapping[Precision, LocalEncoder], images: NDArray[np.uint8], task: str) -> Sequence[str]:
    """Error and correlation of each precision but the first, which is exact."""
    exact, *others = (encoders[precision].encode(images, [task]) for precision in PRECISIONS)
    cells = []
    for features in others:
        error = np.sqrt(np.square(features - exact).mean()) / exact.std()
        cells += [f"{100 * error:.1f} %", f"{np.corrcoef(features.ravel(), exact.ravel())[0, 1]:.4f}"]
    return cells


def speeds(
    encoders: Mapping[Precision, LocalEncoder], images: NDArray[np.uint8], bank: Bank, rounds: int
) -> Sequence[str]:
    """Median milliseconds of a call in each precision."""
    tasks = TASKS if set(TASKS) <= set(bank.tasks) else bank.tasks[: len(TASKS)]
    times: dict[Precision, list[float]] = {precision: [] for precision in PRECISIONS}
    for _ in range(rounds):
        for precision, encoder in encoders.items():
            encoder.warm(tasks, [len(images)] * 2)
            for _ in range(BURST):
                begun = time.perf_counter()
                encoder.encode(images, tasks)
                times[precision].append(time.perf_counter() - begun)
    return [f"{1e3 * median(own):.2f}" for own in times.values()]


if __name__ == "__main__":
    main()
