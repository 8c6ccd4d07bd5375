"""Objectives by task, and in JSON."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from perception.errors import UserError
from perception.objectives.classes import ClassesObjective, PixelClassesObjective
from perception.objectives.embedding import EmbeddingObjective
from perception.objectives.objective import Objective
from perception.objectives.regression import LOSSES, ImageObjective, VectorObjective
from perception.tasks import Loss, OutputKind, OutputSpec, Task

IMAGE_SIDE = 64
"""Rows and columns of predicted images: four times the representation's."""

CLASS_SIDE = 32
"""Of per-pixel classes and embeddings, which have many channels."""

_RESPONSES = {"compression": "sqrt", "blur_px": 2.0}
_SHAPED: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("edge_texture", "keypoints2d", "edge_occlusion", "keypoints3d"), _RESPONSES),
    "curvature": {"compression": "asinh"},
}
"""Images whose values are compressed or widened beyond what their loss says."""

_CYCLE_WEIGHT = 0.1

_KINDS: Mapping[str, type[Objective]] = {
    kind.kind.value: kind
    for kind in (ImageObjective, VectorObjective, ClassesObjective, PixelClassesObjective, EmbeddingObjective)
}


def objective_for(task: Task, classes: int | None = None) -> Objective:
    """The objective of a task, not yet fitted to labels.

    Args:
        task: Of the dictionary, or the user's own.
        classes: Number of classes, for a task whose label set decides it.

    Raises:
        UserError: If the task says nothing about its output, its loss does not go with it, or the number of classes is
            needed and missing.
    """
    if task.output is None or task.loss is None:
        raise UserError(f"the task {task.name!r} lacks an output specification or a loss; it cannot be trained.")
    channels = task.output.channels or classes
    if not channels:
        raise UserError(f"the number of classes of {task.name!r} is unknown; the dataset's class lists have to tell.")
    return _MAKERS[task.output.kind](task, task.output, channels)


def _image(task: Task, output: OutputSpec, channels: int) -> Objective:
    if task.loss is None or task.loss not in LOSSES:
        raise UserError(f"the task {task.name!r} puts out images with the loss {task.loss!r}; use L1 or L2.")
    loss, compression = LOSSES[task.loss]
    lowest = output.minimum
    highest = np.inf if output.maximum is None else output.maximum
    fields: dict[str, Any] = {"loss": loss, "compression": compression, **_SHAPED.get(task.name, {})}
    return ImageObjective(task.name, channels, IMAGE_SIDE, lowest=lowest, highest=highest, **fields)


def _vector(task: Task, output: OutputSpec, channels: int) -> Objective:
    del output
    return VectorObjective(task.name, channels, cycle_weight=_CYCLE_WEIGHT if task.loss is Loss.L2_CYCLE else 0.0)


_MAKERS: Mapping[OutputKind, Callable[[Task, OutputSpec, int], Objective]] = {
    OutputKind.IMAGE: _image,
    OutputKind.VECTOR: _vector,
    OutputKind.EMBEDDING: lambda task, _, channels: EmbeddingObjective(task.name, channels, CLASS_SIDE),
    OutputKind.PIXEL_CLASSES: lambda task, _, channels: PixelClassesObjective(task.name, channels, CLASS_SIDE),
    OutputKind.CLASSES: lambda task, _, channels: ClassesObjective(task.name, channels),
}


def objective_to_json(objective: Objective) -> dict[str, Any]:
    """An objective as JSON."""
    return {"kind": objective.kind.value, **objective.to_fields()}


def objective_from_json(document: Mapping[str, Any]) -> Objective:
    """Read it back.

    Raises:
        UserError: If it is none.
    """
    try:
        fields = dict(document)
        return _KINDS[fields.pop("kind")].from_fields(fields)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"an objective is malformed: {type(error).__name__} {error}.") from error
