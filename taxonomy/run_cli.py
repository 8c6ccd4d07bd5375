"""`midlevel taxonomy run` and `midlevel demo`: the whole pipeline in one command."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perception.errors import UserError

if TYPE_CHECKING:
    from taxonomy.engine import Executor
    from taxonomy.pipeline import Preset

Seed = Annotated[int, typer.Option(min=0, help="Fixes everything that is random.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes; changes no result.", show_default="one for each core, one on a GPU"),
]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")]


def run(
    data: Annotated[
        Path | None, typer.Argument(help="A dataset.", show_default="rendered into the run's folder")
    ] = None,
    out: Annotated[Path, typer.Option(help="The run's folder; a run that stopped goes on.")] = Path("taxonomy-run"),
    preset: Annotated[str, typer.Option(help="demo (minutes), standard (an evening) or paper.")] = "demo",
    tasks: Annotated[
        list[str] | None, typer.Option(help="Names, separated by commas.", show_default="all that the dataset has")
    ] = None,
    max_order: Annotated[
        int | None, typer.Option(min=1, help="Most sources of a transfer.", show_default="the preset's")
    ] = None,
    novel: Annotated[
        list[Path] | None, typer.Option(help="A Python file with TASK and label(view): a target with little data.")
    ] = None,
    published: Annotated[
        Path | None, typer.Option(help="Affinities to compare with, such as the paper's all_affinities file.")
    ] = None,
    studies: Annotated[
        bool, typer.Option(help="Also train heads on random encoders, and what the study of supervision needs.")
    ] = True,
    gains: Annotated[
        bool, typer.Option(help="Also train from scratch on the readouts' images, for gains and supervision saved.")
    ] = True,
    bank_name: Annotated[str, typer.Option(help="What the run's bank is called.")] = "own",
    executor: Annotated[str, typer.Option(help="local, or ray for a cluster.")] = "local",
    ray_address: Annotated[str | None, typer.Option(help="Of the cluster.", show_default="one is started here")] = None,
    workers: Workers = None,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Everything: task networks, transfers, affinities, taxonomies, coverage sets, a feature bank and the report."""
    from taxonomy.pipeline import preset_named

    size = preset_named(preset).with_max_order(max_order)
    chosen = _device(device)
    names = None if tasks is None else tuple(name.strip() for item in tasks for name in item.split(",") if name.strip())
    if names == ():
        raise UserError("--tasks names no task; name some, or leave it out for all.")
    _run(
        data, out, size, _executor(executor, workers, ray_address, chosen),
        tasks=names, novel=tuple(novel or ()), published=published, studies=studies, gains=gains, device=chosen,
        seed=seed, bank_name=bank_name,
    )  # fmt: skip


def demo(
    out: Annotated[Path, typer.Option(help="Folder for what it makes.")] = Path("demo"),
    workers: Workers = None,
    seed: Seed = 0,
) -> None:
    """Everything, small: houses are rendered, 26 tasks trained, their transfers measured, the taxonomy solved."""
    from taxonomy.pipeline import preset_named

    _run(
        None, out, preset_named("demo"), _executor("local", workers, None, "cpu"),
        tasks=None, novel=(), published=None, studies=True, gains=True, device="cpu", seed=seed,
        bank_name="demo", supervision=False,  # readouts of 90 images save none
    )  # fmt: skip


def _run(
    data: Path | None,
    out: Path,
    preset: "Preset",
    executor: "Executor",
    *,
    tasks: tuple[str, ...] | None,
    novel: tuple[Path, ...],
    published: Path | None,
    studies: bool,
    gains: bool,
    device: str,
    seed: int,
    bank_name: str,
    supervision: bool = True,
) -> None:
    from perception.terminal import print_line
    from taxonomy.pipeline import RunOptions, run_everything
    from taxonomy.transfer_files import read_transfers

    rival = None if published is None else read_transfers(published)
    options = RunOptions(preset, executor, tasks, novel, device, seed, studies, gains, supervision)
    print_line(str(run_everything(out, data, options, rival, name=bank_name)))


def _device(name: str) -> str:
    import torch

    found = torch.cuda.is_available()
    devices: dict[str, Callable[[], str]] = {
        "cpu": lambda: "cpu",
        "cuda": lambda: "cuda" if found else _no_gpu(),
        "auto": lambda: "cuda" if found else "cpu",
    }
    if name not in devices:
        raise UserError(f"--device is {name!r}; expected {', '.join(devices)}.")
    return devices[name]()


def _no_gpu() -> str:
    raise UserError("--device is cuda, and PyTorch finds no NVIDIA GPU here; use cpu, or see `midlevel doctor`.")


def _executor(name: str, workers: int | None, ray_address: str | None, device: str) -> "Executor":
    from taxonomy.engine import LocalExecutor, RayExecutor

    if name == "ray" and workers is not None:
        raise UserError("--workers is for the local executor; a Ray cluster has as many as it has CPUs.")
    if name == "local" and ray_address is not None:
        raise UserError("--ray-address is given without --executor ray; add it, or leave the address out.")
    side_by_side = workers or (1 if device == "cuda" else os.cpu_count() or 1)
    executors: dict[str, Callable[[], Executor]] = {
        "local": lambda: LocalExecutor(side_by_side),
        "ray": lambda: RayExecutor(ray_address, gpus=1.0 if device == "cuda" else 0.0),
    }
    if name not in executors:
        raise UserError(f"--executor is {name!r}; expected {', '.join(executors)}.")
    return executors[name]()
