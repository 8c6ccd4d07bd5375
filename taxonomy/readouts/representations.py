"""Frozen representations of images: made once, kept in files, and read by every readout."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from perception.errors import UserError
from perception.networks import architecture_named, to_network_range
from perception.networks.resnet50 import REPRESENTATION_CHANNELS, REPRESENTATION_SIDE
from perception.photos import squares
from perception.tasks import TASKS, Input, Task
from taxonomy.training.samples import Samples

_AT_ONCE = 64
"""As tests of networks draw them, so that a noisy image has the same noise here as there."""

_LOOKING: Mapping[Input, Task] = {
    task.input: task for task in TASKS.values() if task.input.views == 1 and task.input is not Input.SHUFFLED
}
"""A task for each input that depends on the image alone."""

PLAIN = "rgb"


def variant_of(task: Task) -> str:
    """Which representations the readouts of a target read: of plain images, or of images prepared as its network's.

    Returns:
        "rgb", also for several views; "noisy", "masked" or "grey".

    Raises:
        UserError: If its images are shuffled by its labels.
    """
    if task.input.views > 1:
        return PLAIN
    if task.input not in _LOOKING:
        raise UserError(f"{task.name!r} looks at images that its labels shuffle; it can be a source, not a target.")
    return task.input.name.lower()


def encode_images(
    encoder: nn.Module,
    images: NDArray[np.uint8],
    side_px: int,
    *,
    looks_at: Input = Input.RGB,
    device: str = "cpu",
) -> NDArray[np.float16]:
    """Represent images by a frozen encoder, in float32 as its network is tested.

    In bfloat16 it takes a third of the time, about 0.7 ms an image less on a CPU's core, but keeps 8 bits where the
    files keep 11; it is done once.

    Args:
        encoder: Float [N, 3, side_px, side_px] in [-1, 1] to [N, 8, 16, 16]; left in evaluation mode.
        images: uint8 [M, H, W, 3]; other sizes are resampled.
        side_px: Of the encoder's input.
        looks_at: What is done to the images first, always the same way.
        device: PyTorch's name of where to compute.

    Returns:
        float16 [M, 8, 16, 16].

    Raises:
        UserError: If a representation is not finite, or too large for float16.
    """
    samples = Samples(_LOOKING[looks_at], images, np.arange(len(images))[:, None], np.zeros(len(images), np.int16))
    encoder = encoder.to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    found = np.empty((len(images), REPRESENTATION_CHANNELS, REPRESENTATION_SIDE, REPRESENTATION_SIDE), np.float16)
    for start in range(0, len(images), _AT_ONCE):
        prepared, _ = samples.fixed(start, start + _AT_ONCE)
        with torch.inference_mode():
            inputs = to_network_range(squares(prepared[:, 0], side_px)).to(device)
            found[start : start + _AT_ONCE] = encoder(inputs).half().cpu().numpy()
    if not np.isfinite(found).all():
        raise UserError("an encoder's representations are not finite in float16; train it anew, or leave it out.")
    return found


def representations_path(folder: Path, split: str, variant: str) -> Path:
    """Where the representations of a split are."""
    return folder / f"{split}_{variant}.npy"


def open_representations(folder: Path, split: str, variant: str = PLAIN) -> NDArray[np.float16]:
    """Representations [M, 8, 16, 16] of a split's images, mapped into memory.

    Raises:
        UserError: If they were not made, or the file holds something else.
    """
    path = representations_path(folder, split, variant)
    try:
        found: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the representations {path}: {error}.") from error
    expected = (REPRESENTATION_CHANNELS, REPRESENTATION_SIDE, REPRESENTATION_SIDE)
    if found.dtype != np.float16 or found.shape[1:] != expected:
        raise UserError(f"{path} holds {found.dtype} {found.shape}; expected float16 [M, 8, 16, 16].")
    return found


def input_of(variant: str) -> Input:
    """The input that a variant's name stands for."""
    return Input[variant.upper()]


def side_of(architecture: str) -> int:
    """Rows and columns that an architecture takes."""
    return architecture_named(architecture).side_px
