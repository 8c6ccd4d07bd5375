"""An agent that learns through a running server, in a minute: what `midlevel rl demo` does."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perception import UserError
from perception.terminal import print_note
from rl.evaluation.commands import evaluate_run
from rl.training.commands import train_run

_READY = "READY "
_AGENT = "max-coverage:2"
_SETTINGS = {
    "episode_settings": ("min_m=1", "max_m=3"),
    "task_settings": ("horizon_steps=60", "success_m=0.8"),
    "ppo": ("n_steps=64", "learning_rate=0.001"),
}


@dataclass(frozen=True)
class Demonstration:
    """What came of it.

    Args:
        server: Where the server listened.
        run: Folder of the agent.
        steps_per_s: Of the training.
        success: Share of test episodes that succeeded, in houses it was not trained in.
        episodes: Test episodes.
        videos: Files.
    """

    server: str
    run: Path
    steps_per_s: float
    success: float
    episodes: int
    videos: tuple[str, ...]


def demonstrate(out: Path, bank: str, steps: int) -> Demonstration:
    """Start a server, train an agent that sees through it, test the agent in other houses, and film it.

    The same folder again goes on where it was stopped.

    Args:
        out: Folder for the run.
        bank: Name or folder of the bank that is served.
        steps: To train for; a few thousand show that it learns.

    Raises:
        UserError: If the server does not start, or the run cannot go on.
    """
    with running_server(bank, _AGENT) as server:
        print_note(f"server ready at {server}; training an agent that sees through it")
        document: dict[str, Any] = {
            "agent": _AGENT, "task": "PointGoal", "total_steps": steps, "bank": bank, "server": server,
            "scenes": {"train": 2, "validation": 0, "test": 2}, "episodes_per_building": 60,
        }  # fmt: skip
        result = train_run(document, out, settings=_SETTINGS)
        print_note("testing it in houses it has not seen")
        found = evaluate_run(str(out), episodes_per_building=10, videos=1, server=server)
    summary = found["summary"]
    return Demonstration(
        server, out, result.steps_per_s, summary["success"]["mean"], summary["episodes"], tuple(found["videos"])
    )


@contextmanager
def running_server(bank: str, features: str) -> Iterator[str]:
    """A server in a process of its own, ended afterwards.

    Args:
        bank: Name or folder of the bank that is served.
        features: What it prepares.

    Yields:
        Its address, "grpc://host:port".

    Raises:
        UserError: If it does not start.
    """
    command = [sys.executable, "-m", "midlevel", "serve", "--port", "0", "--bank", bank, "--features", features]
    with subprocess.Popen([*command, "--log-level", "error"], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"grpc://{_address(process, bank)}"
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[str]", bank: str) -> str:
    for line in process.stdout or ():
        if line.startswith(_READY):
            return line.split()[1]
    raise UserError(f"the server of the bank {bank!r} did not start; try: midlevel serve --bank {bank}.")
