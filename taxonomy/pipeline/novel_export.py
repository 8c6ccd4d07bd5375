"""What a run leaves for a task of the user's own: its best sources, and the readout trained on them."""

import json
from pathlib import Path

from safetensors.torch import load_file, save

from perception.files import write_atomically
from perception.objectives import objective_to_json
from perception.tasks import TASKS
from taxonomy.pipeline.collation import read_transfers_of
from taxonomy.pipeline.run import RunResult
from taxonomy.readouts.network import transfer_name
from taxonomy.readouts.readouts_work import WEIGHTS_FILE
from taxonomy.training import read_objective
from taxonomy.transfers import Transfer, TransferTable


def export_novel_tasks(folder: Path, result: RunResult, table: TransferTable) -> None:
    """Write `<task>.json` (sources, affinity, gain, objective) and `<task>.safetensors` (the readout) for each.

    Files of an earlier run's tasks are removed.

    Args:
        folder: Made if there is such a task.
        result: Of the run.
        table: Its affinities.

    Raises:
        UserError: If they cannot be written.
    """
    for path in folder.glob("*"):
        if path.stem not in result.targets:
            path.unlink()
    for task in result.targets:
        if task not in TASKS:
            ranked = [transfer for transfer in table if transfer.target == task and transfer.is_candidate]
            best = max(ranked, key=lambda transfer: transfer.affinity)
            write_atomically(folder / f"{task}.safetensors", _weights(result, best))
            document = {
                "task": task,
                "sources": list(best.sources),
                "affinity": best.affinity,
                "gain": best.gain,
                "learned_from_images": result.readout_images,
                "objective": objective_to_json(read_objective(result.objectives[task])),
                "ranking": [
                    {"sources": list(transfer.sources), "affinity": transfer.affinity, "gain": transfer.gain}
                    for transfer in sorted(ranked, key=lambda transfer: -transfer.affinity)
                ],
            }
            write_atomically(folder / f"{task}.json", json.dumps(document, indent=1) + "\n")


def _weights(result: RunResult, transfer: Transfer) -> bytes:
    prefix = f"{transfer_name(transfer.sources)}/"
    folder = next(
        folder for folder in result.targets[transfer.target].readouts if transfer.sources in read_transfers_of(folder)
    )
    tensors = load_file(folder / WEIGHTS_FILE)
    return save({name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)})
