"""An oracle for the solver: every set of sources is tried, with none of the solver's code or data structures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from taxonomy import TransferTable

TIE = 1e-9


@dataclass(frozen=True)
class Best:
    objective: float
    sources: tuple[str, ...]
    chosen: tuple[tuple[str, tuple[str, ...]], ...]


def best_taxonomy(
    table: TransferTable,
    budget: float,
    *,
    sources: Sequence[str],
    targets: Sequence[str],
    max_order: int,
    importance: Mapping[str, float],
    cost: Mapping[str, float],
    forced: Sequence[str] = (),
    forbidden: Sequence[str] = (),
) -> Best | None:
    """The optimum by enumeration, ties broken as the solver's documentation states; None if infeasible."""
    position = {name: index for index, name in enumerate(table.tasks)}
    edges: dict[str, list[tuple[frozenset[str], float]]] = {target: [] for target in targets}
    for transfer in table:
        needed = frozenset(transfer.target if name == "self" else name for name in transfer.sources)
        if {"random", "pixels"} & needed or transfer.target not in edges or len(transfer.sources) > max_order:
            continue
        edges[transfer.target].append((needed, importance.get(transfer.target, 1.0) * transfer.affinity))
    unit = max((abs(value) for options in edges.values() for _, value in options), default=1.0) or 1.0
    found: list[tuple[float, float, list[int], list[tuple[str, tuple[str, ...]]]]] = []
    usable = [name for name in sources if name not in forbidden]
    for chosen in chain.from_iterable(combinations(usable, k) for k in range(len(usable) + 1)):
        price = math.fsum(cost.get(name, 1.0) for name in chosen)
        if price > budget + 1e-9 or not set(forced) <= set(chosen):
            continue
        total, picks = 0.0, []
        for target in targets:
            options = [edge for edge in edges[target] if edge[0] <= set(chosen)]
            if not options:
                break
            in_order = [
                (-value, len(needed), sorted(position[name] for name in needed), needed) for needed, value in options
            ]
            value, _, _, needed = min(in_order, key=lambda option: option[:3])
            total -= value
            picks.append((target, tuple(sorted(needed, key=position.__getitem__))))
        else:
            found.append((total, price, sorted(position[name] for name in chosen), picks))
    if not found:
        return None
    top = max(total for total, *_ in found)
    tied = [entry for entry in found if entry[0] >= top - TIE * unit]
    cheapest = min(price for _, price, *_ in tied)
    names = list(table.tasks)
    total, _, where, picks = min((entry for entry in tied if entry[1] <= cheapest + 1e-9), key=lambda entry: entry[2])
    return Best(total, tuple(names[index] for index in where), tuple(picks))
