"""The cells of a study's grid: one agent, one task, one seed."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from perception.errors import UserError
from rl.agents.kinds import NAMED, SIZED, Family
from rl.scenes import Split
from rl.study.config import StudyAgent, StudyConfig, StudyTask

_FINGERPRINT_DIGITS = 10
_MAY_MOVE = ("server", "transport")


@dataclass(frozen=True)
class Cell:
    """All that decides what comes of a training and its tests.

    Args:
        agent: As `rl.agents.parse_agent` reads it.
        task: Name of the task.
        settings: Of the task that differ from its defaults.
        episodes: Settings of the task's episodes.
        seed: Of the training.
        steps: Of the training; 0 for scripted agents.
        ppo: Settings that differ from the task's defaults.
        scenes: Settings of the buildings.
        training: Further settings of the training.
        splits: Buildings to be tested in.
        episodes_per_building: Of each.
    """

    agent: str
    task: str
    settings: Mapping[str, Any]
    episodes: Mapping[str, Any]
    seed: int
    steps: int
    ppo: Mapping[str, Any]
    scenes: Mapping[str, Any]
    training: Mapping[str, Any]
    splits: tuple[Split, ...]
    episodes_per_building: int

    @property
    def name(self) -> str:
        """Readable, and unique within a study: "PointGoal/max-coverage-4/seed-0"."""
        return f"{self.task}/{agent_slug(self.agent)}/seed-{self.seed}"

    @property
    def fingerprint(self) -> str:
        """Hex digits that are the same for the same cell only."""
        training = {name: value for name, value in self.training.items() if name not in _MAY_MOVE}
        text = json.dumps({**asdict(self), "training": training}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_DIGITS]

    @property
    def folder(self) -> Path:
        """Where it is kept within a study: its name and fingerprint, so that another setting is another cell."""
        return Path(f"{self.name}-{self.fingerprint}")

    @property
    def is_scripted(self) -> bool:
        """Whether there is nothing to train."""
        return family_of(self.agent) is Family.SCRIPTED

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return asdict(self)


def family_of(agent: str) -> Family:
    """What an agent is, whether or not its features exist."""
    return NAMED.get(agent) or SIZED.get(agent.partition(":")[0], Family.FEATURES)


def agent_slug(agent: str) -> str:
    """An agent's text as part of a path: "max-coverage:4" is "max-coverage-4"."""
    return re.sub(r"[^\w.]+", "-", agent).strip("-")


def cells_of(config: StudyConfig) -> tuple[Cell, ...]:
    """Every cell of a study, in the order to be done: all agents and tasks of the first seed, then of the next.

    Raises:
        UserError: If two agents would have the same folder.
    """
    slugs = [agent_slug(agent.agent) for agent in config.agents]
    for place, slug in enumerate(slugs):
        if slug in slugs[:place]:
            raise UserError(f"two agents are called {slug!r} in paths; leave one of them out.")
    return tuple(
        _cell(config, task, agent, seed)
        for seed in config.seeds
        for agent in config.agents
        for task in config.tasks
        if agent.tasks is None or task.name in agent.tasks
    )


def chosen(cells: tuple[Cell, ...], pattern: str | None) -> tuple[Cell, ...]:
    """Those whose name matches a shell pattern, "PointGoal/*/seed-0"; all for None.

    Raises:
        UserError: If there is none.
    """
    found = tuple(cell for cell in cells if pattern is None or fnmatchcase(cell.name, pattern))
    if not found:
        raise UserError(f"no cell matches {pattern!r}; the first is called {cells[0].name!r}.")
    return found


def _cell(config: StudyConfig, task: StudyTask, agent: StudyAgent, seed: int) -> Cell:
    scripted = family_of(agent.agent) is Family.SCRIPTED
    return Cell(
        agent=agent.agent,
        task=task.name,
        settings=dict(task.settings),
        episodes=dict(task.episodes),
        seed=seed,
        steps=0 if scripted else task.steps,
        ppo={} if scripted else {**task.ppo, **agent.ppo.get(task.name, {})},
        scenes=dict(config.scenes),
        training=dict(config.training),
        splits=config.evaluation.splits,
        episodes_per_building=config.evaluation.episodes_per_building,
    )
