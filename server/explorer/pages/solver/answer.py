"""Everything that the page shows for what its controls say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dash.development.base_component import Component

from perception import UserError
from server.explorer.components import message
from server.explorer.pages.solver.address import read_query, write_query
from server.explorer.pages.solver.command import command_line
from server.explorer.pages.solver.difference import difference
from server.explorer.pages.solver.elements import Element, graph_elements
from server.explorer.pages.solver.results import difference_table, sentence, summary, targets_table
from server.explorer.pages.solver.settings import Settings
from server.explorer.pages.solver.solving import solution
from taxonomy import Taxonomy, TransferTable

_LOOK = "solver-graph"


@dataclass(frozen=True)
class Answer:
    """What to show; None leaves in place what is there.

    Args:
        query: The settings, for the address.
        command: The same for a shell.
        trouble: Why there is no solution; empty where there is one.
        shown: The settings that the graph answers, which are not `query` where there is no solution.
        look: Classes of the graph: faded where it is that of settings before.
        elements: The graph.
        description: The graph in words.
        caption: Above the graph.
        no_keeping: Whether there is nothing to keep.
        no_exports: Whether there is nothing to export.
        kept_elements: The graph of the solution that was kept.
        kept_description: It in words.
        kept_caption: Above it.
        nothing_kept: Whether there are no two.
    """

    query: str | None = None
    command: str | None = None
    trouble: Sequence[Component] = ()
    shown: str | None = None
    look: str = _LOOK
    elements: Sequence[Element] | None = None
    description: str | None = None
    caption: str | None = None
    no_keeping: bool = False
    no_exports: bool = False
    kept_elements: Sequence[Element] | None = None
    kept_description: str | None = None
    kept_caption: str | None = None
    nothing_kept: bool = True


@dataclass(frozen=True)
class Details:
    """What is told of a solution beside its graph.

    Args:
        summary: What to train, and the totals.
        targets: The table of targets.
        difference: What sets it apart from the one that was kept.
    """

    summary: Sequence[Component]
    targets: Component
    difference: Sequence[Component] = ()


def answer(settings: Settings, kept: str | None, table: TransferTable, path: Path) -> Answer:
    """Solve and describe.

    Args:
        settings: Of the controls.
        kept: Of the solution to compare with, as `write_query` writes them; None or empty for none.
        table: Affinities.
        path: Where they were read from, for the command.
    """
    asked = Answer(write_query(settings, table), command_line(settings, table, path), nothing_kept=not kept)
    try:
        taxonomy = solution(table, settings)
    except UserError as error:
        return _in_trouble(asked, str(error))
    found = replace(
        asked,
        shown=asked.query,
        elements=graph_elements(taxonomy, table, settings.problem),
        description=sentence(taxonomy),
        caption=_caption(taxonomy),
    )
    return _with_kept(found, taxonomy, kept, table) if kept else found


def details(shown: str, kept: str | None, table: TransferTable) -> Details:
    """Tell of a solution.

    Args:
        shown: Its settings, as `write_query` writes them.
        kept: Those of the solution to compare with; None or empty for none.
        table: Affinities.
    """
    taxonomy = solution(table, read_query(shown, table))
    found = Details(summary(taxonomy, table.tasks), targets_table(taxonomy, table))
    if not kept:
        return found
    try:
        before = solution(table, read_query(kept, table))
    except UserError as error:
        return replace(found, difference=[message(f"There is nothing to compare with: {error}")])
    return replace(found, difference=difference_table(difference(before, taxonomy), table.tasks))


def unanswered(what: str, kept: str | None) -> Answer:
    """What is shown where a control is blank.

    Args:
        what: The control, in words.
        kept: As for `answer`.
    """
    return _in_trouble(Answer(nothing_kept=not kept), f"the {what} is blank; give a number.")


def _in_trouble(asked: Answer, why: str) -> Answer:
    return replace(asked, trouble=[message(why)], look=f"{_LOOK} faded", no_keeping=True, no_exports=True)


def _with_kept(found: Answer, taxonomy: Taxonomy, kept: str, table: TransferTable) -> Answer:
    try:
        settings = read_query(kept, table)
        before = solution(table, settings)
    except UserError:
        return replace(found, kept_elements=[], kept_description="", kept_caption="")  # `details` says why
    return replace(
        found,
        caption=f"Now: {_caption(taxonomy)}",
        kept_elements=graph_elements(before, table, settings.problem),
        kept_description=f"Kept: {sentence(before)}",
        kept_caption=f"Kept: {_caption(before)}",
    )


def _caption(taxonomy: Taxonomy) -> str:
    return f"budget {taxonomy.budget:g}, order ≤ {taxonomy.max_order}: {taxonomy.objective:.4f}"
