"""The controls: chips, sliders, and numbers of tasks."""

import math
from collections import defaultdict
from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from perception import Group
from server.explorer.components import data, field, labelled, panel, task_name
from server.explorer.pages.solver.settings import BudgetRange, Role, Settings, budget_range, offered_roles
from taxonomy import TransferTable
from taxonomy.report.style import GROUP_NAMES

ROLE_WORDS = {Role.BOTH: "source + target", Role.SOURCE: "source", Role.TARGET: "target", Role.OFF: "off"}
"""What a chip says."""

_HINT = (
    "● may be trained, ○ is wanted, ◉ both, - off. Click a task to change what it is, as far as the table "
    "has transfers for it."
)


def controls(settings: Settings, table: TransferTable) -> list[Component]:
    """All of them, set, in two panels."""
    limits = [
        field("Budget", _budget(settings), "how many sources to train; with costs, what they may cost together"),
        field("Maximum order", _order(settings, table), "most sources that one target may be reached from"),
    ]
    tasks = [html.P(html.Small(_HINT)), *_chips(settings, table), _numbers(settings, table)]
    return [panel("Limits", limits, id="solver-limits"), panel("Tasks", tasks, id="solver-tasks")]


def marks(lowest: float, highest: float) -> dict[str, str]:
    """The ends of a slider and a few places between, as it wants them."""
    count = 5
    step = max(1.0, _round_up((highest - lowest) / count))
    between = [step * index for index in range(1, count + 1) if lowest + step / 2 < step * index < highest - step / 2]
    return {f"{number:g}": f"{number:.4g}" for number in (lowest, *between, highest)}


def _round_up(number: float) -> float:
    """To 1, 2, 5, 10, 20, ..."""
    power = 10 ** math.floor(math.log10(number)) if number > 0 else 1
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= number))


def _budget(settings: Settings) -> Component:
    possible = budget_range(settings.problem) or BudgetRange(1, max(1.0, settings.budget), 1)
    return dcc.Slider(
        id="solver-budget", min=possible.lowest, max=possible.highest, step=possible.step, value=settings.budget,
        marks=marks(possible.lowest, possible.highest), updatemode="drag",
    )  # fmt: skip


def _order(settings: Settings, table: TransferTable) -> Component:
    return dcc.Slider(
        id="solver-order", min=1, max=table.max_order, step=1, value=settings.problem.max_order,
        marks=marks(1, table.max_order), updatemode="drag", disabled=table.max_order == 1,
    )  # fmt: skip


def _chips(settings: Settings, table: TransferTable) -> list[Component]:
    offered = offered_roles(table)
    families: defaultdict[Group, list[str]] = defaultdict(list)
    for name in offered:
        families[table.tasks[name].group].append(name)
    roles = {name: str(settings.problem.role(name)) for name in offered}
    return [
        *(_family(group, families[group], settings) for group in Group if group in families),
        dcc.Store(id="solver-roles", data=roles),
        dcc.Store(
            id="solver-offered",
            data={
                "words": ROLE_WORDS,
                "tasks": {
                    name: {"roles": choices, "group": str(table.tasks[name].group)} for name, choices in offered.items()
                },
            },
        ),
    ]


def _family(group: Group, names: Sequence[str], settings: Settings) -> Component:
    helpers = [
        html.Button(
            word, id={"type": f"solver-{word}", "group": str(group)}, **labelled(f"{GROUP_NAMES[group]}: {word}")
        )
        for word in ("all", "none")
    ]
    heading = html.Div([html.Span(GROUP_NAMES[group], className="task", **data(group=str(group))), *helpers])
    chips = html.Div([_chip(name, group, settings.problem.role(name)) for name in names], className="solver-chips")
    return html.Div([heading, chips], className="solver-family", role="group", **labelled(GROUP_NAMES[group]))


def _chip(name: str, group: Group, role: Role) -> Component:
    word = html.Small(ROLE_WORDS[role], id={"type": "solver-word", "task": name})
    return html.Button(
        [html.Span(name, className="task", **data(group=str(group))), word],
        id={"type": "solver-chip", "task": name},
        className="solver-chip",
        **data(role=str(role)),
        **labelled(f"{name}: {ROLE_WORDS[role]}"),
    )


def _numbers(settings: Settings, table: TransferTable) -> Component:
    importance, cost = dict(settings.problem.importance), dict(settings.problem.cost)
    head = html.Thead(html.Tr([html.Th(word, scope="col") for word in ("task", "importance", "cost")]))
    rows = []
    for name, choices in offered_roles(table).items():
        can_want, can_train = any(r.is_target for r in choices), any(r.is_source for r in choices)
        cells = [
            _number("importance", name, importance.get(name), can_want),
            _number("cost", name, cost.get(name), can_train),
        ]
        rows.append(html.Tr([html.Th(task_name(name, table.tasks), scope="row"), *map(html.Td, cells)]))
    hint = "A target counts as often as it is important; a source takes its cost of the budget. Blank is 1."
    return html.Details(
        [
            html.Summary("Importance and cost of each task"),
            html.P(html.Small(hint)),
            html.Div(html.Table([head, html.Tbody(rows)]), className="scrolls solver-numbers"),
        ],
        open=bool(importance or cost),
    )


def _number(what: str, name: str, value: float | None, possible: bool) -> Component | str:
    if not possible:
        return "-"
    control = dcc.Input(
        id={"type": f"solver-{what}", "task": name}, type="number", step="any", value=value, placeholder="1",
        debounce=True,
    )  # fmt: skip
    return html.Div(control, **data(label=f"{what} of {name}"))
