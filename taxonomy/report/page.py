"""The report: pictures as files, and one HTML page that holds them all and needs no network."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2
from matplotlib.figure import Figure

from perception.files import write_atomically
from taxonomy.evaluation import as_percent, gain, percentile, quality
from taxonomy.report.charts import (
    draw_coverage,
    draw_random_comparison,
    draw_source_frequency,
    draw_win_rates_by_order,
    draw_win_rates_by_target,
)
from taxonomy.report.graphs import draw_taxonomy_grid
from taxonomy.report.matrices import draw_affinity_matrix, draw_similarity_tree
from taxonomy.report.study import Study
from taxonomy.report.style import drawing

_PNG_DPI = 130
_PAGE_DPI = 84  # at which type is as large as the page's captions


@dataclass(frozen=True)
class _Picture:
    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]


def write_report(study: Study, folder: str | Path, *, title: str) -> Path:
    """Draw a study.

    Writes `figures/<name>.png` and `.svg`, and last `report.html`, which has the pictures inside it.

    Args:
        study: What to draw.
        folder: Where to write; made if missing.
        title: Heading of the page, usually the name of the affinity file.

    Returns:
        The path of the page.

    Raises:
        UserError: If the folder cannot be written to.
    """
    folder = Path(folder)
    shown = []
    with drawing():
        for picture in _pictures(study):
            figure = picture.draw()
            svg = _rendered(figure, "svg")
            write_atomically(folder / "figures" / f"{picture.name}.svg", svg)
            write_atomically(folder / "figures" / f"{picture.name}.png", _rendered(figure, "png"))
            width_px = round(_PAGE_DPI * figure.get_figwidth())
            shown.append({"picture": picture, "data": base64.b64encode(svg).decode(), "width_px": width_px})
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).from_string(
        files("taxonomy.report").joinpath("page.html.j2").read_text("utf-8")
    )
    page = template.render(title=title, study=study, pictures=shown, rows=_rows(study))
    path = folder / "report.html"
    write_atomically(path, page)
    return path


def _pictures(study: Study) -> list[_Picture]:
    budgets = study.sample_budgets(4)
    pictures = [
        _Picture(
            "taxonomies",
            "Taxonomies",
            "Optimal taxonomies for growing budgets (left to right) and maximum orders (top to bottom). Tasks stand in "
            "the order of the similarity tree. Full dots are trained; each arrow is the transfer by which a task is "
            "reached, the number on it its order, its width its affinity. A white core marks a task that is solved by "
            "its own training.",
            lambda: draw_taxonomy_grid(study, budgets),
        ),
        _Picture(
            "budget_curves",
            "What a budget buys",
            "The objective, and where they were measured gain and quality, as the supervision budget grows.",
            lambda: draw_win_rates_by_order(study),
        ),
    ]
    if study.tree is not None:
        similarity = study.tree
        pictures += [
            _Picture(
                "affinity_matrix",
                "Affinities",
                "First-order affinities in alphabetical order, and in the order of the similarity tree, which is "
                "computed from the numbers alone: tasks of a kind come together. Framed cells are a task's features "
                "read out for the task itself.",
                lambda: draw_affinity_matrix(study, similarity),
            ),
            _Picture(
                "similarity_tree",
                "Similarity tree",
                "Tasks by how they transfer out.",
                lambda: draw_similarity_tree(study, similarity),
            ),
        ]
    if study.has_win_rates("gain") or study.has_win_rates("quality"):
        pictures.append(
            _Picture(
                "win_rates",
                "Gain and quality of each target",
                "Win rates, in percent of test images, of the transfer that the taxonomy chooses for each target. A "
                "quality of 50 % is that of the fully supervised network itself.",
                lambda: draw_win_rates_by_target(study),
            )
        )
    pictures += [
        _Picture(
            "source_frequency",
            "Sources",
            "Which tasks are worth training as the budget grows, and how often each is trained over all budgets and "
            "orders.",
            lambda: draw_source_frequency(study),
        ),
        _Picture(
            "random_taxonomies",
            "Against random taxonomies",
            f"{max(map(len, study.random.values()))} random feasible taxonomies for each budget: grey, random "
            "sources and a random transfer for each target; yellow, random sources and the best transfer from them.",
            lambda: draw_random_comparison(study, budgets),
        ),
    ]
    if study.coverage:
        pictures.append(
            _Picture(
                "coverage",
                "Max-coverage feature sets",
                "For an agent whose task is not known in advance: the sets of features that leave no task far from the "
                "nearest of them.",
                lambda: draw_coverage(study),
            )
        )
    return pictures


def _rendered(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}  # the same picture has the same bytes
    figure.savefig(buffer, format=kind, dpi=_PNG_DPI, facecolor="white", metadata=metadata)
    return buffer.getvalue()


def _rows(study: Study) -> list[dict[str, str]]:
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
