"""One look for all charts: ink and paper that follow the page, light or dark, and a colour and mark for each agent."""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html import escape
from typing import Any

from matplotlib.figure import Figure

from perception.drawing import drawing as drawing_with
from rl.study.config import StudyAgent

INK, QUIET, LINE = "#010101", "#020202", "#030303"
"""Stand for the page's own colours: `svg` puts its variables in their place."""

_VARIABLES: Mapping[str, str] = {INK: "var(--ink)", QUIET: "var(--quiet)", LINE: "var(--line)"}

_PALETTE: tuple[tuple[str, str], ...] = (
    ("#0072B2", "#6CB8F0"),
    ("#D55E00", "#FF9A57"),
    ("#008E68", "#45C79B"),
    ("#A0438A", "#DB93D2"),
    ("#8A6D00", "#E0BE4A"),
    ("#5B5BC4", "#A3A3F5"),
    ("#B3263A", "#FF8A97"),
    ("#4F7F2A", "#9CCB6B"),
    ("#00808A", "#5CC9D3"),
    ("#6B6B6B", "#B5B5B5"),
)
"""On a light page and on a dark one (the first four after Okabe and Ito)."""

_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)))
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")

_SETTINGS: Any = {
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": QUIET,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class Look:
    """How an agent is drawn.

    Args:
        stand_in: Colour in charts, which the page replaces by its own.
        light: Colour on a light page.
        dark: Colour on a dark page.
        dash: Of its lines.
        mark: Of its points.
        variable: Name of its colour in the page's style.
    """

    stand_in: str
    light: str
    dark: str
    dash: Any
    mark: str
    variable: str

    @property
    def strokes(self) -> tuple[float, ...]:
        """Lengths of the dash's strokes and gaps, in widths of the line; nothing for a solid one."""
        return () if self.dash == "-" else self.dash[1]


def looks_of(agents: Sequence[StudyAgent]) -> dict[str, Look]:
    """A look for each agent; after ten, colours come again with other dashes."""
    found = {}
    for place, agent in enumerate(agents):
        light, dark = _PALETTE[place % len(_PALETTE)]
        dash = _DASHES[place // len(_PALETTE) % len(_DASHES)]
        mark = _MARKS[place % len(_MARKS)]
        found[agent.agent] = Look(f"#0a0b{place:02x}", light, dark, dash, mark, f"--agent-{place}")
    return found


def drawing() -> AbstractContextManager[None]:
    """Draw in this report's style, whatever the caller's settings are."""
    return drawing_with(_SETTINGS)


def svg(figure: Figure, looks: Mapping[str, Look], label: str) -> str:
    """An `<svg>` element without a background whose colours are the page's variables."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, variable)
    for look in looks.values():
        text = text.replace(look.stand_in, f"var({look.variable})")
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', text)
    if size:
        text = text.replace(size[0], f'role="img" aria-label="{escape(label)}"', 1)
    return text
