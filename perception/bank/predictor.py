"""Predictions of one task's network for photos of any size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perception.bank.card import Card, HeadKind
from perception.bank.checkpoint import Checkpoint
from perception.errors import UserError
from perception.labels.inputs import shuffled
from perception.labels.permutations import PERMUTATION_COUNT, permutations
from perception.labels.task_inputs import prepared
from perception.networks.published_heads import PublishedHead
from perception.objectives import objective_from_json
from perception.photos import Pixels, check_images, squares
from perception.pictures import USUAL_HFOV_DEG, caption, draw
from perception.tasks import TASKS, Input, OutputKind

_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of N samples, in the units of the task's label.

    Args:
        card: Of the network.
        values: [N, H, W], [N, H, W, C], [N, C] or [N], as the task's `OutputSpec` says; of a published head, numbers
            in its own range.
        probabilities: float32 [N], of the class that was chosen for the image; None where there is none.
        inputs: uint8 [N, V, side, side, 3], what the network looked at.
    """

    card: Card
    values: NDArray[np.generic]
    probabilities: NDArray[np.float32] | None
    inputs: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.values)

    def caption(self, index: int = 0) -> str:
        """A line about one sample: the task, and its class with the probability."""
        probability = None if self.probabilities is None else float(self.probabilities[index])
        values = np.asarray(self.values[index])
        return caption(self.card.task, values, names=self.card.classes, probability=probability)

    def picture(self, index: int = 0, *, hfov_deg: float = USUAL_HFOV_DEG) -> Pixels:
        """One sample's prediction, drawn as labels are; of shuffled tiles, the photo that was put together again."""
        values, photo = np.asarray(self.values[index]), self.inputs[index, 0]
        if _looks_at(self.card.task) is Input.SHUFFLED:
            return shuffled(photo, np.argsort(permutations()[int(values)]))
        if self.card.head is HeadKind.PUBLISHED and self.card.task not in _PUBLISHED_AS_LABELS:
            return _drawn_in_range(values, photo)
        return draw(self.card.task, values, _everywhere(values), photo, hfov_deg)


_PUBLISHED_AS_LABELS = ("normal", "segment_semantic", "segment_unsup2d", "segment_unsup25d")
"""Published heads whose numbers mean what our labels' do, as far as a picture goes."""


def _drawn_in_range(values: NDArray[np.generic], photo: Pixels) -> Pixels:
    """Numbers in [-1, 1] as grey levels or colours."""
    if values.ndim < 2:
        return photo
    levels = np.clip(127.5 * (values.astype(np.float64) + 1), 0, 255).astype(np.uint8)
    channels = np.atleast_3d(levels)
    missing = 3 - channels.shape[2]
    return np.concatenate([channels, *[channels[..., -1:]] * missing], axis=2)


def _everywhere(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    return np.ones(values.shape[:2] if values.ndim >= 2 else (), np.bool_)


def _looks_at(task: str) -> Input:
    return TASKS[task].input if task in TASKS else Input.RGB


class Predictor:
    """A task's encoder and head, ready to predict.

    Args:
        checkpoint: Of the task.
        device: PyTorch's name of where to compute.

    Raises:
        UserError: If the checkpoint has no head.
    """

    def __init__(self, checkpoint: Checkpoint, *, device: str = "cpu") -> None:
        if checkpoint.head is None:
            raise UserError(f"{checkpoint.card.task!r} has an encoder but no head, so it predicts nothing.")
        self.card = checkpoint.card
        self._encoder = checkpoint.encoder.to(device)
        self._head = checkpoint.head.to(device)
        self._device = device

    def predict(self, images: Sequence[Pixels] | Pixels, *, seed: int = 0) -> Prediction:
        """Predictions for photos.

        Tasks that look at changed photos get them changed: with noise, with the centre masked, grey, or shuffled.

        Args:
            images: Photos uint8 [H, W, 3], of any size, perhaps different ones; for a task that looks at V views, V
                photos for each sample, one sample after the other.
            seed: Of the noise and of the order of shuffled tiles.

        Raises:
            UserError: If a photo is anything else, or their number does not go with the task.
        """
        photos = _photos(images)
        views = self.card.views
        if not photos or len(photos) % views:
            expected = "at least one" if views == 1 else f"{views}, or a multiple of it, that see the same place"
            raise UserError(
                f"{self.card.task!r} looks at {views} photos at a time; {len(photos)} were given, expected {expected}."
            )
        inputs = self._prepared(squares(photos, self.card.preprocessing.side_px), np.random.default_rng(seed))
        inputs = inputs.reshape(-1, views, *inputs.shape[1:])
        outputs = np.concatenate([self._outputs(inputs[k : k + _AT_ONCE]) for k in range(0, len(inputs), _AT_ONCE)])
        return Prediction(self.card, self._read(outputs), self._probabilities(outputs), inputs)

    def _prepared(self, images: Pixels, rng: np.random.Generator) -> Pixels:
        looks_at = _looks_at(self.card.task)
        orders = rng.integers(PERMUTATION_COUNT, size=len(images))
        return prepared(looks_at, images, orders, rng)

    def _outputs(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        scale = (self.card.preprocessing.highest - self.card.preprocessing.lowest) / 255
        with torch.inference_mode():
            pixels: Tensor = torch.from_numpy(inputs).to(self._device).flatten(0, 1).permute(0, 3, 1, 2)
            features = self._encoder(pixels.float() * scale + self.card.preprocessing.lowest)
            outputs = self._head(features.reshape(len(inputs), -1, *features.shape[2:]))
        result: NDArray[np.float32] = outputs.float().cpu().numpy()
        return result

    def _read(self, outputs: NDArray[np.float32]) -> NDArray[np.generic]:
        return self._reader(outputs)

    @cached_property
    def _reader(self) -> Callable[[NDArray[np.float32]], NDArray[np.generic]]:
        if self.card.objective is not None:
            return objective_from_json(self.card.objective).predictions
        return lambda outputs: _published_values(outputs, self.card.output or PublishedHead(outputs.shape[1]))

    @property
    def _is_class(self) -> bool:
        if self.card.objective is not None:
            return objective_from_json(self.card.objective).kind is OutputKind.CLASSES
        return self.card.output is not None and not self.card.output.dense

    def _probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32] | None:
        if not self._is_class:
            return None
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(shares.max(axis=1) / shares.sum(axis=1), np.float32)


def _published_values(outputs: NDArray[np.float32], output: PublishedHead) -> NDArray[np.generic]:
    """A bounded image in [-1, 1], else the likeliest class of each image or pixel."""
    if not output.bounded or not output.dense:
        return np.asarray(outputs.argmax(axis=1))
    values = outputs.transpose(0, 2, 3, 1)
    return values[..., 0] if output.channels == 1 else values


def _photos(images: Sequence[Pixels] | Pixels) -> list[Pixels]:
    if isinstance(images, np.ndarray):
        return list(check_images(images[None] if images.ndim == 3 else images))
    photos = []
    for number, image in enumerate(images, start=1):
        try:
            photos.append(check_images(image[None] if isinstance(image, np.ndarray) else image)[0])
        except UserError as error:
            raise UserError(f"photo {number} of {len(images)}: {error}") from error
    return photos
