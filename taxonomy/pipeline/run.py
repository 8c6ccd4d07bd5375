"""One run: every stage in turn, each from what the stages before have finished.

A folder of a run holds `manifest.json`, the units of work under `units/`, and the results: `losses/`, `affinity.json`,
`taxonomy.json`, `coverage.json`, the tables of `sanity.json`, `novel.json`, `supervision.json` and `agreement.json`,
the trained `bank/`, and `report/`. Run again, it goes on where it stopped and ends with the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.tasks import TASKS, Input, Task, TaskDictionary
from taxonomy.dataset import Dataset, open_dataset
from taxonomy.dataset.identity import dataset_sha256
from taxonomy.engine import Done, Executor, Failed, Store, Unit, run_units
from taxonomy.losses import LossTable
from taxonomy.pipeline.collation import (
    TargetFolders,
    diverged,
    loss_table,
    losses_on_random,
    ranked_sources,
    read_transfers_of,
    target_losses,
)
from taxonomy.pipeline.presets import Preset
from taxonomy.pipeline.stages import ON_A_THIRD, ON_RANDOM, Plan, readouts_name
from taxonomy.readouts import higher_order_transfers
from taxonomy.studies import TASKS_STUDIED, Evidence, SanityRow, sanity_row
from taxonomy.training import CONSTANT_FILE, LOSSES_FILE, DataSource, first_views, sample_rows
from taxonomy.transfers import RANDOM

Folders = Mapping[str, Path]
"""Folders of finished units by name."""


@dataclass(frozen=True)
class RunOptions:
    """What one run is asked for.

    Args:
        preset: Its size.
        executor: Where units are done.
        tasks: Names or aliases; all that the dataset has if None.
        novel: Python files with tasks of the user's own, which become targets that are never trained in full.
        device: PyTorch's name of where to train.
        seed: Of everything.
        studies: Also train heads on random encoders for the sanity table, and what the study of supervision needs.
        gains: Also train from scratch on the readouts' images, for gains and the study of supervision.
        supervision: Of the studies, make that of supervision saved; it takes ten more networks.
    """

    preset: Preset
    executor: Executor
    tasks: tuple[str, ...] | None = None
    novel: tuple[Path, ...] = ()
    device: str = "cpu"
    seed: int = 0
    studies: bool = True
    gains: bool = True
    supervision: bool = True


@dataclass(frozen=True)
class Failure:
    """Something that was left out.

    Args:
        stage: In which stage it failed.
        name: Of the unit or transfer.
        reason: In a sentence.
    """

    stage: str
    name: str
    reason: str


@dataclass(frozen=True)
class RunResult:
    """What a run measured.

    Args:
        losses: Test losses of every transfer.
        tasks: The dictionary, with the user's tasks.
        networks: Folders of the task networks, by task.
        objectives: Folders of the objectives, by task.
        sources: Folders of the representations, by source; `random` among them.
        targets: Folders of what was measured for each target.
        sanity: One row for each network; without `studies`, none is compared with a head on a random encoder.
        evidence: Of independent training; None without `studies`.
        held_back: For each target, which test samples come from the second half of the test buildings.
        train_images: That each network learned from.
        readout_images: That each readout learned from.
        failures: What was left out.
    """

    losses: LossTable
    tasks: TaskDictionary
    networks: Folders
    objectives: Folders
    sources: Folders
    targets: Mapping[str, TargetFolders]
    sanity: Sequence[SanityRow]
    evidence: Evidence | None
    held_back: Mapping[str, NDArray[np.bool_]]
    train_images: int
    readout_images: int
    failures: Sequence[Failure]


def measure(out: Path, data: Path, options: RunOptions) -> RunResult:
    """Train and measure everything: Steps I and II.

    Args:
        out: The run's folder; made if missing, gone on with if there.
        data: A dataset.
        options: What is asked for.

    Raises:
        UserError: If the dataset cannot be used, the disk is full, or too few tasks are left to go on.
    """
    with options.executor:
        return _Run(out, data, options).result()


@dataclass
class _Run:
    out: Path
    folder: Path
    options: RunOptions
    failures: list[Failure] = field(default_factory=list)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store(self.out / "units")

    @cached_property
    def dataset(self) -> Dataset:
        return open_dataset(self.folder)

    @cached_property
    def plan(self) -> Plan:
        preset, options = self.options.preset, self.options
        labels = tuple(path.absolute() for path in options.novel)
        sha256 = dataset_sha256(self.dataset, options.novel)
        data = DataSource(sha256, preset.train_images, preset.test_images, self.folder.absolute(), labels)
        return Plan(preset, data, options.device, options.seed)

    def result(self) -> RunResult:
        tasks = self.plan.data.tasks()
        wanted = self._wanted(tasks)
        objectives = self._do("objectives", self.plan.objectives(wanted))
        usable = [task for task in wanted if task.name in objectives]
        trained = [task for task in usable if task.name not in self._novel_names(tasks)]
        networks = self._do("networks", self.plan.networks(trained, self._keys("objective")))
        if len(networks) < 2:
            raise UserError(f"only {len(networks)} task networks are left, and transfers need two; see what failed.")
        sources = self._do("representations", self.plan.representations([*networks, RANDOM], self._keys("network")))
        targets = self._transfers([task for task in usable if not task.source_only], networks, sources)
        on_random, thirds = self._studies(trained, networks)
        readouts = {name: losses_on_random(folders) for name, folders in targets.items()}
        sanity = [sanity_row(name, networks[name], on_random.get(name), readouts.get(name)) for name in networks]
        return RunResult(
            loss_table(targets, tasks),
            tasks,
            networks,
            objectives,
            sources,
            targets,
            sanity,
            self._evidence(networks, targets, thirds) if on_random else None,
            {name: self._held_back(tasks[name]) for name in targets},
            self._train_images(),
            self._readout_images(),
            self.failures,
        )

    def _wanted(self, tasks: TaskDictionary) -> list[Task]:
        """Tasks asked for that the dataset has labels for; others are told of, as are images that are left out."""
        self.failures += [Failure("dataset", skip.path, skip.reason) for skip in self.dataset.skipped]
        names = tuple(tasks) if self.options.tasks is None else tasks.canonical(self.options.tasks)
        names = tasks.in_order({*names, *self._novel_names(tasks)})
        single = set(self.dataset.tasks)
        found = []
        for task in (tasks[name] for name in names):
            if task.input is Input.SHUFFLED and not task.source_only:
                self.failures.append(Failure("dataset", task.name, "a target cannot look at shuffled images"))
            elif task.input.views > 1 or task.name in single:
                found.append(task)
            else:
                hint = "; render with --label" if task.name in self._novel_names(tasks) else ""
                self.failures.append(Failure("dataset", task.name, f"the dataset has no labels for it{hint}"))
        return found

    def _novel_names(self, tasks: TaskDictionary) -> set[str]:
        return {name for name in tasks if name not in TASKS}

    def _transfers(self, targets: Sequence[Task], networks: Folders, sources: Folders) -> dict[str, TargetFolders]:
        """Step II: first order, then the orders that build on it."""
        keys = self._keys("representations")
        single = [(name,) for name in sources]
        first = self._do(
            "readouts, order 1",
            [self.plan.readouts(task, single, keys, self._keys("objective")[task.name]) for task in targets],
        )
        reached = [task for task in targets if self._is_reached(task, first)]
        from_scratch = reached if self.options.gains else []
        pixels = self._do(
            "from scratch", [self.plan.pixels(task, self._keys("objective")[task.name]) for task in from_scratch]
        )
        ranking = {}
        for task in reached:
            losses = target_losses(task.name, TargetFolders((first[readouts_name(task.name, 1)],)))
            others = [name for name in networks if name != task.name]
            ranking[task.name] = ranked_sources(losses, others, ~self._held_back(task))
        folders: dict[str, list[Path]] = {task.name: [first[readouts_name(task.name, 1)]] for task in reached}
        for order in range(2, self.options.preset.max_order + 1):
            units = [
                self.plan.readouts(task, transfers, keys, self._keys("objective")[task.name])
                for task in reached
                if (transfers := higher_order_transfers(ranking[task.name], order))
            ]
            done = self._do(f"readouts, order {order}", units)
            for task in reached:
                if (name := readouts_name(task.name, order)) in done:
                    folders[task.name].append(done[name])
        for target, found in folders.items():
            for transfer in diverged(found):
                self.failures.append(Failure("readouts", f"{' + '.join(transfer)} -> {target}", "its loss diverged"))
        return {
            target: TargetFolders(tuple(found), networks.get(target), pixels.get(target))
            for target, found in folders.items()
        }

    def _is_reached(self, task: Task, first: Folders) -> bool:
        """Whether any transfer to a target can be ranked."""
        folder = first.get(readouts_name(task.name, 1))
        if folder is None:
            return False
        lost = set(diverged([folder]))
        if all(sources in lost or sources == (RANDOM,) for sources in read_transfers_of(folder)):
            self.failures.append(Failure("readouts", task.name, "the readouts of all its transfers diverged"))
            return False
        return True

    def _studies(self, trained: Sequence[Task], networks: Folders) -> tuple[Folders, dict[str, Path]]:
        """Networks on random encoders, for the sanity table; and on a third of the images, for supervision saved."""
        if not self.options.studies:
            return {}, {}
        objectives = self._keys("objective")
        done = [task for task in trained if task.name in networks]
        on_random = self._do("on a random encoder", [self.plan.on_random(task, objectives[task.name]) for task in done])
        # Compared with networks from scratch; and with as many images as those have, there is nothing between.
        has_thirds = self.options.supervision and self.options.gains
        has_thirds = has_thirds and self._train_images() // 3 > self._readout_images()
        studied = [task for task in done if task.name in TASKS_STUDIED and has_thirds]
        thirds = self._do(
            "on a third of the images",
            [self.plan.on_a_third(task, objectives[task.name], self._train_images()) for task in studied],
        )
        return (
            {name.removesuffix(ON_RANDOM): folder for name, folder in on_random.items()},
            {name.removesuffix(ON_A_THIRD): folder for name, folder in thirds.items()},
        )

    def _held_back(self, task: Task) -> NDArray[np.bool_]:
        images = first_views(self.dataset, "test", self.options.preset.test_images)
        building = self.dataset.index.building_of[images]
        names = np.unique(building)
        half = building >= names[len(names) // 2] if len(names) > 1 else np.arange(len(images)) >= len(images) // 2
        return np.asarray(half[sample_rows(self.dataset, task, images)[:, 0]])

    def _readout_images(self) -> int:
        return len(first_views(self.dataset, "val", self.options.preset.readout_images))

    def _train_images(self) -> int:
        return len(first_views(self.dataset, "train", self.options.preset.train_images))

    def _evidence(self, networks: Folders, targets: Mapping[str, TargetFolders], thirds: Folders) -> Evidence:
        studied = [name for name in TASKS_STUDIED if name in networks and name in thirds and name in targets]
        studied = [name for name in studied if targets[name].pixels is not None]
        everything = self._train_images()
        scratch = {name: path for name in studied if (path := targets[name].pixels) is not None}
        return Evidence(
            {name: _mean(networks[name] / CONSTANT_FILE) for name in studied},
            {name: _mean(networks[name] / LOSSES_FILE) for name in studied},
            {
                self._readout_images(): {name: _mean(folder / LOSSES_FILE) for name, folder in scratch.items()},
                everything // 3: {name: _mean(thirds[name] / LOSSES_FILE) for name in studied},
                everything: {name: _mean(networks[name] / LOSSES_FILE) for name in studied},
            },
        )

    def _do(self, stage: str, units: Sequence[Unit]) -> dict[str, Path]:
        """Folders of the units that finish; what became of the others is kept."""
        finished = {}
        for outcome in run_units(units, self.store, self.options.executor, title=stage):
            if isinstance(outcome, Done):
                finished[outcome.unit.name] = outcome.folder
                self.keys[outcome.unit.work.kind, outcome.unit.name] = outcome.unit.key
            elif isinstance(outcome, Failed):
                self.failures.append(Failure(stage, outcome.unit.name, outcome.reason))
        return finished

    def _keys(self, kind: str) -> dict[str, str]:
        return {name: key for (of, name), key in self.keys.items() if of == kind}


def _mean(path: Path) -> float:
    return float(np.nanmean(np.load(path)))
