"""The taxonomy solver against the textbook formulation, and how it grows with the dictionary.

    python -m benchmarks.solver [PUBLISHED_AFFINITIES] [--plot FILE]

The peer writes the programme as the paper words it, one row per (edge, source), all variables binary, and solves it
with CBC, PuLP's default solver, built anew for each budget. The second part needs no file: it solves dictionaries of
modelled tasks, orders to 3, about 75 edges for each target.
"""

import argparse
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import pulp

from perception.terminal import print_line
from taxonomy import TaxonomySolver, TransferTable, compute_affinities, read_transfers, solve
from taxonomy.synthetic import SyntheticTasks, numbered_tasks

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "taxonomy_results" / "all_affinities_16k.pkl"
MAX_ORDER = 4
SIZES = (26, 52, 104, 208)
SEEDS = (0, 1, 2)
DENSITIES = (13, 8, 4, 2)  # budgets are the number of tasks over these


def textbook(table: TransferTable, budget: int, max_order: int) -> float:
    """The optimum, by one row per (edge, source) and CBC."""
    edges = [t for t in table if t.is_candidate and t.order <= max_order]
    model = pulp.LpProblem("textbook", pulp.LpMaximize)
    x = [model.add_variable(f"x_{i}", cat=pulp.LpBinary) for i in range(len(edges))]
    y = {name: model.add_variable(f"y_{name}", cat=pulp.LpBinary) for name in table.sources}
    model.setObjective(pulp.lpSum(edge.affinity * use for edge, use in zip(edges, x, strict=True)))
    incoming = defaultdict(list)
    for edge, use in zip(edges, x, strict=True):
        incoming[edge.target].append(use)
        for source in edge.trained_sources:
            model.addConstraint(use <= y[source])
    for uses in incoming.values():
        model.addConstraint(pulp.lpSum(uses) == 1)
    model.addConstraint(pulp.lpSum(y.values()) <= budget)
    model.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=0, threads=1))
    if model.status != pulp.LpStatusOptimal:
        raise RuntimeError(f"CBC stopped with {pulp.LpStatus[model.status]}")
    return float(pulp.value(model.objective))


def compare(path: Path) -> None:
    """Print our time against the textbook's for every budget on the published affinities."""
    table = read_transfers(path)
    edges = sum(t.is_candidate and t.order <= MAX_ORDER for t in table)
    budgets = range(1, len(table.sources) + 1)
    print_line(f"{path.name}: {edges} edges of order <= {MAX_ORDER}, budgets 1 to {len(table.sources)}")

    start = time.perf_counter()
    swept = list(TaxonomySolver(table, max_order=MAX_ORDER).sweep(budgets))
    sweep_s = time.perf_counter() - start
    single_s = []
    for budget in budgets:
        start = time.perf_counter()
        solve(table, budget, max_order=MAX_ORDER)
        single_s.append(time.perf_counter() - start)
    peer_s, worst = [], 0.0
    for budget, ours in zip(budgets, swept, strict=True):
        start = time.perf_counter()
        optimum = textbook(table, budget, MAX_ORDER)
        peer_s.append(time.perf_counter() - start)
        worst = max(worst, abs(optimum - ours.objective))
    print_line(f"  textbook + CBC     {sum(peer_s):8.2f} s in total, median {1e3 * median(peer_s):7.1f} ms a budget")
    print_line(
        f"  ours, one sweep    {sweep_s:8.2f} s in total, median {1e3 * median(s.seconds for s in swept):7.1f} ms"
    )
    print_line(
        f"  ours, built anew   {sum(single_s):8.2f} s in total, median {1e3 * median(single_s):7.1f} ms a budget"
    )
    print_line(f"  ratio: sweep {sum(peer_s) / sweep_s:.0f}x, built anew {sum(peer_s) / sum(single_s):.0f}x")
    print_line(f"  largest difference between optima {worst:.1e}")


def grow(noise: float) -> dict[int, list[float]]:
    """Seconds of every solve, by number of tasks."""
    seconds: dict[int, list[float]] = {}
    print_line(f"modelled tasks, noise {noise}: orders to 3, budgets of n/13, n/8, n/4, n/2, {len(SEEDS)} seeds")
    for size in SIZES:
        seconds[size], edges = [], 0
        for seed in SEEDS:
            world = SyntheticTasks(numbered_tasks(size), seed=seed, noise=noise)
            table = compute_affinities(world.losses(images=500, sources_per_target=min(size - 1, 54))).table
            solver = TaxonomySolver(table)
            edges = len(solver.candidates)
            seconds[size] += [solver.solve(size // density).seconds for density in DENSITIES]
        ordered = sorted(seconds[size])
        print_line(
            f"  {size:4} tasks, {edges:6} edges: "
            f"median {median(ordered):7.3f} s, slowest {ordered[-1]:7.3f} s of {len(ordered)} solves"
        )
    return seconds


def plot(path: Path, worlds: dict[str, dict[int, list[float]]]) -> None:
    """Draw time against size, both logarithmic."""
    from perception.drawing import new_figure
    from taxonomy.report.style import drawing

    with drawing():
        figure = new_figure(5.6, 4)
        axes = figure.subplots()
        for (label, seconds), colour in zip(worlds.items(), ("#08519C", "#D9A441"), strict=True):
            sizes = list(seconds)
            axes.plot(sizes, [median(seconds[size]) for size in sizes], "o-", color=colour, label=f"{label}, median")
            axes.plot(sizes, [max(seconds[size]) for size in sizes], "--", color=colour, label=f"{label}, slowest")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xticks(list(SIZES), [str(size) for size in SIZES])
        axes.minorticks_off()
        axes.set_xlabel("tasks in the dictionary (about 75 edges each)")
        axes.set_ylabel("seconds for one exact solve")
        axes.grid(color="#EEEEEE")
        axes.legend(fontsize=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=130, facecolor="white")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("affinities", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    if arguments.affinities.exists():
        compare(arguments.affinities)
    else:
        print_line(f"{arguments.affinities} is not there: the comparison on published affinities is skipped")
    worlds = {"like the published": grow(noise=0.8), "flat (hard)": grow(noise=0.15)}
    if arguments.plot:
        plot(arguments.plot, worlds)
