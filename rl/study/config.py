"""What a study consists of, as a YAML file says it."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from perception.errors import UnknownNameError, UserError
from rl.scenes import Split
from rl.study.checks import check_text, check_unique, check_whole, checked_mapping, filled_list, one_of

_LARGEST_FILE_MIB = 1
OF_THE_GRID: Mapping[str, str] = {
    "agent": "agents",
    "task": "tasks",
    "task_settings": "tasks: settings",
    "episode_settings": "tasks: episodes",
    "total_steps": "tasks: steps",
    "ppo": "tasks: ppo",
    "seed": "seeds",
    "scenes": "scenes",
}
"""Where a study says what `RunSpec` asks for."""


class Measure(StrEnum):
    """What agents are ranked by; more is better."""

    REWARD = "reward"
    SUCCESS = "is_success"
    SPL = "spl"
    SOFT_SPL = "soft_spl"
    COVERED = "covered_m2"


class CurveMeasure(StrEnum):
    """What a learning curve shows against steps; more is better."""

    RETURN = "return"
    SUCCESS = "success"
    SPL = "spl"


@dataclass(frozen=True)
class StudyTask:
    """A task of a study, and how long agents train for it.

    Args:
        name: Of `rl.tasks.TASKS`.
        steps: Environment steps of each training.
        settings: Of the task; what is left out keeps its default.
        episodes: Settings of its episodes; what is left out keeps its default.
        ppo: Settings of PPO that differ from the task's defaults.
        measure: What agents are ranked by.
        curve: What of the learning curve H1 is about.
        threshold: The level of `curve` that counts as learned; by default what `scratch` ends with.

    Raises:
        UserError: If the steps are not positive, or a measure is unknown.
    """

    name: str
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    episodes: Mapping[str, Any] = field(default_factory=dict)
    ppo: Mapping[str, Any] = field(default_factory=dict)
    measure: Measure = Measure.REWARD
    curve: CurveMeasure = CurveMeasure.RETURN
    threshold: float | None = None

    def __post_init__(self) -> None:
        check_text("task name", self.name)
        check_whole("steps", self.steps, least=1)
        checked_mapping(f"settings of {self.name}", self.settings)
        checked_mapping(f"episodes of {self.name}", self.episodes)
        checked_mapping(f"ppo of {self.name}", self.ppo)
        object.__setattr__(self, "measure", one_of("measure", self.measure, Measure))
        object.__setattr__(self, "curve", one_of("curve", self.curve, CurveMeasure))
        if self.threshold is not None and not isinstance(self.threshold, int | float):
            raise UserError(f"threshold of {self.name} is {self.threshold!r}; a number is expected.")


@dataclass(frozen=True)
class StudyAgent:
    """An agent of a study.

    Args:
        agent: As `rl.agents.parse_agent` reads it: "max-coverage:4", "normal", "scratch", "blind", "random".
        label: What people call it; by default the same.
        tasks: The tasks it is for; by default all.
        ppo: By task, settings of PPO that differ for this agent: what suits one way of seeing may not suit another.

    Raises:
        UserError: If a text is empty.
    """

    agent: str
    label: str = ""
    tasks: tuple[str, ...] | None = None
    ppo: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_text("agent", self.agent)
        object.__setattr__(self, "label", self.label or self.agent)
        check_text("label", self.label)
        if self.tasks is not None:
            object.__setattr__(self, "tasks", tuple(filled_list("tasks of an agent", self.tasks)))
        for task, settings in checked_mapping(f"ppo of {self.agent}", self.ppo).items():
            checked_mapping(f"ppo of {self.agent} in {task}", settings)


@dataclass(frozen=True)
class EvaluationPlan:
    """Where and how much trained agents are tested.

    Args:
        splits: Buildings; "test" and "train" are needed for the gap between them.
        episodes_per_building: Of each split's buildings.

    Raises:
        UserError: If there is no split, one is unknown, or there are no episodes.
    """

    splits: tuple[Split, ...] = (Split.TEST, Split.TRAIN)
    episodes_per_building: int = 10

    def __post_init__(self) -> None:
        splits = tuple(
            one_of("evaluation split", split, Split) for split in filled_list("evaluation splits", self.splits)
        )
        object.__setattr__(self, "splits", splits)
        check_unique("evaluation splits", splits)
        check_whole("episodes_per_building", self.episodes_per_building, least=1)


@dataclass(frozen=True)
class StudyConfig:
    """A grid of agents, tasks and seeds.

    Args:
        name: Of the study.
        tasks: At least one.
        agents: At least one; each is trained for every task and seed, scripted ones only tested.
        seeds: Of trainings; buildings and episodes are the same for all.
        scenes: Settings of the buildings, `rl.training.SceneSettings`: kind, train, test, seed, ...; what is left
            out keeps its default.
        training: Settings of `rl.training.RunSpec` that all trainings share: environments, camera_px, turn_deg, bank,
            recurrent, ...; what is left out keeps its default.
        evaluation: What follows training.

    Raises:
        UserError: If a list is empty or has something twice, or a number is out of range.
    """

    name: str
    tasks: tuple[StudyTask, ...]
    agents: tuple[StudyAgent, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    scenes: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    evaluation: EvaluationPlan = field(default_factory=EvaluationPlan)

    def __post_init__(self) -> None:
        check_text("study name", self.name)
        check_unique("tasks", [task.name for task in self.tasks])
        check_unique("agents", [agent.agent for agent in self.agents])
        check_unique("labels of agents", [agent.label for agent in self.agents])
        names = [task.name for task in self.tasks]
        for agent in self.agents:
            for task in (*(agent.tasks or ()), *agent.ppo):
                if task not in names:
                    raise UnknownNameError(f"task of agent {agent.agent}", task, names)
        for seed in self.seeds:
            check_whole("seed", seed, least=0)
        check_unique("seeds", self.seeds)
        checked_mapping("scenes", self.scenes)
        for name in checked_mapping("training", self.training):
            if name in OF_THE_GRID:
                raise UserError(f"training has {name!r}, which the grid decides; it stands under {OF_THE_GRID[name]}.")

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: object) -> "StudyConfig":
        """A study from names and values.

        Raises:
            UserError: If a name is unknown or missing, or a value does not fit.
        """
        values = dict(_settings(cls, "study", document))
        parts: dict[str, Callable[[Any], Any]] = {
            "tasks": lambda tasks: tuple(_part(StudyTask, "task", task) for task in filled_list("tasks", tasks)),
            "agents": lambda agents: tuple(_agent(agent) for agent in filled_list("agents", agents)),
            "seeds": lambda seeds: tuple(filled_list("seeds", seeds)),
            "evaluation": lambda plan: _part(EvaluationPlan, "evaluation", plan),
        }
        return cls(**{name: parts.get(name, lambda value: value)(value) for name, value in values.items()})


def read_config(path: Path) -> StudyConfig:
    """Read a study's YAML file.

    Raises:
        UserError: If it cannot be read, is no YAML, or says something that `StudyConfig` does not take.
    """
    import yaml

    from perception.files import read_bytes

    content = read_bytes(path, limit_mib=_LARGEST_FILE_MIB)
    try:
        document = yaml.safe_load(content.decode())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
    try:
        return StudyConfig.from_json(document)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _agent(entry: object) -> StudyAgent:
    agent: StudyAgent = StudyAgent(entry) if isinstance(entry, str) else _part(StudyAgent, "agent", entry)
    return agent


def _part(cls: Any, what: str, entry: object) -> Any:
    return cls(**_settings(cls, what, entry))


def _settings(cls: Any, what: str, entry: object) -> Mapping[str, Any]:
    values = checked_mapping(what, entry)
    known = {item.name: item for item in fields(cls)}
    for name in values:
        if name not in known:
            raise UnknownNameError(f"setting of a {what}", str(name), known)
    for name, item in known.items():
        if item.default is MISSING and item.default_factory is MISSING and name not in values:
            raise UserError(f"a {what} has no {name!r}; expected are {', '.join(known)}.")
    return values
