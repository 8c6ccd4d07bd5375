"""A solution as files."""

import io
import json
from collections.abc import Callable
from threading import Lock

from server.explorer.pages.solver.places import circle_order
from taxonomy import Taxonomy, TransferTable

_DRAWING = Lock()  # matplotlib's settings are the process's, not the thread's
_PNG_DPI = 200


def as_json(taxonomy: Taxonomy) -> bytes:
    """What `midlevel taxonomy solve --json` prints."""
    return (json.dumps(taxonomy.to_json(), indent=2, allow_nan=False) + "\n").encode()


def as_svg(taxonomy: Taxonomy, table: TransferTable) -> bytes:
    """The report's picture of it, as SVG."""
    return _drawn(taxonomy, table, "svg")


def as_png(taxonomy: Taxonomy, table: TransferTable) -> bytes:
    """The report's picture of it, as PNG."""
    return _drawn(taxonomy, table, "png")


EXPORTS: dict[str, Callable[[Taxonomy, TransferTable], bytes]] = {
    "json": lambda taxonomy, _: as_json(taxonomy), "svg": as_svg, "png": as_png,
}  # fmt: skip
"""By the ending of the file's name."""


def file_name(taxonomy: Taxonomy, kind: str) -> str:
    """What to call the file of a solution."""
    return f"taxonomy-budget-{taxonomy.budget:g}-order-{taxonomy.max_order}.{kind}"


def _drawn(taxonomy: Taxonomy, table: TransferTable, kind: str) -> bytes:
    from perception.drawing import new_figure
    from taxonomy.report.graphs import draw_taxonomy
    from taxonomy.report.style import drawing, group_handles

    content = io.BytesIO()
    with _DRAWING, drawing():
        figure = new_figure(5.4, 5.9)
        draw_taxonomy(figure.subplots(), taxonomy, circle_order(table), table.tasks)
        figure.legend(handles=group_handles(), loc="outside lower center", ncols=4, fontsize=9)
        metadata = {"Date": None} if kind == "svg" else None  # the same picture has the same bytes
        figure.savefig(content, format=kind, dpi=_PNG_DPI, facecolor="white", metadata=metadata)
    return content.getvalue()
