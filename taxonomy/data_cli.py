"""`midlevel data`: buildings to a labelled dataset, its check, its pictures, and buildings for habitat-sim."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perception.errors import UserError

if TYPE_CHECKING:
    from taxonomy.dataset import Dataset

app = typer.Typer(help="Buildings to a labelled dataset, its check, and its pictures.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="A rendered dataset, or a Taskonomy or Omnidata folder.")]
Buildings = Annotated[int, typer.Option(min=1, help="How many houses.")]
Seed = Annotated[int, typer.Option(min=0, help="Fixes every house, camera and pixel.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

_LAYOUTS = {"store": ("store",), "published": ("published",), "both": ("store", "published")}


@app.command()
def render(
    buildings: Buildings,
    out: Annotated[Path, typer.Option(help="The dataset's folder.")],
    views: Annotated[int, typer.Option(min=1, help="Images of each house.")] = 50,
    size: Annotated[int, typer.Option(min=8, max=4096, help="Pixels a side.")] = 128,
    seed: Seed = 0,
    layout: Annotated[
        str, typer.Option("--format", help="store (compact, for training), published (as Taskonomy has it), or both.")
    ] = "store",
    quality: Annotated[
        str, typer.Option(help="fast, smooth (4 rays a pixel) or traced (light that bounces).")
    ] = "smooth",
    device: Annotated[str, typer.Option(help="cpu, or cuda for an NVIDIA GPU.")] = "cpu",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; changes no byte.", show_default="one for each core")
    ] = None,
    label: Annotated[
        list[Path] | None, typer.Option(help="A Python file with TASK and label(view): a task of your own.")
    ] = None,
    contact_sheet: Annotated[Path | None, typer.Option(help="Write a picture of some views here.")] = None,
    labels: Annotated[bool, typer.Option("--labels", help="The picture shows all labels of one view.")] = False,
    as_json: AsJson = False,
) -> None:
    """Render houses to images with labels for every task; run it again to go on where it stopped."""
    from perception.terminal import print_json, print_line, print_note, progress
    from taxonomy.dataset import HouseWorld, RenderSpec, open_dataset, render_dataset

    if layout not in _LAYOUTS:
        raise UserError(f"--format is {layout!r}; expected {', '.join(_LAYOUTS)}.")
    cores = os.cpu_count() or 1
    processes = min(workers or (1 if device == "cuda" else cores), buildings)
    world = HouseWorld(quality, device, threads=max(1, cores // processes))
    with progress("houses", buildings) as advance:
        report = render_dataset(
            out,
            RenderSpec(buildings, views, size, seed),
            world=world,
            layouts=_LAYOUTS[layout],
            workers=processes,
            extra_labels=label or (),
            on_building_done=advance,
        )
    for note in report.notes:
        print_note(note)
    dataset = open_dataset(out)
    if contact_sheet is not None:
        _draw(dataset, contact_sheet, labels)
    rate = report.rendered * views / report.seconds
    if as_json:
        print_json(
            {
                "folders": {name: str(folder) for name, folder in report.folders.items()},
                "images": report.images,
                "houses": {"rendered": report.rendered, "found": report.found},
                "seconds": report.seconds,
                "images_per_second": rate,
                "bytes": {name: _bytes_in(folder) for name, folder in report.folders.items()},
                "statistics": _statistics_document(dataset),
            }
        )
        return
    for name, folder in report.folders.items():
        print_line(f"{name}: {folder}, {report.images} images, {_bytes_in(folder) / 2**20:.0f} MiB")
    print_line(
        f"{report.rendered} houses rendered, {report.found} found, {report.seconds:.1f} s, {rate:.1f} images/s\n"
    )
    _print_statistics(dataset)
    if contact_sheet is not None:
        print_line(f"\nwritten: {contact_sheet}")


@app.command()
def verify(folder: Folder, as_json: AsJson = False) -> None:
    """Find every missing, truncated, mislabelled or non-finite file; exit 1 if there is one."""
    from perception.terminal import print_json, print_line, print_table, progress
    from taxonomy.dataset.verification import building_count, verify_dataset

    with progress("checking", building_count(folder)) as advance:
        result = verify_dataset(folder, advance)
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "files": result.files,
                "problems": [{"path": problem.path, "reason": problem.reason} for problem in result.problems],
            }
        )
    elif result.problems:
        print_table(("file", "what is wrong"), [(problem.path, problem.reason) for problem in result.problems])
        print_line(f"\n{len(result.problems)} problems in {result.files} files")
    else:
        print_line(f"{result.files} files, all sound")
    if result.problems:
        raise typer.Exit(1)


@app.command()
def sheet(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The picture, a PNG.")],
    labels: Annotated[bool, typer.Option("--labels", help="All labels of one view, not some views.")] = False,
    view: Annotated[int, typer.Option(min=0, help="Which view, with --labels.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many views.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of views.")] = 0,
    best: Annotated[bool, typer.Option("--best", help="The best view of each kind of room.")] = False,
) -> None:
    """A picture of some views with the rooms they show, of the best ones, or of all labels of one view."""
    from perception.terminal import print_line
    from taxonomy.dataset import open_dataset
    from taxonomy.dataset.pictures import best_sheet

    if best and labels:
        raise UserError("--best and --labels are two different pictures; ask for one.")
    dataset = open_dataset(folder)
    if best:
        best_sheet(dataset, out)
    else:
        _draw(dataset, out, labels, view=view, count=count, seed=seed)
    print_line(str(out))


@app.command()
def statistics(folder: Folder, as_json: AsJson = False) -> None:
    """What the views are like, next to what is published of Taskonomy's."""
    from perception.terminal import print_json
    from taxonomy.dataset import open_dataset

    dataset = open_dataset(folder)
    if as_json:
        print_json(_statistics_document(dataset))
        return
    _print_statistics(dataset)


@app.command("export-habitat")
def export_habitat(
    buildings: Buildings,
    out: Annotated[Path, typer.Option(help="Folder for the scene dataset.")],
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write houses as GLB with a Habitat scene dataset, to be opened in habitat-sim."""
    from perception.terminal import print_json, print_line, progress
    from sim.errors import SimulatorError
    from sim.scene_dataset import export_habitat as export
    from taxonomy.dataset import HouseWorld, RenderSpec
    from taxonomy.dataset.rendering import building_seed

    spec, world = RenderSpec(buildings, 1, seed=seed), HouseWorld()
    houses = []
    with progress("houses", buildings) as advance:
        for index in range(buildings):
            houses.append(world.building(building_seed(spec, index)))
            advance(houses[-1].name)
        try:
            config = export(houses, out)
        except SimulatorError as error:
            raise UserError(str(error)) from error
    if as_json:
        print_json({"config": str(config), "scenes": [house.name for house in houses]})
        return
    print_line(str(config))


def _draw(dataset: "Dataset", out: Path, labels: bool, *, view: int = 0, count: int = 40, seed: int = 0) -> None:
    from taxonomy.dataset.pictures import label_sheet, view_sheet

    if labels:
        label_sheet(dataset, out, index=view)
    else:
        view_sheet(dataset, out, count=count, seed=seed)


def _statistics_document(dataset: "Dataset") -> dict[str, dict[str, float | None]]:
    from taxonomy.dataset.statistics import view_statistics

    return {
        row.name: {"mean": row.mean, "spread": row.spread, "published": row.published}
        for row in view_statistics(dataset)
    }


def _print_statistics(dataset: "Dataset") -> None:
    from perception.terminal import print_table
    from taxonomy.dataset.statistics import view_statistics

    print_table(
        ("views", "mean", "spread", "published"),
        [
            (row.name, f"{row.mean:.2f}", f"{row.spread:.2f}", "n/a" if row.published is None else f"{row.published:g}")
            for row in view_statistics(dataset)
        ],
    )


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
