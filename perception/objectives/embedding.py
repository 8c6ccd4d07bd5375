"""The objective of segmentations: pixels of one segment near each other, of two far apart."""

import zlib
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

TRIPLETS = 128
"""Drawn for each image."""

MARGIN = 0.5
"""By which another segment's pixel should be farther, on the unit sphere."""


@dataclass(frozen=True)
class EmbeddingObjective(Objective):
    """A unit vector for each pixel, compared by distance alone.

    The triplet loss of Fathi et al. (2017), as in Taskonomy: an anchor, a pixel of its segment, a pixel of another.
    """

    kind: ClassVar[OutputKind] = OutputKind.EMBEDDING

    def targets(self, label: Label) -> Targets:
        """int16 [N, 3, 128]: pixels of anchor, same segment, other segment; -1 where an image has but one segment.

        Triplets are drawn by a checksum of the segments, so that an image always gets the same ones.
        """
        assert self.side is not None
        values = np.where(label.valid, label.values.astype(np.int32), -1).astype(np.int32)
        segments = sampled(values, self.side)
        return np.stack([_triplets(segment.reshape(-1)) for segment in segments])

    def mirrored(self, targets: Targets, signs: tuple[int, ...]) -> Targets:
        """The same triplets of points, each in its mirrored column; see `Objective.mirrored`."""
        del signs
        assert self.side is not None
        pixels = targets.astype(np.int16, copy=False)
        row, column = np.divmod(pixels, np.int16(self.side))
        return np.where(pixels >= 0, row * self.side + (self.side - 1 - column), pixels).astype(np.int16)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean hinge of the triplets; see `Objective.losses`."""
        known = targets[:, 0, 0] >= 0
        places = targets.long().clamp(min=0).flatten(1)
        pixels = outputs.flatten(-2)
        index = places[:, None, :].expand(*pixels.shape[:-1], places.shape[1])
        vectors = functional.normalize(pixels.gather(-1, index).float(), dim=-2, eps=1e-4)
        anchor, same, other = (vectors[..., k * TRIPLETS : (k + 1) * TRIPLETS] for k in range(3))
        near, far = ((anchor - x).square().sum(dim=-2) for x in (same, other))
        hinge = functional.relu(near - far + MARGIN).mean(dim=-1)
        return torch.where(known, hinge, torch.nan)

    def predictions(self, outputs: NDArray[np.floating]) -> NDArray[np.generic]:
        """Unit vectors, float32 [N, H, W, C]."""
        vectors = outputs.astype(np.float32).transpose(0, 2, 3, 1)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6))

    def constant_guess(self, targets: Targets) -> NDArray[np.float32]:
        """The same vector everywhere."""
        del targets
        return np.ones(self.output_shape, np.float32)


def _triplets(segments: NDArray[np.int32]) -> NDArray[np.int16]:
    """int16 [3, 128], indices of pixels."""
    known = np.flatnonzero(segments >= 0)
    if not len(known) or (segments[known] == segments[known[0]]).all():
        return np.full((3, TRIPLETS), -1, np.int16)
    rng = np.random.default_rng(zlib.crc32(segments.tobytes()))
    order = known[np.argsort(segments[known], kind="stable")]
    sorted_segments = segments[order]
    anchor = rng.choice(known, TRIPLETS)
    first = np.searchsorted(sorted_segments, segments[anchor], side="left")
    last = np.searchsorted(sorted_segments, segments[anchor], side="right")
    same = order[rng.integers(first, last)]
    # Any pixel outside the run first..last of the anchor's own segment, all equally likely.
    place = rng.integers(0, len(order) - (last - first))
    other = order[np.where(place < first, place, place + last - first)]
    return np.stack([anchor, same, other]).astype(np.int16)
