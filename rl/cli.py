"""`midlevel rl`: agents are trained, evaluated and compared. Each command imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from rl.evaluation.cli import evaluate
from rl.study.cli import report, study

app = typer.Typer(help="Navigation agents: train, evaluate, compare.", no_args_is_help=True)

Settings = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", show_default="the task's")]


@app.callback()
def rl() -> None:
    """Navigation agents: train, evaluate, compare."""


app.command()(evaluate)
app.command()(study)
app.command()(report)


@app.command()
def train(
    task: Annotated[str, typer.Option(help="PointGoal, VisualTarget or Explore.")] = "PointGoal",
    agent: Annotated[
        str, typer.Option(help="A feature set (normal; max-coverage:4), random-weights:K, scratch, blind or oracle.")
    ] = "max-coverage:4",
    out: Annotated[Path, typer.Option(help="The run's folder; a run that stopped goes on.")] = Path("run"),
    steps: Annotated[int, typer.Option(min=1, help="Of all environments, rounded up to whole rollouts.")] = 200_000,
    seed: Annotated[int, typer.Option(min=0, help="Fixes everything that is random.")] = 0,
    environments: Annotated[int, typer.Option(min=1, help="Agents that act at once.")] = 16,
    camera_px: Annotated[int, typer.Option(min=1, help="Side of the square images.")] = 64,
    turn_deg: Annotated[float, typer.Option(help="How far an agent turns in a step.")] = 30.0,
    sliding: Annotated[bool, typer.Option(help="Slide along what is walked into, or stand there.")] = True,
    bank: Annotated[str, typer.Option(help="A bank that comes with the package, or a folder.")] = "buildings-v1",
    server: Annotated[
        str | None, typer.Option(help="Let this server encode: grpc://host:port.", show_default="encoded here")
    ] = None,
    transport: Annotated[str, typer.Option(help="To the server: grpc or shared-memory.")] = "grpc",
    simulator: Annotated[str, typer.Option(help="raycast or habitat.")] = "raycast",
    houses: Annotated[str, typer.Option(help="A kind of houses, or a YAML file.")] = "default",
    train_buildings: Annotated[int, typer.Option(min=1, help="Houses to train in.")] = 12,
    episodes: Annotated[int, typer.Option(min=1, help="Different ones in each house.")] = 500,
    recurrent: Annotated[bool, typer.Option("--recurrent", help="Give the policy a memory (LSTM).")] = False,
    threads: Annotated[int, typer.Option(min=1, help="To learn with; another number rounds differently.")] = 2,
    task_setting: Settings = None,
    episode_setting: Settings = None,
    ppo: Settings = None,
    stop_after: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many steps; the same command goes on.", show_default="no")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train an agent with PPO; killed or stopped, the same command goes on and ends with the same policy."""
    from perception.terminal import print_json, print_line, print_table
    from rl.training.commands import seconds_table, train_run

    document = {
        "agent": agent, "task": task, "total_steps": steps, "seed": seed, "environments": environments,
        "camera_px": camera_px, "turn_deg": turn_deg, "sliding": sliding, "bank": bank, "server": server,
        "transport": transport, "simulator": simulator, "scenes": {"kind": houses, "train": train_buildings},
        "episodes_per_building": episodes, "recurrent": recurrent, "threads": threads,
    }  # fmt: skip
    settings = {"task_settings": task_setting or (), "episode_settings": episode_setting or (), "ppo": ppo or ()}
    result = train_run(document, out, settings=settings, stop_after=stop_after)
    if as_json:
        print_json(result.to_json())
    else:
        print_table(("time in", "seconds", "share"), seconds_table(result))
        state = "trained" if result.is_done else "stopped, the same command goes on"
        print_line(f"{state}: {out}, {result.steps:,} steps, {result.steps_per_s:.0f} steps/s")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The run's folder.")] = Path("demo/agent"),
    bank: Annotated[str, typer.Option(help="What the server serves: a name, or a folder.")] = "buildings-v1",
    steps: Annotated[int, typer.Option(min=1, help="To train for.")] = 12_288,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """An agent learns through a running server, is tested in other houses, and filmed; about a minute."""
    from dataclasses import asdict

    from perception.terminal import print_json, print_line
    from rl.demonstration import demonstrate

    shown = demonstrate(out, bank, steps)
    if as_json:
        print_json(asdict(shown) | {"run": str(shown.run)})
        return
    print_line(
        f"trained through {shown.server} at {shown.steps_per_s:.0f} steps/s; in other houses it reached "
        f"{shown.success:.0%} of {shown.episodes} goals"
    )
    for path in shown.videos:
        print_line(path)
