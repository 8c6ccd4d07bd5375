"""Pictures of what a run's networks and readouts see, side by side with the labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perception.bank import Bank, Predictor
from perception.objectives import Objective
from perception.pictures import Tile, caption, draw
from perception.tasks import Input, OutputKind
from taxonomy.dataset import Dataset
from taxonomy.pipeline.collation import read_transfers_of
from taxonomy.pipeline.run import RunResult
from taxonomy.readouts import open_representations, readout_predictions, variant_of
from taxonomy.report.samples import DrawnTransfer, TargetTransfers, TaskSamples
from taxonomy.training import read_objective
from taxonomy.transfers import SELF, Transfer, TransferTable

_DRAWN = (OutputKind.IMAGE, OutputKind.EMBEDDING, OutputKind.PIXEL_CLASSES)
_PLAIN = Input.RGB


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
        _label_tile(dataset, "class_scene", int(index)).caption.removeprefix("class_scene: ").replace("_", " ")
        if "class_scene" in dataset.tasks
        else ""
        for index in images
    ]
    return [Tile(rgb, room) for rgb, room in zip(dataset.batch(images, []).rgb, rooms, strict=True)]


def task_samples(dataset: Dataset, bank: Bank, images: NDArray[np.int64]) -> list[TaskSamples]:
    """Every network that looks at single images, on the same images.

    Args:
        dataset: Of the run.
        bank: Of the run.
        images: Of the dataset.
    """
    rgb = list(dataset.batch(images, []).rgb)
    found = []
    for task in bank.tasks:
        if bank.card(task).views > 1 or task not in dataset.tasks:
            continue
        prediction = Predictor(bank.checkpoint(task)).predict(rgb)
        pictures = [
            Tile(prediction.picture(place, hfov_deg=_hfov_deg(dataset, int(index))), _words(prediction.caption(place)))
            for place, index in enumerate(images)
        ]
        inputs = [] if _looks_at(task) is _PLAIN else [Tile(shown, "") for shown in prediction.inputs[:, 0]]
        found.append(TaskSamples(task, [_label_tile(dataset, task, int(index)) for index in images], pictures, inputs))
    return found


def target_transfers(
    dataset: Dataset, result: RunResult, table: TransferTable, bank: Bank, images: NDArray[np.int64], place: int
) -> list[TargetTransfers]:
    """Every transfer to every target that looks at single images and puts out pictures, on one image.

    Args:
        dataset: Of the run.
        result: Of the run.
        table: Its affinities.
        bank: Of the run.
        images: Of the test split, as readouts were tested on them.
        place: Which of them.
    """
    index = int(images[place])
    found = []
    for target in result.targets:
        objective = read_objective(result.objectives[target])
        if result.tasks[target].input.views > 1 or objective.kind not in _DRAWN:
            continue
        drawn = [
            DrawnTransfer(t.sources, _transfer_tile(dataset, result, t, objective, index, place), t.affinity)
            for t in table
            if t.target == target and t.sources != (SELF,)
        ]
        if target in bank.tasks:
            prediction = Predictor(bank.checkpoint(target)).predict(list(dataset.batch([index], []).rgb))
            picture = prediction.picture(0, hfov_deg=_hfov_deg(dataset, index))
            drawn.append(DrawnTransfer((SELF,), Tile(picture, "")))
        found.append(TargetTransfers(target, _label_tile(dataset, target, index), drawn))
    return found


def _transfer_tile(
    dataset: Dataset, result: RunResult, transfer: Transfer, objective: Objective, index: int, place: int
) -> Tile:
    folder = next(
        folder for folder in result.targets[transfer.target].readouts if transfer.sources in read_transfers_of(folder)
    )
    outputs = readout_predictions(folder, transfer.sources, _represented(result, transfer, place), objective)
    values = np.asarray(objective.predictions(outputs)[0])
    rgb = dataset.batch([index], []).rgb[0]
    picture = draw(transfer.target, values, np.ones(values.shape[:2], bool), rgb, _hfov_deg(dataset, index))
    return Tile(picture, "")


def _represented(result: RunResult, transfer: Transfer, place: int) -> Sequence[NDArray[np.float16]]:
    variant = variant_of(result.tasks[transfer.target])
    return [
        open_representations(result.sources[source], "test", variant)[place : place + 1] for source in transfer.sources
    ]


def _label_tile(dataset: Dataset, task: str, index: int) -> Tile:
    sample = dataset.sample(index, [task])
    label = sample.labels[task]
    if _looks_at(task) is Input.SHUFFLED:
        return Tile(sample.rgb, "")
    words = caption(task, np.asarray(label.values), names=dataset.classes.get(task, ()))
    picture = draw(task, label.values, label.valid, sample.rgb, _hfov_deg(dataset, index))
    return Tile(picture, _words(words) if label.valid.any() else "none")


def _words(line: str) -> str:
    """A caption without the task, which stands above the column."""
    return line.partition(": ")[2].replace("_", " ")


def _looks_at(task: str) -> Input:
    from perception.tasks import TASKS

    return TASKS[task].input if task in TASKS else _PLAIN


def _hfov_deg(dataset: Dataset, index: int) -> float:
    return float(dataset.index.views.hfov_deg[index])
