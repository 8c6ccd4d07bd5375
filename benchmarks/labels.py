"""Labels of all single-view tasks at 128 px: milliseconds a task, images a second on one core.

    python -m benchmarks.labels

The views are rendered from procedural houses, as a dataset's are; where the ray caster is not installed, one view of a
box room traced in this file. Every task is timed on fresh views (nothing shared), then all of them together, as a
dataset is labelled: the mean over the views of each one's median. The peer is scikit-image's normalised cut
(`skimage.graph.cut_normalized`) on the same superpixels and affinities as `segment_unsup2d`. Processor seconds count,
whatever the number of threads. The peer is compared by the clock, in a process with a single BLAS thread: on matrices
this small several threads wait for each other, and make it five times slower.
"""

import argparse
import dataclasses
import importlib.util
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray

from perception.labels import LABELS, ClassLists, Labeller, RoomBox, View
from perception.labels.graph_cuts import LARGEST_CUT, normalised_cuts
from perception.labels.segments import affinities_2d
from perception.terminal import print_line

SEGMENTS = ("segment_unsup2d", "segment_unsup25d")
LOWER, UPPER = (-2.5, 0.0, -3.0), (2.5, 2.7, 3.0)
BALLS = ((-0.5, 0.4, -0.8, 0.4), (0.9, 0.3, 0.1, 0.3), (1.2, 1.1, -1.8, 0.5), (-1.6, 1.9, -2.2, 0.35))
"""x, y, z, radius."""


def room_with_balls(size: int, seed: int = 0) -> View:
    """A box room with four balls, checkered and noisy, seen from a corner."""
    rng = np.random.default_rng(seed)
    eye = np.array([0.6, 1.4, 2.4])
    yaw, pitch = np.radians([12.0, -10.0])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    rotation = turn @ tilt
    span = (2 * (np.arange(size) + 0.5) / size - 1) * np.tan(np.radians(30.5))
    x, y = np.meshgrid(span, -span)
    rays = np.stack([x, y, np.full_like(x, -1)], axis=-1) @ rotation.T
    walls = np.where(rays > 0, UPPER - eye, LOWER - eye) / rays
    axis = walls.argmin(axis=-1)
    depth, instance = walls.min(axis=-1), 1 + 2 * axis
    side = np.take_along_axis(rays, axis[..., None], axis=-1)[..., 0] > 0
    instance = instance + side
    normal = np.where(side, -1.0, 1.0)[..., None] * np.eye(3)[axis]
    for index, (*centre, radius) in enumerate(BALLS):
        start = eye - np.array(centre)
        a, b, c = (rays * rays).sum(axis=-1), rays @ start, start @ start - radius**2
        root = b * b - a * c
        near = (-b - np.sqrt(np.maximum(root, 0))) / a
        hit = (root > 0) & (near > 0) & (near < depth)
        depth, instance = np.where(hit, near, depth), np.where(hit, 7 + index, instance)
        normal = np.where(hit[..., None], (start + near[..., None] * rays) / radius, normal)
    checker = np.floor(2 * (eye + depth[..., None] * rays) + 0.013).sum(axis=-1) % 2
    colours = rng.integers(60, 200, (7 + len(BALLS), 3))[instance] + 30 * checker[..., None]
    rgb = np.clip(colours + rng.normal(0, 4, colours.shape), 0, 255).astype(np.uint8)
    kinds = np.array([0, 1, 1, 2, 3, 1, 1, *(4 for _ in BALLS)])
    return View(
        rgb=rgb,
        depth_m=depth.astype(np.float32),
        normal=(normal @ rotation).astype(np.float32),
        instance=instance.astype(np.int32),
        category=kinds[instance].astype(np.int32),
        categories=("nothing", "wall", "floor", "ceiling", "ball"),
        hfov_deg=61.0,
        position=eye.astype(np.float32),
        rotation=rotation.astype(np.float32),
        room=RoomBox("living_room", LOWER, UPPER),
    )


def milliseconds(action: Callable[[], object], repeats: int) -> float:
    """Median processor milliseconds of an action."""
    action()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        seconds.append(time.process_time() - start)
    return 1000 * median(seconds)


def shortest_ms(action: Callable[[], object], repeats: int) -> float:
    """Least milliseconds of an action by the clock."""
    action()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return 1000 * min(seconds)


def house_views(houses: int, size: int) -> tuple[list[View], ClassLists]:
    """Views of procedural houses, eight each, and what their class indices mean."""
    from sim.cameras import Cameras
    from sim.simulator import Sensor
    from taxonomy.dataset import HouseWorld
    from taxonomy.dataset.labelling import views_of
    from taxonomy.dataset.sampling import sample_views

    world, views = HouseWorld(), list[View]()
    for seed in range(houses):
        building = world.building(seed)
        renderer = world.renderer(building)
        table = sample_views(building, renderer, np.random.default_rng(seed), 8)
        cameras = Cameras(table.position, table.rotation, table.hfov_deg, np.zeros(len(table), np.int32))
        views += views_of(building, table, renderer.render(cameras, size, size, tuple(Sensor)))
        renderer.close()
    return views, world.classes


def tasks_one_by_one(views: Sequence[View], labeller: Labeller, repeats: int) -> None:
    """Print each task's time, on views of which nothing is known yet."""
    for name, entry in LABELS.items():

        def label(view: View, name: str = name, count: int = entry.views) -> object:
            return labeller.label(name, *(dataclasses.replace(view) for _ in range(count)))

        each = mean(milliseconds(partial(label, view), repeats) for view in views)
        print_line(f"{name:18} {each:7.2f} ms")


def all_together(views: Sequence[View], labeller: Labeller, repeats: int) -> None:
    """Print images a second of all tasks together, with and without the unsupervised segments."""
    names = labeller.single_view_tasks
    for title, tasks in (
        ("all single-view tasks", names),
        ("without the unsupervised segments", [name for name in names if name not in SEGMENTS]),
    ):

        def label(view: View, tasks: Sequence[str] = tasks) -> object:
            return labeller.labels(dataclasses.replace(view), tasks)

        times = [milliseconds(partial(label, view), repeats) for view in views]
        each, rate = mean(times), 1000 / mean(times)
        print_line(f"{title}: {each:.1f} ms an image (slowest {max(times):.1f}), {rate:.0f} images/s on one core")


def against_scikit_image(view: View, repeats: int) -> None:
    """Print how many times faster the graph is cut than by scikit-image."""
    from skimage.graph import RAG, cut_normalized

    nodes, affinity = affinities_2d(view)

    def peer() -> NDArray[np.int64]:
        graph = RAG()
        graph.add_nodes_from((k, {"labels": [k]}) for k in range(len(affinity)))
        graph.add_weighted_edges_from((i, j, affinity[i, j]) for i, j in np.argwhere(np.triu(affinity) > 0).tolist())
        return np.asarray(cut_normalized(nodes, graph, thresh=LARGEST_CUT, rng=0))

    ours_ms, peer_ms = shortest_ms(lambda: normalised_cuts(affinity), repeats), shortest_ms(peer, repeats)
    theirs, ours = len(np.unique(peer())), len(normalised_cuts(affinity))
    print_line(
        f"normalised cuts of {len(affinity)} superpixels: scikit-image {peer_ms:.1f} ms ({theirs} parts), "
        f"ours {ours_ms:.1f} ms ({ours} parts), ratio {peer_ms / ours_ms:.0f}x"
    )


def in_one_thread(view: View, repeats: int) -> None:
    """Run `against_scikit_image` in a fresh process whose BLAS has one thread."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    process = get_context("spawn").Process(target=against_scikit_image, args=(view, repeats))
    process.start()
    process.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--houses", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    scene = room_with_balls(arguments.size)
    scenes, lists = [scene], ClassLists.of(scene.categories)
    if importlib.util.find_spec("mitsuba"):
        scenes, lists = house_views(arguments.houses, arguments.size)
        print_line(f"{len(scenes)} views of {arguments.houses} houses, {arguments.size} px")
    else:
        print_line("one view of a box room: the ray caster is not installed (pip install mitsuba)")
    labels = Labeller(lists)
    tasks_one_by_one(scenes, labels, arguments.repeats)
    all_together(scenes, labels, arguments.repeats)
    in_one_thread(scene, arguments.repeats)
