"""The commands of this room."""

from pathlib import Path
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


Photos = Annotated[list[Path], typer.Argument(help="Photos of any size: PNG, JPEG, ...")]
BankOption = Annotated[str, typer.Option("--bank", help="A bank that comes with the package, or a folder.")]
Seed = Annotated[int, typer.Option(min=0, help="Of noise and shuffled tiles, for the tasks that look at them.")]

DEFAULT_BANK = "buildings-v1"


def encode(
    images: Photos,
    out: Annotated[Path, typer.Option(help="The .npz file to write.")],
    features: Annotated[
        str, typer.Option(help="A feature set: normal, or normal,reshading, or max-coverage:K, or published:K.")
    ] = "max-coverage:4",
    bank: BankOption = DEFAULT_BANK,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    runtime: Annotated[str, typer.Option(help="openvino, torch or auto.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or auto.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Photos to features: float32 `features` [N, 8k, 16, 16], with the names of `tasks` and `images`."""
    from perception.commands import encode_photos
    from perception.terminal import print_json, print_line

    result = encode_photos(images, out, features, bank, device=device, runtime=runtime, precision=precision)
    if as_json:
        print_json(result)
    else:
        print_line(f"written: {out}, features {result['shape']} of {', '.join(result['tasks'])}")


def predict(
    images: Photos,
    tasks: Annotated[str, typer.Option(help="Tasks with commas between them, or a feature set.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    bank: BankOption = DEFAULT_BANK,
    hfov_deg: Annotated[
        float, typer.Option(min=1, max=179, help="The photos' horizontal field of view, to draw rooms over them.")
    ] = 61.0,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Photos to predictions: a PNG and a .npy for each photo and task, and sheet.png with all of them."""
    from perception.commands import predict_photos
    from perception.terminal import print_json, print_table

    rows = predict_photos(images, tasks, out, bank, hfov_deg=hfov_deg, seed=seed)
    if as_json:
        print_json({"folder": str(out), "sheet": str(out / "sheet.png"), "predictions": rows})
    else:
        print_table(("photo", "prediction", "array"), [(row["photo"], row["caption"], row["array"]) for row in rows])
