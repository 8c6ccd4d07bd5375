"""What `midlevel rl train` does."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perception.errors import UserError
from perception.terminal import print_note
from rl.agents.kinds import Family
from rl.training.progress import RolloutRecord
from rl.training.run import Report, RunResult, train
from rl.training.settings import DEFAULTS, PpoSettings
from rl.training.spec import RunSpec
from rl.training.world import kind_of


def train_run(
    document: Mapping[str, Any], out: Path, *, settings: Mapping[str, Sequence[str]], stop_after: int | None = None
) -> RunResult:
    """Train an agent, or go on training it, with a progress bar on stderr.

    Args:
        document: Entries of `RunSpec` by name; what is left out has its default.
        out: Folder of the run.
        settings: Entries of entries, as "name=value", by the entry they belong to: "ppo", "scenes", "task_settings".
        stop_after: Stop after so many steps, to go on later.

    Raises:
        UserError: As `train`, or if a setting is unknown.
    """
    spec = _spec({**document, **_merged(document, settings)})
    if spec.server is not None and kind_of(spec).family is not Family.FEATURES:
        print_note(f"{spec.agent} sees no features of a bank; the server at {spec.server} has nothing to do.")
    with _progress_report(spec) as report:
        return train(spec, out, stop_after=stop_after, report=report)


def seconds_table(result: RunResult) -> list[tuple[str, str, str]]:
    """Where a run's time went, as rows: part, seconds, share."""
    total = max(sum(result.seconds.values()), 1e-9)
    rows = [(name, f"{value:.1f}", f"{value / total:.0%}") for name, value in result.seconds.items()]
    return [*rows, ("all", f"{total:.1f}", "100%")]


def _spec(document: Mapping[str, Any]) -> RunSpec:
    ppo = asdict(DEFAULTS.get(str(document.get("task", RunSpec.task)), PpoSettings()))
    return RunSpec.from_json({**document, "ppo": {**ppo, **document.get("ppo", {})}}, "the command")


def _merged(document: Mapping[str, Any], settings: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    return {
        entry: {**document.get(entry, {}), **dict(_named_value(entry, text) for text in texts)}
        for entry, texts in settings.items()
    }


def _named_value(entry: str, text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UserError(f"the setting {text!r} of {entry} is no NAME=VALUE; write for example horizon_steps=100.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a word


@contextmanager
def _progress_report(spec: RunSpec) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(f"{spec.agent}: houses and episodes", total=None)

        def begin(done: int, total: int) -> None:
            bar.reset(task, completed=done, total=total, description=spec.agent)

        def rollout(record: RolloutRecord) -> None:
            bar.update(task, completed=record.steps, description=_described(spec, record))

        yield Report(begin, rollout, print_note)


def _described(spec: RunSpec, record: RolloutRecord) -> str:
    speed = spec.rollout_steps / max(sum(record.seconds.values()), 1e-9)
    reached = record.means.get("return")
    return f"{spec.agent}: {speed:.0f} steps/s" + ("" if reached is None else f", return {reached:.2f}")
