"""Several banks as one: networks that were trained apart, served together."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from perception.bank.bank import Bank, load_bank, write_bank
from perception.errors import UserError


def join_banks(banks: Sequence[Bank], folder: Path, name: str) -> Bank:
    """Write the networks of several banks as one; where two have a task, the later one's is taken.

    Cards and weights stay byte by byte as they are, so that each says what it was trained on. Max-coverage sets are
    those of the first bank, as far as they go: a joined bank has no affinities of its own.

    Args:
        banks: At least two, of one architecture.
        folder: Appears whole or not at all; it must not be there yet.
        name: What the bank is called.

    Raises:
        UserError: If there are fewer, the name is empty, their architectures differ, one is damaged, or the folder is
            there already or cannot be written.
    """
    if len(banks) < 2:
        raise UserError(f"{len(banks)} bank to join; name at least two.")
    if not name.strip():
        raise UserError("the joined bank has an empty name; give it one.")
    architectures = [bank.architecture for bank in banks]
    if len(set(architectures)) > 1:
        listed = ", ".join(f"{bank.name}: {bank.architecture}" for bank in banks)
        raise UserError(f"the banks are of several architectures ({listed}); only banks of one can be joined.")
    if folder.exists():
        raise UserError(f"{folder} is there already; name a new folder for the joined bank.")
    source = {task: bank for bank in banks for task in bank.tasks}
    for task, bank in source.items():
        bank.checkpoint(task)  # its hashes are checked
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            whole = Path(scratch) / "bank"
            whole.mkdir()
            for task, bank in source.items():
                for suffix in (".safetensors", ".json"):
                    shutil.copyfile(bank.folder / f"{task}{suffix}", whole / f"{task}{suffix}")
            write_bank(whole, name, coverage=banks[0].coverage, provenance=_provenance(banks, source))
            whole.rename(folder)
    except OSError as error:
        raise UserError(f"the joined bank cannot be written to {folder}: {error.strerror}.") from error
    return load_bank(folder)


def _provenance(banks: Sequence[Bank], source: Mapping[str, Bank]) -> str:
    tasks: dict[str, list[str]] = {}
    for task, bank in source.items():
        tasks.setdefault(f"{bank.name} ({bank.provenance})", []).append(task)
    parts = "; ".join(f"{', '.join(names)} of {bank}" for bank, names in tasks.items())
    joined = f"joined: {parts}."
    return f"{joined} Max-coverage sets are those of {banks[0].name}." if banks[0].coverage else joined
