"""What `midlevel rl study` and `midlevel rl report` do."""

from pathlib import Path
from typing import Any

from rl.study.cells import cells_of, chosen
from rl.study.config import read_config
from rl.study.execution import executor_named
from rl.study.report import summary_of, write_document, write_report
from rl.study.running import Study, read_study, run_study


def study_command(
    config: Path, folder: Path, *, executor: str, workers: int | None, ray_address: str | None, only: str | None
) -> dict[str, Any]:
    """Do what is not done of a study, and write its report.

    Returns:
        See `summary_of`; "failed" is of the cells asked for.

    Raises:
        UserError: If the config, an option or a cell is refused.
    """
    plan = read_config(config)
    study = run_study(plan, folder, executor_named(executor, workers=workers, ray_address=ray_address), only=only)
    asked = {cell.name for cell in chosen(cells_of(plan), only)}
    summary = report_command(folder, study)
    return {**summary, "failed": {name: why for name, why in summary["failed"].items() if name in asked}}


def report_command(folder: Path, study: Study | None = None) -> dict[str, Any]:
    """Write the report of what is known of the study in a folder, and `report.json` beside it.

    Returns:
        See `summary_of`, and "report", the page.

    Raises:
        UserError: If there is no study, or a file is broken.
    """
    known = study or read_study(folder)
    path = write_report(known, folder)
    write_document(known, folder)
    return {"report": str(path), **summary_of(known)}
