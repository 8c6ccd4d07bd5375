"""Objectives of tasks that put out a class, for the image or for each pixel."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from perception.labels.view import Label
from perception.objectives.objective import Objective, Targets
from perception.objectives.resampling import sampled
from perception.tasks import OutputKind

_UNKNOWN = -1


@dataclass(frozen=True)
class ClassesObjective(Objective):
    """One class for the image, softmax cross-entropy."""

    kind: ClassVar[OutputKind] = OutputKind.CLASSES

    def targets(self, label: Label) -> Targets:
        """int16 [N]; -1 where there is none."""
        return np.where(label.valid, label.values, _UNKNOWN).astype(np.int16)

    def mirrored(self, targets: Targets, signs: tuple[int, ...]) -> Targets:
        """A class stays the same; see `Objective.mirrored`."""
        del signs
        return targets

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy; see `Objective.losses`."""
        return _cross_entropy(outputs, targets, class_dim=-1)

    def predictions(self, outputs: NDArray[np.floating]) -> NDArray[np.generic]:
        """The likeliest class, int64 [N]."""
        return np.asarray(outputs.argmax(axis=1))

    def constant_guess(self, targets: Targets) -> NDArray[np.float32]:
        """Logarithms of the classes' shares, each class counted once more than it was seen."""
        return _log_shares(targets.reshape(-1, 1), self.channels)[:, 0]


@dataclass(frozen=True)
class PixelClassesObjective(Objective):
    """A class for each pixel, softmax cross-entropy."""

    kind: ClassVar[OutputKind] = OutputKind.PIXEL_CLASSES

    def targets(self, label: Label) -> Targets:
        """int16 [N, side, side]; -1 where there is none."""
        assert self.side is not None
        values = np.where(label.valid, label.values.astype(np.int16), _UNKNOWN).astype(np.int16)
        return np.ascontiguousarray(sampled(values, self.side))

    def mirrored(self, targets: Targets, signs: tuple[int, ...]) -> Targets:
        """Columns change places; see `Objective.mirrored`."""
        del signs
        return np.ascontiguousarray(targets[..., ::-1])

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of the valid pixels; see `Objective.losses`."""
        return _cross_entropy(outputs, targets, class_dim=-3)

    def predictions(self, outputs: NDArray[np.floating]) -> NDArray[np.generic]:
        """The likeliest class of each pixel, int64 [N, H, W]."""
        return np.asarray(outputs.argmax(axis=1))

    def constant_guess(self, targets: Targets) -> NDArray[np.float32]:
        """Each pixel's logarithms of the classes' shares, as `ClassesObjective.constant_guess`."""
        assert self.side is not None
        return _log_shares(targets.reshape(len(targets), -1), self.channels).reshape(-1, self.side, self.side)


def _cross_entropy(outputs: Tensor, targets: Tensor, class_dim: int) -> Tensor:
    scores = outputs.float().movedim(class_dim, -1)  # classes side by side in memory: up to thirty times faster
    wanted = targets.long().expand(scores.shape[:-1])
    surprise = functional.cross_entropy(
        scores.reshape(-1, scores.shape[-1]), wanted.reshape(-1), reduction="none", ignore_index=_UNKNOWN
    ).reshape(wanted.shape)
    if targets.ndim == 1:
        return torch.where(targets >= 0, surprise, torch.nan)
    count = (targets >= 0).flatten(1).sum(dim=1)
    return torch.where(count > 0, surprise.flatten(-2).sum(dim=-1) / count.clamp(min=1), torch.nan)


def _log_shares(targets: Targets, classes: int) -> NDArray[np.float32]:
    """[N, P] to [classes, P]."""
    places = targets.shape[1]
    counts = np.ones((classes, places))
    for start in range(0, len(targets), 4096):
        part = targets[start : start + 4096].astype(np.int64)
        rows, columns = np.nonzero(part >= 0)
        np.add.at(counts, (part[rows, columns], columns), 1)
    return np.asarray(np.log(counts / counts.sum(axis=0)), np.float32)
