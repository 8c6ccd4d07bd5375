"""Encoders under eager PyTorch: on the CPU the plain reference, on an NVIDIA GPU in mixed precision."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perception.bank.card import Preprocessing
from perception.encoding.encoder import Features
from perception.encoding.runtime import Precision, Program

_AT_ONCE = 64
_MIXED: dict[str, bool] = {"cpu": False, "cuda": True}
"""Whether "auto" means bfloat16: eager CPU code gains nothing from it at small batches."""


def compile_encoders(
    encoders: Sequence[nn.Module], preprocessing: Preprocessing, device: str, precision: Precision
) -> Program:
    """See `runtime.Compile`."""
    mixed = _MIXED[device] if precision is Precision.AUTO else precision is Precision.BFLOAT16
    scale = (preprocessing.highest - preprocessing.lowest) / 255
    place = torch.device(device)
    networks = [encoder.to(place, memory_format=torch.channels_last) for encoder in encoders]  # type: ignore[call-overload]

    def features_of(images: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(images).to(place, non_blocking=True).permute(0, 3, 1, 2)
        inputs = pixels.to(torch.float32).mul_(scale).add_(preprocessing.lowest)
        with torch.autocast(place.type, torch.bfloat16, enabled=mixed):
            return torch.cat([network(inputs) for network in networks], dim=1)

    def run(images: NDArray[np.uint8]) -> Features:
        with torch.inference_mode():
            parts = [features_of(images[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE)]
            result: Features = torch.cat(parts).float().contiguous().cpu().numpy()
        return result

    return run
