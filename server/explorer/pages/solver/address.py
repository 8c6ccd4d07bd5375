"""Settings in the page's address, so that a link restores them.

    budget=6&order=2&target=normal,reshading&off=jigsaw&importance=normal:3&cost=autoencoding:0.5&kept=budget%3D4

A task that is not listed under `both`, `source`, `target` or `off` is all that the table lets it be. `kept` holds the
settings of a second solution in the same form.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode

from perception import UserError
from server.explorer.addresses import refuse_unknown, senseless
from server.explorer.pages.solver.settings import (
    BudgetRange,
    Numbers,
    Role,
    Settings,
    budget_range,
    default_settings,
    offered_roles,
    problem_of,
)
from taxonomy import TransferTable

_NUMBERS = ("importance", "cost")
_KEYS = ("budget", "order", *map(str, Role), *_NUMBERS, "kept")


@dataclass(frozen=True)
class Address:
    """What an address asks for.

    Args:
        settings: Of the controls.
        kept: Of the solution to compare with; None for none.
    """

    settings: Settings
    kept: Settings | None = None


def read_address(query: Mapping[str, str], table: TransferTable) -> Address:
    """What an address asks for; what it does not say is the default.

    Raises:
        UserError: For anything that it cannot mean with this table.
    """
    kept = query.get("kept")
    return Address(_settings(query, table), None if not kept else read_query(kept, table))


def read_query(query: str, table: TransferTable) -> Settings:
    """The settings that `write_query` wrote.

    Raises:
        UserError: For anything that it cannot mean with this table.
    """
    return _settings(dict(parse_qsl(query, keep_blank_values=True)), table)


def write_query(settings: Settings, table: TransferTable) -> str:
    """The settings as the part of an address after its question mark, without what is the default."""
    problem = settings.problem
    parts = {"budget": shortest(settings.budget)}
    if problem.max_order != table.max_order:
        parts["order"] = str(problem.max_order)
    for role in Role:
        names = [
            name for name, offered in offered_roles(table).items() if problem.role(name) == role and offered[0] != role
        ]
        if names:
            parts[role] = ",".join(quote(name, safe="") for name in names)
    for what in _NUMBERS:
        numbers: Numbers = getattr(problem, what)
        if numbers:
            parts[what] = ",".join(f"{quote(name, safe='')}:{shortest(number)}" for name, number in numbers)
    return urlencode(parts, safe=",:")


def shortest(number: float) -> str:
    """A number in as few characters as say it exactly."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def _settings(query: Mapping[str, str], table: TransferTable) -> Settings:
    refuse_unknown(query, _KEYS)
    default = default_settings(table)
    order = _number("order", query["order"]) if "order" in query else table.max_order
    if order not in range(1, table.max_order + 1):
        raise senseless("order", query["order"], f"a whole number, 1 to {table.max_order}")
    problem = problem_of(
        table, _roles(query, table), int(order), *(_numbers(what, query.get(what, ""), table) for what in _NUMBERS)
    )
    possible = budget_range(problem)
    if "budget" not in query:
        return Settings(problem, possible.nearest(default.budget) if possible else default.budget)
    return Settings(problem, _budget(query["budget"], possible))


def _budget(text: str, possible: BudgetRange | None) -> float:
    budget = _number("budget", text)
    highest = possible.highest if possible else math.inf
    if not 0 < budget <= highest * (1 + 1e-9):
        raise senseless("budget", text, f"more than 0, at most {highest:.12g}")
    return budget


def _roles(query: Mapping[str, str], table: TransferTable) -> dict[str, Role]:
    offered = offered_roles(table)
    roles: dict[str, Role] = {}
    for role in Role:
        for name in table.tasks.canonical(_listed(query.get(role, ""))):
            if role not in offered.get(name, (Role.OFF,)):
                choices = " or ".join(offered[name])
                raise UserError(f"the address makes {name!r} {role!s}; in this table it can be {choices}.")
            if roles.setdefault(name, role) != role:
                raise UserError(f"the address makes {name!r} {roles[name]!s} and {role!s}; say one.")
    return {name: roles.get(name, choices[0]) for name, choices in offered.items()}


def _numbers(what: str, text: str, table: TransferTable) -> dict[str, float | None]:
    pairs = [item.rpartition(":") for item in text.split(",") if item]
    for name, colon, number in pairs:
        if not colon:
            raise UserError(f"the address says {name + number!r:.60} as {what}; expected TASK:NUMBER.")
    names = table.tasks.canonical(unquote(name) for name, _, _ in pairs)
    return {name: _number(f"{what} of {name}", number) for name, (_, _, number) in zip(names, pairs, strict=True)}


def _listed(text: str) -> Iterable[str]:
    return [unquote(name) for name in text.split(",") if name]


def _number(what: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"the address says {text!r:.40} as the {what}; expected a number.")
    return number
