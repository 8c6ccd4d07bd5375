"""What a study does for a cell: the project's own training and evaluation."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perception.errors import UnknownNameError
from rl.scenes import Split
from rl.study.cells import Cell, cells_of
from rl.study.config import OF_THE_GRID, StudyConfig
from rl.study.performing import Work

if TYPE_CHECKING:
    from rl.training import RunSpec


def spec_of(cell: Cell) -> "RunSpec":
    """The training of a cell.

    Raises:
        UserError: If a setting is unknown or out of range.
    """
    from rl.training import DEFAULTS, PpoSettings, RunSpec

    document: dict[str, Any] = {
        **cell.training,
        "agent": cell.agent,
        "task": cell.task,
        "task_settings": dict(cell.settings),
        "episode_settings": dict(cell.episodes),
        "scenes": dict(cell.scenes),
        "seed": cell.seed,
        "ppo": {**asdict(DEFAULTS.get(cell.task, PpoSettings())), **cell.ppo},
    }
    if cell.steps:
        document["total_steps"] = cell.steps
    return RunSpec.from_json(document, f"the cell {cell.name}")


def _check(cell: Cell) -> None:
    from rl.agents import parse_agent
    from rl.tasks import TASKS

    if cell.task not in TASKS:
        raise UnknownNameError("task", cell.task, TASKS)
    parse_agent(cell.agent)
    spec_of(cell)


def _train(cell: Cell, folder: Path) -> None:
    from rl.training import train

    train(spec_of(cell), folder)


def _evaluate(cell: Cell, folder: Path, split: Split) -> Mapping[str, Any]:
    from rl.evaluation import evaluate

    spec = spec_of(cell)
    found = evaluate(
        spec if cell.is_scripted else folder, split=split, episodes_per_building=cell.episodes_per_building,
        seed=cell.seed, environments=spec.environments, allow_training_buildings=True, out=folder,
    )  # fmt: skip
    return found.to_json()


def _resolved(config: StudyConfig) -> StudyConfig:
    """With every default of scenes, tasks, learning and training written out."""
    from rl.tasks import TASKS
    from rl.training import DEFAULTS, PpoSettings
    from rl.training.world import rules_for

    specs = {cell.task: spec_of(cell) for cell in cells_of(config)}
    tasks = tuple(
        replace(
            task,
            settings=asdict(TASKS[task.name](**task.settings)),
            episodes=vars(rules_for(specs[task.name])).copy(),
            ppo={**asdict(DEFAULTS.get(task.name, PpoSettings())), **task.ppo},
        )
        for task in config.tasks
        if task.name in specs
    )
    document = next(iter(specs.values())).to_json()
    training = {name: value for name, value in document.items() if name not in OF_THE_GRID}
    return replace(config, tasks=tasks, scenes=document["scenes"], training=training)


TRAINING = Work(resolve=_resolved, check=_check, train=_train, evaluate=_evaluate)
"""Training with `rl.training`, tests with `rl.evaluation`."""
