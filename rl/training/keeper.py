"""Keeps a run's last whole rollout, and writes it down now and then."""

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from perception.errors import UserError
from rl.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from rl.training.documents import differences


class Keeper:
    """A run's checkpoint file.

    Args:
        path: The file.
        owner: What a checkpoint is good for, as JSON: agent, task, buildings, vision.
        every_s: How often it is written; 0 for every time.
    """

    def __init__(self, path: Path, owner: Mapping[str, Any], every_s: float) -> None:
        self._path = path
        self._owner = owner
        self._every_s = every_s
        self._written_s = monotonic()
        self._unwritten: Checkpoint | None = None
        self.steps = 0
        """Where the run stood when it was last kept."""

    def read(self) -> Checkpoint | None:
        """What was written last, by this process or one before; None if nothing was.

        Raises:
            UserError: If it is broken, or another agent's, or of another task or vision.
        """
        for half in self._path.parent.glob(f".{self._path.name}.*"):  # was being written when a process was killed
            half.unlink()
        if not self._path.exists():
            return None
        checkpoint = read_checkpoint(self._path)
        changes = differences(checkpoint.facts.get("owner"), self._owner)
        if changes:
            raise UserError(f"{self._path} is a checkpoint of another run: {'; '.join(changes)}.")
        self.steps = int(checkpoint.facts["steps"])
        return checkpoint

    def keep(self, checkpoint: Checkpoint) -> None:
        """This is where the run stands now."""
        self._unwritten = Checkpoint(checkpoint.arrays, {**checkpoint.facts, "owner": self._owner})
        self.steps = int(checkpoint.facts["steps"])
        if monotonic() - self._written_s >= self._every_s:
            self.write()

    def write(self) -> None:
        """Write down what is kept, if it is not yet."""
        if self._unwritten is not None:
            write_checkpoint(self._path, self._unwritten)
            self._unwritten, self._written_s = None, monotonic()
