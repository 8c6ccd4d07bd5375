"""A run so small that it takes seconds: the shape of everything, the quality of nothing."""

from pathlib import Path

from taxonomy.dataset import RenderSpec, render_dataset
from taxonomy.engine import Executor, LocalExecutor
from taxonomy.pipeline import Preset, RunOptions, measure
from taxonomy.pipeline.results import conclude, write_conclusions
from taxonomy.training import Schedule
from tests.taxonomy.dataset.box_world import BoxWorld

TASKS = ("denoising", "jigsaw", "normal", "vanishing_point", "class_scene")

TINY = Preset(
    "tiny", 8, 9, 128, "compact",
    networks=Schedule(1, 8), readouts=Schedule(2, 4, 5e-3), pixels=Schedule(1, 4),
    max_order=2,
)  # fmt: skip


def tiny_dataset(folder: Path, labels: tuple[Path, ...] = ()) -> Path:
    render_dataset(folder, RenderSpec(8, 9, 128, seed=3), world=BoxWorld(), extra_labels=labels)
    return folder


def tiny_options(
    executor: Executor | None = None, *, tasks: tuple[str, ...] = TASKS, novel: tuple[Path, ...] = ()
) -> RunOptions:
    return RunOptions(TINY, executor or LocalExecutor(1), tasks, novel)


def run_without_report(out: Path, data: Path, options: RunOptions) -> None:
    """Everything of a run but its bank and its pictures, which take longest."""
    result = measure(out, data, options)
    found = conclude(
        result.losses,
        orders=(1, 2),
        held_back=result.held_back,
        sanity=result.sanity,
        evidence=result.evidence,
        train_images=result.train_images,
        readout_images=result.readout_images,
    )
    write_conclusions(out, result.losses, found)
