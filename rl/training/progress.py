"""What a run writes down as it goes: a line of JSON for each rollout, and the same for TensorBoard."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perception.errors import UserError
from perception.files import write_atomically

PROGRESS_FILE = "progress.jsonl"
TENSORBOARD_FOLDER = "tensorboard"
_OWN = ("steps", "episodes", "learning", "seconds")


@dataclass(frozen=True)
class RolloutRecord:
    """One rollout and the update that followed.

    Args:
        steps: Of all environments since the run began.
        episodes: That ended in this rollout.
        means: Of those episodes: "return", "success", "spl", "soft_spl", "length", "collisions", each None where none
            ended, and the task's measures; they stand beside the other entries in a line.
        learning: "policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction", "explained_variance" (None where
            returns do not vary) and "learning_rate".
        seconds: Wall time of "sim", "encode", "act" and "learn"; the only entry that differs between equal runs.
    """

    steps: int
    episodes: int
    means: Mapping[str, float | None]
    learning: Mapping[str, float | None]
    seconds: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """A line of `progress.jsonl`."""
        own = {"steps": self.steps, "episodes": self.episodes}
        return {**own, **self.means, "learning": dict(self.learning), "seconds": dict(self.seconds)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "RolloutRecord":
        """What `to_json` returned.

        Raises:
            KeyError: If an entry is missing.
        """
        means = {name: value for name, value in document.items() if name not in _OWN}
        return cls(means=means, **{name: document[name] for name in _OWN})


class ProgressLog:
    """Appends rollouts to a run's `progress.jsonl` and `tensorboard`.

    Args:
        folder: Of the run.
        steps: Where the run stands: what the file has beyond is cut off, it will be done again.

    Raises:
        UserError: If the file lacks rollouts before `steps`.
    """

    def __init__(self, folder: Path, steps: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._path = folder / PROGRESS_FILE
        self.records = [record for record in _whole_records(self._path) if record.steps <= steps]
        if (self.records[-1].steps if self.records else 0) != steps:
            raise UserError(f"{self._path} does not reach step {steps}, where the checkpoint was made; was it changed?")
        write_atomically(self._path, "".join(map(_line, self.records)))
        # TensorBoard's files only grow, so they are made anew from the lines that count
        shutil.rmtree(folder / TENSORBOARD_FOLDER, ignore_errors=True)
        self._board = SummaryWriter(str(folder / TENSORBOARD_FOLDER))
        for record in self.records:
            self._show(record)

    def append(self, record: RolloutRecord) -> None:
        """Add a rollout."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(record))
        self.records.append(record)
        self._show(record)

    def flush(self) -> None:
        """Let TensorBoard see all of it."""
        self._board.flush()

    def close(self) -> None:
        """Nothing more will be added."""
        self._board.close()

    def _show(self, record: RolloutRecord) -> None:
        for group in ("means", "learning", "seconds"):
            for name, value in getattr(record, group).items():
                if value is not None:
                    self._board.add_scalar(f"{group}/{name}", value, record.steps)


def read_progress(folder: Path) -> tuple[RolloutRecord, ...]:
    """The rollouts of a run, in order; none where it has not begun.

    Raises:
        UserError: If the file was changed.
    """
    return tuple(_whole_records(folder / PROGRESS_FILE))


def _whole_records(path: Path) -> list[RolloutRecord]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # what has no line end was being written
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}.") from error
    return [_record(path, number, line) for number, line in enumerate(lines, 1)]


def _record(path: Path, number: int, line: str) -> RolloutRecord:
    try:
        return RolloutRecord.from_json(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path}, line {number}, is no rollout ({error}); was it changed by hand?") from error


def _line(record: RolloutRecord) -> str:
    return json.dumps(record.to_json(), allow_nan=False) + "\n"
