"""The page: what is shown in which order, and the words about it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2

from perception.files import write_atomically
from rl.study.analysis import Analysis, TaskAnalysis, analyse
from rl.study.cells import cells_of
from rl.study.config import CurveMeasure
from rl.study.report.charts import MEASURE_NAMES, draw_curves, draw_relative, draw_splits
from rl.study.report.style import Look, drawing, looks_of, svg
from rl.study.report.tables import (
    Table,
    claims_tables,
    number,
    rank_table,
    results_table,
    significance_table,
    time_table,
)
from rl.study.running import Study
from rl.study.verdicts import HYPOTHESES, Claim, Verdict, judge

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        name: Of its anchor.
        title: Heading.
        caption: What is to be seen, in sentences.
        charts: `<svg>` elements.
        tables: Below them.
        items: A list of texts instead.
    """

    name: str
    title: str
    caption: str
    charts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[str, ...] = ()


def write_report(study: Study, folder: Path) -> Path:
    """Write `report.html` of what is known so far.

    Args:
        study: See `rl.study.read_study`.
        folder: Where; made if missing.

    Returns:
        The page.

    Raises:
        UserError: If it cannot be written.
    """
    analysis = analyse(study.config, study.results)
    claims = judge(analysis)
    looks = looks_of(study.config.agents)
    with drawing():
        sections = tuple(_sections(study, analysis, claims, looks))
    template = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(files("rl.study.report").joinpath("page.html.j2").read_text("utf-8"))
    page = template.render(
        title=study.config.name, facts=_facts(study), sections=sections, looks=looks, agents=study.config.agents
    )
    path = folder / REPORT_FILE
    write_atomically(path, page)
    return path


def _facts(study: Study) -> tuple[str, ...]:
    config = study.config
    count = len(cells_of(config))
    trained = ", ".join(f"{task.name} {task.steps:,} steps" for task in config.tasks)
    buildings = ", ".join(f"{name} {value}" for name, value in config.scenes.items())
    facts = [
        f"{len(study.results)} of {count} cells are done: {len(config.agents)} agents, {len(config.tasks)} tasks, "
        f"{len(config.seeds)} seeds.",
        f"Trained for: {trained}.",
        f"Tested on {config.evaluation.episodes_per_building} episodes in each building.",
    ]
    return (*facts, f"Buildings: {buildings}.") if buildings else tuple(facts)


def _sections(study: Study, analysis: Analysis, claims: tuple[Claim, ...], looks: dict[str, Look]) -> Iterator[Section]:
    if claims:
        yield Section("verdicts", "What holds", _verdict_words(claims), tables=claims_tables(claims))
    for task in analysis.tasks:
        yield _task_section(study, analysis, task, looks)
    if analysis.tasks:
        measures = ", ".join(f"{task.task.name} by {MEASURE_NAMES[task.task.measure]}" for task in analysis.tasks)
        caption = f"Places by the mean in new buildings ({measures}); 1 is best, equal ones share a place."
        yield Section("ranks", "Ranks", caption, tables=(rank_table(analysis),))
        caption = (
            "q of Wilcoxon's rank-sum test of the row's agent against the column's over the means of each seed in each "
            "building, corrected for all pairs of all tasks (Benjamini-Hochberg). That test takes the buildings of one "
            "seed for independent, and finds too much where seeds differ. So ▲ better and ▼ worse need Welch's t test "
            "over seeds to say so too (q < 0.05 in both); △ and ▽ are by the rank-sum test alone."
        )
        tables = tuple(significance_table(analysis, task) for task in analysis.tasks)
        yield Section("significance", "Significance", caption, tables=tables)
        caption = "Of all cells of an agent, by part: simulation, encoding, acting, learning, and tests at the end."
        yield Section("time", "Time", caption, tables=(time_table(study),))
    if study.failures or study.missing:
        failed = [f"{cell.name} failed: {reason}" for cell, reason in study.failures]
        missing = [f"{cell.name} is not done" for cell in study.missing]
        caption = "Everything above is without these cells."
        yield Section("missing", "What is missing", caption, items=(*failed, *missing))


def _task_section(study: Study, analysis: Analysis, task: TaskAnalysis, looks: dict[str, Look]) -> Section:
    name = task.task.name
    results = {agent.agent: analysis.results.of(name, agent.agent) for agent in study.config.agents}
    figures = [
        *(draw_curves(task, results, measure.value, looks) for measure in CurveMeasure),
        draw_splits(task, task.task.measure, looks),
        draw_relative(task, looks),
    ]
    charts = tuple(svg(figure, looks, f"{name}: chart") for figure in figures if figure is not None)
    return Section(f"task-{name}", name, _task_words(task), charts, (results_table(task),))


def _task_words(task: TaskAnalysis) -> str:
    words = [
        "Means over seeds with 95 % intervals (Student's t). RR is (r - r_min) / (r_blind - r_min) of the reward in "
        f"new buildings; r_min is the lowest mean reward of an agent there, {number(task.least_reward)}: the random "
        "agent's may lie above the blind one's, which would turn RR's sign. The gap is training less new buildings."
    ]
    if all(math.isnan(row.relative.mean) for row in task.rows):
        words.append("RR is not defined here: there is no blind agent yet, or none is worse.")
    if not math.isnan(task.threshold):
        origin = "as the study's file says" if task.task.threshold is not None else "which is where scratch ends"
        words.append(
            f"The threshold (dotted) is a {task.task.curve} of {number(task.threshold)}, {origin}; steps to it are of "
            "a running mean, over the seeds that reach it."
        )
    return " ".join(words)


def _verdict_words(claims: tuple[Claim, ...]) -> str:
    """How many claims of each hypothesis hold."""
    parts = []
    for hypothesis, about in HYPOTHESES.items():
        verdicts = [claim.verdict for claim in claims if claim.hypothesis == hypothesis]
        counts = ", ".join(f"{verdict.value} {verdicts.count(verdict)}" for verdict in Verdict)
        parts.append(f"{hypothesis}, {about}: of {len(verdicts)} claims {counts}.")
    return " ".join(parts) + " A claim is undecided where its q is 0.05 or more: that is no evidence for or against it."
