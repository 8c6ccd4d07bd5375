"""Max-coverage feature sets: what each feature covers, and what the set costs."""

from server.explorer.page import Page
from server.explorer.pages.features.callbacks import register
from server.explorer.pages.features.layout import layout

__all__ = ["FEATURES"]

FEATURES = Page(
    "/features", "Feature sets",
    "The few features that leave no task far away: the best set of each size, what it covers and what it costs.",
    layout, register,
)  # fmt: skip
