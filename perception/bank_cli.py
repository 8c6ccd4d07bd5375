"""`midlevel bank`: what a bank holds, whether it is sound, and published checkpoints made into one."""

from pathlib import Path
from typing import Annotated

import typer

from perception.cli import DEFAULT_BANK, BankOption
from perception.errors import UserError

app = typer.Typer(help="The feature bank: frozen encoders and their heads.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command("list")
def list_tasks(bank: BankOption = DEFAULT_BANK, as_json: AsJson = False) -> None:
    """The bank's tasks: family, head, and how good each is."""
    from perception.bank import load_bank
    from perception.tasks import TASKS
    from perception.terminal import print_json, print_line, print_table

    found = load_bank(bank)
    cards = [found.card(task) for task in found.tasks]
    if as_json:
        print_json(
            {
                "bank": found.name,
                "folder": str(found.folder),
                "architecture": found.architecture,
                "sha256": found.sha256,
                "provenance": found.provenance,
                "coverage": {str(size): list(names) for size, names in found.coverage.items()},
                "tasks": [
                    {"task": card.task, "head": card.head.value, "views": card.views, "metrics": dict(card.metrics)}
                    for card in cards
                ],
            }
        )
        return
    measured = list(dict.fromkeys(name for card in cards for name in card.metrics))
    print_table(
        ("task", "group", "head", *measured),
        [
            (
                card.task,
                TASKS[card.task].group.value if card.task in TASKS else "own",
                card.head.value,
                *(f"{card.metrics[name]:.4g}" if name in card.metrics else "n/a" for name in measured),
            )
            for card in cards
        ],
    )
    print_line(f"\n{found.name}: {len(cards)} encoders ({found.architecture}), {found.total_bytes / 2**20:.1f} MiB")
    for size, names in found.coverage.items():
        print_line(f"max-coverage:{size}  {','.join(names)}")


@app.command()
def show(
    task: Annotated[str, typer.Argument(help="Name or alias.")],
    bank: BankOption = DEFAULT_BANK,
    as_json: AsJson = False,
) -> None:
    """A task's card: what it is, what it was trained on, how good it is."""
    from perception.bank import load_bank
    from perception.terminal import print_json, print_line

    card = load_bank(bank).card(task)
    if as_json:
        print_json(card.to_json())
        return
    low, high = card.preprocessing.lowest, card.preprocessing.highest
    print_line(f"task          {card.task}")
    print_line(f"architecture  {card.architecture}")
    print_line(f"input         {card.preprocessing.side_px} px square in [{low:g}, {high:g}], views {card.views}")
    print_line(f"head          {card.head.value}")
    for name, fact in card.training.items():
        print_line(f"training      {name} = {fact}")
    for name, value in card.metrics.items():
        print_line(f"metric        {name} = {value:.4g}")
    print_line(f"encoder       sha256 {card.encoder_sha256}")
    if card.head_sha256:
        print_line(f"head          sha256 {card.head_sha256}")


@app.command()
def verify(
    bank: Annotated[str, typer.Argument(help="A bank that comes with the package, or a folder.")] = DEFAULT_BANK,
    as_json: AsJson = False,
) -> None:
    """Check every hash of a bank; exit 1 if one is wrong."""
    from perception.bank import load_bank
    from perception.terminal import print_json, print_line

    found = load_bank(bank)
    problems = found.verify()
    if as_json:
        print_json({"bank": found.name, "tasks": len(found.tasks), "problems": problems})
    elif problems:
        for problem in problems:
            print_line(problem)
        print_line(f"\n{len(problems)} problems in {len(found.tasks)} checkpoints")
    else:
        print_line(f"{found.name}: {len(found.tasks)} checkpoints, all sound")
    if problems:
        raise typer.Exit(1)


@app.command()
def join(
    banks: Annotated[
        list[str], typer.Argument(help="Names or folders; where two have a task, the later one's counts.")
    ],
    out: Annotated[Path, typer.Option(help="The joined bank's folder; made.")],
    name: Annotated[str, typer.Option(help="What it is called.")] = "joined",
    as_json: AsJson = False,
) -> None:
    """Make one bank of several, such as the shipped one and networks of your own."""
    from perception.bank import join_banks, load_bank
    from perception.terminal import print_json, print_line

    bank = join_banks([load_bank(each) for each in banks], out, name)
    if as_json:
        print_json({"folder": str(out), "tasks": list(bank.tasks), "sha256": bank.sha256})
    else:
        print_line(f"written: {out}, {len(bank.tasks)} encoders, {bank.total_bytes / 2**20:.1f} MiB")


@app.command("import")
def import_published(
    source: Annotated[str, typer.Argument(help="A folder of published .pth files, or its http(s) address.")],
    out: Annotated[Path, typer.Option(help="The bank's folder.")],
    tasks: Annotated[str | None, typer.Option(help="Tasks with commas between them; all by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a bank of published ResNet-50 checkpoints (<task>_encoder-<sha256>.pth, <task>_decoder-<sha256>.pth)."""
    from perception.bank import import_bank
    from perception.terminal import print_json, print_line, print_note

    wanted = None if tasks is None else [name.strip() for name in tasks.split(",")]
    if wanted is not None and "" in wanted:
        raise UserError(f"--tasks is {tasks!r}; expected names with commas between them.")
    bank = import_bank(source, out, tasks=wanted, on_task=lambda task: print_note(f"imported {task}"))
    if as_json:
        print_json({"folder": str(out), "tasks": list(bank.tasks), "sha256": bank.sha256})
    else:
        print_line(f"written: {out}, {len(bank.tasks)} encoders, {bank.total_bytes / 2**20:.0f} MiB")
