"""What the views of a dataset are like, next to what Taskonomy's authors say of theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.intrinsics import pixel_rays, ray_lengths
from perception.labels.view import Label
from taxonomy.dataset.dataset import Dataset

PUBLISHED_MEANS: Mapping[str, float] = {
    "field_of_view_deg": 61.2,
    "pitch_deg": 0.24,
    "roll_deg": 0.0,
    "distance_m": 5.3,
    "obliqueness_deg": 52.9,
    "cameras_per_point": 5.0,
}
"""Means (of cameras per point, the median) on the page of the published sample building."""

_MOST_IMAGES = 500


@dataclass(frozen=True)
class Statistic:
    """One figure.

    Args:
        name: With its unit.
        mean: Over all views; of cameras per point, the median over points.
        spread: Standard deviation.
        published: Taskonomy's mean; None where none is given.
    """

    name: str
    mean: float
    spread: float
    published: float | None


def view_statistics(dataset: Dataset) -> list[Statistic]:
    """Figures of all cameras, and of the labels of up to 500 images evenly over the dataset.

    Raises:
        UserError: If the dataset does not tell where its cameras stand.
    """
    views = dataset.index.views
    if not np.isfinite(views.rotation).all():
        raise UserError(f"{dataset.root} does not tell where its cameras stand; it has no statistics of views.")
    forward = -views.rotation[:, :, 2].astype(np.float64)
    group = dataset.index.building_of.astype(np.int64) << 32 | views.point
    _, cameras = np.unique(group, return_counts=True)
    found: dict[str, NDArray[np.floating]] = {
        "field_of_view_deg": views.hfov_deg,
        "pitch_deg": np.degrees(np.arcsin(np.clip(forward[:, 1], -1, 1))),
        "roll_deg": np.degrees(np.arcsin(np.clip(views.rotation[:, 1, 0].astype(np.float64), -1, 1))),
        "distance_m": views.distance_m,
        **_of_labels(dataset),
    }
    rows = [_statistic(name, values) for name, values in found.items()]
    middle = Statistic(
        "cameras_per_point",
        float(np.median(cameras)),
        float(cameras.std()),
        PUBLISHED_MEANS["cameras_per_point"],
    )
    return [*rows, middle]


def _statistic(name: str, values: NDArray[np.floating]) -> Statistic:
    return Statistic(name, float(np.mean(values)), float(np.std(values)), PUBLISHED_MEANS.get(name))


def _of_labels(dataset: Dataset) -> dict[str, NDArray[np.floating]]:
    chosen = np.unique(np.linspace(0, len(dataset) - 1, _MOST_IMAGES).round().astype(np.int64))
    tasks = [name for name in _FIGURES if name in dataset.tasks]
    rows: dict[str, list[float]] = {}
    for index in chosen.tolist():
        hfov_deg = float(dataset.index.views.hfov_deg[index])
        for name, label in dataset.sample(index, tasks).labels.items():
            if label.valid.any():
                figure, measure = _FIGURES[name]
                rows.setdefault(figure, []).append(measure(label, hfov_deg))
    return {name: np.array(values) for name, values in rows.items()}


def _mean_distance(label: Label, hfov_deg: float) -> float:
    del hfov_deg
    return float(label.values[label.valid].mean())


def _obliqueness(label: Label, hfov_deg: float) -> float:
    """Mean angle between surfaces' normals and the rays that meet them, degrees."""
    height, width = label.valid.shape
    towards = -pixel_rays(height, width, hfov_deg) / ray_lengths(height, width, hfov_deg)[..., None]
    cosine = (np.asarray(label.values, np.float32) * towards).sum(axis=-1)
    return float(np.degrees(np.arccos(np.clip(cosine[label.valid], 0, 1))).mean())


def _class_count(label: Label, hfov_deg: float) -> float:
    del hfov_deg
    _, counts = np.unique(label.values[label.valid], return_counts=True)
    return float((counts >= 0.001 * label.valid.size).sum())


_FIGURES: Mapping[str, tuple[str, Callable[[Label, float], float]]] = {
    "depth_euclidean": ("content_distance_m", _mean_distance),
    "normal": ("obliqueness_deg", _obliqueness),
    "segment_semantic": ("classes_per_view", _class_count),
}
