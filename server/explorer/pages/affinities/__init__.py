"""The affinity matrix, before and after AHP, and beside another file's."""

from server.explorer.page import Page
from server.explorer.pages.affinities.callbacks import register
from server.explorer.pages.affinities.layout import layout

__all__ = ["AFFINITIES"]

AFFINITIES = Page(
    "/affinities", "Affinities",
    "How well each task's features serve every other task: what was measured, and what AHP makes of it.", layout,
    register,
)  # fmt: skip
