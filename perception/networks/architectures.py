"""Encoder architectures by name, and the networks built on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perception.errors import UnknownNameError
from perception.networks.compact import CompactEncoder
from perception.networks.heads import DenseHead, VectorHead
from perception.networks.resnet50 import ResNet50Encoder


@dataclass(frozen=True)
class Architecture:
    """An encoder, and the images it takes.

    Args:
        name: "compact" or "resnet50".
        side_px: Rows and columns of its input.
        build: Makes one with fresh weights.
    """

    name: str
    side_px: int
    build: Callable[[], nn.Module]


ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (Architecture("compact", 128, CompactEncoder), Architecture("resnet50", 256, ResNet50Encoder))
}
"""Every encoder architecture; all put out float [N, 8, 16, 16]."""


def architecture_named(name: str) -> Architecture:
    """Look an architecture up.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise UnknownNameError("architecture", name, ARCHITECTURES) from None


def build_encoder(name: str, seed: int) -> nn.Module:
    """An encoder with fresh weights that depend on the seed alone; the global generator is left as it was.

    Raises:
        UnknownNameError: If there is no such architecture.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return architecture_named(name).build()


def build_head(output_shape: tuple[int, ...], views: int, seed: int) -> nn.Module:
    """A head for outputs [C, side, side] or [C], with weights that depend on the seed alone.

    Args:
        output_shape: Of one sample, as `Objective.output_shape` has it.
        views: Images that one sample has.
        seed: Of the weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if len(output_shape) == 1:
            return VectorHead(output_shape[0], views)
        return DenseHead(output_shape[0], output_shape[1], views)


class TaskNetwork(nn.Module):
    """An encoder and a head: what is trained for one task.

    Input: float [N, views, 3, side, side] in [-1, 1]; the head sees the views' representations side by side.

    Args:
        encoder: Images to representations.
        head: Representations to outputs.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Outputs [N, ...] in the objective's scale."""
        count, views = images.shape[:2]
        representations = self.encoder(images.flatten(0, 1))
        result: Tensor = self.head(
            representations.reshape(count, views * representations.shape[1], *representations.shape[2:])
        )
        return result


def to_network_range(images: NDArray[np.uint8]) -> Tensor:
    """Images uint8 [N, ..., H, W, 3] to float32 [N, ..., 3, H, W] in [-1, 1], channels last in memory."""
    tensor = torch.from_numpy(images).movedim(-1, -3)
    return tensor.to(torch.float32).mul_(1 / 127.5).sub_(1)


def multiply_adds(network: nn.Module, example: Tensor) -> int:
    """Multiply-adds of the convolutions and linear layers for the example's batch."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        weight = module.weight
        assert isinstance(weight, Tensor)
        is_transposed = isinstance(module, nn.ConvTranspose2d)
        places = (inputs[0] if is_transposed else output)[0, 0].numel() if weight.ndim == 4 else 1
        total += len(output) * places * weight.numel()

    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
    ]
    try:
        with torch.no_grad():
            network(example)
    finally:
        for hook in hooks:
            hook.remove()
    return total
