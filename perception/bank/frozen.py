"""Frozen networks: always in evaluation mode, without gradients, their weights' hash at hand."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Self

from torch import Tensor, nn

from perception.errors import UserError


class Frozen(nn.Module):
    """A network that does not change: it evaluates, has no gradients, and refuses to train.

    Args:
        network: Put into evaluation mode and stripped of gradients, in place.
        name: What it is, for messages.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network = network
        self.name = name
        super().train(False)
        super().requires_grad_(False)

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the network puts out."""
        result: Tensor = self.network(*inputs)
        return result

    def train(self, mode: bool = True) -> Self:
        """Refuse; batch statistics would drift away from the card's hash.

        Raises:
            UserError: Unless `mode` is False.
        """
        if mode:
            raise UserError(f"{self.name} is frozen and cannot be trained; train a copy: copy.deepcopy(it.network).")
        return super().train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Refuse likewise.

        Raises:
            UserError: Unless `requires_grad` is False.
        """
        if requires_grad:
            raise UserError(f"{self.name} is frozen and takes no gradients; train a copy: copy.deepcopy(it.network).")
        return super().requires_grad_(False)


def weight_tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """What makes up a network's function, by name: parameters and statistics, without batch counters."""
    module = network.network if isinstance(network, Frozen) else network
    for name, tensor in module.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            yield name, tensor


def weights_sha256(network: nn.Module) -> str:
    """The hash of a network's weights: of names, shapes and float32 values, whatever file or device holds them."""
    return tensors_sha256(dict(weight_tensors(network)))


def tensors_sha256(tensors: Mapping[str, Any]) -> str:
    """As `weights_sha256`, of tensors by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = tensors[name].detach().float().cpu().contiguous().numpy()
        digest.update(f"{name} {list(array.shape)}\n".encode())
        digest.update(array.astype("<f4", copy=False).tobytes())
    return digest.hexdigest()
