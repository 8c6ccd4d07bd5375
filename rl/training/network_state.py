"""Parameters and Adam's state as arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rl.training.checkpoint import Arrays


def policy_arrays(policy: torch.nn.Module) -> Arrays:
    """A policy's parameters and buffers; views, not copies."""
    return {name: tensor.detach().numpy() for name, tensor in policy.state_dict().items()}


def load_policy_arrays(policy: torch.nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put parameters and buffers into a policy of the same shape."""
    policy.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})


def optimiser_arrays(optimiser: torch.optim.Optimizer) -> Arrays:
    """Its moments and step counts, named by parameter number and kind; views, not copies."""
    state = optimiser.state_dict()["state"]
    return {f"{index}/{name}": tensor.numpy() for index, kinds in state.items() for name, tensor in kinds.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, arrays: Arrays) -> None:
    """Put them into an optimiser of the same parameters."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, array in arrays.items():
        index, _, name = key.partition("/")
        tensor, parameter = torch.from_numpy(np.array(array)), parameters[int(index)]
        if tensor.shape == parameter.shape:  # laid out in memory as before, or sums may round differently
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        state.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
