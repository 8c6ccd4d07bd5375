"""The commands `midlevel rl study` and `midlevel rl report`."""

from pathlib import Path
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")]


def study(
    config: Annotated[Path, typer.Argument(help="A YAML file, such as sim_configs/studies/minute.yaml.")],
    out: Annotated[Path, typer.Option(help="The study's folder; a study that stopped goes on.")],
    executor: Annotated[str, typer.Option(help="local, or ray for a cluster: one task for each cell.")] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Cells done at the same time on this machine.", show_default="1")
    ] = None,
    ray_address: Annotated[str | None, typer.Option(help="Of the cluster.", show_default="one is started here")] = None,
    only: Annotated[
        str | None, typer.Option(help="Do these cells only: a pattern such as 'PointGoal/*/seed-0'.")
    ] = None,
    report_only: Annotated[bool, typer.Option(help="Train nothing; write the report of what is done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Agents x tasks x seeds: train each, test it in buildings never seen, and report with statistics."""
    from rl.study.commands import report_command, study_command

    if report_only:
        _tell(report_command(out), as_json=as_json)
        return
    found = study_command(config, out, executor=executor, workers=workers, ray_address=ray_address, only=only)
    _tell(found, as_json=as_json)
    if found["failed"]:
        raise typer.Exit(1)


def report(
    folder: Annotated[Path, typer.Argument(help="A study's folder.")],
    as_json: AsJson = False,
) -> None:
    """Write the report of a study, finished or not."""
    from rl.study.commands import report_command

    _tell(report_command(folder), as_json=as_json)


def _tell(found: dict[str, Any], *, as_json: bool) -> None:
    from perception.terminal import print_json, print_line, print_note

    if as_json:
        print_json(found)
        return
    if found["failed"]:
        print_note(f"{len(found['failed'])} cells failed; the report says why")
    if found["missing"]:
        print_note(f"{len(found['missing'])} cells are not done yet")
    print_line(found["report"])
