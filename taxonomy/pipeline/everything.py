"""From buildings to the report: what `midlevel taxonomy run` does."""

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

from perception.bank import Bank
from perception.files import write_atomically
from perception.terminal import print_note, progress
from taxonomy.dataset import Dataset, HouseWorld, RenderSpec, open_dataset, render_dataset
from taxonomy.dataset.files import read_json
from taxonomy.dataset.identity import command_of, dataset_sha256
from taxonomy.dataset.manifest import MANIFEST, installed_versions
from taxonomy.engine import RunLock
from taxonomy.pipeline.bank_export import export_bank
from taxonomy.pipeline.findings import gather_findings
from taxonomy.pipeline.novel_export import export_novel_tasks
from taxonomy.pipeline.presets import PRESETS
from taxonomy.pipeline.results import Conclusions, conclude, write_conclusions
from taxonomy.pipeline.run import RunOptions, RunResult, measure
from taxonomy.report import run_study, write_report
from taxonomy.transfers import TransferTable

ORDERS = (1, 2, 4)
"""Maximum orders solved for, as far as a run has them."""


def run_everything(
    out: Path, data: Path | None, options: RunOptions, published: TransferTable | None = None, *, name: str = "own"
) -> Path:
    """Render where no data is given, train, measure, solve, and write all results.

    Args:
        out: The run's folder; a run that stopped goes on where it was.
        data: A dataset; rendered into the run's folder if None.
        options: What is asked for.
        published: Affinities to compare with.
        name: Of the bank.

    Returns:
        The path of the report.

    Raises:
        UserError: If something given cannot be used, another run holds the folder, or the disk is full.
    """
    start = time.perf_counter()
    with RunLock(out):
        folder = data or _rendered(out / "data", options)
        dataset = open_dataset(folder)
        _write_manifest(out, dataset, options)
        result = measure(out, folder, options)
        print_note("affinities, taxonomies, coverage sets")
        found = conclude(
            result.losses,
            orders=[order for order in ORDERS if order <= options.preset.max_order] or [1],
            held_back=result.held_back,
            sanity=result.sanity,
            evidence=result.evidence,
            train_images=result.train_images,
            readout_images=result.readout_images,
            published=published,
        )
        write_conclusions(out, result.losses, found)
        bank = _export(out / "bank", name, dataset, options, result, found)
        export_novel_tasks(out / "novel_tasks", result, found.table)
        failures = [asdict(failure) for failure in result.failures]
        write_atomically(out / "left_out.json", json.dumps({"left_out": failures}, indent=1) + "\n")
        path = _report(out, dataset, options, result, found, bank)
        for failure in result.failures:
            print_note(f"left out in {failure.stage}: {failure.name}: {failure.reason}")
        print_note(f"all of it took {(time.perf_counter() - start) / 60:.1f} minutes; the bank is in {out / 'bank'}")
    return path


def _rendered(folder: Path, options: RunOptions) -> Path:
    """A dataset of the preset's size."""
    preset, cores = options.preset, os.cpu_count() or 1
    spec = RenderSpec(preset.buildings, preset.views, preset.size_px, options.seed)
    with progress("houses", preset.buildings) as advance:
        render_dataset(
            folder,
            spec,
            world=HouseWorld("smooth", "cpu", threads=1),
            workers=min(cores, preset.buildings),
            extra_labels=options.novel,
            on_building_done=advance,
        )
    return folder


def _write_manifest(out: Path, dataset: Dataset, options: RunOptions) -> None:
    document = {
        "format": "midlevel-run",
        "version": 1,
        "preset": asdict(options.preset),
        "tasks": None if options.tasks is None else list(options.tasks),
        "seed": options.seed,
        "device": options.device,
        "studies": options.studies,
        "gains": options.gains,
        "supervision": options.supervision,
        "dataset": {"sha256": dataset_sha256(dataset), "images": len(dataset), "buildings": len(dataset.buildings)},
        "versions": installed_versions(),
    }
    path = out / MANIFEST
    if path.exists() and (before := read_json(path).get("versions")) != document["versions"]:
        print_note(f"the run was begun with other versions, {before}; its finished units are used all the same")
    write_atomically(path, json.dumps(document, indent=1) + "\n")


def _export(
    folder: Path, name: str, dataset: Dataset, options: RunOptions, result: RunResult, found: Conclusions
) -> Bank:
    preset = options.preset
    images, epochs = result.train_images, preset.networks.epochs
    buildings = len({int(building) for building in dataset.index.building_of[dataset.split("train")]})
    command = command_of(dataset)
    commands = "; ".join([*([] if command is None else [f"{command} --out data"]), _command(options)])
    facts = {
        **({} if command is None else {"dataset": command}),
        "dataset_sha256": dataset_sha256(dataset),
        "images": images,
        "buildings": buildings,
        "epochs": epochs,
        "learning_rate": preset.networks.learning_rate,
        "batch_size": preset.networks.batch_size,
        "mirrored": True,
        "seed": options.seed,
    }
    return export_bank(
        folder,
        name,
        result,
        architecture=preset.architecture,
        classes=dataset.classes,
        coverage=found.coverage,
        training=facts,
        provenance=(
            f"{commands}: {images} images of {buildings} buildings, {epochs} epochs a task; measured on buildings that "
            "no network saw."
        ),
    )


def _command(options: RunOptions) -> str:
    """What the run was asked for, but for where and how it computed."""
    preset = options.preset
    words = ["midlevel taxonomy run data", f"--preset {preset.name}", f"--seed {options.seed}"]
    if preset.name not in PRESETS or preset.max_order != PRESETS[preset.name].max_order:
        words.append(f"--max-order {preset.max_order}")
    if options.tasks is not None:
        words.append(f"--tasks {','.join(options.tasks)}")
    words += [f"--novel {path.name}" for path in options.novel]
    words += [flag for flag, wanted in (("--no-studies", options.studies), ("--no-gains", options.gains)) if not wanted]
    return " ".join(words)


def _report(
    out: Path, dataset: Dataset, options: RunOptions, result: RunResult, found: Conclusions, bank: Bank
) -> Path:
    print_note("report")
    study = run_study(found.table, orders=list(found.taxonomies), seed=options.seed)
    findings = gather_findings(dataset, options, result, found, bank)
    return write_report(study, out / "report", title=f"Taxonomy of {dataset.root.name}", findings=findings)
