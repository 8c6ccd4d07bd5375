"""The labelled dataset: rendering with all labels, size on disk, random access against pictures and .npz files.

    python -m benchmarks.dataset

Random access reads one image with one label at a time, in a random order over all buildings, decoded to physical units
with its mask of valid pixels. The peers hold the same images: the published layout's PNG files, read with Pillow, and
one compressed .npz for each image, as is customary with numpy. All run in one process, from a warm page cache.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.labels import Label
from perception.terminal import print_line, print_table, progress
from taxonomy.dataset import Dataset, HouseWorld, RenderSpec, open_dataset, render_dataset
from taxonomy.dataset.quantisation import STORED

TASKS = ("depth_zbuffer", "normal", "curvature", "edge_texture", "reshading", "segment_semantic", "class_scene")


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def rate(read: Callable[[int], object], order: NDArray[np.int64], seconds: float) -> float:
    """Samples a second, reading in an order again and again for some time."""
    for index in order[:50].tolist():
        read(index)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        read(int(order[count % len(order)]))
        count += 1
    return count / (time.perf_counter() - start)


def write_npz(dataset: Dataset, folder: Path) -> None:
    """One compressed .npz for each image, with the codes that the store has."""
    for index in range(len(dataset)):
        batch = dataset.batch([index], TASKS)
        codes = {name: STORED[name].encode(batch.labels[name])[0] for name in TASKS}
        np.savez_compressed(folder / f"{index}.npz", rgb=batch.rgb[0], **codes)


def read_npz(folder: Path, index: int, task: str) -> tuple[NDArray[np.uint8], Label]:
    """The image and one label."""
    with np.load(folder / f"{index}.npz") as file:
        return file["rgb"], STORED[task].decode(file[task])


def measure(buildings: int, views: int, size: int, workers: int, quality: str, seconds: float) -> None:
    """Print everything for one size of dataset."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        world = HouseWorld(quality, threads=max(1, (os.cpu_count() or 1) // workers))
        with progress("houses", buildings) as advance:
            report = render_dataset(
                root / "data",
                RenderSpec(buildings, views, size),
                world=world,
                layouts=("store", "published"),
                workers=workers,
                on_building_done=advance,
            )
        print_line(
            f"{report.images} images of {size} px, {quality}, both layouts: {report.seconds:.1f} s with {workers} "
            f"processes, {report.images / report.seconds:.1f} images/s rendered, labelled and written"
        )
        stored, published = (open_dataset(report.folders[layout]) for layout in ("store", "published"))
        (root / "npz").mkdir()
        write_npz(stored, root / "npz")
        for label, folder in report.folders.items():
            gigabytes = size_of(folder) / report.images * 10_000 / 1e9
            print_line(f"10,000 images, {label}: {gigabytes:.2f} GB")
        order = np.random.default_rng(0).permutation(len(stored))
        rows = []
        for task in TASKS:
            ours = rate(lambda i, t=task: stored.batch([i], [t]), order, seconds)  # type: ignore[misc]
            png = rate(lambda i, t=task: published.batch([i], [t]), order, seconds)  # type: ignore[misc]
            npz = rate(lambda i, t=task: read_npz(root / "npz", i, t), order, seconds)  # type: ignore[misc]
            rows.append((task, f"{ours:.0f}", f"{png:.0f}", f"{npz:.0f}", f"{ours / png:.1f}", f"{ours / npz:.1f}"))
        print_line()
        print_table(("rgb + label", "store, samples/s", "PNG", ".npz", "x PNG", "x .npz"), rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--buildings", type=int, default=8)
    parser.add_argument("--views", type=int, default=32)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quality", default="smooth")
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    measure(
        arguments.buildings,
        arguments.views,
        arguments.size,
        arguments.workers,
        arguments.quality,
        arguments.seconds,
    )
