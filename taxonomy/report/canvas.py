"""A white sheet to lay tiles and their captions on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont

from perception import UserError
from perception.pictures import Pixels, Tile, enlarged, png
from taxonomy.report.style import MUTED, PALE

LARGEST_SHEET_MIB = 4
GAP_PX = 4
"""Between tiles that belong together."""

TEXT_PX, HEAD_PX = 11, 13
LINE_PX = 13
"""From one line of a caption to the next."""

INK, QUIET = "#333333", "#666666"

_STRIPE_PX = 3
_ELLIPSIS = "…"


@dataclass(frozen=True)
class Line:
    """One line of a caption.

    Args:
        text: What it says.
        colour: As in HTML.
    """

    text: str
    colour: str


class Canvas:
    """A white picture and a pen.

    Args:
        width_px: Of the sheet.
        height_px: Of the sheet.
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self.image = Image.new("RGB", (width_px, height_px), "white")
        self._pen = ImageDraw.Draw(self.image)

    def tile(self, at: tuple[int, int], tile: Tile | None, side_px: int, stripes: Sequence[str] = ()) -> None:
        """Put a tile down, in its proportions within a square; an empty frame for None.

        Args:
            at: Left and top.
            tile: What.
            side_px: Of the square.
            stripes: Colours along its upper edge, side by side.
        """
        x, y = at
        if tile is None:
            self._pen.rectangle((x, y, x + side_px - 1, y + side_px - 1), outline=PALE)
            self._pen.text((x + side_px / 2, y + side_px / 2), "none", MUTED, _font(TEXT_PX), anchor="mm")
            return
        picture = _fitted(tile.picture, side_px)
        self.image.paste(picture, (x + (side_px - picture.width) // 2, y + (side_px - picture.height) // 2))
        for place, colour in enumerate(stripes):
            left, right = (round(x + side_px * edge / len(stripes)) for edge in (place, place + 1))
            self._pen.rectangle((left, y, right - 1, y + _STRIPE_PX - 1), fill=colour)

    def caption(self, at: tuple[int, int], lines: Sequence[Line], width_px: int) -> None:
        """Write lines below each other, each shortened to the width."""
        for place, line in enumerate(lines):
            text = _shortened(line.text, width_px)
            self._pen.text((at[0], at[1] + place * LINE_PX), text, line.colour, _font(TEXT_PX))

    def heading(self, at: tuple[int, int], text: str, colour: str) -> None:
        """Write a heading, bold."""
        self._pen.text(at, text, colour, _font(HEAD_PX, bold=True))

    def rule(self, at: tuple[int, int], width_px: int, colour: str = PALE) -> None:
        """A horizontal line."""
        self._pen.line((at[0], at[1], at[0] + width_px - 1, at[1]), fill=colour, width=1)


def wrapped(text: str, colour: str, width_px: int) -> list[Line]:
    """A short text in as many lines as it needs, broken after underscores and at spaces."""
    lines = [""]
    for part in re.findall(r"[^_ ]+(?: %)?_*|[_ ]+", text):
        if lines[-1].strip() and text_width(lines[-1] + part) > width_px:
            lines.append("")
        lines[-1] += part
    return [Line(line.strip(), colour) for line in lines if line.strip()]


def text_width(text: str) -> float:
    """Of a caption, in pixels."""
    return float(_font(TEXT_PX).getlength(text))


def small_png(draw: Callable[[int], Image.Image], sides_px: Sequence[int]) -> bytes:
    """The PNG of a sheet with the largest tiles that keep it within `LARGEST_SHEET_MIB`.

    Args:
        draw: The sheet, given the side of a tile.
        sides_px: To be tried, falling.

    Raises:
        UserError: If the smallest tiles are too large.
    """
    for side_px in sides_px:
        content = png(draw(side_px))
        if len(content) <= LARGEST_SHEET_MIB << 20:
            return content
    raise UserError(
        f"a sheet with tiles of {sides_px[-1]} px has {len(content) / 2**20:.1f} MiB; "
        f"expected at most {LARGEST_SHEET_MIB}; draw fewer tasks or images in one."
    )


def _fitted(picture: Pixels, side_px: int) -> Image.Image:
    """As large as a square holds."""
    height, width = picture.shape[:2]
    if height == width:
        return enlarged(picture, side_px)
    scale = side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)


def _shortened(text: str, width_px: int) -> str:
    if text_width(text) <= width_px:
        return text
    while text and text_width(text + _ELLIPSIS) > width_px:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS


@cache
def _font(size_px: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The type of all other pictures; plain layout, which depends on no library that may or may not be there."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(str(path), size_px, layout_engine=ImageFont.Layout.BASIC)
