"""Objectives of tasks that put out numbers: images and vectors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from perception.errors import UserError
from perception.labels.view import Label
from perception.objectives.cycle import cycle_errors
from perception.objectives.objective import Objective, Scaling, Targets
from perception.objectives.resampling import averaged
from perception.tasks import Loss, OutputKind

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Compression:
    """What tames a heavy tail before a network sees it.

    Args:
        apply: Label to compressed values.
        undo: And back.
    """

    apply: Callable[[Numbers], Numbers]
    undo: Callable[[Numbers], Numbers]


_SHORTEST_DEPTH_M = 0.05

COMPRESSIONS: Mapping[str, Compression] = {
    "none": Compression(lambda x: x, lambda x: x),
    "log": Compression(lambda x: np.log(np.maximum(x, _SHORTEST_DEPTH_M)), np.exp),
    "asinh": Compression(np.arcsinh, np.sinh),
    "sqrt": Compression(lambda x: np.sqrt(np.maximum(x, 0)), lambda x: np.square(np.maximum(x, 0))),
}
"""By name: depth is learned in its logarithm, curvature (1/m, from -50 to 100) by asinh, responses by their root."""

_ODD = ("none", "asinh")


@dataclass(frozen=True)
class ImageObjective(Objective):
    """Numbers for every pixel.

    Args:
        loss: "L1", "L2", or "L1_COSINE" for unit vectors.
        compression: Name in `COMPRESSIONS`, applied before cells are averaged.
        blur_px: Gaussian spread, in label pixels, by which thin responses are widened first: what a network of coarse
            features can place.
        lowest: Of the label's values, to which predictions are clipped.
        highest: Likewise.
    """

    kind: ClassVar[OutputKind] = OutputKind.IMAGE

    loss: str = "L1"
    compression: str = "none"
    blur_px: float = 0.0
    lowest: float = -np.inf
    highest: float = np.inf

    def targets(self, label: Label) -> Targets:
        """float16 [N, C, side, side]."""
        return self.scaling.apply(self._compressed(label)).astype(np.float16)

    def mirrored(self, targets: Targets, signs: tuple[int, ...]) -> Targets:
        """Columns change places, signed channels their sign; see `Objective.mirrored`.

        Raises:
            UserError: If channels change their sign that a compression does not keep.
        """
        if -1 in signs and self.compression not in _ODD:
            raise UserError(
                f"{self.task}: mirrored labels change their sign, which {self.compression!r} does not keep."
            )
        turned = np.ascontiguousarray(targets[..., ::-1])
        return self.scaling.signed(turned.astype(np.float32), signs).astype(targets.dtype) if signs else turned

    def fitted(self, labels: Sequence[Label]) -> Self:
        """Scaled to these labels; unit vectors stay as they are."""
        if self.loss == "L1_COSINE":
            return self
        return self.with_scaling(Scaling.of(np.concatenate([self._compressed(label) for label in labels])))

    def _compressed(self, label: Label) -> Numbers:
        assert self.side is not None
        values = label.values[..., None] if label.values.ndim == 3 else label.values
        largest = 255 if values.dtype == np.uint8 else 1  # pictures are learned in [0, 1]
        known = np.where(label.valid[..., None], values, np.nan) / np.float32(largest)
        numbers: Numbers = np.ascontiguousarray(known.transpose(0, 3, 1, 2), np.float32)
        numbers = COMPRESSIONS[self.compression].apply(numbers)
        if self.blur_px:
            numbers = _blurred(numbers, self.blur_px)
        return averaged(numbers, self.side)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean over valid pixels and channels; see `Objective.losses`."""
        wanted = targets.float()
        missing = wanted.isnan()
        has_missing = bool(missing.any())
        errors = outputs.float() - (wanted.nan_to_num() if has_missing else wanted)
        if has_missing:
            errors = errors * ~missing
            share = (~missing).float().flatten(1).mean(dim=1)
        else:
            share = errors.new_ones(len(wanted))
        errors = errors.square() if self.loss == "L2" else errors.abs()
        divisor = share.where(share > 0, 1)  # a division by zero would spoil the gradient of the whole batch
        result = errors.flatten(-3).mean(dim=-1) / divisor
        if self.loss == "L1_COSINE":
            turned = (1 - _cosine(outputs.float(), wanted.nan_to_num())) * ~missing.any(dim=1)
            result = result + turned.flatten(-2).mean(dim=-1) / divisor
        return torch.where(share > 0, result, torch.nan)

    def predictions(self, outputs: NDArray[np.floating]) -> NDArray[np.generic]:
        """float32 [N, H, W] or [N, H, W, C] in the label's unit."""
        values = COMPRESSIONS[self.compression].undo(self.scaling.undo(outputs.astype(np.float32)))
        values = np.clip(values.transpose(0, 2, 3, 1), self.lowest, self.highest)
        if self.loss == "L1_COSINE":
            values = values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-6)
        return values[..., 0] if self.channels == 1 else values

    def constant_guess(self, targets: Targets) -> Numbers:
        """Each pixel's median, or for L2 its mean, over the images."""
        return _centre(targets, self.loss != "L2")

    def to_fields(self) -> dict[str, Any]:
        """See `Objective.to_fields`."""
        more = {"loss": self.loss, "compression": self.compression, "blur_px": self.blur_px}
        bounds = {name: value if np.isfinite(value) else None for name, value in self._bounds().items()}
        return {**super().to_fields(), **more, **bounds}

    def _bounds(self) -> dict[str, float]:
        return {"lowest": self.lowest, "highest": self.highest}

    @classmethod
    def _more(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "loss": str(fields["loss"]),
            "compression": str(fields["compression"]),
            "blur_px": float(fields["blur_px"]),
            "lowest": -np.inf if fields["lowest"] is None else float(fields["lowest"]),
            "highest": np.inf if fields["highest"] is None else float(fields["highest"]),
        }


@dataclass(frozen=True)
class VectorObjective(Objective):
    """A few numbers for the whole image, L2.

    Args:
        cycle_weight: Of the penalty on three relative poses that do not lead back to the start.
    """

    kind: ClassVar[OutputKind] = OutputKind.VECTOR

    cycle_weight: float = 0.0

    def targets(self, label: Label) -> Targets:
        """float32 [N, C]."""
        return self.scaling.apply(_vectors(label))

    def mirrored(self, targets: Targets, signs: tuple[int, ...]) -> Targets:
        """See `Objective.mirrored`."""
        return self.scaling.signed(targets.astype(np.float32, copy=False), signs)

    def fitted(self, labels: Sequence[Label]) -> Self:
        """Scaled to these labels."""
        return self.with_scaling(Scaling.of(np.concatenate([_vectors(label) for label in labels])))

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error over the scaled entries, and the cycle's error; see `Objective.losses`."""
        missing = targets.isnan()
        share = (~missing).float().mean(dim=1)
        errors = (outputs.float() - targets.nan_to_num()) * ~missing
        result = errors.square().mean(dim=-1) / share.where(share > 0, 1)
        if self.cycle_weight:
            mean, spread = (outputs.new_tensor(x).float() for x in (self.scaling.mean, self.scaling.spread))
            result = result + self.cycle_weight * cycle_errors(outputs.float() * spread + mean)
        return torch.where(share > 0, result, torch.nan)

    def predictions(self, outputs: NDArray[np.floating]) -> NDArray[np.generic]:
        """float32 [N, C] in the label's units."""
        return self.scaling.undo(outputs.astype(np.float32))

    def constant_guess(self, targets: Targets) -> Numbers:
        """The mean."""
        return _centre(targets, False)

    def to_fields(self) -> dict[str, Any]:
        """See `Objective.to_fields`."""
        return {**super().to_fields(), "cycle_weight": self.cycle_weight}

    @classmethod
    def _more(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return {"cycle_weight": float(fields["cycle_weight"])}


def _cosine(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Of vectors [..., C, h, w]; sums of products, since PyTorch's norm over a strided axis is ten times slower."""
    products = [(a * b).sum(dim=-3) for a, b in ((outputs, wanted), (outputs, outputs), (wanted, wanted))]
    return products[0] * (products[1] * products[2] + 1e-6).rsqrt()


def _vectors(label: Label) -> Numbers:
    valid = label.valid[:, None] if label.valid.ndim == 1 else label.valid
    return np.where(valid, label.values.astype(np.float32), np.nan).astype(np.float32)


def _blurred(numbers: Numbers, sigma_px: float) -> Numbers:
    """Gaussian blur over valid pixels alone; invalid ones stay so."""
    spread = (0, 0, sigma_px, sigma_px)
    known = ~np.isnan(numbers)
    blurred = ndimage.gaussian_filter(np.where(known, numbers, 0), spread, truncate=3)
    if not known.all():
        weight = ndimage.gaussian_filter(known.astype(np.float32), spread, truncate=3)
        blurred = np.where(known, blurred / np.maximum(weight, 1e-6), np.nan)
    return np.asarray(blurred, np.float32)


def _centre(targets: Targets, median: bool) -> Numbers:
    values = targets.astype(np.float32)
    known = ~np.isnan(values)
    if known.all():
        found = np.median(values, axis=0) if median else values.mean(axis=0)
        return np.asarray(found, np.float32)
    total = np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    if not median:
        return np.asarray(total, np.float32)
    filled = np.where(known, values, total)  # a pixel that is never valid has no effect
    return np.asarray(np.median(filled, axis=0), np.float32)


LOSSES: Mapping[Loss, tuple[str, str]] = {
    Loss.L1: ("L1", "none"),
    Loss.L1_LOG: ("L1", "log"),
    Loss.L1_COSINE: ("L1_COSINE", "none"),
    Loss.L2: ("L2", "none"),
}
"""Loss and compression of images, by the dictionary's loss."""
