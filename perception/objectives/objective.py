"""What every objective does."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from perception.labels.view import Label
from perception.tasks import OutputKind

Targets = NDArray[np.generic]
"""N targets in their smallest type, N in front; what has no label is NaN, or for indices negative."""


@dataclass(frozen=True)
class Scaling:
    """What takes targets to zero mean and unit spread, for each channel.

    Args:
        mean: Of each channel; empty for no scaling.
        spread: Standard deviation of each channel, > 0.
    """

    mean: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Scaling":
        """The scaling of values [N, C, ...]; NaN is left out, a channel that is constant or unknown has spread 1."""
        flat = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1).astype(np.float64)
        known = ~np.isnan(flat)
        count = np.maximum(known.sum(axis=1), 1)
        mean = np.where(known, flat, 0).sum(axis=1) / count
        spread = np.sqrt((np.where(known, flat - mean[:, None], 0) ** 2).sum(axis=1) / count)
        return cls(tuple(mean.tolist()), tuple(np.where(spread > 1e-6, spread, 1.0).tolist()))

    def apply(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Values [N, C, ...] to scaled ones."""
        if not self.mean:
            return values.astype(np.float32, copy=False)
        mean, spread = self._shaped(values.ndim)
        return np.asarray((values - mean) / spread, np.float32)

    def undo(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Scaled values [N, C, ...] back."""
        if not self.mean:
            return values.astype(np.float32, copy=False)
        mean, spread = self._shaped(values.ndim)
        return np.asarray(values * spread + mean, np.float32)

    def signed(self, scaled: NDArray[np.floating], signs: tuple[int, ...]) -> NDArray[np.float32]:
        """Scaled values [N, C, ...] of labels whose channels are multiplied by `signs`; as they are for no signs."""
        if not signs:
            return np.asarray(scaled, np.float32)
        factors = np.array(signs, np.float32).reshape((1, -1) + (1,) * (scaled.ndim - 2))
        return self.apply(self.undo(scaled) * factors)

    def _shaped(self, ndim: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        shape = (1, -1) + (1,) * (ndim - 2)
        return np.array(self.mean, np.float32).reshape(shape), np.array(self.spread, np.float32).reshape(shape)


@dataclass(frozen=True)
class Objective(ABC):
    """How one task is trained and read.

    Args:
        task: Canonical name.
        channels: Of the network's output.
        side: Rows and columns of a dense output and its target; None where the output is a vector.
        scaling: Of targets, fitted to training labels by `fitted`; classes and embeddings have none.
    """

    kind: ClassVar[OutputKind]

    task: str
    channels: int
    side: int | None = None
    scaling: Scaling = field(default_factory=Scaling)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one image's output: [C, side, side] or [C]."""
        return (self.channels,) if self.side is None else (self.channels, self.side, self.side)

    @abstractmethod
    def targets(self, label: Label) -> Targets:
        """Targets of N labels.

        Args:
            label: Values [N, H, W], [N, H, W, C], [N, C] or [N]; valid [N, H, W] or [N].
        """

    @abstractmethod
    def mirrored(self, targets: Targets, signs: tuple[int, ...]) -> Targets:
        """Targets [N, ...] of the same scenes mirrored left to right.

        Args:
            targets: From `targets`.
            signs: `OutputSpec.mirror_signs` of the task.
        """

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each image: the mean over what has a label, NaN where nothing has.

        Args:
            outputs: Float [..., N, *output_shape]; what stands in front of N, such as one entry for each of many
                networks, is kept.
            targets: [N, ...], from `targets`.

        Returns:
            float32 [..., N].
        """

    @abstractmethod
    def predictions(self, outputs: NDArray[np.floating]) -> NDArray[np.generic]:
        """Outputs [N, *output_shape] in the label's units and layout: [N, H, W], [N, H, W, C], [N, C] or [N]."""

    @abstractmethod
    def constant_guess(self, targets: Targets) -> NDArray[np.float32]:
        """The one output [*output_shape] that fits all these targets best: the guess of who does not look."""

    def fitted(self, labels: Sequence[Label]) -> Self:
        """The same, scaled to these training labels."""
        del labels
        return self

    def to_fields(self) -> dict[str, Any]:
        """What distinguishes it from others of its class, as JSON."""
        return {
            "task": self.task,
            "channels": self.channels,
            "side": self.side,
            "mean": list(self.scaling.mean),
            "spread": list(self.scaling.spread),
        }

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Read back what `to_fields` gave."""
        scaling = Scaling(tuple(map(float, fields["mean"])), tuple(map(float, fields["spread"])))
        side = None if fields["side"] is None else int(fields["side"])
        return cls(str(fields["task"]), int(fields["channels"]), side, scaling, **cls._more(fields))

    @classmethod
    def _more(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Further arguments of a subclass."""
        del fields
        return {}

    def with_scaling(self, scaling: Scaling) -> Self:
        """The same with another scaling."""
        return replace(self, scaling=scaling)
