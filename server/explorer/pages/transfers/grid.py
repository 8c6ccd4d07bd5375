"""The grid: what to compare with, then every transfer by falling affinity."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from perception import TaskDictionary
from server.explorer.components import data, task_name
from server.explorer.pages.transfers.choice import Choice
from server.explorer.pages.transfers.pictures import Comparison, Shown, ShownTransfer
from server.explorer.tiles import tile


def references(found: Comparison, target: str) -> list[Component]:
    """The photo, the label, the target's own network and a random encoder."""
    named = (
        ("photo", found.photo),
        (f"label of {target}", found.label),
        (f"{target}'s own network", found.own),
        ("readout of a random encoder", found.random),
    )
    return [_reference(title, shown) for title, shown in named if shown is not None]


def transfer_tiles(found: Comparison, choice: Choice, tasks: TaskDictionary) -> list[Component]:
    """Those that are chosen; the marked one stands out."""
    return [_transfer_tile(transfer, choice, len(found.transfers), tasks) for transfer in found.chosen(choice)]


def summary(found: Comparison, choice: Choice) -> str:
    """A line about the grid."""
    shown = len(found.chosen(choice))
    if not shown:
        return f"No transfer to {choice.target} has these orders and sources; choose others."
    many = "transfer" if shown == 1 else "transfers"
    return f"{shown} of {len(found.transfers)} {many} to {choice.target}, largest affinity first."


def _reference(title: str, shown: Shown) -> Component:
    says: list[str | Component] = [html.Br(), shown.says] if shown.says else []
    caption = [html.Strong(title), *says]
    return tile(shown.source, caption, f"{title}: {shown.says}" if shown.says else title)


def _transfer_tile(transfer: ShownTransfer, choice: Choice, of: int, tasks: TaskDictionary) -> Component:
    names = " + ".join(transfer.sources)
    is_marked = tuple(sorted(transfer.sources)) == choice.marked
    says = [html.Span(transfer.picture.says, className="says")] if transfer.picture.says else []
    caption = [html.Div(_names(transfer.sources, tasks)), *says, html.Div(_numbers(transfer, of), className="numbers")]
    return tile(
        transfer.picture.source, caption, f"{names} to {choice.target}", classes="marked" if is_marked else "",
        **({"id": "transfers-marked"} if is_marked else {}), **data(sources=",".join(transfer.sources)),
    )  # fmt: skip


def _names(sources: Sequence[str], tasks: TaskDictionary) -> list[str | Component]:
    parts: list[str | Component] = []
    for place, name in enumerate(sources):
        parts += [*([" + "] if place else []), task_name(name, tasks)]
    return parts


def _numbers(transfer: ShownTransfer, of: int) -> list[Component]:
    rates = [
        f"{name} {rate:.2f}"
        for name, rate in (("gain", transfer.gain), ("quality", transfer.quality))
        if rate is not None
    ]
    lines = [f"rank {transfer.rank} of {of}", f"affinity {transfer.affinity:.3g}", *rates]
    return [html.Span(line) for line in lines]
