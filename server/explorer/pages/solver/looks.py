"""Cytoscape's style sheets, in the page's colours."""

from typing import Any

from server.explorer.figures import THEMES
from server.explorer.pages.solver.elements import JUNCTION_SIZE

_PAGES = {"light": "#ffffff", "dark": "#15171a"}  # `--page`, which a canvas cannot look up, to fill what is hollow
_TEXT_WIDTH = 106


def graph_style(theme: str | None) -> list[dict[str, Any]]:
    """How `graph_elements` look.

    Args:
        theme: "light" or "dark"; light before the browser has told.
    """
    colours, page = THEMES[theme or "light"], _PAGES[theme or "light"]
    task = {
        "width": "data(size)", "height": "data(size)", "background-color": page, "border-width": 1.7,
        "label": "data(label)", "font-size": 9.4, "text-rotation": "data(turn)", "text-halign": "data(side)",
        "text-valign": "center", "text-margin-x": "data(right)", "text-margin-y": "data(down)",
        "text-max-width": _TEXT_WIDTH, "text-wrap": "ellipsis", "font-family": "system-ui, sans-serif",
    }  # fmt: skip
    curve = {
        "width": "data(width)", "curve-style": "unbundled-bezier", "control-point-distances": "data(bend)",
        "control-point-weights": 0.5, "edge-distances": "node-position", "events": "no",
    }  # fmt: skip
    arrow = {"target-arrow-shape": "triangle", "arrow-scale": 0.55}
    junction = {
        "width": JUNCTION_SIZE, "height": JUNCTION_SIZE, "background-color": page, "border-width": 1.2,
        "label": "data(label)", "font-size": 7, "color": colours.ink, "text-valign": "center", "text-halign": "center",
    }  # fmt: skip
    rules: list[tuple[str, dict[str, Any]]] = [
        ("node.corner", {"width": 0.1, "height": 0.1, "opacity": 0, "events": "no"}),
        ("node.task", task),
        ("node.junction", junction),
        ("edge", {**curve, "line-color": colours.ink, "target-arrow-color": colours.ink}),
        ("edge.whole", {**arrow, "opacity": 0.75}),
        ("edge.part", {"opacity": 0.55}),
        ("edge.goal", {**arrow, "curve-style": "straight"}),
    ]
    for group, colour in colours.groups.items():
        rules += [
            (f"node.group-{group}", {"border-color": colour}),
            (f"node.task.group-{group}", {"color": colour}),
            (f"node.trained.group-{group}", {"background-color": colour, "font-weight": "bold"}),
            (f"node.by-itself.group-{group}", _ring(colour, page)),
            (f"edge.group-{group}", {"line-color": colour, "target-arrow-color": colour}),
        ]
    rules += [("node.wanted", {"text-opacity": 0.85}), ("node.unused", {"opacity": 0.45})]
    return [{"selector": selector, "style": style} for selector, style in rules]


def _ring(colour: str, page: str) -> dict[str, Any]:
    """A hollow spot in a trained node: it serves itself, as in the report."""
    return {
        "background-fill": "radial-gradient",
        "background-gradient-stop-colors": f"{page} {page} {colour} {colour}",
        "background-gradient-stop-positions": "0 24 30 100",
    }
