"""One look for all pictures: colours of the groups, type, and drawing without a window."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.text import Text

from perception import Group, TaskDictionary
from perception.drawing import drawing as drawing_with

GROUP_COLOURS: dict[Group, str] = {
    Group.TWO_D: "#0072B2",
    Group.THREE_D: "#D55E00",
    Group.GEOMETRIC: "#008E68",
    Group.SEMANTIC: "#A0438A",
}
"""Told apart by readers with any colour vision (after Okabe and Ito), and dark enough for text."""

GROUP_COLOURS_ON_DARK: dict[Group, str] = {
    Group.TWO_D: "#6CB8F0",
    Group.THREE_D: "#FF9A57",
    Group.GEOMETRIC: "#45C79B",
    Group.SEMANTIC: "#DB93D2",
}
"""The same hues, light enough for text on a dark page."""

GROUP_NAMES: dict[Group, str] = {
    Group.TWO_D: "2D",
    Group.THREE_D: "3D",
    Group.GEOMETRIC: "geometric",
    Group.SEMANTIC: "semantic",
}

ACCENT = "#1B1B1B"
MUTED = "#8A8A8A"
PALE = "#E3E3E3"
GUIDE = "#EEEEEE"

_SETTINGS: Any = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": "#333333",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "legend.frameon": False,
}


def drawing() -> AbstractContextManager[None]:
    """Draw in this report's style, whatever the caller's settings are."""
    return drawing_with(_SETTINGS)


def task_colour(name: str, tasks: TaskDictionary) -> str:
    """The colour of a task's group."""
    return GROUP_COLOURS[tasks[name].group]


def colour_labels(labels: Iterable[Text], tasks: TaskDictionary) -> None:
    """Colour tick labels that are task names by their group."""
    for label in labels:
        label.set_color(task_colour(label.get_text(), tasks))


def group_handles() -> list[Line2D]:
    """Legend entries for the groups."""
    return [
        Line2D([], [], marker="o", linestyle="", color=colour, label=GROUP_NAMES[group])
        for group, colour in GROUP_COLOURS.items()
    ]
