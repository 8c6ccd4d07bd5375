"""What the page shows for a size: the set, what it covers, and what it costs."""

from collections.abc import Sequence
from shlex import quote
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from perception import TASKS, TaskDictionary
from server.explorer.components import empty_state, panel, table, task_name
from server.explorer.content import Absent, Content
from server.explorer.figures import GRAPH_CONFIG
from server.explorer.pages.features.costs import PRECISIONS, Speed, Work, wire_bytes
from server.explorer.pages.features.pictures import curve
from server.explorer.pages.features.sets import MOST_FEATURES_OF_A_CURVE, CoverageSets, banks_sets, computed_sets
from taxonomy import Coverage

_CONFIG: Any = {**GRAPH_CONFIG, "displayModeBar": False}

_CURVE_TITLE = "Distance over the number of features"

Cell = str | Component | Sequence[str | Component]


def tasks_of(content: Content) -> TaskDictionary:
    """The dictionary of the affinities, which may have tasks of their own."""
    affinities = content.table
    return TASKS if isinstance(affinities, Absent) else affinities.tasks


def names(features: Sequence[str], tasks: TaskDictionary) -> Component:
    """Tasks in their colours, with commas between."""
    pieces = [piece for name in features for piece in (", ", task_name(name, tasks))][1:]
    return html.Span(pieces, className="features-names")


def set_of(content: Content, size: int) -> list[Component]:
    """The set of one size, and those of the paper and the bank beside it."""
    tasks, sets = tasks_of(content), computed_sets(content)
    if isinstance(sets, Absent):
        features = names(banks_sets(content)[size], tasks)
        why = f"The bank's own set of {size}. Distances cannot be told:"
        return [html.P(features, id="features-chosen", className="features-set"), html.P(why), empty_state(sets)]
    chosen = sets.chosen(size)
    rows = [_row(title, coverage, tasks) for title, coverage in _rivals(content, sets, size)]
    heading = ["set", "features", "worst distance", "worst-covered task", "total distance"]
    caption = "Distances on these affinities: -log of the affinity of the nearest feature, so less is better."
    less = (
        f"{size} were asked for; more than these {len(chosen.features)} do not help. " if _fewer(chosen, size) else ""
    )
    return [
        html.P(names(chosen.features, tasks), id="features-chosen", className="features-set"),
        html.P(html.Small(f"{less}{caption}")),
        html.Div(table(heading, rows), id="features-rivals"),
        html.P(["The same on the command line: ", html.Code(command(content, size), id="features-command")]),
    ]


def _fewer(coverage: Coverage, size: int) -> bool:
    return len(coverage.features) < size


def _row(title: str, coverage: Coverage, tasks: TaskDictionary) -> list[Cell]:
    return [
        title, names(coverage.features, tasks), f"{coverage.worst_distance:.4f}", task_name(coverage.worst_task, tasks),
        f"{coverage.total_distance:.4f}",
    ]  # fmt: skip


def _rivals(content: Content, sets: CoverageSets, size: int) -> list[tuple[str, Coverage]]:
    own = sets.given(banks_sets(content).get(size, ()))
    rivals = {
        f"max-coverage:{size}": sets.chosen(size),
        f"published:{size}": sets.published().get(size),
        f"of the bank {_bank_name(content)}": own,
    }
    return [(title, coverage) for title, coverage in rivals.items() if coverage is not None]


def _bank_name(content: Content) -> str:
    bank = content.bank
    return "" if isinstance(bank, Absent) else bank.name


def command(content: Content, size: int) -> str:
    """What prints the same numbers."""
    return f"midlevel taxonomy coverage {quote(str(content.options.results))} --size {size}"


def covered(coverage: Coverage, tasks: TaskDictionary) -> Component:
    """Every task under the feature nearest to it, with a bar as long as its distance."""
    longest = max(coverage.worst_distance, 1e-12)
    by_distance = sorted(coverage.distance, key=coverage.distance.__getitem__)
    rows: list[Component] = []
    for feature in coverage.features:
        own = [task for task in by_distance if coverage.nearest[task] == feature]
        count = f"{len(own)} task{'' if len(own) == 1 else 's'}"
        head = html.Th([task_name(feature, tasks), html.Small(f" {count}")], colSpan=3, scope="rowgroup")
        rows.append(html.Tbody([html.Tr(head), *(_bar(task, coverage, longest, tasks) for task in own)]))
    return html.Div(html.Table(rows, className="features-covered"), className="scrolls", tabIndex=0)


def _bar(task: str, coverage: Coverage, longest: float, tasks: TaskDictionary) -> Component:
    distance = coverage.distance[task]
    width = f"{100 * max(0.0, distance) / longest:.1f}%"
    is_worst = task == coverage.worst_task
    bar = html.Span(html.Span(style={"width": width}), className="features-bar")
    words: Cell = [f"{distance:.4f}", html.Small(" worst covered")] if is_worst else f"{distance:.4f}"
    cells = [html.Td(task_name(task, tasks)), html.Td(bar), html.Td(words, className="features-distance")]
    return html.Tr(cells, className="features-worst" if is_worst else "")


def covered_panels(content: Content, size: int) -> list[Component]:
    """What each feature covers; nothing where there are no affinities."""
    sets = computed_sets(content)
    if isinstance(sets, Absent):
        return []
    caption = "Every task stands under the chosen feature that is nearest to it; the longer the bar, the farther."
    found = covered(sets.chosen(size), tasks_of(content))
    return [panel("What each feature covers", [html.P(html.Small(caption)), found])]


def curve_panels(content: Content, size: int, theme: str | None) -> list[Component]:
    """Distances over sizes; nothing where there are no affinities."""
    sets = computed_sets(content)
    if isinstance(sets, Absent):
        return []
    if not sets.curve():
        words = f"The curve is drawn of {MOST_FEATURES_OF_A_CURVE} features at most; here a size can take minutes."
        return [panel(_CURVE_TITLE, html.P(words))]
    figure = curve(sets, size, theme)
    graph = dcc.Graph(figure=figure, id="features-curve", config=_CONFIG, style={"height": f"{figure.layout.height}px"})
    caption = "Of the best set of each size k; a set is best if its worst task is nearest, then if the total is least."
    return [panel(_CURVE_TITLE, [html.P(html.Small(caption)), graph])]


def work_table(work: Work, count: int) -> Component:
    """What `count` features of one frame take, whatever the machine."""
    million = work.multiply_adds / 1e6
    rows = [
        ["multiply-adds", f"{count * million:,.1f} M", f"{million:,.1f} M each ({work.architecture})"],
        *(
            [f"features, {precision}", f"{wire_bytes(count, precision):,} B", f"{wire_bytes(1, precision):,} B each"]
            for precision in PRECISIONS
        ),
        ["the frame, if it is sent raw", f"{work.frame_bytes:,} B", f"{work.side_px} x {work.side_px} x 3"],
    ]  # fmt: skip
    caption = (
        "For one frame. Multiply-adds are those of convolutions; bytes are what the service sends, before framing."
    )
    return html.Div([html.P(html.Small(caption)), table(["for one frame", _features(count), "of which"], rows)])


def _features(count: int) -> str:
    return f"{count} feature{'' if count == 1 else 's'}"


def speed_words(speed: Speed, count: int) -> str:
    """A measurement in a sentence."""
    return (
        f"{speed.median_ms:.2f} ms a frame for {_features(count)} (median of {speed.calls} "
        f"calls, the fastest {speed.fastest_ms:.2f} ms; {speed.how}), with whatever else runs here."
    )
