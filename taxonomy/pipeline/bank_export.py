"""The bank of a run: its networks as frozen checkpoints, each with what it was trained on and how good it is."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from perception.bank import Bank, Card, HeadKind, Preprocessing, write_bank, write_checkpoint
from perception.networks import architecture_named, build_encoder, build_head
from perception.objectives import objective_to_json
from taxonomy.pipeline.run import RunResult
from taxonomy.studies import SanityRow
from taxonomy.training import ENCODER_FILE, HEAD_FILE, read_objective


def export_bank(
    folder: Path,
    name: str,
    result: RunResult,
    *,
    architecture: str,
    classes: Mapping[str, tuple[str, ...]],
    coverage: Mapping[int, Sequence[str]],
    training: Mapping[str, Any],
    provenance: str,
) -> Bank:
    """Write the networks of a run as a bank.

    Args:
        folder: Of the bank; an earlier bank in it is replaced.
        name: What it is called.
        result: Of the run.
        architecture: Of the encoders.
        classes: What class indices mean, by task.
        coverage: Max-coverage sets by size, from the run's own affinities.
        training: Facts about the training, for the cards.
        provenance: Where it comes from, in words.

    Raises:
        UserError: If it cannot be written.
    """
    _empty(folder)
    sanity = {row.task: row for row in result.sanity}
    for task, network in result.networks.items():
        objective = read_objective(result.objectives[task])
        views = result.tasks[task].input.views
        encoder = build_encoder(architecture, 0)
        head = build_head(objective.output_shape, views, 0)
        encoder.load_state_dict(load_file(network / ENCODER_FILE))
        head.load_state_dict(load_file(network / HEAD_FILE))
        card = Card(
            task,
            architecture,
            Preprocessing(architecture_named(architecture).side_px),
            HeadKind.OBJECTIVE,
            objective=objective_to_json(objective),
            views=views,
            classes=classes.get(task, ()),
            training=training,
            metrics=_metrics(sanity.get(task)),
        )
        write_checkpoint(folder, card, encoder, head)
    kept = {size: names for size, names in coverage.items() if set(names) <= set(result.networks)}
    return write_bank(folder, name, coverage=kept, provenance=provenance)


def _empty(folder: Path) -> None:
    """Remove what an earlier run left, the index first: a folder without one is no bank."""
    for pattern in ("bank.json", "*.json", "*.safetensors"):
        for path in folder.glob(pattern):
            path.unlink()


def _metrics(row: SanityRow | None) -> dict[str, float]:
    if row is None:
        return {}
    numbers = {name: float(value) for name, value in row.to_json().items() if isinstance(value, int | float)}
    return {name: round(value, 6) for name, value in numbers.items() if math.isfinite(value)}
