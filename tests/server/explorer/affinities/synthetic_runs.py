"""Folders of runs without training: losses of modelled tasks, and the affinities that follow."""

from pathlib import Path

from perception import TASKS, TaskDictionary
from taxonomy import Missing, compute_affinities, write_losses, write_transfers
from taxonomy.synthetic import SyntheticTasks

NAMES = (
    "autoencoding", "inpainting", "edge_texture", "keypoints2d", "segment_unsup2d", "normal", "curvature", "reshading",
    "segment_unsup25d", "room_layout", "class_scene", "segment_semantic",
)  # fmt: skip
"""Tasks of every group, those of the published sets among them; inpainting is no target."""


def write_run(folder: Path, *, seed: int = 0, images: int = 60) -> Path:
    """What the pages of affinities and of feature sets read of a run."""
    tasks = TaskDictionary(TASKS[name] for name in NAMES)
    losses = SyntheticTasks(tasks, seed=seed).losses(images=images, max_order=3)
    write_losses(folder / "losses", losses)
    write_transfers(folder / "affinity.json", compute_affinities(losses, missing=Missing.DROP).table)
    return folder
