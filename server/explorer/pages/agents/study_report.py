"""What a study's report says."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.explorer.pages.agents.reading import Interval


@dataclass(frozen=True)
class Agent:
    """An agent and its look.

    Args:
        agent: Its name in the study.
        label: What people call it.
        light: Colour on light pages.
        dark: Colour on dark ones.
        dash: Lengths of strokes and gaps, in widths of the line.
    """

    agent: str
    label: str
    light: str
    dark: str
    dash: tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """A learning curve over seeds: numbers at each of its points, None where nothing is known."""

    steps: tuple[float | None, ...]
    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


@dataclass(frozen=True)
class Row:
    """An agent's results in one task, over seeds; test and train by measure."""

    seeds: int
    test: Mapping[str, Interval | None]
    train: Mapping[str, Interval | None]
    gap: Interval | None
    relative: Interval | None
    rank: float | None
    reach_steps: tuple[float | None, ...]


@dataclass(frozen=True)
class Comparison:
    """Two agents: the first's mean less the second's, q of the rank-sum test, and whether both tests are sure."""

    difference: float | None
    q: float | None
    is_sure: bool


@dataclass(frozen=True)
class Task:
    """What is known of a task.

    Args:
        name: Which.
        steps: Of its trainings.
        measure: That agents are ranked by.
        curve: Measure of the learning curve that the threshold is of.
        threshold: What counts as learned.
        rows: By agent.
        curves: By measure and agent.
        comparisons: By first and second agent, in both orders.
    """

    name: str
    steps: int
    measure: str
    curve: str
    threshold: float | None
    rows: Mapping[str, Row]
    curves: Mapping[str, Mapping[str, Curve]]
    comparisons: Mapping[tuple[str, str], Comparison]


@dataclass(frozen=True)
class Standing:
    """Places of an agent in each task, their mean, and the worst."""

    agent: str
    ranks: Mapping[str, float | None]
    mean: float
    worst: float


@dataclass(frozen=True)
class Claim:
    """A claim put to the test, with its figure, what that is compared with, and what the test says."""

    hypothesis: str
    task: str
    subject: str
    claim: str
    ours: float | None
    theirs: float | None
    unit: str
    p: float | None
    q: float | None
    verdict: str


@dataclass(frozen=True)
class StudyReport:
    """All of it; `measures` and `hypotheses` are what people call them."""

    study: str
    done: int
    cells: int
    seeds: tuple[int, ...]
    failed: Mapping[str, str]
    missing: tuple[str, ...]
    agents: Mapping[str, Agent]
    tasks: Mapping[str, Task]
    ranks: tuple[Standing, ...]
    claims: tuple[Claim, ...]
    measures: Mapping[str, str]
    hypotheses: Mapping[str, str]
