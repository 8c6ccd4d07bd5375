"""What a trained readout puts out: for pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from perception.errors import UnknownNameError, UserError
from perception.objectives.objective import Objective
from taxonomy.readouts.network import Readouts, ReadoutShape, transfer_name
from taxonomy.readouts.readouts_work import WEIGHTS_FILE


def readout_predictions(
    folder: Path, sources: Sequence[str], representations: Sequence[NDArray[np.float16]], objective: Objective
) -> NDArray[np.float32]:
    """Outputs of one readout of a unit of kind "readouts"; `Objective.predictions` reads them.

    Args:
        folder: Of the unit.
        sources: Of the transfer, in its order.
        representations: For each source float16 [N, 8V, 16, 16], the views side by side.
        objective: Of the target.

    Returns:
        float32 [N, *objective.output_shape].

    Raises:
        UnknownNameError: If the unit has no such transfer.
        UserError: If the file is damaged, or the representations are not what the readout takes.
    """
    readouts = _read(folder / WEIGHTS_FILE, tuple(sources), objective)
    inputs = torch.from_numpy(np.concatenate(representations, axis=1))
    if inputs.shape[1] != readouts.shape.channels:
        raise UserError(
            f"{transfer_name(sources)} takes {readouts.shape.channels} channels, not {inputs.shape[1]}; "
            "give every source's representation, and for each every view's."
        )
    with torch.inference_mode():
        found: NDArray[np.float32] = readouts.shape.images(readouts.outputs(inputs)[0]).contiguous().numpy()
    return found


def _read(path: Path, sources: tuple[str, ...], objective: Objective) -> Readouts:
    name = transfer_name(sources)
    try:
        with safe_open(path, framework="pt") as file:
            names = {key.partition("/")[0] for key in file.keys()}  # noqa: SIM118 - a file, not a mapping
            if name not in names:
                raise UnknownNameError(f"transfer in {path}", name, names)
            first, mean, spread = (file.get_tensor(f"{name}/{part}") for part in ("first.weight", "mean", "spread"))
            shape = ReadoutShape(first.shape[1], objective.output_shape)
            values = [file.get_tensor(f"{name}/{part}").reshape(-1) for part in shape.parts]
    except (OSError, SafetensorError) as error:
        raise UserError(f"cannot read the readouts {path}: {error}.") from error
    return Readouts(shape, (sources,), torch.cat(values)[None], mean[None], spread[None], np.zeros(1, np.bool_))
