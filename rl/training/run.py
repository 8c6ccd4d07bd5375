"""A run: trains an agent, and loses nothing when it is stopped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perception.errors import UserError
from rl.training.documents import write_json
from rl.training.errors import DivergedError, StoppedError
from rl.training.folders import exclusively
from rl.training.keeper import Keeper
from rl.training.manifest import check_same_run, note_run
from rl.training.policy_files import POLICY_FILE, write_policy
from rl.training.progress import ProgressLog, RolloutRecord, read_progress
from rl.training.spec import RunSpec
from rl.training.world import World, build_world

CHECKPOINT_FILE = "checkpoint.safetensors"
TIMING_FILE = "timing.json"
CHECKPOINT_EVERY_S = 30.0
"""What a killed run does again, at most, besides the rollout that it was in."""


@dataclass(frozen=True)
class RunResult:
    """What a run took.

    Args:
        folder: Of the run.
        steps: Of all environments.
        is_done: Whether that is all of them.
        seconds: By "sim", "encode", "act" and "learn", over all sessions of the run.
        last: The last rollout.
    """

    folder: Path
    steps: int
    is_done: bool
    seconds: Mapping[str, float]
    last: RolloutRecord

    @property
    def steps_per_s(self) -> float:
        """Environment steps a second, learning included."""
        return self.steps / max(sum(self.seconds.values()), 1e-9)

    def to_json(self) -> dict[str, Any]:
        """As a JSON document."""
        document = {**asdict(self), "folder": str(self.folder), "last": self.last.to_json()}
        return {**document, "steps_per_s": round(self.steps_per_s, 1)}


@dataclass(frozen=True, eq=False)
class Report:
    """Whom `train` tells how it gets on.

    Args:
        begin: With the steps done and those to do in all, before the first rollout.
        rollout: After each.
        note: A sentence that the user should see.
    """

    begin: Callable[[int, int], None] = lambda _done, _total: None
    rollout: Callable[[RolloutRecord], None] = lambda _record: None
    note: Callable[[str], None] = lambda _sentence: None


def train(
    spec: RunSpec,
    folder: Path,
    *,
    stop_after: int | None = None,
    report: Report = Report(),
    build: Callable[[RunSpec], World] = build_world,
    checkpoint_every_s: float = CHECKPOINT_EVERY_S,
) -> RunResult:
    """Train an agent, from the start or from where the run in the folder was stopped, even by a kill.

    A run that was stopped ends with the same policy, bit for bit, as one that was not.

    Args:
        spec: The run.
        folder: Where it is kept; made if missing.
        stop_after: Stop, as if the user had, after the rollout that reaches this many steps; None for not at all.
        report: Told how it gets on.
        build: Makes what it learns in.
        checkpoint_every_s: How often it is written down, at ends of rollouts; 0 for at each. It changes no result.

    Raises:
        UserError: If the folder holds another run, or bank, buildings or encoders are not those that it began with.
        StoppedError: If a server stopped answering; the run is kept.
        DivergedError: If a reward or loss is no finite number; the run is kept as it was before.
    """
    import torch

    check_same_run(folder, spec)
    if (folder / POLICY_FILE).exists():
        return _result(folder, spec)
    torch.set_num_threads(spec.threads)
    with exclusively(folder):
        world = build(spec)
        try:
            for sentence in note_run(folder, spec, world):
                report.note(sentence)
            end = spec.last_step if stop_after is None else stop_after
            _train(spec, folder, world, end, report, checkpoint_every_s)
        finally:
            world.env.close()
    return _result(folder, spec)


def _train(
    spec: RunSpec, folder: Path, world: World, stop_after: int, report: Report, checkpoint_every_s: float
) -> None:
    from rl.training.learner import Learner

    learner = Learner(spec, world)
    before = dict(world.weights_sha256())  # all encoders were used by now
    keeper = Keeper(folder / CHECKPOINT_FILE, _owner(spec, world), checkpoint_every_s)
    kept = keeper.read()
    if kept is not None:
        learner.restore(kept)
    log = ProgressLog(folder, learner.steps)
    report.begin(learner.steps, spec.last_step)
    try:
        with _explained(keeper, folder):
            while learner.steps < min(stop_after, spec.last_step):
                record = learner.rollout()
                log.append(record)
                keeper.keep(learner.checkpoint())
                report.rollout(record)
    finally:
        keeper.write()
        log.close()
    _check_frozen(before, world.weights_sha256())
    if learner.is_done:
        write_json(folder / TIMING_FILE, _timing(log.records))
        write_policy(folder, spec, world, learner.algorithm.policy)


def _owner(spec: RunSpec, world: World) -> dict[str, Any]:
    return {"agent": spec.agent, "task": spec.task, "scenes": world.scenes, "vision": dict(world.identity)}


@contextmanager
def _explained(keeper: Keeper, folder: Path) -> Iterator[None]:
    try:
        yield
    except DivergedError as error:
        words = str(error).rstrip(".")
        raise DivergedError(f"{words}. {folder} keeps the run as it was after step {keeper.steps}.") from error
    except UserError as error:
        words = str(error).rstrip(".")
        raise StoppedError(
            f"{words}. The first {keeper.steps} steps are kept in {folder}; the same command goes on from there."
        ) from error


def _check_frozen(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    changed = [task for task, sha256 in before.items() if after.get(task) != sha256]
    if changed:
        raise UserError(
            f"the frozen encoder of {changed[0]!r} changed during training, so its policy is worth nothing; no policy "
            "was written. Does something else use the same encoder?"
        )


def _timing(records: Sequence[RolloutRecord]) -> dict[str, float]:
    names = dict.fromkeys(name for record in records for name in record.seconds)
    return {name: round(sum(record.seconds.get(name, 0.0) for record in records), 3) for name in names}


def _result(folder: Path, spec: RunSpec) -> RunResult:
    records = read_progress(folder)
    if not records:
        raise UserError(f"{folder} has no rollout yet.")
    last = records[-1]
    return RunResult(folder, last.steps, last.steps >= spec.last_step, _timing(records), last)
