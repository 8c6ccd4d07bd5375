"""Samples of every kind of output, without a dataset."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from perception import TASKS
from perception.objectives import Objective, Scaling, objective_for
from perception.objectives.objective import Targets
from taxonomy.readouts import ReadoutSamples

KINDS = (
    "autoencoding", "normal", "curvature", "segment_semantic", "segment_unsup2d", "class_scene", "vanishing_point",
    "fixated_pose", "egomotion",
)  # fmt: skip
"""Image by L1, L1 and cosine, L2; classes of pixels, embedding, classes, a vector, one of two views, one of three."""


def made_up(task: str, count: int = 48, sources: int = 3, seed: int = 0) -> tuple[ReadoutSamples, Objective]:
    """Random representations and labels, some of which are missing: whole ones, pixels, entries."""
    rng = np.random.default_rng(seed)
    objective = objective_for(TASKS[task], 5)
    shape = (count, *objective.output_shape)
    if objective.kind.value == "vector":
        objective = objective.with_scaling(Scaling((0.1,) * objective.channels, (1.5,) * objective.channels))
    representations = {f"source_{k}": _representation(rng, count, k) for k in range(sources)}
    views = TASKS[task].input.views
    rows = np.arange(count)[:, None] if views == 1 else rng.integers(0, count, (count, views))
    return ReadoutSamples(representations, rows, _TARGETS[objective.kind.value](rng, shape)), objective


def _representation(rng: np.random.Generator, count: int, place: int) -> NDArray[np.float16]:
    values = np.maximum(rng.standard_normal((count, 8, 16, 16)), 0) * rng.uniform(0.1, 3, (8, 1, 1))
    values[:, place] = 0  # encoders have dead channels
    return values.astype(np.float16)


def _images(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float16]:
    values = rng.standard_normal(shape)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    values = np.where(rng.random((shape[0], 1, *shape[2:])) < 0.1, np.nan, values)
    values[3] = np.nan
    return values.astype(np.float16)


def _vectors(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    values = rng.standard_normal(shape)
    values[5] = np.nan
    return values.astype(np.float32)


def _triplets(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int16]:
    places = rng.integers(0, shape[2] * shape[3], (shape[0], 3, 128))
    places[1] = -1
    return places.astype(np.int16)


_TARGETS: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], Targets]] = {
    "image": _images,
    "vector": _vectors,
    "embedding": _triplets,
    "classes": lambda rng, shape: rng.integers(-1, shape[1], shape[0]).astype(np.int16),
    "pixel classes": lambda rng, shape: rng.integers(-1, shape[1], (shape[0], *shape[2:])).astype(np.int16),
}
