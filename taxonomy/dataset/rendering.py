"""Renders a labelled dataset: one building after the other, or many at once, and goes on where it was stopped.

Every building depends on the seed and its number alone. Its folder appears whole or not at all, so a run that was
killed and started again ends with the same bytes, whatever the number of workers.
"""

import fcntl
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import compress
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np

from perception.errors import UserError
from sim.errors import SimulatorError
from taxonomy.dataset import published, store
from taxonomy.dataset.files import INDEX, is_whole, remove_partial, sha256_of
from taxonomy.dataset.labelling import label_views, labeller_for, stored_domains
from taxonomy.dataset.manifest import (
    MANIFEST,
    Manifest,
    RenderSpec,
    building_names,
    installed_versions,
    read_manifest,
    split_buildings,
)
from taxonomy.dataset.pairing import group_views
from taxonomy.dataset.quantisation import PUBLISHED, Quantisation
from taxonomy.dataset.sampling import sample_views
from taxonomy.dataset.shard import Shard, expected_facts
from taxonomy.dataset.user_tasks import ExtraLabel, fingerprints, resolve
from taxonomy.dataset.world import World
from taxonomy.processes import die_with_parent

LAYOUTS = (store.LAYOUT, published.LAYOUT)


@dataclass(frozen=True)
class RenderReport:
    """What a run did.

    Args:
        folders: Where each layout lies.
        rendered: Buildings made in this run.
        found: Buildings that an earlier run had finished.
        images: In the whole dataset.
        seconds: Of this run.
        notes: What the user should know.
    """

    folders: Mapping[str, Path]
    rendered: int
    found: int
    images: int
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One building to be rendered, in whatever process.

    Args:
        world: Where it comes from.
        index: Its number.
        manifests: What is written, by layout.
        folders: Where to, by layout.
        extra_labels: Labels beyond the dictionary's.
    """

    world: World
    index: int
    manifests: Mapping[str, Manifest]
    folders: Mapping[str, Path]
    extra_labels: tuple[ExtraLabel, ...]


def render_dataset(
    out: Path,
    spec: RenderSpec,
    *,
    world: World,
    layouts: Sequence[str] = (store.LAYOUT,),
    workers: int = 1,
    extra_labels: Sequence[ExtraLabel] = (),
    on_building_done: Callable[[str], None] | None = None,
) -> RenderReport:
    """Render a dataset, or what is left of it.

    Args:
        out: Its folder; with both layouts, they lie in `store` and `published` below it.
        spec: What is wanted.
        world: Where buildings come from, and what renders them.
        layouts: "store", "published", or both.
        workers: Processes that render at the same time; 1 renders in this one. With more, a script that calls this
            needs the usual `if __name__ == "__main__":`, because they start afresh.
        extra_labels: Target tasks of the user's own.
        on_building_done: Told the name of each building that is done.

    Raises:
        UserError: If the folder holds something else, another run is writing into it, it cannot be written, or a
            building gives too few views.
    """
    start = time.perf_counter()
    tell = on_building_done or (lambda _: None)
    if workers < 1:
        raise UserError(f"workers is {workers}; expected at least 1.")
    spec = replace(spec, world=world.name, labels=fingerprints(extra_labels))
    folders = _folders(out, layouts)
    manifests = {layout: _manifest(layout, spec, world, extra_labels) for layout in folders}
    notes: list[str] = []
    with _alone(out):
        for layout, folder in folders.items():
            manifests[layout] = _prepare(folder, manifests[layout])
            notes += _differing_versions(folder, manifests[layout])
        names = building_names(spec.buildings)
        is_found = [all(_is_found(folders[layout], name, manifests[layout]) for layout in folders) for name in names]
        for name in compress(names, is_found):
            tell(name)
        missing = [index for index, found in enumerate(is_found) if not found]
        jobs = [Job(world, index, manifests, folders, tuple(extra_labels)) for index in missing]
        try:
            for index in _run(jobs, workers):
                tell(names[index])
        finally:
            for folder in folders.values():
                remove_partial(folder)
        for layout, folder in folders.items():
            manifests[layout].with_shards({name: sha256_of(folder / name / INDEX) for name in names}).write(folder)
    return RenderReport(
        folders,
        len(missing),
        sum(is_found),
        spec.buildings * spec.views,
        time.perf_counter() - start,
        tuple(dict.fromkeys(notes)),
    )


def _is_found(folder: Path, name: str, manifest: Manifest) -> bool:
    """Whether an earlier run has finished a building, and nothing has changed it since."""
    facts = expected_facts(name, manifest.split_of(name), manifest.spec)
    return is_whole(folder / name, facts, (manifest.shards or {}).get(name))


def building_seed(spec: RenderSpec, index: int) -> int:
    """The seed of a building, from the dataset's seed and the building's number."""
    return int(np.random.SeedSequence([spec.seed, index]).generate_state(1)[0])


def make_shard(
    world: World, spec: RenderSpec, index: int, split: str, extra_labels: Sequence[ExtraLabel] = ()
) -> Shard:
    """Render and label one building, in memory.

    Raises:
        UserError: If it gives too few views, or a label cannot be stored.
    """
    user_tasks = resolve(extra_labels)
    domains = stored_domains(user_tasks)
    rng = np.random.default_rng([spec.seed, index])
    building = world.building(building_seed(spec, index))
    renderer = world.renderer(building)
    try:
        views = sample_views(building, renderer, rng, spec.views)
        groups = group_views(views, renderer, rng)
        labeller = labeller_for(world.classes, user_tasks)
        codes = label_views(building, renderer, views, spec.size, labeller, domains)
    finally:
        renderer.close()
    name = building_names(spec.buildings)[index]
    return Shard(name, split, spec.size, views, groups, codes, domains)


def _render(job: Job) -> int:
    spec = next(iter(job.manifests.values())).spec
    split = next(iter(job.manifests.values())).split_of(building_names(spec.buildings)[job.index])
    try:
        shard = make_shard(job.world, spec, job.index, split, job.extra_labels)
        for layout, folder in job.folders.items():
            _WRITERS[layout](folder, shard, job.manifests[layout])
    except (UserError, SimulatorError) as error:
        raise UserError(str(error)) from None  # the plain kind travels between processes
    return job.index


_WRITERS: Mapping[str, Callable[[Path, Shard, Manifest], str]] = {
    store.LAYOUT: store.write_shard,
    published.LAYOUT: published.write_shard,
}
_QUANTISED_OTHERWISE: Mapping[str, Mapping[str, Quantisation]] = {store.LAYOUT: {}, published.LAYOUT: PUBLISHED}


def _run(jobs: Sequence[Job], workers: int) -> Iterator[int]:
    """Do all jobs, and yield the numbers of those that are done."""
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield _render(job)
        return
    context = multiprocessing.get_context("spawn")  # renderers do not survive a fork
    with ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_die_with_parent) as pool:
        futures = _submitted(pool, jobs)
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            raise UserError(
                "a worker process died, perhaps for want of memory; run the same command again with fewer --workers: "
                "it goes on where it stopped."
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _submitted(pool: ProcessPoolExecutor, jobs: Sequence[Job]) -> list[Future[int]]:
    """Start the workers, with Ctrl-C held back until they know what to do about it."""
    resource_tracker.ensure_running()  # it would take the mask away while the first worker starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return [pool.submit(_render, job) for job in jobs]
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _die_with_parent() -> None:
    """Make this worker end at once when it is interrupted, or the process that started it is killed."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # a building's folder is whole or absent: nothing is lost
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    die_with_parent()


def _folders(out: Path, layouts: Sequence[str]) -> dict[str, Path]:
    for layout in layouts:
        if layout not in LAYOUTS:
            raise UserError(f"the layout {layout!r} is unknown; known are {', '.join(LAYOUTS)}.")
    if not layouts:
        raise UserError(f"no layout is named; expected {', '.join(LAYOUTS)}, or both.")
    chosen = [layout for layout in LAYOUTS if layout in layouts]
    return {chosen[0]: out} if len(chosen) == 1 else {layout: out / layout for layout in chosen}


def _manifest(layout: str, spec: RenderSpec, world: World, extra: Sequence[ExtraLabel]) -> Manifest:
    domains = stored_domains(resolve(extra))
    return Manifest(
        layout,
        spec,
        world.classes,
        {**domains, **_QUANTISED_OTHERWISE[layout]},
        split_buildings(building_names(spec.buildings)),
        installed_versions(),
    )


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder, so that no other run writes into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(out, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another run is writing into {out}; wait for it, or choose another folder.") from None
        yield
    finally:
        os.close(descriptor)


def _prepare(folder: Path, manifest: Manifest) -> Manifest:
    """Write the manifest of a new dataset, or check that of an unfinished one.

    Returns:
        What the folder's manifest says; the versions in it are those of the run that began.

    Raises:
        UserError: If the folder holds something else.
    """
    remove_partial(folder)
    others = {path.name for path in folder.iterdir()} - {MANIFEST} if folder.is_dir() else set()
    if not (folder / MANIFEST).is_file():
        if others:
            raise UserError(f"{folder} is not empty and holds no dataset of this program; choose another folder.")
        manifest.write(folder)
        return manifest
    old = read_manifest(folder)
    differences = list(_differences(manifest, old))
    if differences and old.layout == manifest.layout and not others:  # begun, but no building was finished
        manifest.write(folder)
        return manifest
    for what, ours, theirs in differences:
        raise UserError(f"{folder} was rendered with {what} {theirs}, not {ours}; choose another folder.")
    return replace(manifest, versions=old.versions, shards=old.shards)


def _differing_versions(folder: Path, manifest: Manifest) -> list[str]:
    return [
        f"{package} was {manifest.versions.get(package)} when {folder} was begun and is {found}: images may differ"
        for package, found in installed_versions().items()
        if manifest.versions.get(package) != found
    ]


def _differences(new: Manifest, old: Manifest) -> Iterator[tuple[str, object, object]]:
    if new.layout != old.layout:
        yield "the layout", new.layout, old.layout
    for name, value in vars(new.spec).items():
        if getattr(old.spec, name) != value:
            yield name, value, getattr(old.spec, name)
    for name in ("classes", "quantisation"):
        if getattr(new, name) != getattr(old, name):
            yield name, "this program's", "another version's"
