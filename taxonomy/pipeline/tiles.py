"""Pictures of what a run's networks and readouts see, side by side with the labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from perception.bank import Bank, Predictor
from perception.objectives import Objective
from perception.photos import Pixels, squares
from perception.pictures import Tile, caption, draw
from perception.tasks import Input, TaskDictionary
from taxonomy.dataset import Dataset
from taxonomy.pipeline.collation import TargetFolders, read_transfers_of
from taxonomy.readouts import open_representations, readout_predictions, variant_of
from taxonomy.report.samples import DrawnTransfer, TargetTransfers, TaskSamples
from taxonomy.training import read_objective
from taxonomy.transfers import SELF, Transfer, TransferTable

_PLAIN = Input.RGB


class Measured(Protocol):
    """What pictures of transfers need of a run; a `RunResult` has it, and a `FinishedRun`."""

    @property
    def tasks(self) -> TaskDictionary:
        """The dictionary, with the user's tasks."""

    @property
    def objectives(self) -> Mapping[str, Path]:
        """Folders of the objectives, by task."""

    @property
    def sources(self) -> Mapping[str, Path]:
        """Folders of the representations, by source."""

    @property
    def targets(self) -> Mapping[str, TargetFolders]:
        """Folders of what was measured for each target."""


def spread_places(dataset: Dataset, images: NDArray[np.int64], count: int) -> list[int]:
    """A few of the images, evenly spread over buildings; where rooms are known, views that show some depth.

    Returns:
        Positions in `images`.
    """
    wanted = ((np.arange(count) + 0.5) * len(images) / count).astype(int)
    window = max(1, min(8, len(images) // (2 * count)))
    if "depth_zbuffer" not in dataset.tasks:
        return [int(place) for place in wanted]
    found = []
    for place in wanted:
        near = np.arange(place, min(place + window, len(images)))
        depth = dataset.batch(images[near], ["depth_zbuffer"]).labels["depth_zbuffer"].values
        found.append(int(near[np.argmax(np.nanstd(depth.astype(np.float32), axis=(1, 2)))]))
    return found


def photo_tiles(dataset: Dataset, images: NDArray[np.int64]) -> list[Tile]:
    """The images themselves, with the kind of room where it is known."""
    rooms = [
        _label_tile(dataset, "class_scene", _sample_of(dataset, "class_scene", images, place)).caption
        if "class_scene" in dataset.tasks
        else ""
        for place in range(len(images))
    ]
    return [Tile(rgb, room) for rgb, room in zip(dataset.batch(images, []).rgb, rooms, strict=True)]


def task_samples(dataset: Dataset, bank: Bank, images: NDArray[np.int64], places: Sequence[int]) -> list[TaskSamples]:
    """Every network on the same images; one that looks at several views, on a sample that begins with the image.

    Args:
        dataset: Of the run.
        bank: Of the run.
        images: Of the test split, as networks were tested on them.
        places: Which of them.
    """
    found = []
    for task in bank.tasks:
        if bank.card(task).views == 1 and task not in dataset.tasks:
            continue
        samples = [_sample_of(dataset, task, images, place) for place in places]
        prediction = Predictor(bank.checkpoint(task)).predict([rgb for sample in samples for rgb in sample.views])
        pictures = [
            Tile(
                sample.grid if len(sample.views) > 1 else prediction.picture(place, hfov_deg=sample.hfov_deg),
                _words(prediction.caption(place)),
            )
            for place, sample in enumerate(samples)
        ]
        is_plain = _looks_at(task).views > 1 or _looks_at(task) is _PLAIN
        inputs = [] if is_plain else [Tile(shown, "") for shown in prediction.inputs[:, 0]]
        found.append(TaskSamples(task, [_label_tile(dataset, task, sample) for sample in samples], pictures, inputs))
    return found


def target_transfers(
    dataset: Dataset, result: Measured, table: TransferTable, bank: Bank, images: NDArray[np.int64], place: int
) -> list[TargetTransfers]:
    """Every transfer to every target, on one image or a sample that begins with it.

    Args:
        dataset: Of the run.
        result: Of the run.
        table: Its affinities.
        bank: Of the run.
        images: Of the test split, as readouts were tested on them.
        place: Which of them.
    """
    return [transfers_to(target, dataset, result, table, bank, images, place) for target in result.targets]


def transfers_to(
    target: str,
    dataset: Dataset,
    result: Measured,
    table: TransferTable,
    bank: Bank,
    images: NDArray[np.int64],
    place: int,
) -> TargetTransfers:
    """Every transfer to one target, on one image or a sample that begins with it.

    Args:
        target: One of the run's.
        dataset: Of the run.
        result: Of the run.
        table: Its affinities.
        bank: Of the run.
        images: Of the test split, as readouts were tested on them.
        place: Which of them.
    """
    objective = read_objective(result.objectives[target])
    sample = _sample_of(dataset, target, images, place)
    names = dataset.classes.get(target, ())
    drawn = [
        DrawnTransfer(t.sources, _transfer_tile(result, t, objective, sample, names), t.affinity)
        for t in table
        if t.target == target and t.sources != (SELF,)
    ]
    if target in bank.tasks:
        prediction = Predictor(bank.checkpoint(target)).predict(sample.views)
        picture = sample.grid if len(sample.views) > 1 else prediction.picture(0, hfov_deg=sample.hfov_deg)
        drawn.append(DrawnTransfer((SELF,), Tile(picture, _words(prediction.caption(0)))))
    return TargetTransfers(target, _label_tile(dataset, target, sample), drawn)


@dataclass(frozen=True, eq=False)
class _Sample:
    """What one sample of a task shows, and what is right of it.

    Args:
        rows: int64 [V], its images as positions in those that networks were tested on.
        views: Its images, uint8 [H, W, 3] each.
        values: Of the label.
        valid: Likewise.
        hfov_deg: Of the first view.
    """

    rows: NDArray[np.int64]
    views: list[Pixels]
    values: NDArray[np.generic]
    valid: NDArray[np.bool_]
    hfov_deg: float

    @property
    def grid(self) -> Pixels:
        """Several views in one picture: half as large, two in a row."""
        side = len(self.views[0]) // 2
        grid = np.full((2 * side, 2 * side, 3), 255, np.uint8)
        for number, view in enumerate(squares(self.views, side)):
            row, column = divmod(number, 2)
            grid[row * side : (row + 1) * side, column * side : (column + 1) * side] = view
        return grid


def _sample_of(dataset: Dataset, task: str, images: NDArray[np.int64], place: int) -> _Sample:
    """The image itself; for several views the first sample that begins with it, or else the next one."""
    if _looks_at(task).views == 1:
        rows, sample = np.array([place]), dataset.sample(int(images[place]), [task])
        label = sample.labels[task]
        return _Sample(rows, [sample.rgb], label.values, label.valid, _hfov_deg(dataset, int(images[place])))
    position = np.full(len(dataset), -1)
    position[images] = np.arange(len(images))
    groups = dataset.pairs(task)
    inside = np.flatnonzero((position[groups.indices] >= 0).all(axis=1))
    first = position[groups.indices[inside, 0]]
    chosen = inside[np.argmin(np.where(first >= place, first, len(images) + first))]
    members = groups.indices[chosen]
    return _Sample(
        position[members],
        list(dataset.batch(members, []).rgb),
        np.asarray(groups.label.values[chosen]),
        np.asarray(groups.label.valid[chosen]),
        _hfov_deg(dataset, int(members[0])),
    )


def _transfer_tile(
    result: Measured, transfer: Transfer, objective: Objective, sample: _Sample, names: Sequence[str]
) -> Tile:
    folder = next(
        folder for folder in result.targets[transfer.target].readouts if transfer.sources in read_transfers_of(folder)
    )
    outputs = readout_predictions(folder, transfer.sources, _represented(result, transfer, sample.rows), objective)
    values = np.asarray(objective.predictions(outputs)[0])
    return _drawn(transfer.target, values, np.ones(values.shape[:2] if values.ndim > 1 else (), bool), sample, names)


def _represented(result: Measured, transfer: Transfer, rows: NDArray[np.int64]) -> Sequence[NDArray[np.float16]]:
    variant = variant_of(result.tasks[transfer.target])
    stored = (open_representations(result.sources[source], "test", variant)[rows] for source in transfer.sources)
    return [views.reshape(1, -1, *views.shape[2:]) for views in stored]


def _label_tile(dataset: Dataset, task: str, sample: _Sample) -> Tile:
    if _looks_at(task) is Input.SHUFFLED:
        return Tile(sample.views[0], "")
    tile = _drawn(task, sample.values, sample.valid, sample, dataset.classes.get(task, ()))
    return tile if sample.valid.any() else Tile(tile.picture, "none")


def _drawn(
    task: str, values: NDArray[np.generic], valid: NDArray[np.bool_], sample: _Sample, names: Sequence[str]
) -> Tile:
    words = _words(caption(task, values, names=names))
    if len(sample.views) > 1:
        return Tile(sample.grid, words)
    return Tile(draw(task, values, valid, sample.views[0], sample.hfov_deg), words)


def _words(line: str) -> str:
    """A caption without the task, which stands above the column."""
    return line.partition(": ")[2].replace("_", " ")


def _looks_at(task: str) -> Input:
    from perception.tasks import TASKS

    return TASKS[task].input if task in TASKS else _PLAIN


def _hfov_deg(dataset: Dataset, index: int) -> float:
    return float(dataset.index.views.hfov_deg[index])
