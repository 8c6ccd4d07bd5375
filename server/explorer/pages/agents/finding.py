"""Studies and runs of agents in a folder, and their videos."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from perception import UserError

STUDY_FILE, REPORT_FILE, RUNS = "study.json", "report.json", "runs"
PROGRESS_FILE, EVALUATIONS = "progress.jsonl", "evaluation"
_LEVELS = 2
_LEVELS_OF_RUNS = 3  # task, agent, seed


class Kind(StrEnum):
    """What a folder is of."""

    STUDY = "study"
    RUN = "run"


@dataclass(frozen=True)
class Subject:
    """A study, or an agent's run.

    Args:
        kind: Which of both.
        folder: Where it is.
        name: Its path within the folder that is shown, "." for that itself.
    """

    kind: Kind
    folder: Path
    name: str

    @property
    def title(self) -> str:
        """What people choose it by."""
        return f"{self.kind}: {self.folder.resolve().name if self.name == '.' else self.name}"


def subjects(root: Path) -> tuple[Subject, ...]:
    """All studies in a folder, itself first, and all runs; links to folders are not followed.

    Raises:
        UserError: If a folder cannot be read.
    """
    try:
        return tuple(sorted(_walk(root, root, _LEVELS), key=lambda found: found.kind is Kind.RUN))
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}.") from error


def subject_named(root: Path, name: str) -> Subject:
    """The study or run at a path within a folder.

    Raises:
        UserError: If there is none, or it is elsewhere.
    """
    try:
        inside = (root / name).resolve().relative_to(root.resolve())
        kind = _kind(root / inside)
    except (OSError, ValueError, RuntimeError):  # as in `video_named`
        kind = None
    if kind is None:
        raise UserError(f"there is no study or run {name!r} in {root}; open /agents for what there is.")
    return Subject(kind, root / inside, inside.as_posix())


def videos_below(folder: Path) -> tuple[Path, ...]:
    """Videos of a run's evaluations."""
    return tuple(sorted(path for path in (folder / EVALUATIONS).glob("*/*.mp4") if path.is_file()))


def video_named(root: Path, name: str) -> Path | None:
    """A video by its path within a folder.

    Returns:
        None for what is no `.mp4`, not there, or elsewhere: through "..", an absolute path, or a link that leads out.
    """
    try:
        path = (root / name).resolve()
        is_video = path.suffix == ".mp4" and path.is_relative_to(root.resolve()) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # names too long, with null bytes, links in circles
        return None
    return path if is_video else None


def _walk(root: Path, folder: Path, levels: int) -> Iterator[Subject]:
    kind = _kind(folder)
    if kind is not None:
        yield Subject(kind, folder, folder.relative_to(root).as_posix())
    if kind is Kind.STUDY and (folder / RUNS).is_dir():
        yield from _below(root, folder / RUNS, _LEVELS_OF_RUNS)
    elif kind is None and levels:
        yield from _below(root, folder, levels)


def _below(root: Path, folder: Path, levels: int) -> Iterator[Subject]:
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.is_symlink() and not child.name.startswith("."):
            yield from _walk(root, child, levels - 1)


def _kind(folder: Path) -> Kind | None:
    if (folder / STUDY_FILE).is_file() or (folder / REPORT_FILE).is_file():
        return Kind.STUDY
    if (folder / PROGRESS_FILE).is_file() or (folder / EVALUATIONS).is_dir():
        return Kind.RUN
    return None
