"""What a visitor chooses with: target, orders, sources, and the image."""

from typing import TYPE_CHECKING, Any

from dash import dcc, html
from dash.development.base_component import Component

from perception import TaskDictionary
from server.explorer.components import field, task_name
from server.explorer.pages.transfers.choice import Choice, Offer
from server.explorer.pages.transfers.pictures import thumbnail
from taxonomy.report.style import GROUP_NAMES

if TYPE_CHECKING:
    from taxonomy.pipeline import FinishedRun

AT_ONCE = 12
"""Thumbnails in a row; further ones are turned to."""


def choosers(offer: Offer, choice: Choice, tasks: TaskDictionary) -> list[Component]:
    """Target, orders and sources."""
    return [
        field(
            "Target",
            dcc.Dropdown(_options(offer.targets, tasks), choice.target, id="transfers-target", clearable=False),
        ),
        field(
            "Orders",
            dcc.Checklist(
                [{"label": _order_name(order), "value": order} for order in offer.orders], list(choice.orders),
                id="transfers-orders", inline=True,
            ),
            "How many sources a transfer reads.",
        ),
        field(
            "Sources",
            dcc.Dropdown(
                _options(offer.sources, tasks), list(choice.among), id="transfers-among", multi=True,
                placeholder="all",
            ),
            "Only transfers from one of these.",
        ),
    ]  # fmt: skip


def image_row(run: "FinishedRun", choice: Choice, offer: Offer) -> Component:
    """Thumbnails of some test images: one is chosen, with the arrow keys too."""
    start = start_of_row(choice.image)
    is_first, is_last = ends(start, offer.images)
    return html.Div(
        [
            html.Button("←", id="transfers-earlier", title="Earlier images", disabled=is_first),
            html.Div(thumbnails(run, start, choice.image), id="transfers-images", className="scrolls images"),
            html.Button("→", id="transfers-later", title="Later images", disabled=is_last),
        ],
        className="image-row",
    )


def thumbnails(run: "FinishedRun", start: int, image: int) -> Component:
    """A row of test images, of which one is chosen.

    Args:
        run: Whose.
        start: The first of the row.
        image: The chosen one.

    Raises:
        UserError: If one cannot be read.
    """
    options = [
        {"label": html.Img(src=thumbnail(run, place), alt=f"image {place}", title=f"image {place}"), "value": place}
        for place in range(start, min(start + AT_ONCE, len(run.tests)))
    ]
    return dcc.RadioItems(options, image, id="transfers-image", inline=True)


def start_of_row(image: int) -> int:
    """The first image of the row in which one stands."""
    return image - image % AT_ONCE


def turned(image: int, rows: int, images: int) -> int:
    """The first image of the row that stands so many rows after that of an image; the last there is, at most."""
    return min(max(start_of_row(image) + rows * AT_ONCE, 0), start_of_row(images - 1))


def ends(start: int, images: int) -> tuple[bool, bool]:
    """Whether a row is the first, and whether it is the last."""
    return start == 0, start + AT_ONCE >= images


def _options(names: tuple[str, ...], tasks: TaskDictionary) -> list[dict[str, Any]]:
    return [{"label": _labelled(name, tasks), "value": name, "search": name} for name in names]


def _labelled(name: str, tasks: TaskDictionary) -> Component:
    group = f" {GROUP_NAMES[tasks[name].group]}" if name in tasks else ""
    return html.Span([task_name(name, tasks), html.Small(group)])


def _order_name(order: int) -> str:
    return "1 source" if order == 1 else f"{order} sources"
