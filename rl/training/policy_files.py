"""A trained policy as files: `policy.safetensors` with its parameters, `policy.json` with all else to use it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perception.errors import UserError
from perception.files import read_bytes, write_atomically
from rl.training.documents import read_json, write_json
from rl.training.spec import RunSpec

if TYPE_CHECKING:
    import torch
    from gymnasium import spaces

    from rl.training.checkpoint import Arrays
    from rl.training.world import World

POLICY_FILE = "policy.json"
PARAMETERS_FILE = "policy.safetensors"
POLICY_FORMAT = 1
"""Version of the two files."""

_LARGEST_MIB = 1024


def write_policy(folder: Path, spec: RunSpec, world: "World", policy: "torch.nn.Module") -> None:
    """Write both; `policy.json`, which has the other's hash, comes last.

    Raises:
        UserError: If they cannot be written.
    """
    from safetensors.numpy import save

    from rl.training.network_state import policy_arrays

    data = save({name: np.array(array, order="C") for name, array in policy_arrays(policy).items()})
    write_atomically(folder / PARAMETERS_FILE, data)
    document = {
        "format": POLICY_FORMAT,
        "sha256": hashlib.sha256(data).hexdigest(),
        "spec": spec.to_json(),
        "vision": dict(world.identity),
        "encoders_sha256": dict(world.weights_sha256()),
        "scenes": world.scenes,
        "observations": _spaces_to_json(world.env.observation_space),
        "actions": int(world.env.action_space.n),  # type: ignore[attr-defined]
    }
    write_json(folder / POLICY_FILE, document)


def read_policy(folder: Path) -> "tuple[Mapping[str, Any], Arrays]":
    """What `policy.json` says, and the parameters.

    Raises:
        UserError: If the training has not ended, or a file is broken or not the other's.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / POLICY_FILE
    if not path.exists():
        raise UserError(f"{folder} has no {POLICY_FILE}; train to the end first: `midlevel rl train --out {folder}`.")
    document = read_json(path)
    if not isinstance(document, Mapping) or document.get("format") != POLICY_FORMAT:
        raise UserError(f"{path} is no policy in the format {POLICY_FORMAT}.")
    data = read_bytes(folder / PARAMETERS_FILE, limit_mib=_LARGEST_MIB)
    if hashlib.sha256(data).hexdigest() != document.get("sha256"):
        raise UserError(f"{folder / PARAMETERS_FILE} is not what {POLICY_FILE} was written for; was it copied whole?")
    try:
        return document, load(data)
    except SafetensorError as error:
        raise UserError(f"{folder / PARAMETERS_FILE} is broken: {error}.") from error


def observation_space(document: Mapping[str, Any]) -> "spaces.Dict":
    """The observations that a policy takes, as `policy.json` has them."""
    from gymnasium import spaces

    def box(entry: Mapping[str, Any]) -> spaces.Box:
        low, high = (
            -np.inf if entry["low"] is None else entry["low"],
            np.inf if entry["high"] is None else entry["high"],
        )
        return spaces.Box(low, high, tuple(entry["shape"]), np.dtype(entry["dtype"]).type)

    return spaces.Dict({name: box(entry) for name, entry in document["observations"].items()})


def _spaces_to_json(space: Any) -> dict[str, Any]:
    return {name: _box_to_json(box) for name, box in space.spaces.items()}


def _box_to_json(box: Any) -> dict[str, Any]:
    low, high = float(box.low.min()), float(box.high.max())
    return {
        "shape": list(box.shape),
        "dtype": str(box.dtype),
        "low": low if np.isfinite(low) else None,
        "high": high if np.isfinite(high) else None,
    }
