"""What the user has to show: loaded when a page first asks for it, or the reason why it is not there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from perception import UserError
from perception.bank import Bank, load_bank
from server.explorer.options import ExploreOptions
from taxonomy import TransferTable, read_transfers, read_win_rates, win_rate_files

T = TypeVar("T")


@dataclass(frozen=True)
class Absent:
    """Something that cannot be shown.

    Args:
        why: In a sentence.
        command: That makes it.
    """

    why: str
    command: str


class Content:
    """What there is to show, the same for everybody who looks.

    Nothing here is changed by anybody's visit, and nothing of a visitor's is kept.
    """

    def __init__(self, options: ExploreOptions) -> None:
        self.options = options

    @cached_property
    def table(self) -> TransferTable | Absent:
        """The affinities, with the win rates that were published beside them."""
        return _loaded(self.options.results, _with_win_rates, "midlevel demo")

    @cached_property
    def compared(self) -> TransferTable | Absent:
        """Affinities to compare with."""
        if self.options.compared is None:
            return Absent("No second file of affinities was given.", f"{self._command} --compare FILE")
        return _loaded(self.options.compared, read_transfers, f"{self._command} --compare FILE")

    @cached_property
    def run(self) -> Path | Absent:
        """The folder of a run, with its networks and readouts."""
        if not self.options.results.is_dir():
            why = f"{self.options.results} is no folder of a run, which would hold networks and images too."
            return Absent(why, "midlevel demo")
        return self.options.results

    @cached_property
    def bank(self) -> Bank | Absent:
        """The bank that predicts where no server does."""
        try:
            return load_bank(self.options.bank)
        except UserError as error:
            return Absent(str(error), f"{self._command} --bank buildings-v1")

    @property
    def agents(self) -> Path | Absent:
        """The folder of a study, or of an agent's run; it may come while somebody waits for it."""
        if self.options.agents is None and self.options.results.is_file():
            return Absent("No folder of agents was given.", f"{self._command} --agents FOLDER")
        folder = self.options.agents or self.options.results / "agent"
        if not folder.is_dir():
            return Absent(f"There are no agents in {folder}.", f"midlevel rl demo --out {folder}")
        return folder

    @property
    def _command(self) -> str:
        return f"midlevel explore {self.options.results}"


def _with_win_rates(path: Path) -> TransferTable:
    """The table; gain and quality of published pickles stand in files of their own."""
    table = read_transfers(path)
    rates = {rate: read_win_rates(file, rate, table.tasks) for rate, file in win_rate_files(path).items()}
    return table.with_win_rates(gain=rates.get("gain"), quality=rates.get("quality"))


def _loaded(path: Path, read: Callable[[Path], T], command: str) -> T | Absent:
    try:
        return read(path)
    except UserError as error:
        return Absent(str(error), command)
