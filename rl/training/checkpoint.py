"""All that a run needs to go on, in one file: arrays and a JSON document, without pickles."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.files import write_atomically

CHECKPOINT_FORMAT = 1
"""Version of what is in the file."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """How a run stands after a rollout.

    Args:
        arrays: By name; names have `/` between their parts.
        facts: What is no array, as JSON.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]

    def part(self, name: str) -> Arrays:
        """Arrays whose names begin with `name/`, without that."""
        start = f"{name}/"
        return {key.removeprefix(start): array for key, array in self.arrays.items() if key.startswith(start)}


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write it whole, or leave what was there.

    Raises:
        UserError: If it cannot be written.
    """
    from safetensors.numpy import save

    facts = json.dumps({"format": CHECKPOINT_FORMAT, **checkpoint.facts})
    arrays = {name: np.array(array, order="C") for name, array in checkpoint.arrays.items()}
    write_atomically(path, save(arrays, metadata={"facts": facts}))


def read_checkpoint(path: Path) -> Checkpoint:
    """What `write_checkpoint` wrote.

    Raises:
        UserError: If it cannot be read, or is none, or is of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            facts = json.loads(file.metadata()["facts"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is no checkpoint ({error}); delete it to start the run anew.") from error
    if facts.get("format") != CHECKPOINT_FORMAT:
        raise UserError(f"{path} has the format version {facts.get('format')!r}; expected {CHECKPOINT_FORMAT}.")
    return Checkpoint(arrays, facts)


def prefixed(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Copies, named `prefix/name`."""
    return {f"{prefix}/{name}": np.array(array) for name, array in arrays.items()}
