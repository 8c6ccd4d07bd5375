"""The unit that represents all images by one encoder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from perception.errors import UserError
from perception.networks import build_encoder
from taxonomy.dataset import open_dataset
from taxonomy.readouts.representations import PLAIN, encode_images, input_of, representations_path, side_of
from taxonomy.training import ENCODER_FILE, DataSource
from taxonomy.training.samples import first_views, load_images

LEARNING, TESTING = "val", "test"
"""Splits that readouts learn from and are tested on: buildings that no encoder has seen."""


@dataclass(frozen=True)
class RepresentationsWork:
    """Represents the images that readouts learn from and are tested on.

    Writes `<split>_<variant>.npy`, float16 [M, 8, 16, 16].
    Needs "network", a folder with `encoder.safetensors`; without it the encoder has random weights.

    Args:
        architecture: Of the encoder.
        data: Where images come from; `test_images` of the test split.
        images: Of the validation split; None for all.
        variants: What the targets' readouts look at, see `variant_of`.
        seed: Of random weights.
        threads: Of the CPU.
        device: PyTorch's name.
    """

    kind: ClassVar[str] = "representations"
    version: ClassVar[int] = 1

    architecture: str
    data: DataSource
    images: int | None = None
    variants: tuple[str, ...] = (PLAIN,)
    seed: int = 0
    threads: int = 1
    device: str = "cpu"

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        """See the class."""
        dataset = open_dataset(self.data.folder)
        encoder = build_encoder(self.architecture, self.seed)
        if "network" in inputs:
            _load(encoder, inputs["network"] / ENCODER_FILE)
        for split, count in ((LEARNING, self.images), (TESTING, self.data.test_images)):
            images = load_images(dataset, first_views(dataset, split, count))
            for variant in self.variants:
                found = encode_images(
                    encoder, images, side_of(self.architecture), looks_at=input_of(variant), device=self.device
                )
                np.save(representations_path(folder, split, variant), found)


def _load(encoder: nn.Module, path: Path) -> None:
    try:
        encoder.load_state_dict(load_file(path))
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"cannot read the encoder {path}: {reason}") from error
