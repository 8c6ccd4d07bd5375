"""What the report shows, and in which order: what was run, what came of it, and what it is worth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from matplotlib.figure import Figure

from taxonomy.evaluation import as_percent, gain, percentile, quality
from taxonomy.report.charts import (
    draw_coverage,
    draw_random_comparison,
    draw_source_frequency,
    draw_win_rates_by_order,
    draw_win_rates_by_target,
)
from taxonomy.report.findings import Chapter, Findings, ReportPicture
from taxonomy.report.findings_charts import draw_agreement, draw_novel_tasks, draw_supervision, largest_saving
from taxonomy.report.graphs import draw_taxonomy_grid
from taxonomy.report.matrices import draw_affinity_matrix, draw_similarity_tree
from taxonomy.report.sanity_table import SanityTable, sanity_table
from taxonomy.report.study import Study


class Body(Enum):
    """How a section is written; each has a macro of that name in the page's template."""

    IMAGE = "image"
    SANITY = "sanity"
    BUDGETS = "budgets"
    LEFT_OUT = "left_out"


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Args:
        name: Of its anchor, and of its picture's files.
        title: Heading.
        caption: What one is looking at.
        content: A function that draws it, a picture drawn elsewhere, or what its macro writes.
        body: How it is written.
    """

    name: str
    title: str
    caption: str
    content: Callable[[], Figure] | ReportPicture | SanityTable | list[dict[str, str]]
    body: Body = Body.IMAGE


def tell(study: Study, findings: Findings) -> Iterator[Section]:
    """All sections that have something to show, in the order of the page."""
    yield from _pictures(findings, Chapter.PREDICTIONS)
    if findings.sanity:
        table = sanity_table(findings.sanity, study.table.tasks)
        yield Section("sanity", "What each network learned", table.caption, table, Body.SANITY)
    yield from _pictures(findings, Chapter.TRANSFERS)
    yield from _affinities(study)
    yield from _taxonomies(study)
    yield from _further_studies(study, findings)
    if study.coverage:
        yield Section(
            "coverage",
            "Max-coverage feature sets",
            "For an agent whose task is not known in advance: the sets of features that leave no task far from the "
            "nearest of them.",
            lambda: draw_coverage(study),
        )
    if findings.left_out:
        rows = [{"stage": stage, "name": name, "reason": reason} for stage, name, reason in findings.left_out]
        caption = "What failed and is missing from all of the above, with the stage it failed in and why."
        yield Section("left_out", "Left out", caption, rows, Body.LEFT_OUT)


def _pictures(findings: Findings, chapter: Chapter) -> Iterator[Section]:
    for picture in findings.pictures:
        if picture.chapter is chapter:
            yield Section(picture.name, picture.title, picture.caption, picture)


def _affinities(study: Study) -> Iterator[Section]:
    if study.tree is None:
        return
    similarity = study.tree
    yield Section(
        "affinity_matrix",
        "Affinities",
        "First-order affinities in alphabetical order, and in the order of the similarity tree, which is "
        "computed from the numbers alone: tasks of a kind come together. Framed cells are a task's features "
        "read out for the task itself.",
        lambda: draw_affinity_matrix(study, similarity),
    )
    yield Section(
        "similarity_tree",
        "Similarity tree",
        "Tasks by how they transfer out.",
        lambda: draw_similarity_tree(study, similarity),
    )


def _taxonomies(study: Study) -> Iterator[Section]:
    budgets = study.sample_budgets(4)
    yield Section(
        "taxonomies",
        "Taxonomies",
        "Optimal taxonomies for growing budgets (left to right) and maximum orders (top to bottom). Tasks stand in "
        "the order of the similarity tree. Full dots are trained; each arrow is the transfer by which a task is "
        "reached, the number on it its order, its width its affinity. A white core marks a task that is solved by "
        "its own training.",
        lambda: draw_taxonomy_grid(study, budgets),
    )
    yield Section(
        "budget_curves",
        "What a budget buys",
        "The objective, and where they were measured gain and quality, as the supervision budget grows.",
        lambda: draw_win_rates_by_order(study),
    )
    if study.has_win_rates("gain") or study.has_win_rates("quality"):
        yield Section(
            "win_rates",
            "Gain and quality of each target",
            "Win rates, in percent of test images, of the transfer that the taxonomy chooses for each target. A "
            "quality of 50 % is that of the fully supervised network itself.",
            lambda: draw_win_rates_by_target(study),
        )
    yield Section(
        "source_frequency",
        "Sources",
        "Which tasks are worth training as the budget grows, and how often each is trained over all budgets and "
        "orders.",
        lambda: draw_source_frequency(study),
    )
    yield Section(
        "random_taxonomies",
        "Against random taxonomies",
        f"{max(map(len, study.random.values()))} random feasible taxonomies for each budget: grey, random "
        "sources and a random transfer for each target; yellow, random sources and the best transfer from them.",
        lambda: draw_random_comparison(study, budgets),
    )
    yield Section(
        "table",
        f"Every budget, order ≤ {study.largest_order}",
        "Gain and quality in percent, mean over targets; then the share of random taxonomies, in percent, that the "
        "computed one beats, with random and with best transfers.",
        _budget_rows(study),
        Body.BUDGETS,
    )


def _further_studies(study: Study, findings: Findings) -> Iterator[Section]:
    tasks = study.table.tasks
    if findings.policies:
        saving = largest_saving(findings.policies)
        best = "" if saving is None else f" With a budget of {saving.policy.trained} it takes {saving}."
        yield Section(
            "supervision",
            "Supervision saved",
            "How many labelled images it takes to solve the studied tasks together: training some of them in full and "
            f"transferring to the others as the taxonomy says, or training each by itself on fewer images.{best}",
            lambda: draw_supervision(findings.policies),
        )
    if findings.novel:
        yield Section(
            "novel_tasks",
            "Novel tasks",
            "Every target in turn plays a task that nobody trained a network for: its best transfer from the other "
            "tasks, found on one half of the test buildings and measured on the other, against its rivals there.",
            lambda: draw_novel_tasks(findings.novel, tasks),
        )
    if findings.agreement:
        yield Section(
            "agreement",
            "Agreement with published affinities",
            "How far, for each target, our first-order affinities rank its sources as the published ones do: 1 is the "
            "same order, 0 is no relation.",
            lambda: draw_agreement(findings.agreement, tasks),
        )


def _budget_rows(study: Study) -> list[dict[str, str]]:
    """One line of the page's table for each budget, at the largest order."""
    rows = []
    for taxonomy in study.sweeps[study.largest_order]:
        random = study.random[float(taxonomy.budget)]
        rows.append(
            {
                "budget": f"{taxonomy.budget:g}",
                "objective": f"{taxonomy.objective:.6f}",
                "gain": as_percent(gain(taxonomy).mean),
                "quality": as_percent(quality(taxonomy).mean),
                "random": as_percent(percentile(taxonomy.objective, random.objective) / 100),
                "random_sources": as_percent(percentile(taxonomy.objective, random.objective_of_sources) / 100),
                "sources": ", ".join(taxonomy.sources),
            }
        )
    return rows
