"""The commands of this room."""

from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is installed, what is not, and the command that installs it."""
    from perception.doctor import examine
    from perception.terminal import print_json, print_line, print_table

    findings = examine()
    if as_json:
        print_json({"findings": [finding.to_json() for finding in findings]})
    else:
        print_table(
            ("", "what", "found", "needed for"),
            [("ok" if f.found else "--", f.name, f.found or "not found", f.purpose) for f in findings],
        )
        for finding in findings:
            if not finding.found:
                print_line(f"\n{finding.name}: {finding.remedy}")
    if any(finding.required and not finding.found for finding in findings):
        raise typer.Exit(1)
