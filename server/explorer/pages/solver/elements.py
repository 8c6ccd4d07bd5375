"""A taxonomy as the elements of a Cytoscape graph."""

import math
from functools import lru_cache
from typing import Any

from server.explorer.pages.solver.places import RADIUS, Place, angles, bend, place
from server.explorer.pages.solver.settings import Problem, Role
from taxonomy import Taxonomy, Transfer, TransferTable

TRAINED_SIZE, UNTRAINED_SIZE, JUNCTION_SIZE = 11.0, 7.0, 10.0
"""Diameters, where the circle's radius is 100."""

_JUNCTION = 0.80  # share of the radius at which the sources of a higher-order transfer meet, as in the report
_LABEL = 1.10
_EDGE_OF_VIEW = 2.12

Element = dict[str, Any]


def graph_elements(taxonomy: Taxonomy, table: TransferTable, problem: Problem) -> list[Element]:
    """Nodes and edges.

    Every task that is not off is a node, whose data tell whether it is `trained`, and for a target its `sources` and
    `affinity`. A transfer from one source is an edge; those of more sources meet in a junction that shows how many.

    Args:
        taxonomy: The solution.
        table: The table it was found in, which decides the places.
        problem: What was asked.
    """
    at = {name: place(angle) for name, angle in angles(table).items()}
    reached = {transfer.target: transfer for transfer in taxonomy.transfers}
    drawn = [transfer for transfer in taxonomy.transfers if not _serves_itself(transfer)]
    widest = _largest_affinity(table)
    elements = [_corner("upper", -1), _corner("lower", 1)]
    for name, angle in angles(table).items():
        if problem.role(name) != Role.OFF:
            elements.append(_task(name, angle, table, reached.get(name), name in taxonomy.sources))
    for transfer in sorted(drawn, key=lambda transfer: transfer.affinity):
        width = 1 + 2.8 * math.sqrt(transfer.affinity / widest)
        elements += _transfer(transfer, at, table, width)
    return elements


@lru_cache(maxsize=32)
def _largest_affinity(table: TransferTable) -> float:
    """Of all that could be drawn, so that edges of one width mean the same in all graphs; 1 where all are 0."""
    drawn = (transfer for transfer in table if transfer.is_candidate and not _serves_itself(transfer))
    return max((transfer.affinity for transfer in drawn), default=0.0) or 1.0


def _corner(name: str, side: int) -> Element:
    """An unseen node: with both of them, all graphs are fitted into the page alike."""
    edge = side * _EDGE_OF_VIEW * RADIUS
    return {"data": {"id": f"corner {name}"}, "position": {"x": edge, "y": edge}, "classes": "corner"}


def _task(name: str, angle: float, table: TransferTable, transfer: Transfer | None, trained: bool) -> Element:
    size = TRAINED_SIZE if trained else UNTRAINED_SIZE
    on_left = math.cos(angle) < -1e-9
    point = place(angle)
    offset = point.scaled(_LABEL - 1)
    data = {
        "id": name,
        "label": name,
        "trained": trained,
        "sources": list(transfer.trained_sources) if transfer else None,
        "affinity": transfer.affinity if transfer else None,
        "size": size,
        "side": "left" if on_left else "right",
        "turn": -angle + (math.pi if on_left else 0),
        "right": offset.x + (size / 2 if on_left else -size / 2),
        "down": offset.y,
    }
    by_itself = transfer is not None and _serves_itself(transfer)
    classes = ["task", _group(name, table), "trained" if trained else "wanted" if transfer else "unused"]
    return {
        "data": data,
        "position": {"x": point.x, "y": point.y},
        "classes": " ".join([*classes, *(["by-itself"] if by_itself else [])]),
    }


def _transfer(transfer: Transfer, at: dict[str, Place], table: TransferTable, width: float) -> list[Element]:
    target, sources = transfer.target, transfer.trained_sources
    if len(sources) == 1:
        start, end = at[sources[0]], at[target]
        return [_edge(sources[0], target, width, bend(start, end), f"whole {_group(sources[0], table)}")]
    junction = f"sources of {target}"
    point = at[target].scaled(_JUNCTION)
    node = {
        "data": {"id": junction, "label": str(len(sources))},
        "position": {"x": point.x, "y": point.y},
        "classes": f"junction {_group(target, table)}",
    }
    parts = [
        _edge(source, junction, width, bend(at[source], point), f"part {_group(source, table)}")
        for source in sources
        if source != target
    ]
    return [node, *parts, _edge(junction, target, width, 0, "goal")]


def _edge(source: str, target: str, width: float, bent: float, classes: str) -> Element:
    data = {"id": f"{source} -> {target}", "source": source, "target": target, "width": width, "bend": bent}
    return {"data": data, "classes": classes}


def _serves_itself(transfer: Transfer) -> bool:
    """Whether its target is trained, not transferred to: its node says so, without an edge."""
    return transfer.trained_sources == (transfer.target,)


def _group(name: str, table: TransferTable) -> str:
    return f"group-{table.tasks[name].group}"
