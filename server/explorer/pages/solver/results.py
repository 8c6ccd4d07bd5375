"""What a solution says, in tables and sentences."""

import math
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from perception import TaskDictionary
from server.explorer.components import table as html_table
from server.explorer.components import task_name
from server.explorer.pages.solver.difference import Difference, TargetDifference
from taxonomy import Taxonomy, Transfer, TransferTable
from taxonomy.evaluation import gain, quality

_NONE = "-"


def sentence(taxonomy: Taxonomy) -> str:
    """A solution in a sentence, which also describes its graph to those who do not see it."""
    count = len(taxonomy.sources)
    return (
        f"Budget {taxonomy.budget:g}, order up to {taxonomy.max_order}: train {count} "
        f"{'source' if count == 1 else 'sources'} ({', '.join(taxonomy.sources)}) for "
        f"{len(taxonomy.transfers)} {'target' if len(taxonomy.transfers) == 1 else 'targets'}; "
        f"objective {taxonomy.objective:.4f}."
    )


def summary(taxonomy: Taxonomy, tasks: TaskDictionary) -> list[Component]:
    """What to train, and what that is worth."""
    numbers = {
        "objective": f"{taxonomy.objective:.4f}",
        "mean gain": _percent(gain(taxonomy).mean),
        "mean quality": _percent(quality(taxonomy).mean),
    }
    return [
        html.P(["Train ", *_listed(taxonomy.sources, tasks)]),
        html.Dl(
            [html.Div([html.Dt(name), html.Dd(value)]) for name, value in numbers.items()], className="solver-totals"
        ),
    ]


def targets_table(taxonomy: Taxonomy, table: TransferTable) -> Component:
    """Each target: from what, how well; then the totals."""
    rows = [
        [
            task_name(transfer.target, table.tasks),
            _from(transfer),
            f"{transfer.affinity:.6f}",
            _percent(transfer.gain),
            _percent(transfer.quality),
        ]
        for transfer in taxonomy.transfers
    ]
    totals = [f"{taxonomy.objective:.6f}", _percent(gain(taxonomy).mean), _percent(quality(taxonomy).mean)]
    return html_table(
        ("target", "from", "affinity", "gain", "quality"),
        [*rows, [html.Strong("all"), "sum of importance times affinity, means", *map(html.Strong, totals)]],
        "Gain: win rate against training from scratch on the same little data; quality: against full supervision.",
    )


def difference_table(found: Difference, tasks: TaskDictionary) -> list[Component]:
    """What sets the solution apart from the one that was kept."""
    words: list[Component] = [
        html.P(["Comes: ", *_listed(found.gained, tasks)]),
        html.P(["Goes: ", *_listed(found.lost, tasks)]),
        html.P(f"The objective changes by {found.objective:+.6f}; {found.unchanged} targets are reached alike."),
    ]
    if not found.targets:
        return words
    rows = [
        [
            task_name(pair.target, tasks),
            _from(pair.before),
            _from(pair.after),
            _signed(pair, "affinity", "+.6f", 1),
            _signed(pair, "gain", "+.1f", 100),
            _signed(pair, "quality", "+.1f", 100),
        ]
        for pair in found.targets
    ]
    headings = ("target", "from (kept)", "from (now)", "affinity", "gain, points", "quality, points")
    return [*words, html_table(headings, rows)]


def _signed(pair: TargetDifference, what: str, form: str, factor: float) -> str:
    change = pair.change(what)
    return _NONE if change is None else format(factor * change, form)


def _from(transfer: Transfer | None) -> Component | str:
    if transfer is None:
        return "not wanted"
    query = urlencode({"target": transfer.target, "sources": ",".join(transfer.trained_sources)}, safe=",")
    return dcc.Link(" + ".join(transfer.trained_sources), href=f"/transfers?{query}")


def _listed(names: tuple[str, ...], tasks: TaskDictionary) -> list[Component | str]:
    if not names:
        return ["nothing"]
    parts: list[Component | str] = []
    for name in names:
        parts += [", ", task_name(name, tasks)]
    return parts[1:]


def _percent(rate: float | None) -> str:
    return _NONE if rate is None or math.isnan(rate) else f"{100 * rate:.1f} %"
