"""What the user has to show: loaded when a page first asks for it, or the reason why it is not there."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from perception import UserError
from perception.bank import Bank, load_bank
from perception.files import is_folder
from server.explorer.fresh import stamp, while_unchanged
from server.explorer.options import ExploreOptions
from taxonomy import TransferTable, read_transfers, read_win_rates, win_rate_files
from taxonomy.transfer_files import RUN_FILE


@dataclass(frozen=True)
class Absent:
    """Something that cannot be shown.

    Args:
        why: In a sentence.
        command: That makes it; None for what is there, but cannot be used as it is.
    """

    why: str
    command: str | None = None


class Content:
    """What there is to show, the same for everybody who looks.

    Nothing here is changed by anybody's visit, and nothing of a visitor's is kept. Each property looks at the files:
    what is unchanged is the same object as before. Ask once where several answers have to agree.
    """

    def __init__(self, options: ExploreOptions) -> None:
        self.options = options

    @property
    def table(self) -> TransferTable | Absent:
        """The affinities, with the win rates that were published beside them."""
        return _loaded(self.options.results, self.making)

    @property
    def compared(self) -> TransferTable | Absent:
        """Affinities to compare with."""
        if self.options.compared is None:
            return Absent("No second file of affinities was given.", f"{self._command} --compare FILE")
        return _loaded(self.options.compared, f"{self._command} --compare FILE")

    @property
    def run(self) -> Path | Absent:
        """The folder of a run, with its networks and readouts."""
        try:
            if is_folder(self.options.results):
                return self.options.results
        except UserError as error:
            return Absent(str(error))
        why = f"{self.options.results} is no folder of a run, which would hold networks and images too."
        return Absent(why, self.making)

    @property
    def bank(self) -> Bank | Absent:
        """The bank that predicts where no server does."""
        try:
            return _bank(Path(self.options.bank))
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
    def making(self) -> str:
        """The command that makes the results."""
        results = self.options.results
        if results == ExploreOptions.results or results.suffix:  # a file's name; folders are made, files are found
            return "midlevel demo"
        return f"midlevel demo --out {quote(str(results))}"

    @property
    def _command(self) -> str:
        return f"midlevel explore {quote(str(self.options.results))}"


def _files_of_table(path: Path) -> tuple[Path, ...]:
    return (path / RUN_FILE,) if is_folder(path) else (path, *win_rate_files(path).values())


@while_unchanged(_files_of_table)
def _table(path: Path) -> TransferTable:
    """The table; gain and quality of published pickles stand in files of their own."""
    table = read_transfers(path)
    rates = {rate: read_win_rates(file, rate, table.tasks) for rate, file in win_rate_files(path).items()}
    return table.with_win_rates(gain=rates.get("gain"), quality=rates.get("quality"))


@while_unchanged(lambda name_or_folder: (name_or_folder / "bank.json",))
def _bank(name_or_folder: Path) -> Bank:
    return load_bank(name_or_folder)


def _loaded(path: Path, command: str) -> TransferTable | Absent:
    try:
        return _table(path)
    except UserError as error:
        return Absent(str(error), command if _is_missing(path) else None)


def _is_missing(path: Path) -> bool:
    try:
        return not any(stamp(_files_of_table(path)))
    except UserError:
        return False
