"""The command line that says what the controls say."""

import shlex
from pathlib import Path

from server.explorer.pages.solver.address import shortest
from server.explorer.pages.solver.settings import Numbers, Settings
from taxonomy import TransferTable


def command_line(settings: Settings, table: TransferTable, path: Path) -> str:
    """A command for a shell that prints this solution, with no more options than it takes.

    Args:
        settings: What is asked.
        table: Read from `path`; what it holds is the default.
        path: The run's folder or the file of affinities.
    """
    problem = settings.problem.effective
    file = f"./{path}" if str(path).startswith("-") else str(path)
    words = ["midlevel", "taxonomy", "solve", file, "--budget", shortest(settings.budget)]
    if problem.max_order != table.max_order:
        words += ["--max-order", str(problem.max_order)]
    if problem.sources != table.trainable:
        words += ["--sources", ",".join(problem.sources)]
    if problem.targets != table.targets:
        words += ["--targets", ",".join(problem.targets)]
    words += _option("--importance", problem.importance) + _option("--cost", problem.cost)
    return shlex.join(words)


def _option(name: str, numbers: Numbers) -> list[str]:
    return [name, ",".join(f"{task}={shortest(number)}" for task, number in numbers)] if numbers else []
