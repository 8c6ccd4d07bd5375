"""The commands of this room."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[str, typer.Argument(help="Folder of a finished run; or random, forward, greedy.")],
    split: Annotated[str, typer.Option(help="test, validation or train.")] = "test",
    episodes_per_building: Annotated[int, typer.Option(min=1, help="Episodes in each building.")] = 10,
    videos: Annotated[int, typer.Option(min=0, help="Videos of so many successes, and so many failures.")] = 0,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Take the most probable action; otherwise it is drawn.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the actions drawn, and of the intervals.")] = 0,
    environments: Annotated[int, typer.Option(min=1, help="Agents that go at the same time.")] = 16,
    bank: Annotated[str | None, typer.Option(help="In place of the run's.", show_default="the run's")] = None,
    server: Annotated[str | None, typer.Option(help="Encodes in place of a bank.", show_default="the run's")] = None,
    allow_training_buildings: Annotated[
        bool, typer.Option("--allow-training-buildings", help="Evaluate where it was trained, to measure the gap.")
    ] = False,
    allow_other_bank: Annotated[
        bool, typer.Option("--allow-other-bank", help="See through other encoders than those trained with.")
    ] = False,
    task: Annotated[str, typer.Option(help="For random, forward and greedy; runs have their own.")] = "PointGoal",
    out: Annotated[Path | None, typer.Option(help="Folder to write to.", show_default="the run's")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every episode and the summary as JSON.")] = False,
) -> None:
    """How an agent does in buildings it has never seen: each episode once, with intervals and videos."""
    from perception.terminal import print_json, print_line, print_note, print_table, progress
    from rl.evaluation.commands import episode_count, evaluate_run, table

    with progress("episodes", episode_count(run, split, task, episodes_per_building)) as advance:
        document = evaluate_run(
            run, split=split, task=task, out=out, on_episode=lambda summary: advance(summary.episode.key),
            episodes_per_building=episodes_per_building, videos=videos, deterministic=deterministic, seed=seed,
            environments=environments, bank=bank, server=server, allow_training_buildings=allow_training_buildings,
            allow_other_bank=allow_other_bank,
        )  # fmt: skip
    if as_json:
        print_json(document)
        return
    summary, spec = document["summary"], document["provenance"]["spec"]
    print_line(
        f"{spec['agent']}, {spec['task']}: {summary['episodes']} episodes in {summary['buildings']} {split} buildings\n"
    )
    print_table(("measure", "mean", "from", "to"), table(document))
    print_line(
        f"\nfrom, to: {100 * summary['confidence']:.0f} % intervals; of success, Wilson's, as if all episodes were "
        "independent; of the rest, by drawing whole buildings"
    )
    print_note("; ".join(f"{part} {value:.1f} s" for part, value in document["seconds"].items()))
    for path in (document["file"], *document["videos"]):
        if path is not None:
            print_line(f"written: {path}")
