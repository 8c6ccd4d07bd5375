"""Agents by name: "normal", "max-coverage:4", "scratch", "blind", "greedy"."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from perception.bank.bank import check_distinct
from perception.errors import UnknownNameError, UserError
from perception.tasks import TASKS


class Family(StrEnum):
    """What an agent is, which decides how it sees and whether it learns."""

    FEATURES = "features"  # a bank's features
    RANDOM_WEIGHTS = "random-weights"  # features of encoders that were never trained
    SCRATCH = "scratch"  # pixels, and all of the network learned from reward
    BLIND = "blind"  # the vector alone
    ORACLE = "oracle"  # the simulator's exact labels
    SCRIPTED = "scripted"  # no network


@dataclass(frozen=True)
class AgentKind:
    """An agent, apart from its task and its training.

    Args:
        name: As it is written: "normal,reshading", with canonical names of tasks.
        family: What it is.
        count: Of untrained encoders; 0 for the others.
    """

    name: str
    family: Family
    count: int = 0

    @property
    def learns(self) -> bool:
        """Whether it is trained; scripted agents are as they are."""
        return self.family is not Family.SCRIPTED


NAMED: Mapping[str, Family] = MappingProxyType(
    {
        "scratch": Family.SCRATCH,
        "blind": Family.BLIND,
        "oracle": Family.ORACLE,
        "random": Family.SCRIPTED,
        "forward": Family.SCRIPTED,
        "greedy": Family.SCRIPTED,
    }
)
"""Agents whose name is one word."""

SIZED: Mapping[str, Family] = MappingProxyType(
    {
        "max-coverage": Family.FEATURES,
        "published": Family.FEATURES,
        "random-weights": Family.RANDOM_WEIGHTS,
    }
)
"""Agents whose name goes on with a colon and a number."""


def parse_agent(text: str, tasks: Collection[str] = ()) -> AgentKind:
    """The agent of a name.

    Args:
        text: Tasks with commas between them, whose features it sees; "max-coverage:K" (of the bank) or "published:K"
            (Sax et al. 2018); "random-weights:K"; or one of `NAMED`.
        tasks: Names beyond the dictionary's that a bank has.

    Raises:
        UserError: If there is no such agent, or its size is missing or not 1 or more.
    """
    name, colon, size = text.strip().partition(":")
    if name in SIZED:
        return _sized(name, size, text)
    if colon:
        raise UnknownNameError("kind of agent", name, SIZED)
    if name in NAMED:
        return AgentKind(name, NAMED[name])
    names = [each.strip() for each in name.split(",")]
    if "" in names:
        raise UserError(f"the agent {text!r} has an empty name; write for example normal,reshading.")
    known = {task.name for task in TASKS.values()} | set(tasks)
    for each in names:
        if each not in TASKS and each not in known:
            alone = len(names) == 1
            raise UnknownNameError("agent" if alone else "task", each, (known | {*NAMED, *SIZED}) if alone else known)
    canonical = check_distinct([TASKS[each].name if each in TASKS else each for each in names])
    return AgentKind(",".join(canonical), Family.FEATURES)


def _sized(name: str, size: str, text: str) -> AgentKind:
    if not (size.isascii() and size.isdigit() and int(size[:9]) >= 1):
        raise UserError(f"the agent {text!r} has no size of 1 or more; write for example {name}:4.")
    family, count = SIZED[name], int(size[:9])
    return AgentKind(f"{name}:{count}", family, count if family is Family.RANDOM_WEIGHTS else 0)
