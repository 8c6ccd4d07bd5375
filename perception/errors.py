"""Errors a user can mend: one sentence with the value, what was expected, and the mend."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """The input is at fault, not the program; the command line prints it on one line and exits with 2."""


class UnknownNameError(UserError):
    """A name that no dictionary knows.

    Args:
        kind: What was looked up, for example "task".
        name: The name that was not found.
        known: Every name that would have been found.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        matches = get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
        hint = f"did you mean {matches[0]!r}?" if matches else f"known are {', '.join(known)}."
        super().__init__(f"unknown {kind} {_shortened(str(name))!r}; {hint}")


def _shortened(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
