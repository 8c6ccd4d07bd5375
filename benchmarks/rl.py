"""Agents that train and environments that step: how fast, against what, and where the time goes.

    python -m benchmarks.rl [--rounds 3] [--parts training,stepping,environments] [--json PATH]
    python -m benchmarks.rl --parts environments --plot docs/figures/rl_environments.png

Run it on an idle machine (it takes half an hour there; `--quick` takes a tenth and shows that all works), with the
peers in its environment (pip install -r benchmarks/requirements.lock; MiniWorld needs EGL, Debian: libegl1). Every
measurement is a process of its own (`benchmarks.rl_load`), started anew in every round, one at a time or two side by
side, in turn with its peers; ratios are taken within a round. Printed are medians over rounds, ratios with the smallest
and largest. Houses, episodes and networks come from fixed seeds.

Parts:

- `training`: PPO end to end on PointGoal in eight generated houses, 16 environments, the task's own settings. The peer
  is `scratch`, the agent that sees pixels and has the same policy network; `blind` and `oracle` stand beside. With
  cameras of 64 px each trains with one and with two of PyTorch's threads on two cores, and as studies train: two runs
  side by side, each bound to a core of its own (steps/s of both together); with cameras of 128 px, the size that the
  encoders were trained at, with two threads.
- `stepping`: environments alone, random moves, 64 px, on one core and on two, against MiniWorld and ViZDoom.
- `environments`: steps/s against the number of environments, with and without policy and learning. A rollout has the
  same number of steps throughout.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.rl_load import ROLLOUT_STEPS, WORLDS, Stepping, Training
from perception import UserError
from perception.files import write_atomically
from perception.terminal import print_line, print_note, print_table

ROOT = Path(__file__).resolve().parents[1]
FEATURES, PEER = "max-coverage:4", "scratch"
AGENTS = (FEATURES, PEER, "blind", "oracle")
ASKED_STEPS_PER_S = 400
COUNTS = (1, 2, 4, 8, 16, 32)
SPENT = ("sim", "encode", "act", "learn")
QUICK_STEPS = 512
PACKAGES = {"MiniWorld": "miniworld", "ViZDoom": "vizdoom"}
"""That a world needs, by the first word of its name."""

Cores = tuple[int, ...]
Found = dict[str, Any]
"""Of a part, as it goes to JSON."""


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--bank", default="buildings-v1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=2, help="rollouts, or stretches, of each process")
    parser.add_argument("--steps", type=int, default=ROLLOUT_STEPS, help="of all environments in each of those")
    parser.add_argument("--quick", action="store_true", help=f"one round of one rollout of {QUICK_STEPS} steps")
    parser.add_argument("--plot", type=Path, help="draw steps/s against the number of environments here")
    parser.add_argument("--json", type=Path, help="write what was measured here")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.repetitions, arguments.steps = 1, 1, QUICK_STEPS
    chosen = arguments.parts.split(",")
    unknown = set(chosen) - set(PARTS)
    if unknown:
        raise UserError(f"unknown parts {', '.join(sorted(unknown))}; known are {', '.join(PARTS)}.")
    found = {part: PARTS[part](arguments) for part in chosen}
    if arguments.json:
        write_atomically(arguments.json, json.dumps({"cores": cores(), **found}, indent=2) + "\n")


def cores() -> Cores:
    """At most two, the same for everything that is compared.

    Raises:
        UserError: If processes cannot be bound to cores here, or there are not two.
    """
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(mine) < 2:
        raise UserError(
            "this benchmark binds processes to cores, and needs two of them and an operating system that can."
        )
    return mine[0], mine[1]


def training(arguments: argparse.Namespace) -> Found:
    """Steps/s of each agent, what they are spent on, and the ratio of features to pixels."""
    one, other = cores()
    ways: Mapping[str, tuple[int, int, Sequence[Cores]]] = {
        "64 px, 1 thread": (64, 1, [(one, other)]),
        "64 px, 2 threads": (64, 2, [(one, other)]),
        "64 px, 2 runs, a core each": (64, 1, [(one,), (other,)]),
        "128 px, 2 threads": (128, 2, [(one, other)]),
    }
    taken: defaultdict[tuple[str, str], list[list[Training]]] = defaultdict(list)
    for _ in range(arguments.rounds):
        for way, (camera_px, threads, places) in ways.items():
            how = {"camera-px": camera_px, "threads": threads}
            for agent in AGENTS:
                print_note(f"training: {agent}, {way}")
                runs = side_by_side("train", places, arguments, agent=agent, **how)
                taken[way, agent].append([Training(**each) for each in runs])
    rates = {key: [together(runs) for runs in rounds] for key, rounds in taken.items()}
    rows = [
        (way, agent, f"{median(rates[way, agent]):.0f}", *shares(runs), f"{runs[0][0].parameters:,}")
        for (way, agent), runs in taken.items()
    ]
    print_line(f"PPO on PointGoal, 16 environments; asked are {ASKED_STEPS_PER_S} steps/s of {FEATURES}")
    print_table(("training", "agent", "steps/s", *(f"{name} %" for name in SPENT), "parameters that learn"), rows)
    ratios = {way: quotients(rates[way, FEATURES], rates[way, PEER]) for way in ways}
    for way, each in ratios.items():
        print_line(f"{way}: steps/s of {FEATURES} / {PEER}: {spread(each)}")
    return {
        "steps_per_s": nested(rates),
        "share": nested(
            {key: dict(zip(SPENT, map(int, shares(rounds)), strict=True)) for key, rounds in taken.items()}
        ),
        "features_to_scratch": ratios,
    }


def together(runs: Sequence[Training]) -> float:
    """Steps/s of runs side by side."""
    return sum(median(run.rates) for run in runs)


def shares(rounds: Sequence[Sequence[Training]]) -> list[str]:
    """Of the wall time, in percent, by what it was spent on."""
    seconds = [each for runs in rounds for run in runs for each in run.seconds]
    total = sum(sum(each.values()) for each in seconds)
    return [f"{100 * sum(each[name] for each in seconds) / total:.0f}" for name in SPENT]


def stepping(arguments: argparse.Namespace) -> Found:
    """Steps/s of environments alone, and what each renders for them."""
    worlds = [name for name in WORLDS if is_here(name)]
    places: Mapping[str, Cores] = {"1 core": cores()[:1], "2 cores": cores()}
    rates: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    draws: dict[str, str] = {}
    for _ in range(arguments.rounds):
        for place, own in places.items():
            for world in worlds:
                print_note(f"stepping: {world}, {place}")
                (each,) = side_by_side("step", [own], arguments, world=world)
                found = Stepping(**each)
                rates[place, world].append(median(found.rates))
                draws[world] = found.draws
    print_table(
        ("random steps, 64 px", *(f"steps/s, {place}" for place in places), "what a step renders"),
        [(world, *(f"{median(rates[place, world]):.0f}" for place in places), draws[world]) for world in worlds],
    )
    mine, *others = worlds
    for peer in others:
        if not peer.startswith("ours"):
            ratios = (f"{spread(quotients(rates[p, mine], rates[p, peer]))} on {p}" for p in places)
            print_line(f"{mine} / {peer}: {', '.join(ratios)}")
    return {"steps_per_s": nested(rates), "draws": draws}


def is_here(world: str) -> bool:
    """Whether a world's package is installed; says so if not."""
    package = PACKAGES.get(world.split()[0])
    if package is None or find_spec(package) is not None:
        return True
    print_line(f"{world}: not measured, {package} is not installed")
    return False


def environments(arguments: argparse.Namespace) -> Found:
    """Steps/s against the number of environments."""
    taken: defaultdict[int, list[Training]] = defaultdict(list)
    for _ in range(arguments.rounds):
        for count in COUNTS:
            print_note(f"environments: {count}")
            (each,) = side_by_side("train", [cores()], arguments, agent=FEATURES, environments=count)
            taken[count].append(Training(**each))
    rates = {
        name: {count: median(rate_of(run, spent) for run in runs) for count, runs in taken.items()}
        for name, spent in CURVES.items()
    }
    rows = [(f"{count}", *(f"{rates[name][count]:.0f}" for name in CURVES)) for count in COUNTS]
    print_table(("environments", *(f"steps/s, {name}" for name in CURVES)), rows)
    if arguments.plot:
        plot(arguments.plot, rates)
    return {"steps_per_s": rates}


def rate_of(run: Training, spent: Sequence[str]) -> float:
    """Steps/s, as if time were spent on some things alone."""
    return median(run.steps / sum(each[name] for name in spent) for each in run.seconds)


def plot(path: Path, rates: Mapping[str, Mapping[int, float]]) -> None:
    """Draw steps/s against the number of environments."""
    from matplotlib.figure import Figure

    from taxonomy.report.style import drawing

    with drawing():
        figure = Figure(figsize=(5, 3), layout="constrained")
        axes = figure.subplots()
        for (name, own), colour in zip(rates.items(), ("#0072B2", "#008E68", "#D55E00"), strict=True):
            axes.plot(list(own), list(own.values()), "o-", color=colour, label=name, markersize=4)
        axes.set(xlabel="environments", ylabel="environment steps/s", xscale="log", ylim=(0, None))
        axes.set_xticks(COUNTS, [f"{count}" for count in COUNTS], minor=False)
        axes.xaxis.minorticks_off()
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.legend()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=130)


def side_by_side(
    kind: str, places: Sequence[Cores], arguments: argparse.Namespace, **options: object
) -> list[dict[str, Any]]:
    """Run a process on each of several sets of cores; they begin to measure when all are ready."""
    common = {"repetitions": arguments.repetitions, "steps": arguments.steps, "bank": arguments.bank, **options}
    words = [text for name, value in common.items() for text in (f"--{name}", str(value))]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.rl_load", kind, *words, "--cores", ",".join(map(str, own))],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(len(own))},
        )
        for own in places
    ]  # fmt: skip
    try:
        for process in processes:
            wait_until_ready(process)
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        return [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_until_ready(process: "subprocess.Popen[str]") -> None:
    """Read what it says until it has built everything."""
    assert process.stdout is not None
    if not any(line == "READY\n" for line in process.stdout):
        raise UserError(f"a measurement failed; run it by hand to see why: {process.args!r}")


def quotients(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Within rounds."""
    return [one / other for one, other in zip(above, below, strict=True)]


def spread(values: Sequence[float]) -> str:
    """Median, smallest and largest."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def nested(values: Mapping[tuple[str, str], Any]) -> dict[str, dict[str, Any]]:
    """By the first, then the second of the names."""
    found: dict[str, dict[str, Any]] = {}
    for (first, second), value in values.items():
        found.setdefault(first, {})[second] = value
    return found


CURVES: Mapping[str, Sequence[str]] = {
    "environment": ("sim",),
    "environment and features": ("sim", "encode"),
    "training": SPENT,
}
PARTS: Mapping[str, Callable[[argparse.Namespace], Found]] = {
    "training": training,
    "stepping": stepping,
    "environments": environments,
}


if __name__ == "__main__":
    main()
