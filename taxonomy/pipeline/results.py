"""Steps III and IV on what a run measured, and every file that a run leaves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.files import write_atomically
from taxonomy.affinity import compute_affinities
from taxonomy.ahp import Missing
from taxonomy.coverage import CoverageSolver, affinity_distances
from taxonomy.losses import LossTable, write_losses
from taxonomy.solver import Taxonomy, TaxonomySolver
from taxonomy.studies import (
    Evidence,
    NovelTask,
    Policy,
    SanityRow,
    TargetAgreement,
    leave_one_out,
    rank_agreement,
    supervision_study,
)
from taxonomy.transfer_files import write_transfers
from taxonomy.transfers import TransferTable

AFFINITY, TAXONOMY, COVERAGE = "affinity.json", "taxonomy.json", "coverage.json"


@dataclass(frozen=True)
class Conclusions:
    """What follows from the losses of a run.

    Args:
        table: Affinities, gain and quality of every transfer.
        taxonomies: For each maximum order, the optimal one of every feasible budget.
        coverage: The max-coverage set of each size.
        sanity: Of the task networks.
        novel: Every target as a novel task.
        policies: Supervision saved.
        agreement: With published affinities; empty where none were given.
    """

    table: TransferTable
    taxonomies: Mapping[int, Sequence[Taxonomy]]
    coverage: Mapping[int, tuple[str, ...]]
    sanity: Sequence[SanityRow]
    novel: Sequence[NovelTask]
    policies: Sequence[Policy]
    agreement: Sequence[TargetAgreement]


def conclude(
    losses: LossTable,
    *,
    orders: Sequence[int],
    held_back: Mapping[str, NDArray[np.bool_]],
    sanity: Sequence[SanityRow] = (),
    evidence: Evidence | None = None,
    train_images: int = 0,
    readout_images: int = 0,
    published: TransferTable | None = None,
) -> Conclusions:
    """AHP, the solver, coverage sets and the studies.

    Args:
        losses: Test losses of every transfer.
        orders: Maximum orders to solve for.
        held_back: For each target, the test samples on which novel tasks are measured.
        sanity: Of the task networks.
        evidence: Of independent training; without it supervision is not studied.
        train_images: That a network learns from.
        readout_images: That a readout learns from.
        published: Affinities to compare with.

    Raises:
        UserError: Naming the target whose losses cannot be used.
    """
    table = compute_affinities(losses, missing=Missing.DROP).table
    solver = CoverageSolver(affinity_distances(table))
    sizes = range(solver.smallest_size, len(affinity_distances(table).features) + 1)
    policies: Sequence[Policy] = ()
    if evidence is not None:
        policies = supervision_study(table, losses, evidence, train_images=train_images, readout_images=readout_images)
    return Conclusions(
        table,
        {order: tuple(TaxonomySolver(table, max_order=order).sweep()) for order in orders},
        {size: solver.solve(size).features for size in sizes},
        sanity,
        leave_one_out(losses, dict(held_back)),
        policies,
        () if published is None else rank_agreement(table, published),
    )


def write_conclusions(out: Path, losses: LossTable, found: Conclusions) -> None:
    """Write them into a run's folder: the same numbers give the same bytes.

    Raises:
        UserError: If the folder cannot be written to.
    """
    write_losses(out / "losses", losses)
    write_transfers(out / AFFINITY, found.table)
    sweeps = {str(order): [_timeless(taxonomy) for taxonomy in sweep] for order, sweep in found.taxonomies.items()}
    _write(out / TAXONOMY, {"max_order": sweeps})
    _write(out / COVERAGE, {"sets": {str(size): list(features) for size, features in found.coverage.items()}})
    for name, rows in (
        ("sanity", found.sanity),
        ("novel", found.novel),
        ("supervision", found.policies),
        ("agreement", found.agreement),
    ):
        _write(out / f"{name}.json", {name: [row.to_json() for row in rows]})


def _timeless(taxonomy: Taxonomy) -> dict[str, object]:
    """As `solve --json` prints it, but for the time it took."""
    return {name: value for name, value in taxonomy.to_json().items() if name != "seconds"}


def _write(path: Path, document: Mapping[str, object]) -> None:
    write_atomically(path, json.dumps(document, indent=1, allow_nan=False) + "\n")
