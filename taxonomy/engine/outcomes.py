"""What becomes of a unit, and the errors that say so."""

from dataclasses import dataclass
from pathlib import Path

from perception.errors import UserError
from taxonomy.engine.units import Unit


class UnitError(UserError):
    """This unit cannot succeed, for a reason that the user should read; the others go on."""


class NoSpaceError(UserError):
    """The disk is full: the run stops, and goes on where it was when it is started again."""


@dataclass(frozen=True)
class Started:
    """A unit that is being worked on.

    Args:
        unit: Which.
    """

    unit: Unit


@dataclass(frozen=True)
class Done:
    """A unit with a result.

    Args:
        unit: Which.
        folder: Its files.
        seconds: That the work took, in this run or an earlier one.
        reused: Whether it was an earlier one.
    """

    unit: Unit
    folder: Path
    seconds: float
    reused: bool


@dataclass(frozen=True)
class Failed:
    """A unit without a result.

    Args:
        unit: Which.
        reason: A sentence.
    """

    unit: Unit
    reason: str


Outcome = Done | Failed
Event = Started | Done | Failed
