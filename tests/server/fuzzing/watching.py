"""What is right for an example, whatever it is: an outcome that was meant, in little time, in little memory."""

import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MEBIBYTE = 1 << 20


class ViolationError(Exception):
    """An outcome that was not meant."""


@dataclass
class Watch:
    """Counts outcomes, and keeps the examples that broke a rule.

    Args:
        folder: Where those go, and each example while it is tried, for the case that it ends the process.
        longest_s: Processor time of an example.
        largest_mib: Memory that all examples together may add.
    """

    folder: Path
    longest_s: float
    largest_mib: float
    outcomes: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    _at_first_mib: float = field(default_factory=lambda: peak_mib())

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def added_mib(self) -> float:
        """Of the peak, since the start."""
        return peak_mib() - self._at_first_mib

    def tried(self, example: bytes, attempt: Callable[[], str]) -> None:
        """Try an example.

        Args:
            example: To be kept if it breaks a rule.
            attempt: Returns the outcome's name; whatever it raises breaks the rules.
        """
        (self.folder / "under-way").write_bytes(example)
        began_s, before_mib = time.process_time(), peak_mib()
        try:
            outcome = attempt()
        except Exception as error:  # of whatever kind: that is what is looked for
            outcome = "VIOLATION"
            self._keep(example, f"{type(error).__module__}.{type(error).__name__}: {error}")
        took_s = time.process_time() - began_s
        self.slowest_s = max(self.slowest_s, took_s)
        self.outcomes[outcome] += 1
        if took_s > self.longest_s:
            self._keep(example, f"took {took_s:.1f} s ({outcome})")
        if peak_mib() > before_mib and self.added_mib > self.largest_mib:
            self._keep(example, f"took {self.added_mib:.0f} MiB ({outcome})")

    def _keep(self, example: bytes, problem: str) -> None:
        if len(self.violations) < 200:
            (self.folder / f"violation-{len(self.violations)}").write_bytes(example)
        self.violations.append(problem[:300])

    def report(self) -> str:
        """What happened, in lines."""
        lines = [f"{sum(self.outcomes.values())} examples, slowest {self.slowest_s:.2f} s, {self.added_mib:.0f} MiB"]
        lines += [f"{count:9} {name}" for name, count in self.outcomes.most_common()]
        lines += [f"{count:9} x {problem}" for problem, count in Counter(self.violations).most_common(30)]
        return "\n".join(lines)


def peak_mib() -> float:
    """Most memory that this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEBIBYTE
