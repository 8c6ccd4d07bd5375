"""The commands of this room. Each imports what it needs when it runs, so that `--help` stays instant."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from perception.errors import UserError
from taxonomy.run_cli import run

if TYPE_CHECKING:
    from taxonomy.transfers import TransferTable

Number = TypeVar("Number", int, float)

app = typer.Typer(
    help="From losses to affinities, the optimal taxonomy under a budget, and the max-coverage feature set.",
    no_args_is_help=True,
)

app.command()(run)

File = Annotated[Path, typer.Argument(help="Affinities: JSON, a published pickle, or a run directory.")]
MaxOrder = Annotated[int | None, typer.Option(help="Most sources that one transfer may have.", show_default="all")]
GainFile = Annotated[
    Path | None,
    typer.Option("--gain", help="Win rates against training from scratch.", show_default="found beside FILE"),
]
QualityFile = Annotated[
    Path | None, typer.Option("--quality", help="Win rates against full supervision.", show_default="found beside FILE")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Names = Annotated[list[str] | None, typer.Option(help="Names, separated by commas.", show_default="all of FILE")]
Weights = Annotated[list[str] | None, typer.Option(metavar="TASK=NUMBER", help="1 for those not named.")]
Seed = Annotated[int, typer.Option(min=0, help="Fixes what is random.")]
RandomCount = Annotated[
    int, typer.Option(min=1, max=1_000_000, help="Random feasible taxonomies to compare with, for each budget.")
]
_MOST_NUMBERS = 10_000


@app.command()
def affinity(
    losses: Annotated[Path, typer.Argument(help="Losses: a folder with losses.json, a CSV, or a JSON of tournaments.")],
    out: Annotated[Path | None, typer.Option(help="Write the affinity file here.")] = None,
    missing: Annotated[str, typer.Option(help="Images that lack a loss: error, drop or pairwise.")] = "error",
    as_json: AsJson = False,
) -> None:
    """Affinities by AHP from a table of per-image losses."""
    from perception.terminal import print_json, print_line, print_table, progress
    from taxonomy.affinity import affinities_from_tournaments, compute_affinities, read_tournaments
    from taxonomy.ahp import Missing
    from taxonomy.losses import read_losses
    from taxonomy.transfer_files import transfers_to_document, write_transfers

    if missing not in list(Missing):
        raise UserError(f"--missing is {missing!r}; expected {', '.join(Missing)}.")
    if losses.suffix == ".json":
        result = affinities_from_tournaments(read_tournaments(losses))
    else:
        table = read_losses(losses)
        with progress("tournaments", len(table)) as advance:
            result = compute_affinities(table, missing=Missing(missing), on_target_done=advance)
    if out is not None:
        write_transfers(out, result.table)
    if as_json:
        print_json(
            {
                **transfers_to_document(result.table),
                "consistency_ratio": {t.tournament.target: t.priorities.consistency_ratio for t in result.targets},
            }
        )
        return
    best = {}
    for transfer in sorted(result.table, key=lambda transfer: transfer.affinity):
        best[transfer.target] = transfer
    print_table(
        ("target", "best transfer", "affinity", "consistency ratio", "images", "with missing"),
        [
            (
                t.tournament.target,
                " + ".join(best[t.tournament.target].sources),
                f"{best[t.tournament.target].affinity:.4f}",
                f"{t.priorities.consistency_ratio:.3f}",
                str(t.tournament.images or "n/a"),
                str(t.tournament.images_with_missing),
            )
            for t in result.targets
        ],
    )
    if out is not None:
        print_line(f"\nwritten: {out}")


@app.command()
def solve(
    file: File,
    budget: Annotated[float, typer.Option(help="Most sources to train; with --cost, what they may cost together.")],
    max_order: MaxOrder = None,
    sources: Names = None,
    targets: Names = None,
    importance: Weights = None,
    cost: Weights = None,
    force: Annotated[list[str] | None, typer.Option(help="Sources to train in any case.", show_default="none")] = None,
    forbid: Annotated[list[str] | None, typer.Option(help="Sources never to train.", show_default="none")] = None,
    as_json: AsJson = False,
) -> None:
    """The optimal taxonomy for a supervision budget."""
    from perception.terminal import print_json, print_line, print_table
    from taxonomy.solver import solve as find_taxonomy
    from taxonomy.transfer_files import read_transfers

    taxonomy = find_taxonomy(
        read_transfers(file),
        budget,
        max_order=max_order,
        sources=_names(sources),
        targets=_names(targets),
        importance=_weights("--importance", importance),
        cost=_weights("--cost", cost),
        forced=_names(force) or (),
        forbidden=_names(forbid) or (),
    )
    if as_json:
        print_json(taxonomy.to_json())
        return
    print_line(f"objective {taxonomy.objective:.6f} at budget {budget:g}, order <= {taxonomy.max_order}")
    print_line(f"train     {', '.join(taxonomy.sources)}\n")
    print_table(
        ("target", "affinity", "from"),
        [(t.target, f"{t.affinity:.6f}", " + ".join(t.trained_sources)) for t in taxonomy.transfers],
    )
    print_line(f"\nsolved in {1e3 * taxonomy.seconds:.0f} ms")


@app.command()
def coverage(
    file: File,
    size: Annotated[int, typer.Option(help="Most features in the set.")],
    features: Names = None,
    targets: Names = None,
    as_json: AsJson = False,
) -> None:
    """The max-coverage min-distance feature set."""
    from perception.terminal import print_json, print_line, print_table
    from taxonomy.coverage import affinity_distances, max_coverage
    from taxonomy.transfer_files import read_transfers

    table = read_transfers(file)
    found = max_coverage(affinity_distances(table, features=_names(features), tasks=_names(targets)), size)
    if as_json:
        print_json(found.to_json(size))
        return
    print_line(f"features {','.join(found.features)}")
    print_line(f"worst distance {found.worst_distance:.4f} ({found.worst_task}), total {found.total_distance:.4f}\n")
    print_table(
        ("task", "distance", "nearest feature"),
        [(task, f"{found.distance[task]:.4f}", found.nearest[task]) for task in found.distance],
    )


@app.command()
def evaluate(
    file: File,
    gain: GainFile = None,
    quality: QualityFile = None,
    max_order: MaxOrder = None,
    budgets: Annotated[list[str] | None, typer.Option(help="Such as 2,4 or 1-12.", show_default="all feasible")] = None,
    random: RandomCount = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Gain and quality of the optimal taxonomies, and how random ones compare."""
    from perception.terminal import print_json, print_note, print_table, progress
    from taxonomy.evaluation import evaluate_budget
    from taxonomy.solver import TaxonomySolver

    solver = TaxonomySolver(_table_with_win_rates(file, gain, quality), max_order=max_order)
    chosen = list(solver.feasible_budgets) if budgets is None else _budgets(budgets)
    results = []
    with progress("budgets", len(chosen)) as advance:
        for budget in chosen:
            results.append(evaluate_budget(solver, budget, random_count=random, seed=seed))
            advance(f"{budget:g}")
    for result in results:
        if len(result.random) < random:
            print_note(
                f"budget {result.taxonomy.budget:g}: only {len(result.random)} of {random} random taxonomies found; "
                "few sets of sources reach every target"
            )
    if as_json:
        print_json({"max_order": solver.max_order, "budgets": [result.to_json() for result in results]})
        return
    print_table(
        ("budget", "objective", "gain %", "quality %", "random objective", "beats random %", "beats random sources %"),
        [result.to_row() for result in results],
    )


@app.command()
def report(
    file: File,
    gain: GainFile = None,
    quality: QualityFile = None,
    out: Annotated[Path, typer.Option(help="Folder for report.html and the pictures.")] = Path("taxonomy-report"),
    orders: Annotated[list[str] | None, typer.Option(help="Maximum orders to compare.", show_default="1,2,4")] = None,
    random: RandomCount = 1000,
    seed: Seed = 0,
) -> None:
    """One page with everything: matrix, taxonomies, gain and quality, sources, chance, tree, coverage."""
    from perception.terminal import print_line

    table = _table_with_win_rates(file, gain, quality)
    print_line(str(_write_report(table, file, out, _orders(orders), random, seed)))


def _write_report(
    table: "TransferTable", file: Path, out: Path, orders: list[int] | None, random: int, seed: int
) -> Path:
    from perception.terminal import progress
    from taxonomy.report import read_findings, run_study, write_report
    from taxonomy.report.study import ORDERS, step_count

    chosen = orders or list(ORDERS)
    with progress("solving", step_count(table, chosen) + 1) as advance:
        study = run_study(table, orders=chosen, random_count=random, seed=seed, on_step=advance)
        path = write_report(study, out, title=file.stem, findings=read_findings(file))
        advance()
    return path


def _table_with_win_rates(file: Path, gain: Path | None, quality: Path | None) -> "TransferTable":
    from perception.terminal import print_note
    from taxonomy.transfer_files import read_transfers, read_win_rates, win_rate_files

    table = read_transfers(file)
    given = {"gain": gain, "quality": quality}
    for rate, path in win_rate_files(file).items():
        if given[rate] is None:
            given[rate] = path
            print_note(f"{rate}: {path}, found beside the affinities")
    rates = {rate: read_win_rates(path, rate, table.tasks) for rate, path in given.items() if path is not None}
    return table.with_win_rates(gain=rates.get("gain"), quality=rates.get("quality"))


def _names(given: list[str] | None) -> list[str] | None:
    return None if given is None else [name.strip() for item in given for name in item.split(",") if name.strip()]


def _weights(option: str, given: list[str] | None) -> dict[str, float] | None:
    weights: dict[str, float] = {}
    for item in _names(given) or []:
        name, _, number = item.partition("=")
        try:
            weight = float(number)
        except ValueError:
            raise UserError(f"{option} is given {item!r}; expected TASK=NUMBER.") from None
        if name in weights:
            raise UserError(f"{option} names {name!r} twice; name it once.")
        weights[name] = weight
    return weights or None


def _budgets(given: Iterable[str]) -> list[float]:
    return _parsed("--budgets", given, float)


def _orders(given: Iterable[str] | None) -> list[int] | None:
    return None if given is None else _parsed("--orders", given, int)


def _parsed(option: str, given: Iterable[str], number: Callable[[str], Number]) -> list[Number]:
    """Numbers and ranges, such as 1,2 or 1-12."""
    numbers: list[Number] = []
    for item in _names(list(given)) or []:
        first, dash, last = item.partition("-")
        try:
            bounds = (int(first), int(last)) if dash and first else None
            numbers += [number(item)] if bounds is None else []
        except ValueError:
            raise UserError(f"{option} is given {item!r}; expected numbers or ranges, such as 1,2 or 1-12.") from None
        if bounds is not None:
            if not 0 <= bounds[1] - bounds[0] < _MOST_NUMBERS:
                raise UserError(f"{option} is given {item!r}; expected a rising range, at most {_MOST_NUMBERS} long.")
            numbers += [number(str(n)) for n in range(bounds[0], bounds[1] + 1)]
    if not numbers:
        raise UserError(f"{option} names no number; expected such as 1,2 or 1-12.")
    return numbers
