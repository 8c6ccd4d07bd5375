"""Pictures in a grid, encoded once."""

import base64
from typing import Any

import numpy as np
from dash import html
from dash.development.base_component import Component
from numpy.typing import NDArray

from perception.pictures import png
from server.explorer.components import Children


def png_source(content: bytes) -> str:
    """What an `Img` shows, from a PNG file's content."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def source_of(pixels: NDArray[np.uint8]) -> str:
    """What an `Img` shows, from uint8 [H, W, 3]."""
    return png_source(png(pixels))


def tile(source: str, caption: Children, alt: str, *, classes: str = "", **how: Any) -> Component:
    """A picture with words under it.

    Args:
        source: From `png_source` or `source_of`.
        caption: Below it.
        alt: For those who do not see it.
        classes: Further class names.
        how: Further attributes of the figure.
    """
    parts = [html.Img(src=source, alt=alt), html.Figcaption(caption)]
    return html.Figure(parts, className=f"tile {classes}".strip(), **how)
