"""Sheets of what networks and transfers make of the same photos. They lay out tiles; nothing here runs a network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from perception import Group, TaskDictionary, UserError
from perception.pictures import Tile
from taxonomy.report.canvas import GAP_PX, INK, LINE_PX, QUIET, Canvas, Line, small_png, wrapped
from taxonomy.report.findings import Chapter, ReportPicture
from taxonomy.report.style import GROUP_COLOURS, GROUP_NAMES, MUTED, task_colour
from taxonomy.transfers import PIXELS, RANDOM, SELF

_SHEET_PX = 1440
_PREDICTION_SIDES_PX = (112, 96, 80, 64)
_TRANSFER_SIDES_PX = (80, 72, 64, 48)
_MARGIN_PX = 8
_BLOCK_GAP_PX = 16
_HEAD_PX = 22


@dataclass(frozen=True)
class TaskSamples:
    """One task on some photos.

    Args:
        task: Canonical name.
        labels: What is right, one for each photo; None where it is unknown.
        predictions: What the task's network says.
        inputs: What the network sees, where it is not the photo itself (masked, shuffled, several views); or empty.
    """

    task: str
    labels: Sequence[Tile | None]
    predictions: Sequence[Tile | None]
    inputs: Sequence[Tile | None] = ()

    @property
    def columns(self) -> tuple[tuple[str, Sequence[Tile | None]], ...]:
        """With their headings."""
        inputs = (("input", self.inputs),) if self.inputs else ()
        return (*inputs, ("label", self.labels), ("prediction", self.predictions))


@dataclass(frozen=True)
class DrawnTransfer:
    """What one transfer says.

    Args:
        sources: Its sources; `self`, `pixels` and `random` have places of their own.
        tile: Its prediction.
        affinity: By which transfers of the same order are sorted.
    """

    sources: tuple[str, ...]
    tile: Tile
    affinity: float = 0.0


@dataclass(frozen=True)
class TargetTransfers:
    """All drawn transfers to one target, on one photo.

    Args:
        target: Canonical name.
        label: What is right; None if it is unknown.
        transfers: In any order.
    """

    target: str
    label: Tile | None
    transfers: Sequence[DrawnTransfer]

    def single(self, name: str) -> Tile | None:
        """Of `self`, `pixels` or `random`."""
        return next((transfer.tile for transfer in self.transfers if transfer.sources == (name,)), None)

    def ranked(self, *, high_order: bool) -> list[DrawnTransfer]:
        """Transfers from one trained source, or from several, by falling affinity."""
        chosen = [
            transfer
            for transfer in self.transfers
            if (len(transfer.sources) > 1) == high_order and transfer.sources[0] not in (SELF, PIXELS, RANDOM)
        ]
        return sorted(chosen, key=lambda transfer: (-transfer.affinity, len(transfer.sources), transfer.sources))


def prediction_picture(photos: Sequence[Tile], samples: Sequence[TaskSamples], tasks: TaskDictionary) -> ReportPicture:
    """Label and prediction of every task on the same photos, one row each.

    Args:
        photos: With captions, if they have a name.
        samples: One tile for each photo.
        tasks: The dictionary, for order and colours.

    Raises:
        UserError: If a task has not one tile for each photo, or there is nothing to draw.
    """
    for sample in samples:
        for heading, tiles in sample.columns:
            if len(tiles) != len(photos):
                raise UserError(f"{sample.task} has {len(tiles)} tiles of {heading} for {len(photos)} photos.")
    if not photos or not samples:
        raise UserError(f"predictions of {len(samples)} tasks on {len(photos)} photos cannot be drawn.")
    by_task = {sample.task: sample for sample in samples}
    ordered = [by_task[name] for name in tasks.in_order(by_task)]
    return ReportPicture(
        "Sample predictions",
        "Label and prediction of every task's network on the same photos of buildings that no network saw, one photo "
        "a row; where a network sees something other than the photo, that stands before them.",
        small_png(lambda side_px: _prediction_sheet(photos, ordered, tasks, side_px), _PREDICTION_SIDES_PX),
    )


def transfer_pictures(photo: Tile, rows: Sequence[TargetTransfers], tasks: TaskDictionary) -> list[ReportPicture]:
    """All transfers to every target on one photo, a sheet for each group of targets.

    Args:
        photo: What all of them see.
        rows: One for each target.
        tasks: The dictionary, for order and colours.
    """
    by_target = {row.target: row for row in rows}
    pictures = []
    for group in Group:
        chosen = [by_target[name] for name in tasks.in_order(by_target) if tasks[name].group is group]
        if chosen:
            pictures.append(_transfer_picture(photo, chosen, tasks, GROUP_NAMES[group]))
    return pictures


def _transfer_picture(photo: Tile, rows: Sequence[TargetTransfers], tasks: TaskDictionary, group: str) -> ReportPicture:
    scratch = ", a network trained from scratch on the readouts' few images" if any(map(_has_scratch, rows)) else ""
    return ReportPicture(
        f"Transfers to {group} tasks",
        f"What every transfer to the {group} targets makes of one photo: sources in the order of their affinity, best "
        "first, under stripes in the colours of their groups; then higher orders. On the left the label, the target's "
        f"own network{scratch}, and a readout of a random encoder.",
        small_png(lambda side_px: _transfer_sheet(photo, rows, tasks, side_px), _TRANSFER_SIDES_PX),
        Chapter.TRANSFERS,
    )


def _prediction_sheet(
    photos: Sequence[Tile], samples: Sequence[TaskSamples], tasks: TaskDictionary, side_px: int
) -> Image.Image:
    step = side_px + GAP_PX
    first_px = _MARGIN_PX + step + _BLOCK_GAP_PX
    bands = list(_bands(samples, step, _SHEET_PX - first_px))
    row_px = side_px + LINE_PX + 2 * GAP_PX
    band_px = _HEAD_PX + LINE_PX + GAP_PX + len(photos) * row_px + _BLOCK_GAP_PX
    width_px = max(first_px + sum(_block_px(sample, step) for sample in band) for band in bands)
    canvas = Canvas(width_px, 2 * _MARGIN_PX + len(bands) * band_px - _BLOCK_GAP_PX)
    for place, band in enumerate(bands):
        top = _MARGIN_PX + place * band_px
        _draw_column(canvas, (_MARGIN_PX, top + _HEAD_PX), "photo", photos, side_px, "")
        x = first_px
        for sample in band:
            colour, block_px = task_colour(sample.task, tasks), _block_px(sample, step)
            canvas.heading((x, top), sample.task, colour)
            canvas.rule((x, top + _HEAD_PX - 3), block_px - _BLOCK_GAP_PX - GAP_PX, colour)
            for column, (heading, tiles) in enumerate(sample.columns):
                at = x + column * step, top + _HEAD_PX
                _draw_column(canvas, at, heading, tiles, side_px, sample.task)
            x += block_px
    return canvas.image


def _bands(samples: Sequence[TaskSamples], step: int, width_px: int) -> Iterator[list[TaskSamples]]:
    """Tasks side by side, as many as the width holds."""
    band: list[TaskSamples] = []
    for sample in samples:
        if band and sum(_block_px(one, step) for one in (*band, sample)) > width_px:
            yield band
            band = []
        band.append(sample)
    yield band


def _block_px(sample: TaskSamples, step: int) -> int:
    return len(sample.columns) * step + _BLOCK_GAP_PX


def _draw_column(
    canvas: Canvas, at: tuple[int, int], heading: str, tiles: Sequence[Tile | None], side_px: int, task: str
) -> None:
    x, y = at
    canvas.caption(at, [Line(heading, QUIET)], side_px)
    y += LINE_PX + GAP_PX
    for tile in tiles:
        canvas.tile((x, y), tile, side_px)
        canvas.caption((x, y + side_px + 1), [Line(_said(tile, task), INK)], side_px)
        y += side_px + LINE_PX + 2 * GAP_PX


def _said(tile: Tile | None, task: str) -> str:
    """A tile's caption without the name of the task that stands above it."""
    return "" if tile is None else tile.caption.removeprefix(task).lstrip(": ")


@dataclass(frozen=True)
class _Cell:
    """A tile of the transfer sheet, with the lines below it."""

    tile: Tile | None
    lines: list[Line]
    stripes: tuple[str, ...] = ()


def _transfer_sheet(photo: Tile, rows: Sequence[TargetTransfers], tasks: TaskDictionary, side_px: int) -> Image.Image:
    """For each target two lines of tiles, in three parts: what to compare with, first order, higher orders."""
    step = side_px + GAP_PX
    parts = [_parts(row, tasks, side_px) for row in rows]
    columns = [max(-(-len(part) // 2) for part in of_rows) for of_rows in zip(*parts, strict=True)]
    lefts = [_MARGIN_PX]
    for count in columns[:-1]:
        lefts.append(lefts[-1] + count * step + (_BLOCK_GAP_PX if count else 0))
    width_px = lefts[-1] + columns[-1] * step - GAP_PX + _MARGIN_PX
    heights = [[_line_px(line, side_px) for line in _two_lines(row, columns)] for row in parts]
    top = _MARGIN_PX + step + LINE_PX + _BLOCK_GAP_PX
    canvas = Canvas(width_px, top + sum(_HEAD_PX + LINE_PX + sum(two) + _BLOCK_GAP_PX for two in heights))
    _draw_head(canvas, photo, side_px)
    for row, cells, two in zip(rows, parts, heights, strict=True):
        canvas.rule((_MARGIN_PX, top - 8), width_px - 2 * _MARGIN_PX)
        canvas.heading((_MARGIN_PX, top), row.target, task_colour(row.target, tasks))
        titles = ("", f"first order: {len(cells[1])} sources, best first", "higher orders")
        for left, title, count in zip(lefts, titles, columns, strict=True):
            canvas.caption((left, top + _HEAD_PX - 4), [Line(title, QUIET)] if count else [], max(count * step, 1))
        y = top + _HEAD_PX + LINE_PX
        for number, line_px in enumerate(two):
            for left, part, count in zip(lefts, cells, columns, strict=True):
                for place, cell in enumerate(part[number * count : (number + 1) * count]):
                    at = left + place * step, y
                    canvas.tile(at, cell.tile, side_px, cell.stripes)
                    canvas.caption((at[0], y + side_px + 1), cell.lines, side_px)
            y += line_px
        top = y + _BLOCK_GAP_PX
    return canvas.image


def _parts(row: TargetTransfers, tasks: TaskDictionary, side_px: int) -> tuple[list[_Cell], list[_Cell], list[_Cell]]:
    compared = [
        _Cell(tile, [Line(title, QUIET), *wrapped(_said(tile, row.target), INK, side_px)])
        for title, tile in (
            ("label", row.label),
            ("own network", row.single(SELF)),
            *([("from scratch", row.single(PIXELS))] if _has_scratch(row) else []),
            ("random", row.single(RANDOM)),
        )
    ]
    first, higher = (
        [_cell(transfer, row.target, tasks, side_px) for transfer in row.ranked(high_order=high)]
        for high in (False, True)
    )
    return compared, first, higher


def _has_scratch(row: TargetTransfers) -> bool:
    """Of a run's own targets it is not drawn: its losses are kept, and its weights are not."""
    return row.single(PIXELS) is not None


def _cell(transfer: DrawnTransfer, target: str, tasks: TaskDictionary, side_px: int) -> _Cell:
    colours = [task_colour(name, tasks) if name in tasks else MUTED for name in transfer.sources]
    lines = []
    for place, (name, colour) in enumerate(zip(transfer.sources, colours, strict=True)):
        lines += wrapped(f"+ {name}" if place else name, colour, side_px)
    said = wrapped(_said(transfer.tile, target), INK, side_px)
    return _Cell(transfer.tile, [*lines, *said], tuple(colours))


def _two_lines(parts: Sequence[Sequence[_Cell]], columns: Sequence[int]) -> list[list[_Cell]]:
    """The cells that stand in the upper and in the lower line."""
    return [
        [cell for part, count in zip(parts, columns, strict=True) for cell in part[n * count : (n + 1) * count]]
        for n in range(2)
    ]


def _line_px(cells: Sequence[_Cell], side_px: int) -> int:
    if not cells:
        return 0
    return side_px + LINE_PX * max(len(cell.lines) for cell in cells) + 2 * GAP_PX


def _draw_head(canvas: Canvas, photo: Tile, side_px: int) -> None:
    canvas.tile((_MARGIN_PX, _MARGIN_PX), photo, side_px)
    canvas.caption((_MARGIN_PX, _MARGIN_PX + side_px + 1), [Line(photo.caption or "photo", QUIET)], side_px)
    x = _MARGIN_PX + side_px + _BLOCK_GAP_PX
    for place, (group, colour) in enumerate(GROUP_COLOURS.items()):
        at = x, _MARGIN_PX + place * (LINE_PX + 4)
        canvas.caption(at, [Line(f"■ {GROUP_NAMES[group]} sources", colour)], 200)
