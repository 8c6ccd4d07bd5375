"""The one error of this room: what a user can mend, in one sentence."""

from collections.abc import Iterable
from difflib import get_close_matches


class SimulatorError(ValueError):
    """A building, pose, sensor or file that cannot be used, with the value, what was expected, and the mend."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> SimulatorError:
    """The error for a name that no table knows, with the nearest one that does.

    Args:
        kind: What was looked up, for example "sensor".
        name: The name that was not found.
        known: Every name that would have been found.
    """
    known = sorted(str(one) for one in known)
    text = str(name)[:80]
    matches = get_close_matches(text.lower(), known, n=1, cutoff=0.6)
    hint = f"did you mean {matches[0]!r}?" if matches else f"known are {', '.join(known)}."
    return SimulatorError(f"unknown {kind} {text!r}; {hint}")
