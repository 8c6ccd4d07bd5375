"""Drawing with matplotlib in the project's type, without a window and whatever the caller's settings are."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

_TYPE: Any = MappingProxyType(
    {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.parse_math": False,  # names of tasks and agents are text
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
        "svg.hashsalt": "midlevel",  # the same picture has the same bytes
    }
)
"""What all pictures have in common."""


@contextmanager
def drawing(settings: Any) -> Iterator[None]:
    """Draw in the project's type.

    Args:
        settings: A report's own, as matplotlib's `rcParams`.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_TYPE)
        mpl.rcParams.update(settings)
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """A figure of this size that belongs to no window and to no global list."""
    return Figure(figsize=(width_in, height_in))
