"""The checkpoints that came with visual-priors: `<task>_encoder-<sha256>.pth` and `<task>_decoder-<sha256>.pth`.

They are read as tensors and nothing else: a file that holds anything more is refused, not run.
"""

import hashlib
import io
import re
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from perception.errors import UserError
from perception.files import read_bytes

LARGEST_CHECKPOINT_MIB = 512
"""The published ones have some 100 MiB."""


def load_published(network: nn.Module, path: Path) -> None:
    """Read a published checkpoint into a network of its architecture, and put the network into evaluation mode.

    Args:
        network: Changed in place, as a whole or not at all.
        path: A `.pth` file with a dictionary of tensors, bare or under "state_dict". Where its name ends in a sha256,
            as the published ones do, the content must match it.

    Raises:
        UserError: If the file cannot be read, is not what its name promises, holds anything but tensors, or has other
            parameters than the network.
    """
    state = _tensors(path)
    own = network.state_dict()
    given = {name: state.get(name, tensor) if _is_counter(name) else state.get(name) for name, tensor in own.items()}
    missing = [name for name, tensor in given.items() if tensor is None]
    unknown = sorted(set(state) - set(own))
    if missing or unknown:
        raise UserError(
            f"{path.name} is no {type(network).__name__}: {len(missing)} parameters are missing "
            f"({', '.join(missing[:3]) or 'none'}), {len(unknown)} unknown ({', '.join(unknown[:3]) or 'none'})."
        )
    for name, tensor in own.items():
        found = given[name]
        if found is None or found.shape != tensor.shape:
            shape = None if found is None else tuple(found.shape)
            raise UserError(f"{path.name}: {name} has shape {shape}, expected {tuple(tensor.shape)}.")
        if not torch.isfinite(found).all():
            raise UserError(f"{path.name}: {name} holds a value that is not finite; get the file again.")
    network.load_state_dict({name: tensor for name, tensor in given.items() if tensor is not None})
    network.eval()


def _is_counter(name: str) -> bool:
    """Batch counters play no part in evaluation, and old checkpoints lack them."""
    return name.endswith("num_batches_tracked")


def _tensors(path: Path) -> dict[str, Tensor]:
    data = read_bytes(path, limit_mib=LARGEST_CHECKPOINT_MIB)
    promised = re.search(r"-([0-9a-f]{64})\.pth$", path.name)
    if promised and hashlib.sha256(data).hexdigest() != promised.group(1):
        raise UserError(f"{path.name} does not have the sha256 that its name promises; get the file again.")
    try:
        with warnings.catch_warnings(action="ignore"):  # of unusual pickles, which are refused anyhow or harmless
            loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile pickle makes the reader raise whatever it likes
        first = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UserError(f"{path.name} is no checkpoint of tensors alone, and nothing else is read: {first}") from error
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{path.name} holds {type(loaded).__name__}, expected a dictionary of tensors by name.")
    return {str(name): tensor for name, tensor in state.items()}
